"""The short way from a line to its JSON says what the long way says, byte by byte, or nothing."""

from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from citywx.staging.lines import Line, LineKind, read_record
from citywx.weather.reading import COLUMNS, CONTRACT_COLUMNS, Layout, Reading
from streaming.line_json import usual_json
from streaming.messages import LogReading, encode_reading
from streaming.remembered import Remembered

EARLIEST, LATEST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
USUAL = b"2026-03-01T00:00:00Z,Oslo,-1.5,80,1013.2,,light snow,csv,2026-03-01T00:00:01.5Z"


def line_of(data: bytes, layout: Layout | None = None) -> Line:
    kind = LineKind.RECORD
    return Line("000001-abc", 100, 100 + len(data) + 1, data, kind, layout or Layout(COLUMNS))


def quick(line: Line) -> bytes | None:
    found = usual_json(line, 90, earliest=EARLIEST, latest=LATEST)
    return found[0].encode() if found else None


def slow(line: Line) -> bytes | None:
    record = read_record(line, earliest=EARLIEST, latest=LATEST)
    if not isinstance(record, Reading):
        return None
    return encode_reading(LogReading(record, line.segment, line.offset, line.end), 90)


def test_a_usual_line_takes_the_short_way() -> None:
    assert quick(line_of(USUAL)) == slow(line_of(USUAL))
    assert quick(line_of(USUAL)) is not None
    found = usual_json(line_of(USUAL), 90, earliest=EARLIEST, latest=LATEST)
    assert found is not None
    assert found[1] == datetime(2026, 3, 1, 0, 0, 1, 500_000, tzinfo=UTC)


_TIMES = """2026-03-01T00:00:00Z| 2026-03-01 00:00|2026-03-01T01:00:00.25+01:00|2019-12-31|
2019-12-31T23:59:59Z|2027-01-01T00:00:00Z|1772323200||2026-02-30T00:00:00Z"""
_TIME = st.sampled_from(_TIMES.replace("\n", "").split("|"))
_NUMBER = st.sampled_from(
    [
        "",
        "NaN",
        " n/a ",
        "-0",
        "0",
        "1e3",
        "1e400",
        "1_000",
        "1,5",
        "-1.50",
        "\u0661",
        "23.4",
        "inf",
    ]
) | st.floats(allow_nan=False).map(repr)
_TEXT = st.sampled_from(
    ["", "  ", "Oslo", " São Paulo ", "São Paulo", '"a, b"', 'a"b', "\\", "\x00", "\x1f", "x" * 201]
) | st.text(max_size=20)
_FIELDS = st.tuples(
    _TIME, _TEXT, _NUMBER, _NUMBER, _NUMBER, _NUMBER, _TEXT, _TEXT, _TIME | st.just(" ")
)


@example(USUAL)
@example(USUAL + b",one more")
@example(b"\xff" + USUAL)
@given(_FIELDS.map(lambda fields: ",".join(fields).encode(errors="replace")) | st.binary())
def test_the_short_way_says_the_same_or_nothing(data: bytes) -> None:
    if b"\n" in data:
        return
    line = line_of(data)
    assert quick(line) in (None, slow(line))


def test_lines_of_other_kinds_and_layouts_take_the_long_way() -> None:
    assert quick(line_of(USUAL)._replace(kind=LineKind.UNFINISHED)) is None
    assert quick(line_of(USUAL, Layout())) is None
    assert quick(line_of(USUAL, Layout((*CONTRACT_COLUMNS, "fetched_at", "source")))) is None
    assert quick(line_of(USUAL.replace(b"snow", b"snow" * 200))) is None


def test_what_is_remembered_is_bounded() -> None:
    squares: Remembered[int, int] = Remembered(lambda number: number * number, most=3)
    assert [squares[number] for number in range(10)] == [n * n for n in range(10)]
    assert len(squares) <= 3
