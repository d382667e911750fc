"""Hostile bytes, from a seed: lines for the log, and payloads for `weather/readings`."""

import json
import random
from collections.abc import Callable, Iterator, Sequence

from citywx.weather.reading import COLUMNS, to_csv_line
from tests.faults.rows import reading

_TEXTS = (
    *(
        "",
        " ",
        "NaN",
        "nan",
        "inf",
        "-inf",
        "null",
        "N/A",
        "1e309",
        "-0",
        "1_000",
        "12,5",
        "٣",
        "½",
    ),
    *("9" * 400, "0x1F", "1e-320", "True", "None", "{}", "[]", "\x00", "\x1b[31m", "\r", "\t"),
    *("2026-02-30T00:00:00Z", "1e9", "0", "9999-12-31T23:59:59.999999+23:59", "0001-01-01T00:00Z"),
    *("2026-03-01T00:00:60Z", "2026-03-01T00:00:00+99:99", "1700000000", "'; DROP TABLE x; --"),
    *(
        "<script>alert(1)</script>",
        '=HYPERLINK("http://example.org")',
        "../../etc/passwd",
        '"',
        '""',
    ),
    *(
        "\u202egnp.exe",
        "e\u0301" * 50,
        "\u200b",
        "\ufeff",
        "\U0001f321" * 60,
        "\uff21",
        "\ufb01",
        "\u0130",
        "ß",
    ),
    *("weather/+/#", "$SYS/#", "x" * 201, "a\u0000b", "\u2028", "\x85", "%s%n", "{0}", "\ud7ff"),
)
_INVALID = (b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xe2\x82")
_HEADER = ",".join(COLUMNS).encode()
_MOST_BYTES = 100_000
_NUMBERS = (-1, 0, 1, 2**31, 2**53, 2**63, 2**64, 10**400, 0.1, -1e300, 1e308, True, None)


class Hostile:
    """A source of hostile bytes that is the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311 - to repeat a failure

    def lines(self, count: int) -> Iterator[bytes]:
        """So many physical lines, without their line ends; some of them are good."""
        kinds: tuple[Callable[[bytes], bytes], ...] = (
            *(self._same, self._same, self._flip, self._cut, self._field, self._field),
            *(self._insert, self._insert, self._json, self._binary, self._odd),
        )
        for number in range(count):
            good = to_csv_line(reading(number)).removesuffix(b"\n")
            made = self._dice.choice(kinds)(good)
            if self._dice.random() < 0.0005:
                made = (made or b"x") * (self._dice.randrange(16_000, _MOST_BYTES) // 64)
            yield made.replace(b"\n", b"")

    def payload(self, good: bytes) -> bytes:
        """A hostile payload, perhaps made from a good one."""
        kinds = (self._flip, self._cut, self._insert, self._binary, self._value, self._value)
        if self._dice.random() < 0.002:
            return self._large(good)
        return self._dice.choice((*kinds, self._nested, self._without, self._value))(good)

    def chance(self, probability: float) -> bool:
        """True so often."""
        return self._dice.random() < probability

    def _same(self, good: bytes) -> bytes:
        return good

    def _flip(self, good: bytes) -> bytes:
        changed = bytearray(good)
        for _ in range(self._dice.randint(1, 4)):
            changed[self._dice.randrange(len(changed))] = self._dice.randrange(256)
        return bytes(changed)

    def _cut(self, good: bytes) -> bytes:
        start, end = sorted(self._dice.choices(range(len(good)), k=2))
        return good[:start] + good[end:]

    def _field(self, good: bytes) -> bytes:
        fields = good.split(b",")
        text = self._dice.choice(_TEXTS).encode("utf-8", "surrogatepass")
        fields[self._dice.randrange(len(fields))] = text
        return b",".join(fields)

    def _insert(self, good: bytes) -> bytes:
        place = self._dice.randrange(len(good))
        texts = (*_INVALID, b'"', b'""', b"\x00", b"\r", b"\xef\xbb\xbf", b",", b"\xc2\xa0")
        return good[:place] + self._dice.choice(texts) + good[place:]

    def _json(self, good: bytes) -> bytes:
        return json.dumps(dict(enumerate(good.decode().split(",")))).encode()

    def _binary(self, good: bytes) -> bytes:
        return self._dice.randbytes(self._dice.randrange(2 * len(good)))

    def _odd(self, good: bytes) -> bytes:
        reordered = b",".join(reversed(_HEADER.split(b",")))
        blank = (b"", b" ", b"\r", b"\t \r", b"," * 8)
        around = (good + b"\r", b"\xef\xbb\xbf" + good, b'"' + good, good + b",")
        return self._dice.choice((*blank, *around, _HEADER, reordered))

    def _value(self, good: bytes) -> bytes:
        body = json.loads(good)
        texts: Sequence[object] = (*_TEXTS, *_NUMBERS, [], {}, [[]], {"a": 1})
        for _ in range(self._dice.randint(1, 3)):
            body[self._dice.choice(list(body))] = self._dice.choice(texts)
        text = json.dumps(body, ensure_ascii=self.chance(0.5))
        if self.chance(0.1):
            text = text.replace(
                "null", self._dice.choice(("NaN", "Infinity", "-Infinity", "1e999"))
            )
        return text.encode("utf-8", "surrogatepass")

    def _without(self, good: bytes) -> bytes:
        body = json.loads(good)
        del body[self._dice.choice(list(body))]
        return json.dumps([body] if self.chance(0.2) else body).encode()

    def _nested(self, good: bytes) -> bytes:
        depth = self._dice.choice((10, 1_000, 15_000))
        opening, closing = self._dice.choice(((b"[", b"]"), (b'{"a":', b"}")))
        return opening * depth + (good + closing * depth if self.chance(0.5) else b"")

    def _large(self, good: bytes) -> bytes:
        return self._dice.choice(
            (
                b"\x00" * _MOST_BYTES,
                good[:-1] + b',"more":"' + b"x" * (_MOST_BYTES - 1_000) + b'"}',
                (good + b"\n") * (_MOST_BYTES // (len(good) + 1)),
                b"9" * _MOST_BYTES,
            )
        )
