"""Is today like the days before: volume, coverage, missing measures, drift; and stray partitions.

All of these warn only: weather may be unusual, and a service may be silent for a reason. They are
about whole days, so they run once a day, with the report that shows them.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import dagster as dg

from iot_assets.resources import Pipeline

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 50
Judge = Callable[["pd.DataFrame", date], dict[str, str]]

# Blocking, so that the report waits for them; as warnings they let it be written all the same.
_trend_check = dg.asset_check(asset="weather_readings", blocking=True)


@_trend_check
def volume_is_usual(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    """Each city's last whole day has between half and twice its usual number of readings."""
    from iot_assets.expectations import unusual_volume  # noqa: PLC0415 - pandas, only in a run

    return _judged(pipeline, unusual_volume)


@_trend_check
def measures_are_reported(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    """On each city's last whole day no measure lacks in a fifth of the readings, unless usually."""
    from iot_assets.expectations import missing_measures  # noqa: PLC0415

    return _judged(pipeline, missing_measures)


@_trend_check
def measures_have_not_drifted(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    """Each measure's mean of the last whole day lies near those of the four weeks before."""
    from iot_assets.expectations import drifted  # noqa: PLC0415

    return _judged(pipeline, drifted)


@_trend_check
def every_city_is_covered(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    """Every city that is resolved or was ever read has readings on the last whole day."""
    from iot_assets.check_queries import cities_without_readings, last_whole_day  # noqa: PLC0415

    with pipeline.engine.connect() as connection:
        day = last_whole_day(connection, _today())
        silent = cities_without_readings(connection, day) if day else []
    return _warning(dict.fromkeys(silent, f"no reading on {day}"), day)


@_trend_check
def months_are_where_they_belong(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    """No monthly table stands beside its parent unattached, as a crash or a hand may leave it."""
    from iot_assets.check_queries import stray_months  # noqa: PLC0415

    with pipeline.engine.connect() as connection:
        stray = stray_months(connection)
    return _warning(dict.fromkeys(stray, "not attached: its rows are seen by nobody"), None)


def _judged(pipeline: Pipeline, judge: Judge) -> dg.AssetCheckResult:
    from iot_assets.check_queries import daily_statistics_before, last_whole_day  # noqa: PLC0415

    with pipeline.engine.connect() as connection:
        day = last_whole_day(connection, _today())
        found = judge(daily_statistics_before(connection, day), day) if day else {}
    return _warning(found, day)


def _warning(found: dict[str, str], day: date | None) -> dg.AssetCheckResult:
    shown = dict(list(found.items())[:_SHOWN])
    return dg.AssetCheckResult(
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "day": str(day or "no whole day yet"),
            "found": len(found),
            "cases": dg.MetadataValue.json(shown),
        },
    )


def _today() -> date:
    return datetime.now(UTC).date()


TREND_CHECKS = (
    volume_is_usual,
    measures_are_reported,
    measures_have_not_drifted,
    every_city_is_covered,
    months_are_where_they_belong,
)
