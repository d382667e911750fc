"""A home with a few cities and readings, and what tests of mail need of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import Connection, Engine, Row, insert, select

from citywx import subscriptions
from citywx.home import Home
from citywx.mail.tokens import Purpose, Token, sign
from citywx.settings import Settings, WeatherSource
from citywx.warehouse.tables import cities, email_ledger, mail_outbox, subscribers, weather_readings

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


@dataclass(slots=True)
class MailRoom:
    """A database, a home and its settings."""

    engine: Engine
    settings: Settings
    home: Home

    def with_settings(self, **values: object) -> "MailRoom":
        return MailRoom(self.engine, self.settings.model_copy(update=values), self.home)

    def request(
        self,
        email: str,
        *names: str,
        client: str = "192.0.2.1",
        now: datetime = NOW,
        alerts_from: str | None = None,
    ) -> str:
        return subscriptions.request_subscription(
            self.engine,
            self.settings,
            email=email,
            cities=names or ("Cairo",),
            client=client,
            now=now,
            alerts_from=alerts_from,
        )

    def confirm_token(self, email: str, *, now: datetime = NOW) -> str:
        with self.engine.connect() as connection:
            row = self.subscriber(connection, email)
        token = Token(row.subscriber_id, row.token_nonce)
        return sign(self.settings, Purpose.CONFIRM, token, now=now)

    def subscribe(
        self, email: str, *names: str, now: datetime = NOW, alerts_from: str | None = None
    ) -> None:
        """Ask and confirm, without mails."""
        with self.engine.begin() as connection:
            subscriptions.request_confirmation(
                connection, email, names or ("Cairo",), now=now, alerts_from=alerts_from
            )
        subscriptions.confirm(
            self.engine, self.settings, self.confirm_token(email, now=now), now=now
        )

    @staticmethod
    def subscriber(connection: Connection, email: str) -> Row[Any]:
        return connection.execute(select(subscribers).where(subscribers.c.email == email)).one()

    def state(self, email: str) -> str:
        with self.engine.connect() as connection:
            return str(self.subscriber(connection, email).state)

    def outbox(self) -> list[Row[Any]]:
        with self.engine.connect() as connection:
            return list(connection.execute(select(mail_outbox).order_by(mail_outbox.c.mail_id)))

    def ledger(self) -> list[Row[Any]]:
        with self.engine.connect() as connection:
            return list(connection.execute(select(email_ledger)))


def token_in(url: str) -> str:
    return parse_qs(urlsplit(url).query)["token"][0]


def add_readings(engine: Engine, city: str, until: datetime = NOW, hours: int = 48) -> None:
    """Hourly readings: 10 °C at midnight UTC, a degree more each hour, rain at the latest."""
    moments = [until - timedelta(hours=back) for back in range(hours)]
    rows = [
        {
            "timestamp": moment,
            "city": city,
            "temperature_c": 10.0 + moment.hour,
            "humidity": 60.0,
            "pressure": 1013.0,
            "wind_speed": 3.0,
            "weather": "light rain" if moment == until else "few clouds",
            "source": "csv",
        }
        for moment in moments
    ]
    with engine.begin() as connection:
        connection.execute(insert(weather_readings), rows)


@pytest.fixture
def mail_room(engine: Engine, tmp_path: Path) -> MailRoom:
    """Mails go to the home's folder; Cairo, Oslo and Tokyo are known."""
    settings = Settings(
        _env_file=None,
        data_dir=tmp_path,
        home_name="test",
        weather_source=WeatherSource.OPEN_METEO,
        secret_key="not-so-secret-in-tests",
        public_url="https://weather.example.org",
        mail_from="citywx <citywx@example.org>",
        mails_per_second=1000,
    )
    home = Home.named(settings, "test")
    home.claim(settings, WeatherSource.OPEN_METEO)
    zones = {"Cairo": "Africa/Cairo", "Oslo": "Europe/Oslo", "Tokyo": "Asia/Tokyo"}
    with engine.begin() as connection:
        rows = [{"name": name, "time_zone": zone} for name, zone in zones.items()]
        connection.execute(insert(cities), rows)
        for month in (2, 3):
            connection.exec_driver_sql(
                f"CREATE TABLE IF NOT EXISTS weather_readings_2026_0{month} "
                "PARTITION OF weather_readings "
                f"FOR VALUES FROM ('2026-0{month}-01') TO ('2026-0{month + 1}-01')"
            )
    return MailRoom(engine, settings, home)
