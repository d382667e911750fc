from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from citywx.home import Home
from citywx.settings import Settings
from citywx.staging.appender import Appender
from citywx.weather.reading import Reading
from streaming.poller import poll
from streaming.process import Process

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class CountingSource:
    """A source that notes when it was asked, and gives nothing."""

    detail = "counting"

    def __init__(self) -> None:
        self.asked: list[datetime] = []

    def take(self, now: datetime) -> list[Reading]:
        self.asked.append(now)
        return []

    def written(self) -> None:
        pass

    def pause(self, now: datetime) -> float:
        del now
        return 0.0


def polled(folder: Path, moments: list[datetime]) -> list[datetime]:
    """When a source was asked; the clock shows these moments, at the start and then each round."""
    settings = Settings(_env_file=None, data_dir=folder)
    process = Process("poller", settings, Home.named(settings, "real"))
    clock = ticking(process, moments)
    source = CountingSource()
    with Appender(process.home.readings_csv, 1_000_000) as log:
        poll(process, source, log, clock=lambda: next(clock))
    return source.asked


def ticking(process: Process, moments: list[datetime]) -> Iterator[datetime]:
    yield from moments
    process.stopping.set()
    yield moments[-1]


def test_a_clock_that_is_set_back_ends_the_round_so_that_the_source_is_made_anew(
    tmp_path: Path,
) -> None:
    moments = [NOW, NOW + timedelta(seconds=1), NOW - timedelta(days=365), NOW]
    assert polled(tmp_path, moments) == [moments[1]]


def test_a_clock_that_is_corrected_by_seconds_changes_nothing(tmp_path: Path) -> None:
    moments = [NOW, NOW - timedelta(seconds=2), NOW + timedelta(seconds=1)]
    assert polled(tmp_path, moments)[:2] == moments[1:]
