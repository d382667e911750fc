"""Windows find what going through all their values would find."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from citywx.weather.alerting.patterns.feed import Feed
from citywx.weather.reading import Reading
from tests.support.patterns import NOON

HOUR = timedelta(hours=1)
_steps = st.lists(
    st.tuples(st.integers(1, 70), st.one_of(st.none(), st.integers(0, 9).map(float))), max_size=60
)


def made(steps: Sequence[tuple[int, float | None]]) -> list[Reading]:
    readings, moment = [], NOON
    for minutes, value in steps:
        moment += timedelta(minutes=minutes)
        readings.append(Reading(moment, "Oslo", value))
    return readings


def window(readings: Sequence[Reading], place: int) -> list[tuple[float, float]]:
    """Unix times and values of the hour up to a reading."""
    newest = readings[place].timestamp
    return [
        (one.timestamp.timestamp(), one.temperature_c)
        for one in readings[: place + 1]
        if newest - one.timestamp <= HOUR and one.temperature_c is not None
    ]


@settings(deadline=None)
@given(_steps)
def test_a_change_is_that_from_the_extreme_of_the_hour(
    steps: Sequence[tuple[int, float | None]],
) -> None:
    feed, readings = Feed(), made(steps)
    rise = feed.change("temperature_c", HOUR, rising=True)
    fall = feed.change("temperature_c", HOUR, rising=False)
    for place, reading in enumerate(readings):
        rose, fell, newest = rise.of(reading), fall.of(reading), reading.temperature_c
        if newest is None:
            assert rose is None
            assert fell is None
            continue
        values = dict(window(readings, place))
        assert rose == newest - min(values.values())
        assert fell == max(values.values()) - newest
        for change, extreme in ((rise, min), (fall, max)):
            origin = change.origin("Oslo")
            assert values[origin.seconds] == origin.value == extreme(values.values())


@settings(deadline=None)
@given(_steps)
def test_a_history_holds_the_values_of_the_hour_once(
    steps: Sequence[tuple[int, float | None]],
) -> None:
    feed, readings = Feed(), made(steps)
    history = feed.history("temperature_c", HOUR)
    for place, reading in enumerate(readings):
        for _ in range(2):
            assert history.of(reading) == reading.temperature_c
        if reading.temperature_c is not None:
            times, values = zip(*window(readings, place), strict=True)
            assert history.dump() == {"Oslo": [list(times), list(values)]}
            assert history.at("Oslo", times[0]) == values[0]
        assert history.at("Oslo", 0) is None
