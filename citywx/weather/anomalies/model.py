"""What was learnt of cities, as plain data: what the scorer needs, and how it was calibrated."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from citywx.weather.anomalies.channels import LearntChannel
from citywx.weather.anomalies.normal import Normal

RATES: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
"""False alarms a month for which thresholds are kept."""
_LOG_RATES: Final = tuple(math.log(rate) for rate in RATES)


@dataclass(frozen=True, slots=True)
class CityModel:
    """One city's."""

    normal: Normal
    channels: tuple[LearntChannel, ...]
    """In the order of `channels_of`."""
    thresholds: tuple[float, ...]
    """The score above which an alarm begins, for each of `RATES`."""
    first: datetime
    last: datetime
    """The first and the last reading that was learnt from."""
    readings: int

    def threshold(self, false_alarms_per_month: float) -> float:
        """The score above which an alarm begins; between and beyond `RATES` linear in their log."""
        rate = math.log(false_alarms_per_month)
        place = next((n for n in range(1, len(RATES) - 1) if rate <= _LOG_RATES[n]), len(RATES) - 1)
        low, high = self.thresholds[place - 1], self.thresholds[place]
        share = (rate - _LOG_RATES[place - 1]) / (_LOG_RATES[place] - _LOG_RATES[place - 1])
        return low + (high - low) * share


@dataclass(frozen=True, slots=True)
class Models:
    """All cities'."""

    made_at: datetime
    cities: Mapping[str, CityModel]
    without: Mapping[str, str] = field(default_factory=dict)
    """Why a city that was looked at has none."""
