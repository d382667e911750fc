"""Compares what was written with what has become of it: sets, by content.

Three books must agree with the ledger: the events in `alerts.ndjson`, the rows of `live_readings`
and those of `alerts`.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path

import psycopg

from citywx.home import Home
from citywx.weather.reading import MEASURES, Reading, parse_timestamp
from tests.faults.ledger import count_rows, read_rows
from tests.faults.positions import read_offset
from tests.faults.rows import Event, EventContent, digest, expected_events, number_of

_FETCH = 5_000


@dataclass(slots=True)
class Verdict:
    """How many entries of a book are not what they should be."""

    rows: int = 0
    """Entries that there should be."""
    lost: int = 0
    double: int = 0
    corrupt: int = 0
    """Other contents than were written, or never written at all."""

    def __add__(self, other: "Verdict") -> "Verdict":
        sums = (getattr(self, one.name) + getattr(other, one.name) for one in fields(self))
        return Verdict(*sums)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.double or self.corrupt)


def judge(home: Home, ledger: Path, connection: psycopg.Connection) -> dict[str, Verdict]:
    """The verdict on each book."""
    count = count_rows(ledger)
    events = dict(expected_events(count))
    return {
        "decisions": judge_snapshot(home),
        "alerts.ndjson": judge_events(events, events_of(home.alerts_log)),
        "live_readings": judge_readings(ledger, connection),
        "alerts": judge_events(events, event_rows(connection)),
    }


def judge_snapshot(home: Home) -> Verdict:
    """Bytes of the log that the alerter's own snapshot does not vouch for count as lost."""
    decided = read_offset(home.state / "alerter.json") or 0
    return Verdict(lost=max(0, home.readings_csv.stat().st_size - decided))


def judge_events(
    expected: Mapping[Event, EventContent], found: Iterable[tuple[Event, EventContent]]
) -> Verdict:
    """Compare events by id, and by what they say."""
    verdict = Verdict(rows=len(expected))
    seen: set[Event] = set()
    for key, content in found:
        if key in seen:
            verdict.double += 1
        elif expected.get(key) != content:
            verdict.corrupt += 1
        seen.add(key)
    verdict.lost = len(expected.keys() - seen)
    return verdict


def events_of(path: Path) -> Iterable[tuple[Event, EventContent]]:
    """The events of `alerts.ndjson`; a line that is none counts as an event never written."""
    with path.open("rb") as file:
        for number, line in enumerate(file):
            try:
                body = json.loads(line)
                content = (body["city"], parse_timestamp(body["observed_at"]), body["value"])
                yield (body["alert_id"], body["event"]), content
            except (ValueError, KeyError, TypeError):
                yield (f"line {number}", "unreadable"), ("", datetime.min, 0.0)  # noqa: DTZ901 - no time


def event_rows(connection: psycopg.Connection) -> Iterable[tuple[Event, EventContent]]:
    """The rows of the table `alert_events`."""
    query = "SELECT alert_id, event, city, observed_at, value FROM alert_events"
    with connection.transaction(), connection.cursor(name=f"alerts_{os.getpid()}") as cursor:
        cursor.itersize = _FETCH
        for alert_id, event, city, observed_at, value in cursor.execute(query):
            yield (alert_id, event), (city, observed_at, value)


def judge_readings(ledger: Path, connection: psycopg.Connection) -> Verdict:
    """Compare each row of `live_readings` with its line's digest in the ledger."""
    written = dict(read_rows(ledger))
    verdict = Verdict(rows=len(written))
    seen: set[int] = set()
    query = f"SELECT timestamp, city, {', '.join(MEASURES)}, weather, source FROM live_readings"  # noqa: S608 - constants
    with connection.transaction(), connection.cursor(name=f"rows_{os.getpid()}") as cursor:
        cursor.itersize = _FETCH
        for row in cursor.execute(query):
            number = number_of(row[1], row[0])
            if number is None or written.get(number) != digest(Reading(*row)):
                verdict.corrupt += 1
            if number in seen:
                verdict.double += 1
            elif number is not None:
                seen.add(number)
    verdict.lost = len(written.keys() - seen)
    return verdict
