"""A block read as columns says of every line what the line read by itself says."""

from datetime import UTC, datetime
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citywx.staging.columns import NOT_REPORTED, Columns, columns_of, joined, parse_block
from citywx.staging.lines import Block, Line, LineKind, Rejected, cut_lines, read_record
from citywx.weather.reading import COLUMNS, CONTRACT_COLUMNS, MEASURES, Layout, Reading

EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
LATEST = datetime(2026, 12, 1, tzinfo=UTC)
SEGMENT = "1-abc"

moments = st.one_of(
    st.datetimes(datetime(2009, 12, 31), datetime(2026, 12, 2)).map(  # noqa: DTZ001 - text
        lambda moment: moment.isoformat() + "Z"
    ),
    st.sampled_from(
        (
            *("", " ", "NaN", "1700000000", "2026-02-30T00:00:00Z", "2026-03-01T24:00:00Z"),
            *("2026-03-01T00:00:60Z", "2026-03-01", "2026-03-01 00:00", "2026-03-01T00:00:00.5Z"),
            *("2026-03-01T01:00:00+01:00", " 2026-03-01T00:00:00Z ", "0000-01-01T00:00:00Z"),
            *("2026-03-01T00:00:00.1234567Z", "٢٠٢٦-03-01T00:00:00Z", "timestamp"),
        )
    ),
)
numbers = st.one_of(
    st.floats(-1e6, 1e6).map(repr),
    st.integers(-200, 2000).map(str),
    st.sampled_from(
        (
            *("", "NaN", "nan", "N/A", "null", "inf", "-0", "1e3", "+1", ".5", "5.", "1_000"),
            *("12.50", " 7 ", "0x1F", "9" * 20, "1e400", "0.1234567890123456789", "\u0661", "1 2"),
        )
    ),
)
words = st.sampled_from(
    (
        *("", "Oslo", " Oslo ", "São Paulo", "Sa\u0303o Paulo", "x" * 201, "a\tb", "\ufeffOslo"),
        *('"Oslo"', '"a,b"', '"', "timestamp", "clear sky", "Mo i Rana", "\x00", "é" * 200),
    )
)
records = st.tuples(moments, words, numbers, numbers, numbers, numbers, words, words, moments).map(
    lambda fields: ",".join(fields).encode()
)
junk = st.one_of(
    st.binary(max_size=40).map(lambda data: data.replace(b"\n", b"")),
    st.sampled_from(
        (
            *(b"", b"  ", b"\r", ",".join(COLUMNS).encode(), b"city,timestamp", b"\xff\xfe"),
            *(b",,,,,,,,", b",,,,,,", b"x" * 17_000, b"\xef\xbb\xbf"),
        )
    ),
)
good = st.builds(
    lambda hour, number: (
        f"2026-03-01T{hour:02}:00:00Z,Oslo,{number},50,1010,3,clear,replay,"
        f"2026-03-01T{hour:02}:00:01.5Z"
    ).encode(),
    st.integers(0, 23),
    st.integers(-40, 40),
)
blocks = st.builds(
    lambda lines, offset, columns: Block(
        SEGMENT, offset, b"".join(line + b"\n" for line in lines), Layout(columns)
    ),
    st.lists(st.one_of(good, records, records, junk), min_size=1, max_size=12),
    st.sampled_from((0, 1000)),
    st.sampled_from((None, COLUMNS, CONTRACT_COLUMNS, ("city", "timestamp", "other", "humidity"))),
)


def readings_of(columns: Columns) -> dict[int, Reading]:
    def moment(value: int) -> datetime | None:
        return None if value == NOT_REPORTED else EPOCH + np.timedelta64(value, "us").item()

    def number(value: float) -> float | None:
        return None if np.isnan(value) else float(value)

    return {
        int(columns.offset[row]): Reading(
            moment(columns.timestamp[row]),  # type: ignore[arg-type]
            columns.city.texts[columns.city.codes[row]],  # type: ignore[arg-type]
            *(number(columns.measures[name][row]) for name in MEASURES),
            columns.weather.texts[columns.weather.codes[row]],
            columns.source.texts[columns.source.codes[row]],  # type: ignore[arg-type]
            moment(columns.fetched_at[row]),
        )
        for row in range(len(columns))
    }


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def line_by_line(block: Block) -> tuple[dict[int, Reading], list[Rejected]]:
    records = {
        line.offset: read_record(line, earliest=EARLIEST, latest=LATEST) for line in block.lines()
    }
    return (
        {place: found for place, found in records.items() if isinstance(found, Reading)},
        [found for found in records.values() if isinstance(found, Rejected)],
    )


@given(blocks)
def test_a_block_says_of_each_line_what_the_line_says(block: Block) -> None:
    parsed = parse_block(block, earliest=EARLIEST, latest=LATEST)
    readings, rejected = line_by_line(block)
    assert repr(readings_of(parsed.readings)) == repr(dict(sorted_as(parsed, readings)))
    assert parsed.lines == len(block.lines())
    assert list(parsed.rejected) == rejected


def sorted_as(parsed: object, readings: dict[int, Reading]) -> list[tuple[int, Reading]]:
    order = [int(offset) for offset in parsed.readings.offset]  # type: ignore[attr-defined]
    assert sorted(order) == sorted(readings)
    return [(offset, readings[offset]) for offset in order]


def test_texts_that_mean_the_same_have_one_code() -> None:
    lines = [b"2026-03-01T00:00:00Z,Oslo,,,,,", b"2026-03-01T01:00:00Z, Oslo ,,,,,"]
    lines.append(b'2026-03-01T02:00:00Z,"Oslo",,,,,')
    block = Block(SEGMENT, 0, b"\n".join(lines) + b"\n", Layout(CONTRACT_COLUMNS))
    columns = parse_block(block, earliest=EARLIEST, latest=LATEST).readings
    assert columns.city.texts == ("Oslo",)
    assert columns.city.codes.tolist() == [0, 0, 0]
    assert columns.source.texts == ("csv",)


def test_a_special_line_is_rejected_with_its_kind() -> None:
    line = Line(SEGMENT, 10, 20_000, b"x", LineKind.OVERSIZE, Layout())
    parsed = parse_block(Block(SEGMENT, 10, b"x", Layout(), line), earliest=EARLIEST, latest=LATEST)
    assert (parsed.lines, len(parsed.readings)) == (1, 0)
    assert [found.reason for found in parsed.rejected] == ["longer than 16 KiB"]


def test_lines_are_cut_at_their_places() -> None:
    data = [b"a", b"", b"timestamp,city"]
    starts = [100, *accumulate((len(text) + 1 for text in data), initial=100)][1:]
    cut = cut_lines(SEGMENT, 100, b"\n".join(data), Layout(("timestamp", "city")))
    assert [(line.offset, line.end) for line in cut] == list(pairwise(starts))
    assert [line.kind for line in cut] == [LineKind.RECORD, LineKind.BLANK, LineKind.HEADER]


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_joined_parts_keep_every_reading(parts: int) -> None:
    readings = [
        (Reading(EARLIEST, f"City {number % 2}", float(number), source="s", weather=None), number)
        for number in range(6)
    ]
    cut = [columns_of(readings[number::parts]) for number in range(parts)]
    assert readings_of(joined(cut)) == {offset: reading for reading, offset in readings}
