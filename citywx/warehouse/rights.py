"""The rights of each role, table by table: only what its work needs. Data, no statements.

Who writes a table stands in `citywx.warehouse.tables`. Addresses of subscribers, and mails to them,
are for the mailer and for the dashboard's subscription routes alone.
"""

from typing import Final

from citywx.warehouse.tables import metadata

BATCH: Final = "citywx_loader"
DAGSTER_ROLE: Final = "citywx_dagster"

PRIVATE: Final = (
    *("subscribers", "subscriber_cities", "subscription_requests"),
    *("mail_outbox", "email_ledger", "alert_notifications"),
)
"""Tables that say who gets mail."""

RELATIONS: Final = (
    *sorted(metadata.tables),
    "current_readings",
    "alert_notices",
    "alembic_version",
)
"""All tables and views of ours."""

_READ_ALL: Final = {name: "SELECT" for name in RELATIONS if name not in PRIVATE}

GRANTS: Final = {
    "citywx_poller": {
        "alembic_version": "SELECT",
        "cities": "SELECT, INSERT, UPDATE",
    },
    # The batch layer: loading, cleaning, statistics, forecasts, summaries, upkeep.
    BATCH: _READ_ALL
    | {
        "cities": "SELECT, INSERT",
        "ingest_segments": "SELECT, INSERT",
        "ingest_position": "SELECT, INSERT, UPDATE",
        "ingest_batches": "SELECT, INSERT",
        "raw_readings": "SELECT, INSERT, UPDATE",
        "rejected_lines": "SELECT, INSERT, DELETE",
        "dirty_windows": "SELECT, INSERT, DELETE",
        "watermarks": "SELECT, INSERT, UPDATE",
        "weather_readings": "SELECT, INSERT, UPDATE, DELETE",
        "live_readings": "SELECT, DELETE",
        "retention_marks": "SELECT, INSERT, UPDATE",
        "hourly_statistics": "SELECT, INSERT, UPDATE, DELETE",
        "daily_statistics": "SELECT, INSERT, UPDATE, DELETE",
        "climatology_versions": "SELECT, INSERT",
        "climatology": "SELECT, INSERT",
        "anomaly_models": "SELECT, INSERT, DELETE",
        "city_predictions": "SELECT, INSERT, UPDATE, DELETE",
        "daily_summaries": "SELECT, INSERT, UPDATE",
    },
    "citywx_recorder": {
        "alembic_version": "SELECT",
        "weather_readings": "SELECT",
        "live_readings": "SELECT, INSERT, UPDATE, DELETE",
        "alert_events": "SELECT, INSERT",
        "alerts": "SELECT, INSERT, UPDATE",
        "consumer_positions": "SELECT, INSERT, UPDATE",
        "process_status": "SELECT, INSERT, UPDATE, DELETE",
        "pipeline_samples": "SELECT, INSERT, DELETE",
    },
    "citywx_notifier": {
        **dict.fromkeys(
            (
                *("alembic_version", "cities", "weather_readings", "live_readings"),
                *("current_readings", "city_predictions", "daily_summaries", "alerts"),
                *("subscriber_cities", "alert_events", "silences", "acknowledgements"),
            ),
            "SELECT",
        ),
        "subscribers": "SELECT, UPDATE (suppressed_reason)",
        "mail_outbox": "SELECT, UPDATE",
        "email_ledger": "SELECT, INSERT, UPDATE",
        "alert_notifications": "SELECT, INSERT, UPDATE, DELETE",
        "notice_groups": "SELECT, INSERT, UPDATE, DELETE",
        "notifier_positions": "SELECT, INSERT, UPDATE",
    },
    "citywx_dashboard_ro": _READ_ALL,
    "citywx_dashboard_rw": _READ_ALL
    | {
        "subscribers": "SELECT, INSERT, UPDATE",
        "subscriber_cities": "SELECT, INSERT, DELETE",
        "subscription_requests": "SELECT, INSERT, DELETE",
        "mail_outbox": "SELECT, INSERT",
        "silences": "SELECT, INSERT, UPDATE (ends_at)",
        "acknowledgements": "SELECT, INSERT",
    },
}

MEMBERS: Final = {
    # Dagster runs the batch layer and the daily mail, and owns the database of its own records.
    DAGSTER_ROLE: (BATCH, "citywx_notifier"),
}
"""Roles whose rights are those of others."""
