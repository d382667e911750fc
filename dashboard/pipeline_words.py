"""What the page Pipeline says. Pure, no Streamlit."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from dashboard.processes import BRIDGE, ENDED, Behind, Condition
from dashboard.words import age, escape

NO_PROCESS = (
    "No process has reported yet: the bridge, the alerter and the recorder do so within seconds of "
    "`make up`. `citywx status` shows whether they are running."
)
WHAT = (
    "How the speed layer is doing: what each streaming process last said of itself, and what it "
    "has counted."
)
IN_STEP = "Everything is in step: every process speaks, and none is behind."
MISHAPS = (
    "None of these loses a reading: what the broker refuses is sent again, and what it drops is "
    "read from the log."
)
GAPS = "Messages of the broker that did not continue where the last one ended."
FROM_LOG = (
    "Readings that the alerter and the recorder took from the log itself: after a gap, a start or "
    "a new connection."
)
DUPLICATES = "Messages that came twice, and were dropped."
REJECTED = "Lines that are no readings; the page Data quality shows them."
CONNECTIONS = (
    "Connections to the broker that were made; a start makes one, each more is a reconnect."
)
REFUSED = "Messages that the broker did not take; they were sent again."
DROPPED = "Messages that the broker says it has dropped, since it started."
COLLECTING = (
    "Collecting: what is counted is sampled every 10 seconds, and this needs two samples "
    "half a minute apart."
)
NOTHING_MEASURED = (
    "Nothing was measured in the last hour: no reading came that says when it was written."
)
FLOW = (
    "Readings published by the bridge, judged by the alerter and recorded in PostgreSQL: now, and "
    "in the last hour."
)
LATENCY = (
    "From the moment at which a line was written into the CSV, as it says itself. Estimated from "
    "histograms: exact to the bucket, and inside a bucket as if it were evenly filled. Readings "
    "that waited while something was down count too."
)
ACKNOWLEDGED = (
    "Until the broker had acknowledged it. Of readings that are acknowledged together, the first "
    "counts."
)
DECIDED = (
    "Until the alerter had decided what it means. Of readings that arrive together, the first "
    "counts."
)
ROLES = {
    "bridge": "log → MQTT",
    "alerter": "readings → alerts",
    "recorder": "readings and alerts → PostgreSQL",
}
COLOURS = {
    Condition.IN_STEP: "green",
    Condition.CATCHING_UP: "blue",
    Condition.SILENT: "orange",
    Condition.STOPPED: "gray",
    Condition.LOST: "red",
}
_MILLISECOND = 1e-3
_MINUTE = 60.0
_PRECISE_BELOW = 10


def name(process: str) -> str:
    r"""What a process is called, safe in Markdown.

    >>> print(name("hook_1"))
    Hook\_1
    """
    return escape(process.capitalize())


def state(condition: Condition, said_at: datetime, now: datetime) -> str:
    """How a process is doing; of one that does not speak, since when.

    >>> noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> state(Condition.SILENT, noon, noon.replace(hour=14))
    'silent since 12:00 UTC'
    >>> state(Condition.LOST, noon, noon.replace(day=3))
    'lost since 1 Mar 2026, 12:00 UTC'
    """
    if condition not in ENDED:
        return condition.value
    return f"{condition.value} since {clock(said_at, now)}"


def clock(moment: datetime, now: datetime) -> str:
    """A time of today, or of another day."""
    local = moment.astimezone(UTC)
    day = "" if local.date() == now.astimezone(UTC).date() else f"{local.day} {local:%b %Y}, "
    return f"{day}{local:%H:%M} UTC"


def last_word(said_at: datetime, now: datetime) -> str:
    """When a process last spoke."""
    return f"spoke {age(now - said_at)} ago"


def distance(process: str, found: Behind) -> str | None:
    """How far a process is behind; None where nothing is known of it.

    >>> distance("bridge", Behind(1500, 12, 0.25))
    'Behind the log: 1.5 kB, 12 rows, 250 ms'
    >>> distance("alerter", Behind(0))
    'Behind the bridge: 0 B'
    """
    whom = "the log" if process == BRIDGE else "the bridge"
    if found.segments:
        return f"Behind {whom}: in an older segment of the log"
    parts = []
    if found.bytes is not None:
        parts.append(size(found.bytes))
    if found.rows is not None:
        parts.append(f"{found.rows:,.0f} {'row' if found.rows == 1 else 'rows'}")
    if found.seconds is not None:
        parts.append(duration(found.seconds))
    return f"Behind {whom}: {', '.join(parts)}" if parts else None


def size(count: float) -> str:
    """Bytes.

    >>> size(999), size(1_234), size(45_600_000)
    ('999 B', '1.2 kB', '46 MB')
    """
    for unit, one in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= one:
            return f"{significant(count / one)} {unit}"
    return f"{count:.0f} B"


def duration(seconds: float | None) -> str:
    """A short time.

    >>> duration(0.00042), duration(0.012), duration(2.5), duration(300), duration(None)
    ('0.42 ms', '12 ms', '2.5 s', '5 min', '–')
    """
    if seconds is None:
        return "–"
    if seconds == 0:
        return "0 s"
    if seconds < 1:
        milliseconds = seconds / _MILLISECOND
        return f"{milliseconds:.2f} ms" if milliseconds < 1 else f"{significant(milliseconds)} ms"
    return f"{significant(seconds)} s" if seconds < _MINUTE else f"{seconds / _MINUTE:.0f} min"


def latency(seconds: float | None, longest: float) -> str:
    """A quantile; above the histogram's last bound it is not known how much.

    >>> latency(math.inf, 60)
    'over 1 min'
    """
    if seconds is not None and math.isinf(seconds):
        return f"over {duration(longest)}"
    return duration(seconds)


def per_second(rate: float | None) -> str:
    """A rate.

    >>> [per_second(rate) for rate in (0.05, 0.998, 19.96, 12_345.6, None)]
    ['0.05', '1', '20', '12,346', '–']
    """
    if rate is None:
        return "–"
    if rate and round(rate, 2) < 1:
        return f"{rate:.2f}"
    return significant(rate)


def significant(value: float) -> str:
    """A number with a decimal where that says something."""
    rounded = round(value, 1)
    if value < _PRECISE_BELOW and rounded != round(value):
        return f"{rounded:.1f}"
    return f"{value:,.0f}"


def count(value: float | None) -> str:
    """How many; a dash where that is not known."""
    return "–" if value is None else f"{value:,.0f}"


def unwell(found: Mapping[str, Condition]) -> str:
    """Which processes do not speak.

    >>> unwell({"alerter": Condition.LOST})
    'Not in step: alerter (lost). `citywx status` shows more.'
    """
    told = [f"{escape(name)} ({how.value})" for name, how in found.items()]
    return f"Not in step: {', '.join(told)}. `citywx status` shows more."


def catching_up(names: Sequence[str]) -> str:
    """Which processes have more to do than they can do at once."""
    return f"Catching up: {', '.join(escape(name) for name in names)}."


def writer_silent(said_at: datetime, now: datetime) -> str:
    """What it means that the recorder does not speak."""
    return (
        f"The recorder has been silent since {clock(said_at, now)}, and it writes what this page "
        "shows: all of it may be old. `citywx status` shows more."
    )


def missing(names: Sequence[str]) -> str:
    """Which processes have never spoken."""
    return f"No word yet from the {' and the '.join(names)}: `citywx status` shows why."
