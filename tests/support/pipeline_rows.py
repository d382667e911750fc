"""Plausible words and samples of streaming processes, as the recorder would have left them."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Engine, insert

from citywx.warehouse.tables import pipeline_samples, process_status

SEGMENT = "000001-9f86d081884c"
_EVERY = timedelta(seconds=10)


def say(engine: Engine, process: str, said_at: datetime, **more: object) -> None:
    """A process's last word."""
    row = {"process": process, "said_at": said_at, "state": "running", "segment": SEGMENT}
    with engine.begin() as connection:
        connection.execute(
            insert(process_status), row | {"byte_offset": 5_000, "metrics": {}} | more
        )


def fill_pipeline(engine: Engine, now: datetime, *, minutes: int = 10) -> None:
    """Three processes in step that have moved 20 rows a second for some minutes."""
    steps = minutes * 6
    for process in ("bridge", "alerter", "recorder"):
        rows = [
            {
                "process": process,
                "at": now - (steps - step) * _EVERY,
                "metrics": counted(process, step * 200),
            }
            for step in range(steps + 1)
        ]
        with engine.begin() as connection:
            connection.execute(insert(pipeline_samples), rows)
        say(engine, process, now, metrics=counted(process, steps * 200))


def counted(process: str, rows: int) -> Mapping[str, object]:
    """What a process has counted when it has seen so many rows."""
    seen = {f"citywx_consumer_seen_total{{what={what}}}": 3 for what in ("gaps", "duplicates")}
    its = {
        "bridge": {
            "citywx_bridge_lines_total{fate=published}": rows,
            "citywx_bridge_lines_total{fate=rejected}": rows // 1_000,
            "citywx_bridge_rejected_total{reason=humidity is above 100}": rows // 1_000,
            "citywx_bridge_backlog_bytes": 0,
            "citywx_bridge_backlog_rows": 0,
            "citywx_bridge_backlog_seconds": 0.0,
            "citywx_bridge_acknowledged_seconds": _histogram(rows),
            "citywx_mqtt_broker_dropped": 7,
        },
        "alerter": {
            "citywx_alerter_readings_total": rows,
            "citywx_alerter_decision_seconds": _histogram(rows),
            **seen,
        },
        "recorder": {"citywx_recorder_rows_total{table=live_readings}": rows, **seen},
    }[process]
    return its | {
        "process_resident_memory_bytes": 45_000_000,
        "process_cpu_seconds_total": 1 + rows / 1e4,
        "citywx_mqtt_connections_total": 1,
    }


def _histogram(count: int) -> dict[str, object]:
    buckets = {"0.001": count * 9 // 10, "0.005": count, "0.1": count, "+Inf": count}
    return {"count": count, "sum": count * 0.001, "buckets": buckets}
