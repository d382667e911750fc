"""What is usual in a city: soft limits and roughness by calendar month, from its own history.

Pure. When a climatology is made anew, and where it is kept, belongs to the batch layer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from citywx.weather.reading import MEASURES

Floats = NDArray[np.float64]
MONTHS: Final = 12
HOURS: Final = 24


@dataclass(frozen=True, eq=False)
class Climatology:
    """What is usual in one city. Not a number: not known."""

    low: Mapping[str, Floats]
    """The least usual value of each measure, in its unit, by calendar month (UTC)."""
    high: Mapping[str, Floats]
    """The greatest."""

    @classmethod
    def unknown(cls) -> "Climatology":
        """Of a city without history: everything is usual."""
        nothing = dict.fromkeys(MEASURES, np.full(MONTHS, np.nan))
        return cls(low=nothing, high=nothing)
