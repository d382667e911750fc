"""What the mails say: the windows of the city's day, predictions, alerts, and honest gaps."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert

from citywx.home import Home
from citywx.mail.city_news import CityNews, daily_news, load_city
from citywx.mail.daily import send_daily_summaries
from citywx.mail.folder import list_mails
from citywx.mail.operator import send_operator_mail
from citywx.mail.transport import MailConfigurationError, Outcome
from citywx.settings import WeatherSource
from citywx.warehouse.tables import city_predictions, daily_summaries, live_readings
from citywx.weather.reading import format_timestamp
from streaming.recorder_tables import record_events
from tests.support.mail import NOW, MailRoom, add_readings

pytestmark = pytest.mark.integration


def news(room: MailRoom, city: str, now: datetime | None = NOW) -> CityNews:
    with room.engine.connect() as connection:
        return daily_news(connection, load_city(connection, city), now=now)


def test_in_the_morning_the_evening_is_yesterdays(mail_room: MailRoom) -> None:
    add_readings(mail_room.engine, "Cairo")  # until 11:00 in Cairo
    current, morning, evening = news(mail_room, "Cairo").windows
    assert current.title == "Current · Tue 10 Mar, 11:00"
    assert current.headline == "19.0 °C, light rain"
    assert "Rain: take an umbrella!" in current.advice
    assert morning.title == "Morning · Tue 10 Mar, so far"
    assert morning.headline == "14 to 19 °C, few clouds"
    assert evening.title == "Evening · Mon 09 Mar"
    assert evening.headline == "26 to 31 °C, few clouds"


def test_before_the_morning_begins_yesterdays_is_told(mail_room: MailRoom) -> None:
    add_readings(mail_room.engine, "Tokyo", until=NOW + timedelta(hours=11))  # 05:00 in Tokyo
    _, morning, evening = news(mail_room, "Tokyo", NOW + timedelta(hours=11)).windows
    assert morning.title == "Morning · Tue 10 Mar"
    assert evening.title == "Evening · Tue 10 Mar"


def test_stored_summaries_are_taken_for_periods_that_are_over(mail_room: MailRoom) -> None:
    add_readings(mail_room.engine, "Cairo")
    row = {
        "city": "Cairo",
        "local_date": date(2026, 3, 9),
        "period": "evening",
        "readings": 6,
        "temperature_min": 1.0,
        "temperature_max": 2.0,
        "advice": ["Stored advice."],
    }
    with mail_room.engine.begin() as connection:
        stale = {**row, "local_date": date(2026, 3, 10), "period": "morning"}
        connection.execute(insert(daily_summaries), [row, stale])
    _, morning, evening = news(mail_room, "Cairo").windows
    assert evening.headline == "1 to 2 °C"
    assert evening.advice == ("Stored advice.",)
    assert morning.headline == "14 to 19 °C, few clouds"


def test_live_readings_are_current_before_the_batch_has_them(mail_room: MailRoom) -> None:
    add_readings(mail_room.engine, "Cairo", until=NOW - timedelta(hours=1))
    live = {
        "source": "csv",
        "city": "Cairo",
        "timestamp": NOW,
        "temperature_c": -3.25,
        "wind_speed": 500.0,
        "segment": "s",
        "byte_offset": 0,
    }
    with mail_room.engine.begin() as connection:
        connection.execute(insert(live_readings), live)
    current = news(mail_room, "Cairo").windows[0]
    assert current.headline == "−3.2 °C"
    assert current.details == ()  # no wind blows at 500 m/s


def test_gaps_are_told_and_nothing_is_invented(mail_room: MailRoom) -> None:
    assert news(mail_room, "Oslo") == CityNews(
        "Oslo",
        news(mail_room, "Oslo").windows,
        note="There are no readings of Oslo yet.",
    )
    assert {window.headline for window in news(mail_room, "Oslo").windows} == {"no readings"}
    add_readings(mail_room.engine, "Cairo", until=NOW - timedelta(hours=30), hours=5)
    stale = news(mail_room, "Cairo")
    assert stale.note == "No reading since 09 March, 05:00: what follows may be out of date."


def test_a_replay_speaks_of_the_time_of_its_data(mail_room: MailRoom) -> None:
    replay = Home.named(mail_room.settings, "replayed")
    replay.claim(mail_room.settings, WeatherSource.REPLAY)
    add_readings(mail_room.engine, "Cairo")
    mail_room.subscribe("ada@example.org")
    years_later = NOW + timedelta(days=4000)
    run = send_daily_summaries(mail_room.engine, mail_room.settings, replay, now=years_later)
    assert run.local_date == years_later.date()
    (mail,) = list_mails(replay.mail)
    assert "Evening · Mon 09 Mar" in mail.text
    assert "replayed from a file" in mail.text
    assert "replayed from a file" in mail.html
    assert "No reading since" not in mail.text


def test_a_simulated_home_says_so(mail_room: MailRoom) -> None:
    simulated = Home.named(mail_room.settings, "simulated")
    simulated.claim(mail_room.settings, WeatherSource.SIMULATE)
    mail_room.subscribe("ada@example.org")
    send_daily_summaries(mail_room.engine, mail_room.settings, simulated, now=NOW)
    (mail,) = list_mails(simulated.mail)
    assert "simulated" in mail.text
    assert "simulated" in mail.html


def test_predictions_come_with_their_record_and_alerts_with_their_time(
    mail_room: MailRoom,
) -> None:
    add_readings(mail_room.engine, "Cairo")
    prediction = {
        "city": "Cairo",
        "variable": "temperature_c",
        "issue_time": NOW - timedelta(hours=1),
        "target_time": NOW + timedelta(hours=25),
        "method": "linear_trend",
        "horizon": "tomorrow",
        "value": -2.4,
        "mae": 1.5,
        "skill": 0.25,
        "points": 50,
    }
    alert = {
        "alert_id": "a",
        "event": "fired",
        "rule_id": "warm",
        "city": "Cairo",
        "severity": "info",
        "metric": "temperature_c",
        "value": 24.0,
        "limit": 23.0,
        "message": "<b>24 °C is above 23</b>",
        "observed_at": format_timestamp(NOW - timedelta(hours=2)),
        "decided_at": format_timestamp(NOW),
        "latency_ms": None,
        "segment": "s",
        "offset": 0,
    }
    yesterday = format_timestamp(NOW - timedelta(hours=25))
    old = {**alert, "alert_id": "b", "observed_at": yesterday}
    with mail_room.engine.begin() as connection:
        connection.execute(
            insert(city_predictions), [prediction, {**prediction, "method": "seasonal_naive"}]
        )
        record_events(connection, [alert, old])
    mail_room.subscribe("ada@example.org")
    send_daily_summaries(mail_room.engine, mail_room.settings, mail_room.home, now=NOW)
    (mail,) = list_mails(mail_room.home.mail)
    assert "Temperature about −2 °C, usually off by 1.5 °C (25% better" in mail.text
    assert mail.text.count("Temperature about") == 1
    assert "09:00 <b>24 °C is above 23</b>" in mail.text
    assert mail.text.count("is above 23") == 1
    assert "<b>" not in mail.html


def test_the_operator_is_mailed_at_once_where_one_is_set(mail_room: MailRoom) -> None:
    assert send_operator_mail(mail_room.settings, mail_room.home, "Run failed", "x") is None
    room = mail_room.with_settings(alert_email="ops@example.org")
    body = "Traceback:\n  <b>boom</b>"
    delivery = send_operator_mail(room.settings, room.home, "Run failed\r\nBcc: eve@x.org", body)
    assert delivery is not None
    assert delivery.outcome is Outcome.SENT
    (mail,) = list_mails(room.home.mail)
    assert mail.subject == "citywx: Run failed  Bcc: eve@x.org"
    assert body in mail.text
    assert "<b>boom" not in mail.html
    wrong = room.with_settings(alert_email="nobody")
    with pytest.raises(MailConfigurationError, match="ALERT_EMAIL"):
        send_operator_mail(wrong.settings, room.home, "s", "b", now=datetime.now(UTC))
