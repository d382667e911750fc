"""Quality control: which readings to doubt, and why.

A flag never removes a reading or a value; it is stored beside it. Each flag is raised by one pure
function of a city's readings; `TESTS` is their order. What is done about a doubtful value belongs
in `citywx.weather.cleaning`; what is no reading at all, in `citywx.weather.reading`.

The functions take a frame of one city's readings, sorted by `timestamp` (aware UTC, no repeats),
with the measures as float64 (NaN = not reported) and `other_temperature_c`, and return a boolean
series on its index. Limits follow MADIS, WMO-No. 8 and world records, each named below.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

import pandas as pd

_HOUR_SECONDS = 3600.0


class QcFlag(Enum):
    """Why a reading is doubtful: the name is stored, the value is the sentence for people."""

    TEMPERATURE_RANGE = "Temperature outside anything ever measured on Earth"
    HUMIDITY_RANGE = "Humidity below 0 % or above 100 %"
    PRESSURE_RANGE = "Sea-level pressure outside anything ever measured on Earth"
    WIND_RANGE = "Wind speed negative, or above anything ever measured on Earth"
    TEMPERATURE_STEP = "Temperature jumped further than weather does in that time"
    HUMIDITY_STEP = "Humidity jumped further than weather does in that time"
    PRESSURE_STEP = "Pressure jumped further than weather does in that time"
    TEMPERATURE_STUCK = "Temperature unchanged for hours: the sensor may be stuck"
    HUMIDITY_STUCK = "Humidity unchanged for hours, below saturation: the sensor may be stuck"
    PRESSURE_STUCK = "Pressure unchanged for half a day: the sensor may be stuck"
    WIND_STUCK = "Wind speed unchanged for a day, and not calm: the sensor may be stuck"
    SOURCES_DISAGREE = "Another source reports a very different temperature for this time"
    IMPUTED = "A missing value was filled in between its neighbours in time"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of all tests, with their units."""

    # World records −89.2 and 56.7 °C, 870 and 1085 hPa, 113 m/s, with a margin.
    coldest_c: float = -90.0
    hottest_c: float = 60.0
    driest_percent: float = 0.0
    wettest_percent: float = 100.0
    lowest_pressure_hpa: float = 850.0
    highest_pressure_hpa: float = 1090.0
    strongest_wind_m_s: float = 115.0

    # Changes in one hour: MADIS has 19.4 K, 50 %, 10 hPa; half of its 19.4 K finds more faults.
    temperature_step_k: float = 10.0
    humidity_step_percent: float = 50.0
    pressure_step_hpa: float = 10.0
    # Within minutes, smaller ones than these are no step (WMO-No. 8, change in one minute).
    least_temperature_step_k: float = 3.0
    least_humidity_step_percent: float = 15.0
    least_pressure_step_hpa: float = 2.0
    longest_step: timedelta = timedelta(hours=3)  # values further apart are not compared

    # As long as real weather never shows; humidity and pressure are often whole numbers.
    temperature_stuck: timedelta = timedelta(hours=7)
    humidity_stuck: timedelta = timedelta(hours=12)
    pressure_stuck: timedelta = timedelta(hours=12)
    wind_stuck: timedelta = timedelta(hours=24)
    saturation_percent: float = 98.0  # from here on fog holds humidity still
    calm_m_s: float = 0.5

    source_difference_k: float = 5.0

    def hard_range(self, measure: str) -> tuple[float, float]:
        """The least and the greatest value of a measure that can be true at all."""
        return {
            "temperature_c": (self.coldest_c, self.hottest_c),
            "humidity": (self.driest_percent, self.wettest_percent),
            "pressure": (self.lowest_pressure_hpa, self.highest_pressure_hpa),
            "wind_speed": (0.0, self.strongest_wind_m_s),
        }[measure]

    @property
    def reach(self) -> timedelta:
        """How far in time a reading can change the flags of another."""
        return max(
            self.temperature_stuck,
            self.humidity_stuck,
            self.pressure_stuck,
            self.wind_stuck,
            self.longest_step,
        )


@dataclass(frozen=True, slots=True)
class QcTest:
    """A test, the flag that it raises, and the measure that the flag puts in doubt."""

    flag: QcFlag
    measure: str
    raised: Callable[[pd.DataFrame, Limits], "pd.Series[bool]"]


def temperature_range(frame: pd.DataFrame, limits: Limits) -> "pd.Series[bool]":
    """Outside the hard range, °C."""
    return _outside(frame, "temperature_c", limits)


def humidity_range(frame: pd.DataFrame, limits: Limits) -> "pd.Series[bool]":
    """Outside the hard range, %."""
    return _outside(frame, "humidity", limits)


def pressure_range(frame: pd.DataFrame, limits: Limits) -> "pd.Series[bool]":
    """Outside the hard range, hPa at sea level."""
    return _outside(frame, "pressure", limits)


def wind_range(frame: pd.DataFrame, limits: Limits) -> "pd.Series[bool]":
    """Outside the hard range, m/s."""
    return _outside(frame, "wind_speed", limits)


def temperature_step(frame: pd.DataFrame, limits: Limits) -> "pd.Series[bool]":
    """Further from the value before than `temperature_step_k` per √hour."""
    steps = (limits.temperature_step_k, limits.least_temperature_step_k)
    return _step(frame, "temperature_c", steps, limits)


def humidity_step(frame: pd.DataFrame, limits: Limits) -> "pd.Series[bool]":
    """Further from the value before than `humidity_step_percent` per √hour."""
    steps = (limits.humidity_step_percent, limits.least_humidity_step_percent)
    return _step(frame, "humidity", steps, limits)


def pressure_step(frame: pd.DataFrame, limits: Limits) -> "pd.Series[bool]":
    """Further from the value before than `pressure_step_hpa` per √hour."""
    steps = (limits.pressure_step_hpa, limits.least_pressure_step_hpa)
    return _step(frame, "pressure", steps, limits)


def temperature_stuck(frame: pd.DataFrame, limits: Limits) -> "pd.Series[bool]":
    """In a run of one value that lasts `temperature_stuck` or longer."""
    return _stuck(frame, "temperature_c", limits.temperature_stuck)


def humidity_stuck(frame: pd.DataFrame, limits: Limits) -> "pd.Series[bool]":
    """In such a run, below saturation: fog holds humidity still for hours."""
    below = frame["humidity"] < limits.saturation_percent
    return _stuck(frame, "humidity", limits.humidity_stuck) & below


def pressure_stuck(frame: pd.DataFrame, limits: Limits) -> "pd.Series[bool]":
    """In a run of one value that lasts `pressure_stuck` or longer."""
    return _stuck(frame, "pressure", limits.pressure_stuck)


def wind_stuck(frame: pd.DataFrame, limits: Limits) -> "pd.Series[bool]":
    """In such a run, with wind: calms are real."""
    windy = frame["wind_speed"] > limits.calm_m_s
    return _stuck(frame, "wind_speed", limits.wind_stuck) & windy


def sources_disagree(frame: pd.DataFrame, limits: Limits) -> "pd.Series[bool]":
    """Further than `source_difference_k` from the next best source at the same time."""
    difference = (frame["temperature_c"] - frame["other_temperature_c"]).abs()
    return difference > limits.source_difference_k


TESTS = (
    QcTest(QcFlag.TEMPERATURE_RANGE, "temperature_c", temperature_range),
    QcTest(QcFlag.HUMIDITY_RANGE, "humidity", humidity_range),
    QcTest(QcFlag.PRESSURE_RANGE, "pressure", pressure_range),
    QcTest(QcFlag.WIND_RANGE, "wind_speed", wind_range),
    QcTest(QcFlag.TEMPERATURE_STEP, "temperature_c", temperature_step),
    QcTest(QcFlag.HUMIDITY_STEP, "humidity", humidity_step),
    QcTest(QcFlag.PRESSURE_STEP, "pressure", pressure_step),
    QcTest(QcFlag.TEMPERATURE_STUCK, "temperature_c", temperature_stuck),
    QcTest(QcFlag.HUMIDITY_STUCK, "humidity", humidity_stuck),
    QcTest(QcFlag.PRESSURE_STUCK, "pressure", pressure_stuck),
    QcTest(QcFlag.WIND_STUCK, "wind_speed", wind_stuck),
    QcTest(QcFlag.SOURCES_DISAGREE, "temperature_c", sources_disagree),
)
"""All tests of reported values, in the order in which flags are stored."""


def run_tests(frame: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    """All tests on one city's readings: a boolean column for each, named by its flag."""
    return pd.DataFrame(
        {test.flag.name: test.raised(frame, limits) for test in TESTS}, index=frame.index
    )


def doubtful(raised: pd.DataFrame, measure: str) -> "pd.Series[bool]":
    """Which rows have a flag that puts this measure in doubt."""
    names = [test.flag.name for test in TESTS if test.measure == measure]
    return raised[names].any(axis=1)


def _outside(frame: pd.DataFrame, measure: str, limits: Limits) -> "pd.Series[bool]":
    low, high = limits.hard_range(measure)
    return (frame[measure] < low) | (frame[measure] > high)


def _step(
    frame: pd.DataFrame, measure: str, steps: tuple[float, float], limits: Limits
) -> "pd.Series[bool]":
    """Compare with the last possible value; random changes grow with the square root of time."""
    possible = frame[measure].notna() & ~_outside(frame, measure, limits)
    reported = frame.loc[possible, ["timestamp", measure]]
    elapsed = reported["timestamp"].diff()
    in_one_hour, least = steps
    hours: pd.Series[float] = elapsed.dt.total_seconds() / _HOUR_SECONDS
    allowed = (in_one_hour * hours**0.5).clip(lower=least)
    jumped = (reported[measure].diff().abs() > allowed) & (elapsed <= limits.longest_step)
    return jumped.reindex(frame.index, fill_value=False)


def _stuck(frame: pd.DataFrame, measure: str, longest: timedelta) -> "pd.Series[bool]":
    reported = frame.loc[frame[measure].notna(), ["timestamp", measure]]
    run = reported[measure].ne(reported[measure].shift()).cumsum()
    times = reported["timestamp"].groupby(run)
    lasted = times.transform("max") - times.transform("min")
    return (lasted >= longest).reindex(frame.index, fill_value=False)
