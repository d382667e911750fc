"""Two cold fronts that really crossed three cities, one after another."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from citywx.weather.alerting.book import AlertBook
from citywx.weather.alerting.definitions import parse_definitions
from citywx.weather.alerting.life import Event
from citywx.weather.reading import CONTRACT_COLUMNS, Layout, Reading, parse_line

ROOT = Path(__file__).parents[2]
REAL_DATA = ROOT.parent / "shared" / "data" / "backtest_dev.csv.gz"
EARLIEST, LATEST = datetime(2013, 1, 1, tzinfo=UTC), datetime(2014, 1, 1, tzinfo=UTC)

TOML = """
[[pattern]]
id = "fall"
kind = "fall"
severity = "info"
message = "Fall"
metric = "{metric}"
by = {by}
within = "3h"

[[pattern]]
id = "front"
kind = "all_of"
severity = "info"
message = "Front passage"
within = "3h"
conditions = [{{ metric = "{metric}", fall = {by} }}, {{ metric = "pressure", rise = {rise} }}]

[[pattern]]
id = "moving-front"
kind = "spread"
severity = "warning"
message = "Moving front"
condition = {{ pattern = "front" }}
reached = 3
within = "24h"
order = ["Atlanta", "Jacksonville", "Miami"]
"""


def real_readings(days: tuple[str, ...]) -> list[Reading]:
    layout = Layout(CONTRACT_COLUMNS)
    with gzip.open(REAL_DATA) as file:
        lines = [line.rstrip() for line in file if line.startswith(tuple(map(str.encode, days)))]
    return [parse_line(line, layout, earliest=EARLIEST, latest=LATEST) for line in lines]


def fired(toml: str, readings: list[Reading]) -> list[tuple[str, str, str]]:
    """Pattern, city and time (day and hour) of each alert."""
    book = AlertBook(parse_definitions(toml))
    events = [event for reading in readings for event in book.judge(reading)]
    return [
        (one.rule_id, one.city, f"{one.observed_at:%d %H}")
        for one in events
        if one.event is Event.FIRED
    ]


FEBRUARY = [
    ("fall", "Atlanta", "17 00"),
    ("front", "Atlanta", "17 03"),
    ("fall", "Jacksonville", "17 20"),
    ("front", "Jacksonville", "17 20"),
    ("fall", "Miami", "18 00"),
    ("front", "Miami", "18 00"),
    ("moving-front", "Atlanta", "18 00"),
]
MARCH = [
    ("fall", "Atlanta", "26 01"),
    ("front", "Atlanta", "26 01"),
    ("fall", "Jacksonville", "26 08"),
    ("front", "Jacksonville", "26 08"),
    ("fall", "Miami", "26 17"),
    ("front", "Miami", "26 17"),
    ("moving-front", "Atlanta", "26 17"),
]


if REAL_DATA.exists():

    @pytest.mark.parametrize(
        ("metric", "by", "rise", "days", "expected"),
        [
            ("temperature_c", 4, 1.5, ("2013-02-16", "2013-02-17", "2013-02-18"), FEBRUARY),
            ("dew_point", 5, 2, ("2013-03-25", "2013-03-26", "2013-03-27"), MARCH),
        ],
    )
    def test_a_front_is_a_fall_then_a_passage_in_each_city_and_then_a_moving_front(
        metric: str,
        by: float,
        rise: float,
        days: tuple[str, ...],
        expected: list[tuple[str, str, str]],
    ) -> None:
        alerts = fired(TOML.format(metric=metric, by=by, rise=rise), real_readings(days))
        assert [one for one in alerts if one in expected] == expected
