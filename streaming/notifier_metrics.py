"""What `/metrics` of the notifier shows."""

from collections import Counter as Counts
from collections.abc import Callable
from datetime import datetime, timedelta

import prometheus_client as metrics
from sqlalchemy import Engine

from citywx.mail.queue import LEDGER, OUTBOX, count_states
from citywx.notices.deliveries import count_by_state
from citywx.notices.making import Made

_A_DAY = timedelta(days=1)
_MAILS = metrics.Counter("citywx_mails", "Mails by the state they came to.", ["state"])
_WAITING = metrics.Gauge("citywx_mails_in_state", "Mails by table and state.", ["table", "state"])
_EVENTS = metrics.Counter("citywx_notifier_events", "Alert events taken in.")
_NOTICES = metrics.Counter("citywx_notices", "Notices made; one may go to many receivers.")
_QUEUED = metrics.Counter("citywx_notifications", "Notices times receivers.")
_SENT = metrics.Counter(
    "citywx_notices_sent", "Notices by receiver and the state they came to.", ["receiver", "state"]
)
_IN_STATE = metrics.Gauge(
    "citywx_notifications_in_state", "Notifications of the last day.", ["channel", "state"]
)
_UNCERTAIN = metrics.Gauge(
    "citywx_notifications_uncertain",
    "Attempts of the last day that may have arrived although the notice was sent again.",
    ["channel"],
)
_HELD = metrics.Gauge("citywx_notices_held", "Alerts that are not told now.", ["reason"])
_MEMBERS = metrics.Gauge("citywx_notice_alerts", "Alerts in groups, told or not.")


def note_made(made: Made) -> None:
    """Count what a round came to."""
    _EVENTS.inc(made.events)
    _NOTICES.inc(made.notices)
    _QUEUED.inc(made.notifications)
    _MEMBERS.set(made.members)
    _HELD.clear()
    for reason, number in made.held.items():
        _HELD.labels(reason).set(number)


def note_states(engine: Engine, now: datetime) -> None:
    """Count what waits, and what has failed."""
    _IN_STATE.clear()
    uncertain = Counts[str]()
    with engine.connect() as connection:
        for queue in (OUTBOX, LEDGER):
            for state, number in count_states(connection, queue).items():
                _WAITING.labels(queue.table.name, state).set(number)
        for channel, state, number, doubtful in count_by_state(connection, since=now - _A_DAY):
            _IN_STATE.labels(channel, state).set(number)
            uncertain[channel] += doubtful
    for channel, number in uncertain.items():
        _UNCERTAIN.labels(channel).set(number)


def count_mails(counts: Counts[str]) -> None:
    """Count mails of all kinds, by the state they came to."""
    for state, number in counts.items():
        _MAILS.labels(state).inc(number)


def counter(receiver: str) -> Callable[[Counts[str]], None]:
    """What counts the notices of a receiver that is no mailbox."""

    def count(counts: Counts[str]) -> None:
        for state, number in counts.items():
            _SENT.labels(receiver, state).inc(number)

    return count
