"""`citywx alerts silence|silences|acknowledge|test-notice`: in the database of the pipeline."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from getpass import getuser
from typing import Any

from sqlalchemy import Engine, select

from citywx.command_database import answering_database
from citywx.home import Home
from citywx.notices import silences
from citywx.notices.holds import Silence
from citywx.notices.routes_file import load_routing
from citywx.notices.silences import SilenceError, SilenceRequest
from citywx.notices.trial import queue_trial
from citywx.settings import Settings, notice_secrets
from citywx.warehouse.tables import alert_notifications
from citywx.weather.alerting.table_reader import TableReader

APPLICATION = "alerts"
_LOOK_SECONDS = 0.2
_FINAL = ("sent", "failed", "suppressed", "unknown")


@dataclass(frozen=True, slots=True)
class Span:
    """When a silence holds: from now or later, for a time or until a moment."""

    starts_at: datetime
    lasts: str | None
    until: datetime | None

    def end(self) -> datetime:
        """The moment that it ends; SilenceError unless exactly one of both is given."""
        if (self.lasts is None) == (self.until is None):
            message = "give either --for or --until: a silence needs an end"
            raise SilenceError(message)
        return self.until or self.starts_at + _duration(self.lasts or "")


def silence(
    settings: Settings, what: Silence, span: Span, *, author: str | None, reason: str
) -> int:
    """Add a silence; its number."""
    wanted = SilenceRequest(what, span.starts_at, span.end(), author or getuser(), reason)
    with answering_database(settings, application=APPLICATION) as engine, engine.begin() as found:
        return silences.add_silence(found, wanted)


def end_silence(settings: Settings, silence_id: int, *, now: datetime) -> None:
    """End a silence before its time."""
    with answering_database(settings, application=APPLICATION) as engine, engine.begin() as found:
        silences.end_silence(found, silence_id, now)


def list_silences(settings: Settings, *, ended: bool, now: datetime) -> list[dict[str, object]]:
    """The silences that have not ended, or all, as plain values."""
    with answering_database(settings, application=APPLICATION) as engine, engine.connect() as found:
        rows = silences.list_silences(found, now, ended=ended)
    return [_plain(row._asdict()) for row in rows]


def silence_line(values: dict[str, object]) -> str:
    """A silence in one line, for people."""
    named = (("rule", "rule"), ("city", "city"), ("severity", "up to"))
    what = ", ".join(f"{word} {values[name]}" for name, word in named if values[name])
    return (
        f"{values['silence_id']}: {what or 'every alert'}, {values['starts_at']} to "
        f"{values['ends_at']}, by {values['author']}: {values['reason']}"
    )


def acknowledge(
    settings: Settings, alert_id: str, *, author: str | None, note: str, now: datetime
) -> bool:
    """Acknowledge an alert; False when it was already."""
    with answering_database(settings, application=APPLICATION) as engine, engine.begin() as found:
        return silences.acknowledge(found, alert_id, author=author or getuser(), note=note, now=now)


def try_receivers(
    settings: Settings, receivers: Sequence[str], *, seconds: float, now: datetime
) -> list[dict[str, object]]:
    """Send a made-up notice to receivers of the file, and wait for what comes of it."""
    routing = load_routing(settings.alert_routes, notice_secrets())
    origin = Home.find(settings).kind.value
    with answering_database(settings, application=APPLICATION) as engine:
        with engine.begin() as found:
            notice_id = queue_trial(found, routing, receivers, origin=origin, now=now)
        return _outcomes(engine, notice_id, seconds)


def outcome_line(values: dict[str, object]) -> str:
    """What became of a notice at one receiver, for people."""
    to = f" ({values['recipient']})" if values["recipient"] else ""
    why = f": {values['last_error']}" if values["last_error"] else ""
    hint = "; does the notifier run?" if values["state"] == "queued" else ""
    return f"{values['receiver']}{to}: {values['state']}{why}{hint}"


def _outcomes(engine: Engine, notice_id: str, seconds: float) -> list[dict[str, object]]:
    """What became of a notice, once nothing of it is under way any more, or the time is over."""
    table = alert_notifications
    columns = (table.c.receiver, table.c.recipient, table.c.state, table.c.last_error)
    query = select(*columns).where(table.c.notice_id == notice_id).order_by(table.c.receiver)
    deadline = time.monotonic() + seconds
    while True:
        with engine.connect() as connection:
            rows = connection.execute(query).all()
        if all(row.state in _FINAL for row in rows) or time.monotonic() > deadline:
            return [_plain(row._asdict()) for row in rows]
        time.sleep(_LOOK_SECONDS)


def _plain(row: Mapping[str, Any]) -> dict[str, object]:
    return {
        name: value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def _duration(text: str) -> timedelta:
    return TableReader({"for": text}, "the option").duration("for")
