"""CSV write → alert received on `weather/alerts` by another client, at 200 rows a second.

Beside it, in the same run, CSV write → raw line received through `tail -F | mosquitto_pub -l`,
which neither parses, decides nor keeps a position.
"""

import json
import time
from datetime import UTC, datetime, timedelta

from benchmarks.stream_rig import QUICK, Arrivals, Rig, report, rig, row
from citywx.weather.reading import COLUMNS, Reading, parse_timestamp, to_csv_line
from streaming.messages import ALERTS

ROWS_PER_SECOND = 200
SECONDS = 5 if QUICK else 30
WARM_UP_ROWS = 200
PEER = "tail -F | mosquitto_pub, the line alone"
PEER_TOPIC = "weather/peer"
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}


def main() -> None:
    """Measure both, and report."""
    ours, theirs = measure_alerts(), measure_lines()
    case = f"CSV write → alert received, {ROWS_PER_SECOND} rows/s"
    rows = [
        row(case, name, "ms", quantile(ours, q), PEER, quantile(theirs, q))
        for name, q in _QUANTILES.items()
    ]
    report("latency", rows)


def measure_alerts() -> list[float]:
    """Milliseconds from the writing of each line to the receipt of the alert that it sets off."""
    with rig() as stage:
        arrivals = stage.listen(ALERTS)
        written = write(stage, arrivals, 1)
        stage.start("bridge", "alerter")
        arrivals.until(1)
        written |= write(stage, arrivals, WARM_UP_ROWS)
        written |= write(stage, arrivals, ROWS_PER_SECOND * SECONDS)
        arrivals.until(len(written))
        taken = [
            _milliseconds(moment, written[json.loads(message.payload)["observed_at"]])
            for moment, message in arrivals.found
        ]
    return taken[1 + WARM_UP_ROWS :]


def measure_lines() -> list[float]:
    """Milliseconds from the writing of each line to its receipt through the peer."""
    with rig() as stage:
        arrivals = stage.listen(PEER_TOPIC)
        write(stage, arrivals, 1)
        stage.start_tail_pipe(PEER_TOPIC)
        arrivals.until(2)  # with the header
        write(stage, arrivals, WARM_UP_ROWS)
        write(stage, arrivals, ROWS_PER_SECOND * SECONDS)
        arrivals.until(2 + WARM_UP_ROWS + ROWS_PER_SECOND * SECONDS)
        taken = [
            _milliseconds(moment, parse_timestamp(message.payload.decode().rpartition(",")[2]))
            for moment, message in arrivals.found[2:]
        ]
    return taken[WARM_UP_ROWS:]


def write(stage: Rig, arrivals: Arrivals, count: int) -> dict[str, datetime]:
    """Append rows above and below 23 °C by turns, evenly in time; when each was written."""
    written = {}
    begin = time.monotonic()
    with stage.log.open("ab", buffering=0) as log:
        if log.tell() == 0:
            log.write((",".join(COLUMNS) + "\n").encode())
        for number in range(count):
            while (left := begin + number / ROWS_PER_SECOND - time.monotonic()) > 0:
                arrivals.wait(left)
            moment = _FIRST + timedelta(seconds=stage.rows)
            value = 20.0 if stage.rows % 2 else 25.0
            now = datetime.now(UTC)
            log.write(to_csv_line(Reading(moment, "Oslo", temperature_c=value, fetched_at=now)))
            written[f"{moment:%Y-%m-%dT%H:%M:%SZ}"] = now
            stage.rows += 1
    return written


def quantile(values: list[float], q: float) -> float:
    """The value that a share `q` of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def _milliseconds(arrived_ns: int, written: datetime) -> float:
    return arrived_ns / 1e6 - written.timestamp() * 1e3


if __name__ == "__main__":
    main()
