"""Soft limits by calendar month, from a city's own history. Pure.

When limits are made anew, and where they are kept, belongs in `citywx.warehouse.climatology`.
"""

import pandas as pd

from citywx.weather.reading import MEASURES

LEAST_DAYS = 60
"""With fewer days in a month and its two neighbours, over all years, nothing is called unusual."""
COLUMNS = ("month", "measure", "low", "high", "readings")

_MONTHS = 12
_RARE = 0.001  # of readings lie beyond on either side
_MARGIN = 0.25  # of the spread between the two is added on either side


def soft_limits(history: pd.DataFrame) -> pd.DataFrame:
    """The usual range of each measure in each calendar month (UTC).

    `history`: `timestamp` (aware UTC) and the measures, of values that passed quality control.
    Returns `COLUMNS`, limits in the measure's unit; a month without enough history has no row.
    """
    months, days = history["timestamp"].dt.month, history["timestamp"].dt.floor("D")
    rows = []
    for month in range(1, _MONTHS + 1):
        near = months.isin([(month + offset - 1) % _MONTHS + 1 for offset in (-1, 0, 1)])
        for measure in MEASURES:
            values = history.loc[near, measure].dropna()
            if days[values.index].nunique() >= LEAST_DAYS:
                low, high = values.quantile(_RARE), values.quantile(1 - _RARE)
                spread = (high - low) * _MARGIN
                rows.append((month, measure, low - spread, high + spread, len(values)))
    return pd.DataFrame(rows, columns=list(COLUMNS))
