"""Alerts in the database, as rules make them of the readings that are there."""

from datetime import timedelta
from itertools import count

from sqlalchemy import Engine, text

from citywx.weather.alerting.book import AlertBook
from citywx.weather.alerting.definitions import parse_definitions
from citywx.weather.reading import MEASURES, Reading
from streaming.alert_messages import NO_LATENCY, event_body
from streaming.recorder_tables import record_events

_SEGMENT = "000001-9f86d081884c"
_TOOK = timedelta(seconds=1)


def judge_readings(engine: Engine, rules: str) -> None:
    """Judge all readings by rules as TOML, each event a second after its observation."""
    book = AlertBook(parse_definitions(rules))
    offsets = count()
    query = text(
        f'SELECT "timestamp", city, {", ".join(MEASURES)} FROM current_readings ORDER BY 1, 2'  # noqa: S608
    )
    with engine.begin() as connection:
        events = [
            NO_LATENCY | event_body(event, _SEGMENT, next(offsets), event.observed_at + _TOOK)
            for row in connection.execute(query).all()
            for event in book.judge(Reading(*row))
        ]
        record_events(connection, events)
