"""A made-up notice, by which an operator can see whether receivers are reached."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from citywx.notices.content import Frame, NoticeAlert, make_content
from citywx.notices.notifications import for_operators
from citywx.notices.planning import NoticeKind
from citywx.notices.routes import Receiver, ReceiverKind, Routing
from citywx.notices.store import insert_notifications

_ROUTE = "test"
_LISTED = 1


class TrialError(ValueError):
    """There is nobody to send a test to; the message says why."""


def queue_trial(
    connection: Connection,
    routing: Routing,
    names: Sequence[str],
    *,
    origin: str,
    now: datetime,
) -> str:
    """Queue a test for the named receivers, or for all but the subscribers; returns its id.

    It takes the way of all notices. Raises TrialError when a name is none of the file's, or nobody
    is left: subscribers get no tests.
    """
    receivers = _chosen(routing, names)
    digest = hashlib.sha256(f"{_ROUTE} {now.isoformat()}".encode()).hexdigest()
    frame = Frame(digest[:20], NoticeKind.TEST, _ROUTE, now, origin, _LISTED)
    alerts = [_made_up(now)]
    content = make_content(frame, alerts)
    rows = [row for one in receivers for row in for_operators(one, content, alerts)]
    insert_notifications(connection, rows)
    return content.notice_id


def _chosen(routing: Routing, names: Sequence[str]) -> list[Receiver]:
    operators = {
        name: one
        for name, one in routing.receivers.items()
        if one.kind is not ReceiverKind.SUBSCRIBERS
    }
    if unknown := [name for name in names if name not in operators]:
        known = ", ".join(operators) or "none"
        message = f"{unknown[0]!r} is no receiver that can be tested; there are: {known}"
        raise TrialError(message)
    if not operators:
        message = "the file of alert routes has no receivers but subscribers, who get no tests"
        raise TrialError(message)
    return [operators[name] for name in names or operators]


def _made_up(now: datetime) -> NoticeAlert:
    return NoticeAlert(
        alert_id="test",
        rule_id="test",
        kind="rule",
        city="Nowhere",
        state="firing",
        severity="info",
        worst_severity="info",
        metric="temperature_c",
        value=36.2,
        limit_value=35.0,
        message="Test in Nowhere: 36.2 °C (at least 35)",
        advice="Nothing needs to be done.",
        started_at=now,
        resolved_at=None,
        peak=36.2,
        peak_at=now,
        suspect=False,
    )
