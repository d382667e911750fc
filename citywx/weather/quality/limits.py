"""The limits of all tests: each named, with its unit and its source."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from typing import Final

from citywx.weather.reading import MEASURES

LONGEST_STEP_HOURS: Final = 3.0
"""Values further apart are not compared."""

HUMIDITY_PER_K: Final = 0.062
"""Share of its relative humidity that air loses with each kelvin, at one dew point (WMO-No. 8)."""
SHARE_EXPLAINED: Final = 0.5
"""Of a change, by what goes with it: the full slope explains too much, the dew point moves too."""
DRIEST_EXPLAINING: Final = 3.0
"""%: below it the logarithm of humidity runs away."""

MOST_RECENT_CHANGE: Final = 8.0
"""Multiples of the smallest usual change that one change adds to a day's."""
PRIOR_READINGS: Final = 3.0
"""How many readings the climatology counts for beside the last day's."""


@dataclass(frozen=True, slots=True)
class ChangeLimits:
    """How far a measure may change; scores are multiples of what is usual there and then.

    A score is a change per √hour (random changes grow with the square root of time), divided by
    the geometric mean of the city's usual change in that month and hour and of its last day's.
    """

    spike: float
    """Score of a value that stands out from both its neighbours."""
    step: float
    """Score of a value that stands off from the one before."""
    least_spike: float
    """In the measure's unit: whatever the score, less is no spike at any cadence."""
    least_step: float
    smallest_usual: float
    """Unit per √hour: what counts as usual where hardly anything ever changes."""
    usual: float
    """The same where nothing is known."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of all tests, with their units.

    Scores and lengths of time were chosen on real hourly readings of twelve cities in two feeds, a
    dirty and a clean one; docs/quality-control.md has what they find in four others.
    """

    # World records −89.2 and 56.7 °C, 870 and 1085 hPa, 113 m/s, with a margin.
    coldest_c: float = -90.0
    hottest_c: float = 60.0
    driest_percent: float = 0.0
    wettest_percent: float = 100.0
    lowest_pressure_hpa: float = 850.0
    highest_pressure_hpa: float = 1090.0
    strongest_wind_m_s: float = 115.0

    # Changes that WMO-No. 8 calls suspect within one minute are the least at all: 3 K, 15 %.
    temperature_change: ChangeLimits = ChangeLimits(
        spike=3.6, step=7.3, least_spike=2.5, least_step=3.0, smallest_usual=0.6, usual=1.0
    )
    humidity_change: ChangeLimits = ChangeLimits(
        spike=5.9, step=16.0, least_spike=15.0, least_step=25.0, smallest_usual=3.0, usual=5.0
    )
    wind_change: ChangeLimits = ChangeLimits(
        spike=4.2, step=inf, least_spike=4.0, least_step=inf, smallest_usual=1.0, usual=1.5
    )
    recent_hours: float = 24.0
    step_accepted_after_hours: float = 1.0
    """A step that stays is believed from then on: a front must not blind the station."""

    # MADIS: 10 hPa in one hour. Between two levels of one feed 6 hPa tell better; hourly falls
    # in real storms stay below.
    pressure_step_hpa: float = 10.0
    pressure_jump_hpa: float = 6.0
    least_pressure_jump_hpa: float = 3.0
    pressure_level_hpa: float = 5.0
    pressure_level_hours: float = 24.0
    """To each side: the level that most readings there have is the right one."""

    # One reading in another unit is continuous with the one before, once converted.
    unit_jump_k: float = 10.0
    unit_continuity_k: float = 4.0
    sign_jump_k: float = 4.5
    sign_continuity_k: float = 1.6
    sign_jump_score: float = 3.0
    sign_ends_below_c: float = 0.7
    sign_ends_colder_k: float = 9.0
    unit_hours: float = 60.0
    """A fault of unit or sign whose end is not seen is given up after so long."""
    inches_of_mercury: tuple[float, float] = (25.1, 32.2)  # 850 to 1090 hPa
    kilopascal: tuple[float, float] = (85.0, 109.0)
    pascal: tuple[float, float] = (85_000.0, 109_000.0)

    # As long as real weather hardly shows, for sensors of a tenth of a degree and whole % and hPa.
    temperature_stuck_hours: float = 8.0
    whole_degrees_stuck_hours: float = 12.0
    humidity_stuck_hours: float = 16.0
    humidity_stuck_while_warming_hours: float = 9.0
    warming_k: float = 6.0
    saturation_percent: float = 98.0  # from here on fog holds humidity still, for days
    fog_survives_k: float = 6.0  # of warming or cooling
    fog_survives_in_hours: float = 10.0
    fog_doubted_hours: float = 24.0
    """Before and after such a change, saturation is doubtful as long as it lasts."""
    pressure_stuck_hours: float = 18.0
    wind_stuck_hours: float = 30.0
    calm_m_s: float = 0.5  # calms are real, and last
    all_stuck_hours: float = 6.0
    fewest_stuck: int = 4
    """Values in a run: at three hours between readings a few repeats are chance."""

    dry_air_percent: float = 15.0
    """Rain hardly reaches the ground through it."""
    temperature_difference_k: float = 4.5
    humidity_difference_percent: float = 30.0
    pressure_difference_hpa: float = 5.0
    nearby_change_k: float = 10.0
    nearby_hours: float = 24.0
    """To each side: the usual difference from the city nearby is that of these days."""
    evidence_hours: float = 1.0
    """Another series' value counts at most so far from its own time."""
    late_hours: float = 3.0
    history_hours: float = 24.0
    """Later than this, history is being filled in or replayed: that is not late."""

    def hard_range(self, measure: str) -> tuple[float, float]:
        """The least and the greatest value of a measure that can be true at all."""
        return self.hard_ranges[measure]

    @property
    def hard_ranges(self) -> Mapping[str, tuple[float, float]]:
        """The same of all measures."""
        ranges = (
            (self.coldest_c, self.hottest_c),
            (self.driest_percent, self.wettest_percent),
            (self.lowest_pressure_hpa, self.highest_pressure_hpa),
            (0.0, self.strongest_wind_m_s),
        )
        return dict(zip(MEASURES, ranges, strict=True))

    def changes(self, measure: str) -> ChangeLimits:
        """How far temperature, humidity or wind may change."""
        return {
            "temperature_c": self.temperature_change,
            "humidity": self.humidity_change,
            "wind_speed": self.wind_change,
        }[measure]

    @property
    def reach(self) -> timedelta:
        """How far in time a reading can change the flags of another.

        The longest way: a step is compared with one before it, and each with the value before,
        if that is not in a wrong unit, which is known from a jump and the value before that.
        """
        steps = 2 * self.step_accepted_after_hours + 2 * LONGEST_STEP_HOURS
        hours = max(
            self.unit_hours + steps,
            self.recent_hours + steps,
            self.fog_survives_in_hours + self.fog_doubted_hours + self.evidence_hours,
            self.wind_stuck_hours + LONGEST_STEP_HOURS,
            self.pressure_level_hours + 2 * LONGEST_STEP_HOURS,
            self.nearby_hours + self.evidence_hours,
        )
        return timedelta(hours=hours)
