"""Where a backtest's history comes from: the database, or a file of readings.

A history is given in parts, each as often as it is asked for: looking for a level goes through it
several times.
"""

import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from citywx.command_database import answering_database
from citywx.settings import Settings
from citywx.staging.lines import cut_lines, read_record
from citywx.staging.segments import BOM
from citywx.warehouse.alert_history import Period, history_span, read_history
from citywx.warehouse.cities import known_cities
from citywx.weather.alerting.bench import Known
from citywx.weather.alerting.patterns.places import Places
from citywx.weather.city import City
from citywx.weather.reading import FUTURE_TOLERANCE, Layout, Reading, header_layout

_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 12, 31, tzinfo=UTC)
_PART_READINGS = 10_000


class HistoryError(ValueError):
    """There is no such history; the message says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of a history."""

    start: datetime = _EARLIEST
    end: datetime = _LATEST
    cities: tuple[str, ...] = ()
    """Names or patterns such as `Lon*`; none: all."""

    def includes(self, reading: Reading) -> bool:
        """Whether the reading is in it."""
        return self.start <= reading.timestamp < self.end and self.names(reading.city)

    def names(self, city: str) -> bool:
        """Whether the city is one of them."""
        return not self.cities or any(fnmatchcase(city, pattern) for pattern in self.cities)


@dataclass(frozen=True, slots=True)
class History:
    """Readings in order of observation, part by part."""

    parts: Sequence[Callable[[], Iterable[Reading]]]
    known: Known
    bad_lines: int = 0
    """Of a file: left out."""


@contextmanager
def open_history(settings: Settings, data: Path | None, wanted: Wanted) -> Iterator[History]:
    """The history in the file `data`, else in the database; HistoryError where there is none."""
    if data is not None:
        yield file_history(data, wanted, settings.source_order)
        return
    database = answering_database(settings, application="backtest")
    with database as engine, engine.connect() as connection:
        yield database_history(connection, wanted, settings.source_order)


def database_history(connection: Connection, wanted: Wanted, sources: Sequence[str]) -> History:
    """The cleaned readings in the database."""
    cities = {city.name: city for city in known_cities(connection) if wanted.names(city.name)}
    span = history_span(connection, list(cities))
    if span is None:
        message = "no cleaned readings of these cities are in the database"
        raise HistoryError(message)
    period = Period(max(wanted.start, span[0]), min(wanted.end, span[1] + timedelta(seconds=1)))
    if period.end <= period.start:
        message = f"no readings then: they go from {span[0]:%Y-%m-%d} to {span[1]:%Y-%m-%d}"
        raise HistoryError(message)
    return History(
        [partial(read_history, connection, list(cities), part) for part in period.months()],
        Known(sources, lambda name: cities[name].zone, _places(cities.values())),
    )


def file_history(path: Path, wanted: Wanted, sources: Sequence[str]) -> History:
    """The readings of a .csv or .csv.gz file with the columns of the log, sorted by time.

    Where its cities are, it does not say: local hours are UTC, and none is near another.
    """
    readings, bad_lines = _read(path)
    chosen = [reading for reading in readings if wanted.includes(reading)]
    if not chosen:
        message = f"{path} has no reading of these cities and days"
        raise HistoryError(message)
    chosen.sort(key=lambda reading: reading.timestamp)
    starts = range(0, len(chosen), _PART_READINGS)
    return History(
        [partial(iter, chosen[at : at + _PART_READINGS]) for at in starts],
        Known(sources),
        bad_lines,
    )


def _places(cities: Iterable[City]) -> Places:
    return Places(
        {
            city.name: (city.latitude, city.longitude)
            for city in cities
            if city.latitude is not None and city.longitude is not None
        }
    )


def _read(path: Path) -> tuple[list[Reading], int]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read()
    except (OSError, EOFError, zlib.error) as error:
        message = f"{path} cannot be read: {error}"
        raise HistoryError(message) from None
    first = data.partition(b"\n")[0].removeprefix(BOM).removesuffix(b"\r")
    layout = header_layout(first) or Layout()
    latest = datetime.now(UTC) + FUTURE_TOLERANCE
    lines = cut_lines("", 0, data.removesuffix(b"\n"), layout)
    records = [read_record(line, earliest=_EARLIEST, latest=latest) for line in lines]
    readings = [record for record in records if isinstance(record, Reading)]
    return readings, sum(record is not None for record in records) - len(readings)
