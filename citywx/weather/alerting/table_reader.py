"""Checked values out of one table of `alerts.toml`, with errors that name line, table and key."""

import math
import re
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any, NoReturn

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_DURATION = re.compile(r"(\d{1,6})(s|m|h|d)")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = timedelta(days=60)
_HEADER = re.compile(r"\s*\[\[?\s*([\w.-]+)\s*\]\]?")
_KEY = re.compile(r"\s*([\w-]+)\s*=")


class RuleError(ValueError):
    """The rules file is wrong; the message names the line, the table and the key."""


class TableReader:
    """Takes checked values from one table."""

    def __init__(
        self, table: Mapping[str, Any], name: str, lines: Mapping[str, int] | None = None
    ) -> None:
        """`name`: the table for people; `lines`: where its keys stand, "" for the table itself."""
        self.table = table
        self.name = name
        self.lines = lines or {}

    def fail(self, key: str, reason: str) -> NoReturn:
        """Say what is wrong with a key."""
        line = self.lines.get(key, self.lines.get(""))
        place = f"line {line}: " if line else ""
        message = f"{place}{self.name}: {key} {reason}"
        raise RuleError(message)

    def only(self, keys: Collection[str], what: str) -> None:
        """Refuse keys that nobody knows."""
        if unknown := sorted(self.table.keys() - set(keys)):
            self.fail(unknown[0], f"is no key of {what}")

    def __contains__(self, key: str) -> bool:
        """Whether the key is given."""
        return key in self.table

    def identifier(self, key: str) -> str:
        """A name that may stand in topics and file names."""
        text = self.text(key)
        if not _ID.fullmatch(text):
            self.fail(key, "must be lower-case letters, digits, - and _, at most 60")
        return text

    def text(self, key: str, default: str | None = None) -> str:
        """A text on one line."""
        value = self.table.get(key, default)
        if not isinstance(value, str) or not value.isprintable():
            self.fail(key, "must be a text on one line")
        if not value.strip() and value != default:
            self.fail(key, "must be a text on one line")
        return value.strip()

    def one_of(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        """One of the words."""
        value = self.table.get(key, default)
        if value not in allowed:
            self.fail(key, f"must be one of {', '.join(allowed)}")
        return str(value)

    def number(self, key: str, default: float | None = None) -> float:
        """A finite number."""
        value = self.table.get(key, default)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            self.fail(key, "must be a number")
        return float(value)

    def positive(self, key: str, default: float | None = None) -> float:
        """A number above 0."""
        value = self.number(key, default)
        if value <= 0:
            self.fail(key, "must be above 0")
        return value

    def count(self, key: str, least: int, default: int | None = None) -> int:
        """A whole number of at least `least`."""
        value = self.table.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.fail(key, f"must be a whole number of at least {least}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """A truth value."""
        value = self.table.get(key, default)
        if not isinstance(value, bool):
            self.fail(key, "must be true or false")
        return value

    def duration(self, key: str, default: timedelta | None = None) -> timedelta:
        """A time such as "90s", "30m", "2h" or "1d", at most 60 days."""
        if key not in self.table and default is not None:
            return default
        value = self.table.get(key)
        match = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            self.fail(key, 'must be a time such as "90s", "30m", "2h" or "1d"')
        duration = timedelta(seconds=int(match[1]) * _UNIT_SECONDS[match[2]])
        if duration > _LONGEST:
            self.fail(key, f"must be at most {_LONGEST.days} days")
        return duration

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; none where the key is absent."""
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            self.fail(key, "must be a list of texts")
        return tuple(value)

    def tables(self, key: str) -> list["TableReader"]:
        """The readers of a list of tables; none where the key is absent."""
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.fail(key, "must be tables")
        line = {"": self.lines[""]} if "" in self.lines else {}
        return [
            TableReader(one, f"{self.name}: {key} {number}", line)
            for number, one in enumerate(value, 1)
        ]


def key_lines(text: str, table: str) -> list[dict[str, int]]:
    r"""For each `[[table]]` of the text, the lines of its keys; "" is the header's own.

    >>> key_lines('[[rule]]\nid = "a"\n\n[[rule]]\nid = "b"\n', "rule")
    [{'': 1, 'id': 2}, {'': 4, 'id': 5}]
    """
    found: list[dict[str, int]] = []
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            if header[1] == table:
                found.append({"": number})
            inside = header[1] == table
        elif inside and (key := _KEY.match(line)):
            found[-1].setdefault(key[1], number)
    return found
