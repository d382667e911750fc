"""The poller: readings from a source into the log.

The loop takes what is due, appends it, and only then tells the source so. It needs neither database
nor broker. Where readings come from is `streaming.sources`' matter.
"""

import collections
import logging
from datetime import UTC, datetime

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
_BYTES_PER_MB = 1_000_000

READINGS_WRITTEN = Counter("citywx_readings_written_total", "Readings appended.", ["source"])


def main(process: Process) -> None:
    """Write readings until asked to stop."""
    choice = choose_source(process.settings)
    process.home.claim(process.settings, choice.source)
    _log.info("readings come from %s: %s", choice.source.value, choice.reason)
    rotate_bytes = process.settings.staging_rotate_mb * _BYTES_PER_MB
    with Appender(process.home.readings_csv, rotate_bytes) as log:
        source, cities = build_source(process, choice.source)
        if process.settings.database_url is not None:
            engine = engine_for(process.settings, application="poller", pool_size=1)
            publish_cities(engine, cities, process.stopping)
        poll(process, source, log)


def poll(process: Process, source: Source, log: Appender) -> None:
    """Move readings from the source to the log, as they fall due, until asked to stop."""
    cleanup = SegmentCleanup(process.home, process.settings.staging_keep_days)
    while not process.stopping.is_set():
        readings = source.take(datetime.now(UTC))
        log.append(readings)
        source.written()
        for name, rows in collections.Counter(reading.source for reading in readings).items():
            READINGS_WRITTEN.labels(name).inc(rows)
        cleanup.look(datetime.now(UTC))
        process.beat(source.detail)
        process.wait(min(source.pause(datetime.now(UTC)), _BEAT_SECONDS))


if __name__ == "__main__":
    run("poller", main, mistakes=(HomeError, LogInUseError, SourceChoiceError))
