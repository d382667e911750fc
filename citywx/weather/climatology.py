"""What is usual in a city: soft limits and roughness by calendar month, from its own history.

Pure. When a climatology is made anew, and where it is kept, belongs to the batch layer.
Medians and quantiles only, so that the faults in a history do not make it; leave failed values out
all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from citywx.weather.quality.limits import LONGEST_STEP_HOURS
from citywx.weather.quality.series import Bools, Floats, Places, moistening_explained, series

MONTHS: Final = 12
HOURS: Final = 24
RANGED: Final = ("temperature_c", "pressure", "wind_speed")
ROUGH: Final = ("temperature_c", "humidity", "wind_speed")

_MICROSECONDS_PER_HOUR: Final = 3_600_000_000
_RARE: Final = 0.002  # one value in 500 is more extreme than the quantile
_MARGINS: Final = {"temperature_c": 6.0, "pressure": 10.0, "wind_speed": 8.0}
"""°C, hPa, m/s beyond the quantiles: one year does not show what ten years bring."""
_FEWEST_READINGS: Final = 240  # of three months: ten days of hourly readings
_FEWEST_OF_HOUR: Final = 20
_SPREAD_OF_MEDIAN: Final = 1.4826  # a normal distribution's standard deviation


def _unknown_hours() -> Floats:
    return np.full((MONTHS, HOURS), np.nan)


@dataclass(frozen=True, eq=False)
class Climatology:
    """What is usual in one city, by calendar month (UTC). Not a number: not known."""

    low: Mapping[str, Floats]
    """The least credible value of each of `RANGED`, in its unit, by month."""
    high: Mapping[str, Floats]
    """The greatest."""
    roughness: Mapping[str, Floats] = field(
        default_factory=lambda: dict.fromkeys(ROUGH, _unknown_hours())
    )
    """The usual change of each of `ROUGH` per √hour, by month and hour of the day."""
    trend: Floats = field(default_factory=_unknown_hours)
    """The usual change of temperature, K an hour, by month and hour of the day."""

    @classmethod
    def unknown(cls) -> "Climatology":
        """Of a city without history: everything is credible."""
        ranges = dict.fromkeys(RANGED, np.full(MONTHS, np.nan))
        return cls(low=ranges, high=ranges)

    def to_json(self) -> dict[str, Any]:
        """As what `json.dumps` takes; None where nothing is known."""
        return {
            "low": {name: _plain(values) for name, values in self.low.items()},
            "high": {name: _plain(values) for name, values in self.high.items()},
            "roughness": {name: _plain(values) for name, values in self.roughness.items()},
            "trend": _plain(self.trend),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Climatology":
        """What `to_json` gave."""
        return cls(
            low={name: _array(values) for name, values in stored["low"].items()},
            high={name: _array(values) for name, values in stored["high"].items()},
            roughness={name: _array(values) for name, values in stored["roughness"].items()},
            trend=_array(stored["trend"]),
        )


def learn_climatology(history: pd.DataFrame) -> Climatology:
    """What is usual in the city whose readings (`timestamp`, the measures) these are, in any order.

    Of one time the first counts. Each month is learnt together with its two neighbours; what has
    too few readings stays unknown.
    """
    ordered = history.sort_values("timestamp", kind="stable").drop_duplicates("timestamp")
    times = ordered["timestamp"].astype("datetime64[us, UTC]")
    hours = times.astype("int64").to_numpy() / _MICROSECONDS_PER_HOUR
    month = times.dt.month.to_numpy().astype(np.intp) - 1
    values = {name: ordered[name].to_numpy(dtype="float64") for name in (*RANGED, "humidity")}
    ranges = {name: _range(values[name], month, _MARGINS[name]) for name in RANGED}
    changes = _changes(hours, values)
    hour = (hours % HOURS).astype("intp")
    trend = _by_hour(changes["temperature_c"], month, hour)
    changes["temperature_c"] -= np.nan_to_num(trend[month, hour])
    return Climatology(
        low={name: low for name, (low, _) in ranges.items()},
        high={name: high for name, (_, high) in ranges.items()},
        roughness={
            name: _by_hour(np.abs(changes[name]), month, hour) * _SPREAD_OF_MEDIAN for name in ROUGH
        },
        trend=trend,
    )


def _changes(hours: Floats, values: Mapping[str, Floats]) -> dict[str, Floats]:
    """Each measure's change per √hour, of humidity what temperature does not explain."""
    changes = {}
    for name in ROUGH:
        known = np.isfinite(values[name])
        own = series(hours, values[name], known, LONGEST_STEP_HOURS)
        rises = own.rises
        if name == "humidity":
            rises = rises - moistening_explained(own.values, values["temperature_c"][own.rows])
        changes[name] = np.full(len(hours), np.nan)
        changes[name][own.rows] = rises / np.sqrt(own.elapsed)
    return changes


def _season(months: Places, month: int) -> Bools:
    """The readings of a month and its two neighbours."""
    near: Bools = np.isin((months - month) % MONTHS, (0, 1, MONTHS - 1))
    return near


def _range(values: Floats, months: Places, margin: float) -> tuple[Floats, Floats]:
    low, high = np.full(MONTHS, np.nan), np.full(MONTHS, np.nan)
    for month in range(MONTHS):
        known = values[_season(months, month) & np.isfinite(values)]
        if len(known) >= _FEWEST_READINGS:
            least, greatest = np.quantile(known, [_RARE, 1 - _RARE])
            low[month], high[month] = least - margin, greatest + margin
    return low, high


def _by_hour(values: Floats, months: Places, hours: Places) -> Floats:
    """The median of each month's season at each hour; of all hours, where one has too few."""
    medians = np.full((MONTHS, HOURS), np.nan)
    for month in range(MONTHS):
        known = _season(months, month) & np.isfinite(values)
        season, its_hours = values[known], hours[known]
        if len(season) < _FEWEST_READINGS:
            continue
        medians[month] = np.median(season)
        for hour in range(HOURS):
            of_hour = season[its_hours == hour]
            if len(of_hour) >= _FEWEST_OF_HOUR:
                medians[month, hour] = np.median(of_hour)
    return medians


def _plain(values: Floats) -> list[Any]:
    plain = values.astype(object)
    plain[np.isnan(values)] = None
    rows: list[Any] = plain.tolist()
    return rows


def _array(values: list[Any]) -> Floats:
    return np.array(values, dtype="float64")
