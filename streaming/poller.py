"""The poller: readings from a source into the log.

The loop takes what is due, appends it, and only then tells the source so. It needs neither database
nor broker. Where readings come from is `streaming.sources`' matter.
"""

import collections
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from prometheus_client import Counter

from citywx.home import HomeError
from citywx.source_choice import SourceChoiceError, choose_source
from citywx.staging.appender import Appender, LogInUseError
from citywx.warehouse.database import engine_for
from streaming.city_publisher import publish_cities
from streaming.process import Process, run
from streaming.segment_cleanup import SegmentCleanup
from streaming.sources.build import build_source
from streaming.sources.source import Source

_log = logging.getLogger(__name__)
_BEAT_SECONDS = 1.0
_CLOCK_CORRECTION = timedelta(minutes=1)  # so much back is waited for
_BYTES_PER_MB = 1_000_000

READINGS_WRITTEN = Counter("citywx_readings_written_total", "Readings appended.", ["source"])


def main(process: Process) -> None:
    """Write readings until asked to stop."""
    choice = choose_source(process.settings)
    process.home.claim(process.settings, choice.source)
    _log.info("readings come from %s: %s", choice.source.value, choice.reason)
    rotate_bytes = process.settings.staging_rotate_mb * _BYTES_PER_MB
    with Appender(process.home.readings_csv, rotate_bytes) as log:
        while not process.stopping.is_set():
            source, cities = build_source(process, choice.source)
            if process.settings.database_url is not None:
                engine = engine_for(process.settings, application="poller", pool_size=1)
                publish_cities(engine, cities, process.stopping)
            poll(process, source, log)


def utc_now() -> datetime:
    """The present, aware UTC."""
    return datetime.now(UTC)


def poll(
    process: Process, source: Source, log: Appender, *, clock: Callable[[], datetime] = utc_now
) -> None:
    """Move readings from the source to the log, as they fall due, until asked to stop.

    Also returns when the clock was set back: a source's turns would lie as far in the future.
    """
    latest = clock()
    cleanup = SegmentCleanup(process.home, process.settings.staging_keep_days)
    while not process.stopping.is_set():
        now = clock()
        if latest - now > _CLOCK_CORRECTION:
            _log.warning("the clock was set back by %s: beginning anew", latest - now)
            return
        latest = max(latest, now)
        readings = source.take(now)
        log.append(readings)
        source.written()
        for name, rows in collections.Counter(reading.source for reading in readings).items():
            READINGS_WRITTEN.labels(name).inc(rows)
        cleanup.look(now)
        process.beat(source.detail)
        process.wait(min(source.pause(utc_now()), _BEAT_SECONDS))


if __name__ == "__main__":
    run("poller", main, mistakes=(HomeError, LogInUseError, SourceChoiceError))
