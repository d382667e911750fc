"""What a forecast is: for which variable, for when, by which method, within which limits."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from citywx.weather.city import City

VARIABLES = ("temperature_c", "humidity")

LIMITS = {"temperature_c": (-90.0, 60.0), "humidity": (0.0, 100.0)}
"""What the weather on Earth can be (°C, %); no forecast leaves it."""


class Horizon(StrEnum):
    """How far ahead."""

    NEXT_STEP = "next_step"
    """One usual step after the latest reading."""
    TOMORROW = "tomorrow"
    """The mean of the city's next local day."""


class Method(StrEnum):
    """How the value was found."""

    LINEAR_TREND = "linear_trend"
    SEASONAL_NAIVE = "seasonal_naive"


@dataclass(frozen=True, slots=True)
class Target:
    """What a forecast speaks of."""

    horizon: Horizon
    time: float
    """POSIX seconds; of a day, its middle."""
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """A value, and what was done to it, for people."""

    value: float
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """Mean absolute errors of a method and of the baseline over the same past forecasts."""

    mae: float
    baseline_mae: float
    forecasts: int

    @property
    def skill(self) -> float | None:
        """1 − mae / baseline_mae: above 0 is better than the baseline; None for a flat series.

        >>> Score(mae=1.5, baseline_mae=2.0, forecasts=30).skill
        0.25
        """
        return 1 - self.mae / self.baseline_mae if self.baseline_mae > _FLAT else None


_FLAT = 1e-9


@dataclass(frozen=True, slots=True)
class Forecast:
    """One row of `city_predictions`."""

    city: str
    variable: str
    issue_time: datetime
    """The city's latest reading, aware UTC: forecasts know no other clock."""
    target_time: datetime
    method: Method
    horizon: Horizon
    value: float
    points: int
    """Readings that the value was made of."""
    mae: float | None = None
    baseline_mae: float | None = None
    skill: float | None = None
    note: str | None = None


def next_step(issue: float, step: float) -> Target:
    """The next reading, if it comes in time."""
    return Target(Horizon.NEXT_STEP, issue + step, issue + step, issue + step)


def tomorrow(issue: float, city: City) -> Target:
    """The local day after the one in which a moment lies; 23 or 25 hours when clocks change.

    >>> target = tomorrow(datetime(2026, 3, 1, 23, 30, tzinfo=UTC).timestamp(),
    ...                   City("Cairo", time_zone="Africa/Cairo"))
    >>> datetime.fromtimestamp(target.time, UTC).isoformat()  # Cairo already has 2 March
    '2026-03-03T10:00:00+00:00'
    """
    today = datetime.fromtimestamp(issue, city.zone).date()
    start = _midnight(today + timedelta(days=1), city)
    end = _midnight(today + timedelta(days=2), city)
    return Target(Horizon.TOMORROW, (start + end) / 2, start, end)


def _midnight(day: date, city: City) -> float:
    return datetime.combine(day, time(), city.zone).astimezone(UTC).timestamp()
