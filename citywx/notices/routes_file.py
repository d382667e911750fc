"""Reads `notices.toml`: every mistake is told with its line, its table and its key.

Secrets are not in the file: it names variables of the environment, all of which begin with NOTICE_.
"""

import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from citywx.mail.addresses import AddressError, parse_address
from citywx.notices.routes import Limits, Receiver, ReceiverKind, Route, Routing, Template
from citywx.settings import NOTICE_PREFIX
from citywx.weather.alerting.policy import Severity, read_hours
from citywx.weather.alerting.table_reader import RuleError, TableReader, key_lines

_RECEIVER_KEYS = {
    ReceiverKind.SUBSCRIBERS: (),
    ReceiverKind.EMAIL: ("to",),
    ReceiverKind.WEBHOOK: ("url", "url_env", "secret_env", "template"),
    ReceiverKind.MQTT: (),
}
_ROUTE_KEYS = (
    *("name", "receivers", "min_severity", "cities", "rules", "group_by", "group_wait"),
    *("group_interval", "repeat_interval", "resolved", "quiet", "quiet_passes"),
    *("most_notices", "most_notices_per", "most_listed"),
)
_GROUPABLE = ("rule", "city", "severity")
_NEVER = "never"


class RoutesError(ValueError):
    """The file of routes is wrong; the message says what is wrong where."""


def load_routing(path: Path, secrets: Mapping[str, str]) -> Routing:
    """Read and check the file; RoutesError names what is wrong."""
    try:
        return parse_routing(path.read_text("utf-8"), secrets)
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path}: cannot be read: {error}"
        raise RoutesError(message) from None
    except RoutesError as error:
        message = f"{path}: {error}"
        raise RoutesError(message) from None


def parse_routing(text: str, secrets: Mapping[str, str]) -> Routing:
    """Routes and receivers from TOML; `secrets`: the variables that receivers may name."""
    try:
        document = tomllib.loads(text)
        if unknown := sorted(document.keys() - {"receiver", "route"}):
            message = f"{unknown[0]!r} is unknown: there are [[receiver]] and [[route]] tables"
            raise RoutesError(message)
        receivers = [
            _receiver(table, secrets) for table in _tables(document, text, "receiver", "name")
        ]
        routes = [_route(table) for table in _tables(document, text, "route", "name")]
        known = {one.name: one for one in receivers}
        for table, route in zip(_tables(document, text, "route", "name"), routes, strict=True):
            if missing := [name for name in route.receivers if name not in known]:
                table.fail("receivers", f"names {missing[0]!r}, which is no [[receiver]]")
    except tomllib.TOMLDecodeError as error:
        message = f"not TOML: {error}"
        raise RoutesError(message) from None
    except RuleError as error:
        raise RoutesError(str(error)) from None
    return Routing(tuple(routes), known)


def _tables(document: Mapping[str, Any], text: str, kind: str, key: str) -> list[TableReader]:
    """The readers of all `[[kind]]` tables, each with a name of its own."""
    tables = document.get(kind, [])
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        message = f"{kind} must be written as [[{kind}]] tables"
        raise RoutesError(message)
    lines = key_lines(text, kind)
    found: dict[str, TableReader] = {}
    for number, table in enumerate(tables):
        reader = TableReader(table, f"{kind} number {number + 1}", lines[number])
        name = reader.identifier(key)
        reader.name = f"{kind} {name!r}"
        if name in found:
            reader.fail(key, "stands twice")
        found[name] = reader
    return list(found.values())


def _receiver(table: TableReader, secrets: Mapping[str, str]) -> Receiver:
    name = table.identifier("name")
    kind = ReceiverKind(table.one_of("type", tuple(ReceiverKind)))
    table.only({"name", "type", *_RECEIVER_KEYS[kind]}, f"a receiver of type {kind}")
    if kind is ReceiverKind.EMAIL:
        return Receiver(name, kind, addresses=_addresses(table))
    if kind is not ReceiverKind.WEBHOOK:
        return Receiver(name, kind)
    return Receiver(
        name,
        kind,
        url=_url(table, secrets),
        secret=_secret(table, "secret_env", secrets) if "secret_env" in table else "",
        template=Template(table.one_of("template", tuple(Template), Template.JSON)),
    )


def _addresses(table: TableReader) -> tuple[str, ...]:
    addresses = table.texts("to")
    if not addresses:
        table.fail("to", "must list at least one address")
    try:
        return tuple(dict.fromkeys(map(parse_address, addresses)))
    except AddressError as error:
        table.fail("to", f"holds what is no address: {error}")


def _url(table: TableReader, secrets: Mapping[str, str]) -> str:
    """Where a webhook is; the operator's word alone, so it may also be an address inside."""
    if ("url" in table) == ("url_env" in table):
        table.fail("url / url_env", "exactly one of them must be given")
    key = "url" if "url" in table else "url_env"
    url = table.text("url") if key == "url" else _secret(table, "url_env", secrets)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        table.fail(key, "must be an http:// or https:// address")
    return url


def _secret(table: TableReader, key: str, secrets: Mapping[str, str]) -> str:
    name = table.text(key)
    if not name.startswith(NOTICE_PREFIX):
        table.fail(key, f"must name a variable that begins with {NOTICE_PREFIX}")
    if not secrets.get(name):
        table.fail(key, f"names {name}, which is not set in the environment or in .env")
    return secrets[name]


def _route(table: TableReader) -> Route:
    table.only(_ROUTE_KEYS, "a route")
    receivers = table.texts("receivers")
    if not receivers:
        table.fail("receivers", "must list at least one receiver")
    usual = Route("", ())
    return Route(
        name=table.identifier("name"),
        receivers=tuple(dict.fromkeys(receivers)),
        min_severity=Severity(table.one_of("min_severity", tuple(Severity), usual.min_severity)),
        cities=table.texts("cities"),
        rules=table.texts("rules"),
        group_by=_group_by(table) if "group_by" in table else usual.group_by,
        group_wait=table.duration("group_wait", usual.group_wait),
        group_interval=table.duration("group_interval", usual.group_interval),
        repeat_interval=_repeat(table, usual.repeat_interval),
        resolved=table.flag("resolved", default=usual.resolved),
        quiet=read_hours(table, "quiet"),
        quiet_passes=_quiet_passes(table),
        limits=_limits(table, usual.limits),
    )


def _group_by(table: TableReader) -> tuple[str, ...]:
    names = table.texts("group_by")
    if not set(names) <= set(_GROUPABLE) or len(set(names)) != len(names):
        table.fail("group_by", f"must list some of {', '.join(_GROUPABLE)}, each once")
    return names


def _repeat(table: TableReader, usual: timedelta | None) -> timedelta | None:
    if table.table.get("repeat_interval") == _NEVER:
        return None
    interval = table.duration("repeat_interval", usual)
    if not interval:
        table.fail("repeat_interval", f'must be above 0, or "{_NEVER}"')
    return interval


def _quiet_passes(table: TableReader) -> Severity | None:
    if "quiet_passes" not in table:
        return None
    if "quiet" not in table:
        table.fail("quiet_passes", "is of no use without quiet")
    return Severity(table.one_of("quiet_passes", tuple(Severity)))


def _limits(table: TableReader, usual: Limits) -> Limits:
    per = table.duration("most_notices_per", usual.per)
    if not per:
        table.fail("most_notices_per", "must be above 0")
    return Limits(
        notices=table.count("most_notices", 1, usual.notices),
        per=per,
        listed=table.count("most_listed", 1, usual.listed),
    )
