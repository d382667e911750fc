"""Daily upkeep of the warehouse: months made ahead, and old ones dropped. A job, not an asset.

Windows of days before HISTORY_START go first: nobody will clean them, and they hold months back.
"""

from datetime import UTC, datetime

import dagster as dg

from citywx.warehouse.partitions import make_months_ahead
from citywx.warehouse.retention import Retired, forget_windows, retention, retire
from iot_assets.resources import Pipeline


@dg.op(
    description="Make the present month and the next two; drop months that are past "
    "RETAIN_MONTHS or RETAIN_RAW_DAYS.",
    retry_policy=dg.RetryPolicy(max_retries=3, delay=60),  # readers may hold a table for a while
)
def keep_up(context: dg.OpExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
    """Do each in its own transaction, and say what was done."""
    today = datetime.now(UTC).date()
    with pipeline.engine.begin() as connection:
        made = make_months_ahead(connection, today)
    with pipeline.engine.begin() as connection:
        forgotten = forget_windows(connection, pipeline.settings.history_start)
    with pipeline.engine.begin() as connection:
        retired = retire(connection, retention(pipeline.settings, today))
    months = sorted(f"{table} {month:%Y-%m}" for table in made for month in made[table])
    context.log.info("months made: %s", ", ".join(months) or "none, all were there")
    context.log.info("months dropped: %s", ", ".join(retired.months) or "none")
    context.add_output_metadata(
        {"made": months, "windows_before_history_start": forgotten, **metadata_of(retired)}
    )


def metadata_of(retired: Retired) -> dict[str, dg.MetadataValue]:
    """What retention did, for Dagster's page of the run."""
    held = retired.held_back_by
    return {
        "dropped": dg.MetadataValue.json(list(retired.months)),
        "rejected_lines_dropped": dg.MetadataValue.int(retired.rejected_lines),
        "held_back_by": dg.MetadataValue.text(f"{held} waits for cleaning" if held else "nothing"),
    }


@dg.job(description="Make months ahead and drop those that are past retention, every day.")
def warehouse_upkeep() -> None:
    """One step."""
    keep_up()
