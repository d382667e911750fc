"""Everything known about the data's quality → one HTML file, and the same as JSON."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)

from citywx.home import Home, write_private
from iot_assets.assets.readings import BATCH_TEAM
from iot_assets.resources import Pipeline

if TYPE_CHECKING:
    from iot_assets.report.facts import CheckFacts

_PASSED = AssetCheckExecutionRecordStatus.SUCCEEDED  # Dagster exports it nowhere public
_FAILED = AssetCheckExecutionRecordStatus.FAILED


def report_path(home: Home) -> Path:
    """Where the report of a home lies."""
    return home.reports / "data-quality.html"


@dg.asset(
    deps=["raw_readings", "weather_readings"],
    group_name="quality",
    kinds={"html", "jinja"},
    owners=BATCH_TEAM,
)
def data_quality_report(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[None]:
    """One page on the data's quality, which the dashboard shows too; and the same as JSON.

    A verdict for each city and day, what changed since the day before, what became of every line,
    how fresh each city is, doubtful readings by kind with examples and their lines in the log,
    rejected lines by reason, and the checks.
    """
    from iot_assets.markdown import quality_plot  # noqa: PLC0415 - only in a run
    from iot_assets.report.page import as_json, render  # noqa: PLC0415
    from iot_assets.report.queries import quality_report  # noqa: PLC0415

    with pipeline.engine.connect() as connection:
        report = quality_report(connection, pipeline.home, _checks(context), now=datetime.now(UTC))
    path = report_path(pipeline.home)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_private(path, render(report))
    write_private(path.with_suffix(".json"), as_json(report))
    public = f"{pipeline.settings.public_url.rstrip('/')}/reports/data-quality"
    return dg.MaterializeResult(
        metadata={
            "report": dg.MetadataValue.url(public),
            "path": dg.MetadataValue.path(path),
            **report.accounts,
            "verdict": report.verdict,
            "quality": dg.MetadataValue.md(quality_plot(report.days)),
            "flagged": sum(flag.readings for flag in report.flags),
            "checks_failed": sum(not check.passed for check in report.checks),
        }
    )


def _checks(context: dg.AssetExecutionContext) -> list["CheckFacts"]:
    """How every check went when it last ended; one that runs right now says nothing yet."""
    from iot_assets.checks import CHECKS  # noqa: PLC0415 - which itself imports assets
    from iot_assets.report.facts import CheckFacts  # noqa: PLC0415

    history = context.instance.event_log_storage.get_asset_check_execution_history
    specs = [spec for check in CHECKS for spec in check.check_specs]
    return [
        CheckFacts(
            spec.asset_key.to_user_string(),
            spec.name,
            passed=record.status is _PASSED,
            blocking=spec.blocking and _stops(record),
        )
        for spec in specs
        for record in history(spec.key, limit=1, status={_PASSED, _FAILED})
    ]


def _stops(record: AssetCheckExecutionRecord) -> bool:
    """Whether it is no mere warning: those are blocking only to come before the report."""
    evaluation = record.evaluation
    return evaluation is None or evaluation.severity is dg.AssetCheckSeverity.ERROR
