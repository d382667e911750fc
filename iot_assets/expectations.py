"""What a city's day should look like, judged by the days before it. Pure; on daily statistics.

A frame here has one row for each city and UTC day: `city`, `day`, `readings`, and for each measure
`…_mean` and `…_count`. Only whole days are judged: the newest one is left out while it goes on.
"""

from datetime import date
from typing import Final

import numpy as np
import pandas as pd

from citywx.weather.reading import MEASURES

HISTORY_DAYS: Final = 28
LEAST_HISTORY_DAYS: Final = 7
LEAST_VOLUME: Final = 0.5
"""A day with fewer readings than this share of the median of the days before is unusual."""
MOST_VOLUME: Final = 2.0
MOST_MISSING: Final = 0.2
"""A measure may lack in this share of a day's readings, if it lacked seldom before."""
MOST_DRIFT: Final = 5.0
"""A day's mean may lie so many robust standard deviations from the median of the days before."""
_TO_SIGMA: Final = 1.4826  # median absolute deviation → standard deviation of a normal distribution
_LEAST_SIGMA: Final = {"temperature_c": 2.0, "humidity": 5.0, "pressure": 3.0, "wind_speed": 1.0}
"""K, %, hPa, m/s: still weather is no reason for alarm."""


def unusual_volume(days: pd.DataFrame, day: date) -> dict[str, str]:
    """Cities whose number of readings on `day` is far from that of the days before."""
    found = {}
    for city, history in _histories(days, day):
        count = int(days.loc[(days["city"] == city) & (days["day"] == day), "readings"].sum())
        usual = float(history["readings"].median())
        if not LEAST_VOLUME * usual <= count <= MOST_VOLUME * usual:
            found[city] = f"{count} readings, usually {usual:g}"
    return found


def missing_measures(days: pd.DataFrame, day: date) -> dict[str, str]:
    """Cities of whose readings on `day` a measure lacks more often than it did before."""
    found = {}
    for city, history in _histories(days, day):
        today = days[(days["city"] == city) & (days["day"] == day)]
        for measure in MEASURES:
            now, before = _missing(today, measure), _missing(history, measure)
            if now > max(MOST_MISSING, 2 * before):
                found[f"{city}, {measure}"] = f"{now:.0%} missing, usually {before:.0%}"
    return found


def drifted(days: pd.DataFrame, day: date) -> dict[str, str]:
    """Measures of cities whose mean on `day` is far from the means of the days before.

    Robust: the median and the median absolute deviation stand for mean and deviation, so that a
    few bad days among those before do not hide the next (Hampel's identifier).
    """
    found = {}
    for city, history in _histories(days, day):
        today = days[(days["city"] == city) & (days["day"] == day)]
        for measure in MEASURES:
            means = history[f"{measure}_mean"].dropna()
            if today.empty or len(means) < LEAST_HISTORY_DAYS:
                continue
            center = float(means.median())
            sigma = max(_TO_SIGMA * float((means - center).abs().median()), _LEAST_SIGMA[measure])
            mean = float(today[f"{measure}_mean"].iloc[0])
            if abs(mean - center) > MOST_DRIFT * sigma:
                found[f"{city}, {measure}"] = f"mean {mean:.1f}, usually {center:.1f} ± {sigma:.1f}"
    return found


def _histories(days: pd.DataFrame, day: date) -> list[tuple[str, pd.DataFrame]]:
    """For each city the days before `day`, where there are enough to know what is usual."""
    before = days[days["day"] < day]
    histories = ((str(city), rows.tail(HISTORY_DAYS)) for city, rows in before.groupby("city"))
    return [(city, rows) for city, rows in histories if len(rows) >= LEAST_HISTORY_DAYS]


def _missing(rows: pd.DataFrame, measure: str) -> float:
    readings = float(rows["readings"].sum())
    return 1 - float(rows[f"{measure}_count"].sum()) / readings if readings else float(np.nan)
