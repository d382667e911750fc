"""A notice's content as JSON, for its row, and back."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from citywx.notices.content import Content, NoticeAlert
from citywx.notices.planning import NoticeKind

_ALERT_TIMES = ("started_at", "resolved_at", "peak_at")


def encode(content: Content) -> dict[str, object]:
    """Plain values; times in ISO 8601."""
    return {name: _plain(value) for name, value in asdict(content).items()}


def decode(values: Mapping[str, Any]) -> Content:
    """What `encode` was given."""
    return Content(
        **{
            **values,
            "kind": NoticeKind(values["kind"]),
            "made_at": datetime.fromisoformat(values["made_at"]),
            "alerts": tuple(map(_alert, values["alerts"])),
            "rules": tuple(values["rules"]),
            "cities": tuple(values["cities"]),
        }
    )


def _alert(values: Mapping[str, Any]) -> NoticeAlert:
    times = {
        name: datetime.fromisoformat(values[name]) if values[name] else None
        for name in _ALERT_TIMES
    }
    return NoticeAlert(**{**values, **times})


def _plain(value: Any) -> Any:  # noqa: ANN401 - any plain value
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, datetime) else value
