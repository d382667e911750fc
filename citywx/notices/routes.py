"""Who is told of which alerts, and when, as data. How a file says it stands in `routes_file`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from citywx.weather.alerting.policy import Hours, Severity

RANK: Mapping[str, int] = {severity.value: severity.rank for severity in Severity}
"""The greater, the more serious."""


class Channel(StrEnum):
    """How notices leave; the values stand in `alert_notifications.channel`."""

    MAIL = "mail"
    WEBHOOK = "webhook"
    MQTT = "mqtt"


class ReceiverKind(StrEnum):
    """What a receiver is; the value is its `type` in the file."""

    SUBSCRIBERS = "subscribers"
    """Those who chose alerts for their cities, each by a mail of their own."""
    EMAIL = "email"
    WEBHOOK = "webhook"
    MQTT = "mqtt"

    @property
    def channel(self) -> Channel:
        """How it is reached."""
        return _CHANNELS.get(self, Channel.MAIL)


_CHANNELS = {ReceiverKind.WEBHOOK: Channel.WEBHOOK, ReceiverKind.MQTT: Channel.MQTT}


class Template(StrEnum):
    """What a webhook is sent."""

    JSON = "json"
    SLACK = "slack"
    DISCORD = "discord"
    NTFY = "ntfy"


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where notices go."""

    name: str
    kind: ReceiverKind
    addresses: tuple[str, ...] = ()
    """Of operators, for `email`."""
    url: str = field(default="", repr=False)
    """For `webhook`; it may be a secret."""
    secret: str = field(default="", repr=False)
    """Signs what the webhook is sent; empty: unsigned."""
    template: Template = Template.JSON


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a route may send at most."""

    notices: int = 10
    """To each receiver, in `per`."""
    per: timedelta = timedelta(minutes=10)
    listed: int = 20
    """Alerts described in one notice; how many more there are is said."""


@dataclass(frozen=True, slots=True)
class Route:
    """Which alerts go to which receivers, and when."""

    name: str
    receivers: tuple[str, ...]
    min_severity: Severity = Severity.INFO
    cities: tuple[str, ...] = ()
    """Names or patterns such as `Lon*`; none: all."""
    rules: tuple[str, ...] = ()
    """Ids or patterns; none: all."""
    group_by: tuple[str, ...] = ("rule",)
    group_wait: timedelta = timedelta(seconds=30)
    """From a group's first news to its notice, so that others can join it."""
    group_interval: timedelta = timedelta(minutes=5)
    """Between two notices of a group at least."""
    repeat_interval: timedelta | None = timedelta(hours=4)
    """How often is said that an alert is still firing; None: never."""
    resolved: bool = True
    """Whether the end of an alert is told."""
    quiet: Hours | None = None
    """When nobody is to be disturbed, in the local time of an alert's city."""
    quiet_passes: Severity | None = None
    """The least serious alert that is told all the same; None: none is."""
    limits: Limits = Limits()

    def takes(self, rule_id: str, city: str, severity: str) -> bool:
        """Whether an alert goes this way."""
        return (
            RANK[severity] >= RANK[self.min_severity]
            and matches_any(self.cities, city)
            and matches_any(self.rules, rule_id)
        )

    def group_key(self, rule_id: str, city: str, severity: str) -> str:
        """What alerts that are told of together have in common."""
        values = {"rule": rule_id, "city": city, "severity": severity}
        return "\x1f".join(values[name] for name in self.group_by)


@dataclass(frozen=True, slots=True)
class Routing:
    """All routes and receivers."""

    routes: tuple[Route, ...] = ()
    receivers: Mapping[str, Receiver] = field(default_factory=dict)

    def route(self, name: str) -> Route | None:
        """The route of that name, if it still exists."""
        return next((route for route in self.routes if route.name == name), None)


def matches_any(patterns: tuple[str, ...], text: str) -> bool:
    """Whether one of the patterns fits; without any, everything does.

    >>> matches_any(("Lon*", "Oslo"), "London"), matches_any((), "Cairo")
    (True, True)
    """
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)
