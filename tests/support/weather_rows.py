"""Plausible rows for every table that the dashboard reads, as the pipeline would have left them."""

import math
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, insert, text

from citywx.warehouse import tables
from citywx.weather.city import City
from citywx.weather.reading import format_timestamp
from streaming.recorder_tables import record_events

CITIES = (
    City("Cairo", "EG", 30.06, 31.25, "Africa/Cairo", 23.0),
    City("London", "GB", 51.51, -0.13, "Europe/London", 25.0),
    City("New York", "US", 40.71, -74.01, "America/New_York", 10.0),
    City("São Paulo", "BR", -23.55, -46.64, "America/Sao_Paulo", 769.0),
)
HOSTILE = City("<script>alert(1)</script> ![x](http://example.org/a.png) :red[$x$]")
"""A city name that tries everything."""

NOW = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
_STEP = timedelta(minutes=30)
_SKIES = ("clear sky", "few clouds", "overcast clouds", "light rain", "mist")


@dataclass(frozen=True, slots=True)
class Filled:
    """What was put in."""

    now: datetime
    days: int
    cities: tuple[City, ...]


def fill(engine: Engine, *, now: datetime = NOW, days: int = 14, hostile: bool = True) -> Filled:
    """Fill an empty, migrated database; the newest hour of each city is live rows."""
    cities = (*CITIES, HOSTILE) if hostile else CITIES
    with engine.begin() as connection:
        _add_partitions(connection, now - timedelta(days=days), now)
        for number, city in enumerate(cities):
            _add_city(connection, city)
            rows = _weather(city, number, now, days)
            connection.execute(
                insert(tables.weather_readings), [_cleaned(row) for row in rows[:-2]]
            )
            connection.execute(
                insert(tables.live_readings),
                [{**row, "segment": "000001-9f86d081884c", "byte_offset": i}
                 for i, row in enumerate(rows[-3:])],
            )  # fmt: skip
            _add_predictions(connection, city, now, rows[-1])
            _add_alerts(connection, city, number, now)
        _add_loads(connection, now, days)
    return Filled(now, days, cities)


def add_readings(engine: Engine, city: City, count: int, *, now: datetime = NOW) -> None:
    """Add one city with only a few live readings."""
    with engine.begin() as connection:
        _add_city(connection, city)
        rows = _weather(city, 0, now, 1)[-count:]
        connection.execute(
            insert(tables.live_readings),
            [{**row, "segment": "000001-9f86d081884c", "byte_offset": i}
             for i, row in enumerate(rows)],
        )  # fmt: skip


def _add_city(connection: Connection, city: City) -> None:
    connection.execute(
        insert(tables.cities).values(
            name=city.name,
            country=city.country,
            latitude=city.latitude,
            longitude=city.longitude,
            time_zone=city.time_zone,
            elevation_m=city.elevation_m,
            resolved=city.resolved,
        )
    )


def _add_partitions(connection: Connection, first: datetime, last: datetime) -> None:
    month = first.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while month <= last:
        following = (month + timedelta(days=32)).replace(day=1)
        connection.execute(
            text(
                f"CREATE TABLE IF NOT EXISTS weather_readings_{month:%Y_%m} "
                "PARTITION OF weather_readings "
                f"FOR VALUES FROM ('{month:%Y-%m-%d}T00:00Z') TO ('{following:%Y-%m-%d}T00:00Z')"
            )
        )
        month = following


def _weather(city: City, number: int, now: datetime, days: int) -> list[dict[str, object]]:
    chance = random.Random(number)  # noqa: S311 - made-up weather
    base = 27.0 - 6 * number
    rows: list[dict[str, object]] = []
    steps = int(timedelta(days=days) / _STEP)
    for back in range(steps, -1, -1):
        moment = now - back * _STEP
        hour = moment.hour + moment.minute / 60 + (city.longitude or 0) / 15
        wave = math.cos((hour - 15) / 24 * 2 * math.pi)
        front = 3 * math.sin(back / 90 + number)
        rows.append(
            {
                "timestamp": moment,
                "city": city.name,
                "temperature_c": round(base + 5 * wave + front + chance.gauss(0, 0.3), 1),
                "humidity": round(min(100, max(5, 60 - 18 * wave - 3 * front)), 0),
                "pressure": round(1014 - 2 * front + chance.gauss(0, 0.4), 1),
                "wind_speed": round(abs(chance.gauss(4, 2)), 1),
                "weather": _SKIES[int(front + 3) % len(_SKIES)],
                "source": "open-meteo",
            }
        )
    return rows


def _cleaned(row: dict[str, object]) -> dict[str, object]:
    temperature = float(str(row["temperature_c"]))
    moment = row["timestamp"]
    assert isinstance(moment, datetime)
    spiked = moment.day % 5 == 0 and moment.hour == 3 and moment.minute == 0
    filled = moment.day % 7 == 0 and moment.hour == 5
    return {
        **row,
        "temperature_c": temperature + (14 if spiked else 0),
        "mod_high_temp": temperature > 23,
        "low_temp": temperature < 10,
        "temp_message": None,
        "qc_flags": ["TEMPERATURE_STEP"] * spiked + ["IMPUTED"] * filled,
        "imputed": ["humidity"] if filled else [],
    }


def _add_predictions(
    connection: Connection, city: City, now: datetime, latest: dict[str, object]
) -> None:
    local = (now + timedelta(days=1)).astimezone(city.zone)
    target = local.replace(hour=12, minute=0, second=0, microsecond=0)
    errors = {"linear_trend": (3.99, -0.78), "seasonal_naive": (2.24, 0.0)}
    for variable in ("temperature_c", "humidity"):
        for issued, off in ((now - timedelta(hours=1), 5.0), (now, 0.0)):
            for method, (mae, skill) in errors.items():
                connection.execute(
                    insert(tables.city_predictions).values(
                        city=city.name,
                        variable=variable,
                        issue_time=issued,
                        target_time=target,
                        method=method,
                        horizon="tomorrow",
                        value=float(str(latest[variable])) + off + 1.5,
                        mae=mae,
                        baseline_mae=2.24,
                        skill=skill,
                        points=50,
                    )
                )


def _add_alerts(connection: Connection, city: City, number: int, now: datetime) -> None:
    rules = (
        ("warm", "info", "temperature_c", 23.0, "Temperature is above 23 °C"),
        ("storm", "warning", "wind_speed", 17.2, "Wind is above 17.2 m/s"),
        ("heat", "severe", "temperature_c", 38.0, "Temperature is above 38 °C"),
    )
    for hours in range(1, 9):
        rule, severity, metric, limit, message = rules[(hours + number) % 3]
        observed = now - timedelta(hours=5 * hours + number)
        events = ("fired",) if hours == 1 and number < 2 else ("fired", "resolved")
        record_events(
            connection,
            [
                {
                    "alert_id": f"{rule}-{number}-{hours}",
                    "event": event,
                    "rule_id": rule,
                    "city": city.name,
                    "severity": severity,
                    "metric": metric,
                    "value": limit + (0.7 if event == "fired" else -0.6),
                    "limit": limit,
                    "peak": limit + 0.9,
                    "message": message if event == "fired" else f"{message}: no longer",
                    "observed_at": format_timestamp(
                        observed + (event == "resolved") * timedelta(hours=2)
                    ),
                    "started_at": format_timestamp(observed),
                    "decided_at": format_timestamp(observed + timedelta(seconds=1)),
                    "latency_ms": 1.2 + hours / 10,
                    "segment": "000001-9f86d081884c",
                    "offset": hours,
                }
                for event in events
            ],
        )


def _add_loads(connection: Connection, now: datetime, days: int) -> None:
    for number in range(40):
        rejected, duplicates = int(number % 9 == 0), 2 * (number % 7 == 0)
        loaded = 60 + number % 5
        connection.execute(
            insert(tables.ingest_batches).values(
                run_id=None,
                loaded_at=now - timedelta(days=days) * (40 - number) / 40,
                seconds=0.2,
                bytes=loaded * 80,
                lines=loaded + rejected + duplicates + 1,
                loaded=loaded,
                duplicates=duplicates,
                corrected=0,
                rejected=rejected,
                skipped=1,
            )
        )
    for offset, (raw, reason) in enumerate(
        (
            (
                b"2026-11-23T10:00:00Z,<script>alert(1)</script>,warm,,,,",
                "temperature_c 'warm' is not a number",
            ),
            (b"2026-11-23T10:00:00Z,Oslo\x00\xff,1,2,3,4,", "contains NUL bytes"),
            (b'=HYPERLINK("http://example.org"),Oslo', "expected 9 fields, got 2"),
        )
    ):
        connection.execute(
            insert(tables.rejected_lines).values(
                segment_no=1, byte_offset=offset, raw=raw, reason=reason, first_seen=now
            )
        )
