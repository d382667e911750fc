"""What streaming processes write: in the lineage, and never materialised from here.

They report to Dagster themselves, at a throttled rate.
"""

import dagster as dg

from citywx.warehouse import tables
from iot_assets.columns import column_schema

STREAMING_TEAM = ["team:streaming"]

readings_csv = dg.AssetSpec(
    "readings_csv",
    description="The staging log: readings in the order in which they came in, as CSV segments. "
    "Written by `streaming.poller`; every consumer keeps its own position in it.",
    group_name="staging",
    kinds={"csv", "file"},
    owners=STREAMING_TEAM,
)

live_readings = dg.AssetSpec(
    "live_readings",
    deps=[readings_csv],
    description="Readings as they arrive over MQTT, for the dashboard's live view. Written by "
    "`streaming.recorder`, and pruned once the batch layer has the same readings.",
    group_name="speed",
    kinds={"postgres", "mqtt"},
    owners=STREAMING_TEAM,
    metadata={
        "dagster/table_name": "public.live_readings",
        "dagster/column_schema": column_schema(tables.live_readings),
    },
)

alerts = dg.AssetSpec(
    "alerts",
    deps=[readings_csv],
    description="One row an alert: pending, firing or over, with its peak and the readings behind "
    "it. Decided by `streaming.alerter` within milliseconds of a reading, written by "
    "`streaming.recorder`; the events stand in `alert_events`.",
    group_name="speed",
    kinds={"postgres", "mqtt"},
    owners=STREAMING_TEAM,
    metadata={
        "dagster/table_name": "public.alerts",
        "dagster/column_schema": column_schema(tables.alerts),
    },
)
