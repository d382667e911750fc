"""The grammar of one record."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citywx.weather.reading import (
    COLUMNS,
    CONTRACT_COLUMNS,
    Layout,
    Reading,
    UnreadableError,
    header_layout,
    parse_line,
    parse_timestamp,
    to_csv_line,
)

EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
LATEST = datetime(2026, 12, 1, tzinfo=UTC)
HEADLESS = Layout()
NINE = Layout(COLUMNS)


def parse(line: str, layout: Layout = HEADLESS) -> Reading:
    return parse_line(line.encode(), layout, earliest=EARLIEST, latest=LATEST)


def test_a_complete_line_becomes_a_reading() -> None:
    reading = parse("2026-03-01T00:00:00Z,Oslo,-1.5,60,1013,2.5,light snow")

    assert reading == Reading(
        datetime(2026, 3, 1, tzinfo=UTC), "Oslo", -1.5, 60.0, 1013.0, 2.5, "light snow"
    )
    assert reading.source == "csv"
    assert reading.fetched_at is None


@pytest.mark.parametrize("missing", ["", " ", "NaN", "nan", "N/A", "n/a", "null", "NULL"])
def test_a_measure_that_was_not_reported_is_none(missing: str) -> None:
    assert parse(f"2026-03-01T00:00:00Z,Oslo,{missing},60,1013,2.5,").temperature_c is None


@pytest.mark.parametrize(
    "number", ["inf", "-inf", "1_000", "1e309", "0x10", "twelve", "1.2.3", "--1", "١٢", "1 2"]
)
def test_what_is_no_plain_number_is_rejected_by_name(number: str) -> None:
    with pytest.raises(UnreadableError, match="temperature_c"):
        parse(f"2026-03-01T00:00:00Z,Oslo,{number},60,1013,2.5,snow")


def test_a_decimal_comma_is_a_wrong_number_of_fields() -> None:
    with pytest.raises(UnreadableError, match="expected 7 or 9 fields, got 8"):
        parse("2026-03-01T00:00:00Z,Oslo,12,5,60,1013,2.5,snow")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T00:00:00Z", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01 00:00:00", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T01:02:00+01:00", datetime(2026, 3, 1, 0, 2, tzinfo=UTC)),
        ("2026-03-01T00:00:00.250000Z", datetime(2026, 3, 1, 0, 0, 0, 250_000, tzinfo=UTC)),
        ("2024-02-29T23:59Z", datetime(2024, 2, 29, 23, 59, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_utc(text: str, expected: datetime) -> None:
    assert parse_timestamp(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1772323380", "not ISO 8601"),
        ("", "not ISO 8601"),
        ("20260301T000000Z", "not ISO 8601"),
        ("2026-02-30T00:00:00Z", "does not exist"),
        ("0001-01-01T00:00:00+05:00", "does not exist"),
        ("2009-12-31T23:59:59Z", "before 2010-01-01"),
        ("2099-01-01T00:00:00Z", "in the future"),
    ],
)
def test_a_time_that_cannot_be_is_rejected_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        parse(f"{text},Oslo,1,60,1013,2.5,snow")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"2026-03-01T00:00:00Z,Os\x00lo,1,60,1013,2.5,snow", "NUL"),
        (b"2026-03-01T00:00:00Z,Oslo\xff,1,60,1013,2.5,snow", "not UTF-8 at byte 25"),
        (b'2026-03-01T00:00:00Z,Oslo,1,60,1013,2.5,"rain', "malformed quoting"),
        (b"2026-03-01T00:00:00Z,,1,60,1013,2.5,snow", "city is empty"),
        (b"2026-03-01T00:00:00Z,Os\x1blo,1,60,1013,2.5,snow", "control characters"),
        (b"2026-03-01T00:00:00Z," + b"x" * 201 + b",1,60,1013,2.5,snow", "longer than 200"),
    ],
)
def test_unreadable_text_is_rejected_with_its_reason(line: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        parse_line(line, HEADLESS, earliest=EARLIEST, latest=LATEST)


def test_columns_are_taken_by_name() -> None:
    layout = header_layout(b"City,weather,timestamp,temperature_c,station")
    assert layout is not None

    reading = parse('Oslo,"rain, heavy",2026-03-01T00:00:00Z,4,17', layout)

    assert (reading.city, reading.weather, reading.temperature_c) == ("Oslo", "rain, heavy", 4.0)
    assert reading.humidity is None


@pytest.mark.parametrize("line", [b"timestamp,timestamp,city", b"timestamp,town", b"a,b,c"])
def test_a_line_without_the_needed_names_is_no_header(line: bytes) -> None:
    assert header_layout(line) is None


def test_city_names_are_normalised_so_that_one_city_is_one_city() -> None:
    composed, decomposed = "São Paulo", "São Paulo"
    line = "2026-03-01T00:00:00Z,{},1,60,1013,2.5,snow"
    assert parse(line.format(decomposed)).city == composed


_TEXT = st.text(
    st.characters(exclude_categories=("C", "Zl", "Zp", "Zs")), min_size=1, max_size=30
).filter(lambda text: len(text.encode()) < 100)
_NUMBER = st.none() | st.floats(-1e6, 1e6).map(lambda value: value + 0.0)


@given(city=_TEXT, weather=_TEXT, temperature=_NUMBER, wind=_NUMBER)
def test_what_is_written_is_read_back(
    city: str, weather: str, temperature: float | None, wind: float | None
) -> None:
    reading = Reading(
        timestamp=datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
        city=city,
        temperature_c=temperature,
        wind_speed=wind,
        weather=weather,
        source="simulate",
        fetched_at=datetime(2026, 3, 1, 12, 31, 0, 123_456, tzinfo=UTC),
    )
    line = to_csv_line(reading)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1

    again = parse(line.decode().removesuffix("\n"), NINE)

    assert parse(to_csv_line(again).decode().removesuffix("\n"), NINE) == again
    assert again._replace(city="", weather=None) == reading._replace(city="", weather=None)


def test_line_ends_inside_text_never_reach_the_log() -> None:
    reading = Reading(datetime(2026, 3, 1, tzinfo=UTC), "Oslo", weather="rain\nwith\r\nhail")
    assert to_csv_line(reading).count(b"\n") == 1
    assert b"rain with hail" in to_csv_line(reading)


def test_a_line_read_before_is_read_alike_again_and_with_other_bounds() -> None:
    line = "2026-03-01T00:00:00Z,Oslo,1.5,60,1013,2.5,snow"
    assert parse(line) == parse(line)
    with pytest.raises(UnreadableError, match="is before 2027-01-01"):
        parse_line(
            line.encode(),
            HEADLESS,
            earliest=datetime(2027, 1, 1, tzinfo=UTC),
            latest=datetime(2028, 1, 1, tzinfo=UTC),
        )


def test_long_fields_are_not_remembered() -> None:
    zeros = "0" * 1000
    assert parse(f"2026-03-01T00:00:00Z,Oslo,{zeros}7,60,1013,2.5,snow").temperature_c == 7.0


def test_the_contract_is_the_first_seven_columns() -> None:
    assert COLUMNS[:7] == CONTRACT_COLUMNS
