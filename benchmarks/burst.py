"""A burst of lines appended at once: every one reaches a subscriber of `weather/readings`.

Beside it `tail -F | mosquitto_pub -l`, whose subscriber gets the raw lines.
"""

import time
from datetime import UTC, datetime, timedelta

from benchmarks.stream_rig import QUICK, Arrivals, Rig, report, rig, row
from citywx.weather.reading import COLUMNS, Reading, to_csv_line
from streaming.messages import READINGS

ROWS = 20_000 if QUICK else 100_000
PEER = "tail -F | mosquitto_pub, the line alone"
PEER_TOPIC = "weather/peer"
_CITIES = 50
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    """Measure both, and report."""
    with rig() as stage:
        arrivals = stage.listen(READINGS)
        burst(stage, 1)
        stage.start("bridge", "alerter")
        arrivals.until(1)
        our_rate, our_lost = measure(stage, arrivals, 1)
    with rig() as stage:
        arrivals = stage.listen(PEER_TOPIC)
        burst(stage, 1)
        stage.start_tail_pipe(PEER_TOPIC)
        arrivals.until(2)  # with the header
        peer_rate, peer_lost = measure(stage, arrivals, 2)
    case = f"burst of {ROWS} rows"
    report(
        "burst",
        [
            row(case, "rate", "rows/s", our_rate, PEER, peer_rate),
            row(case, "lost", "rows", our_lost, PEER, peer_lost),
        ],
    )


def measure(stage: Rig, arrivals: Arrivals, before: int) -> tuple[float, int]:
    """Rows a second from the append to the last receipt, and how many rows did not come."""
    began = time.time_ns()
    burst(stage, ROWS)
    arrivals.until(before + ROWS)
    seconds = (arrivals.found[-1][0] - began) / 1e9
    distinct = {message.payload for _, message in arrivals.found[before:]}
    return ROWS / seconds, ROWS - len(distinct)


def burst(stage: Rig, count: int) -> None:
    """Append so many rows with one write."""
    lines = [] if stage.rows else [(",".join(COLUMNS) + "\n").encode()]
    now = datetime.now(UTC)
    for number in range(stage.rows, stage.rows + count):
        moment = _FIRST + timedelta(minutes=number // _CITIES)
        city = f"City {number % _CITIES}"
        lines.append(to_csv_line(Reading(moment, city, temperature_c=20.0, fetched_at=now)))
    stage.rows += count
    with stage.log.open("ab", buffering=0) as log:
        log.write(b"".join(lines))


if __name__ == "__main__":
    main()
