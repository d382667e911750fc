"""Partitions: UTC days of observation time, the days of a run, and how a backfill is cut up."""

from collections.abc import Sequence
from datetime import date, datetime

import dagster as dg

PARTITION_FORMAT = "%Y-%m-%d"
BACKFILL = dg.BackfillPolicy.multi_run(max_partitions_per_run=100)
"""Each run of a backfill is a process and a piece that is not repeated; two work at once."""

_INTO_TOMORROW = 2  # offsets: today is not over (1), and a clock a little ahead writes tomorrow (2)


def utc_days(history_start: datetime) -> dg.DailyPartitionsDefinition:
    """UTC days from the first accepted observation to tomorrow."""
    return dg.DailyPartitionsDefinition(
        start_date=history_start, timezone="UTC", fmt=PARTITION_FORMAT, end_offset=_INTO_TOMORROW
    )


def days_of(partition_keys: Sequence[str]) -> list[date]:
    """The days that partition keys name.

    >>> days_of(["2026-03-01"])
    [datetime.date(2026, 3, 1)]
    """
    return [date.fromisoformat(key) for key in partition_keys]
