"""Silences and acknowledgements: what people say about alerts, in tables of their own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from citywx.notices.holds import Silence
from citywx.notices.routes import RANK
from citywx.warehouse.tables import acknowledgements, alerts, silences


class SilenceError(ValueError):
    """What was asked for cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class SilenceRequest:
    """A silence that somebody wants."""

    silence: Silence
    starts_at: datetime
    ends_at: datetime
    author: str
    reason: str


def add_silence(connection: Connection, wanted: SilenceRequest) -> int:
    """Note a silence; returns its number. SilenceError when it is not one that can be told apart.

    It must have an end, an author and a reason: a silence that nobody remembers hides a storm.
    """
    if wanted.ends_at <= wanted.starts_at:
        message = "a silence must end after it begins"
        raise SilenceError(message)
    author, reason = wanted.author.strip(), wanted.reason.strip()
    if not author or not reason:
        message = "a silence needs an author and a reason"
        raise SilenceError(message)
    what = wanted.silence
    if what.severity is not None and what.severity not in RANK:
        message = f"the severity of a silence must be one of {', '.join(RANK)}"
        raise SilenceError(message)
    values = {
        "rule": what.rule,
        "city": what.city,
        "severity": what.severity,
        "starts_at": wanted.starts_at,
        "ends_at": wanted.ends_at,
        "author": author,
        "reason": reason,
    }
    added = insert(silences).values(values).returning(silences.c.silence_id)
    return int(connection.execute(added).scalar_one())


def end_silence(connection: Connection, silence_id: int, now: datetime) -> None:
    """End a silence before its time; SilenceError when there is none that is still to end."""
    ended = connection.execute(
        update(silences)
        .where(silences.c.silence_id == silence_id, silences.c.ends_at > now)
        .values(ends_at=func.greatest(silences.c.starts_at, now))
    )
    if not ended.rowcount:
        message = f"there is no silence {silence_id} that has not ended"
        raise SilenceError(message)


def list_silences(connection: Connection, now: datetime, *, ended: bool) -> list[Row[Any]]:
    """The silences that have not ended, or all; the one that ends last comes first."""
    query = select(silences).order_by(silences.c.ends_at.desc(), silences.c.silence_id)
    return list(connection.execute(query if ended else query.where(silences.c.ends_at > now)))


def acknowledge(
    connection: Connection, alert_id: str, *, author: str, note: str, now: datetime
) -> bool:
    """Note that somebody takes care of an alert; False when somebody did already.

    Raises SilenceError when no alert of that id fires.
    """
    if not author.strip():
        message = "an acknowledgement needs an author"
        raise SilenceError(message)
    state = connection.scalar(select(alerts.c.state).where(alerts.c.alert_id == alert_id))
    if state != "firing":
        message = f"no alert {alert_id} is firing"
        raise SilenceError(message)
    values = {"alert_id": alert_id, "author": author.strip(), "note": note.strip()}
    statement = upsert(acknowledgements).values(values | {"acknowledged_at": now})
    fresh = statement.on_conflict_do_nothing().returning(acknowledgements.c.alert_id)
    return connection.execute(fresh).one_or_none() is not None
