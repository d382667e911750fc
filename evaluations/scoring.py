"""Held against what was planted: recall of each kind of fault, and what is flagged elsewhere."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from citywx.weather.cleaning import CleaningRules, clean_city
from citywx.weather.climatology import learn_climatology
from citywx.weather.quality.flags import (
    DOUBTS,
    SEVERITIES,
    QcFlag,
    Severity,
    bits,
    doubting,
)
from citywx.weather.quality.masks import Masks
from evaluations.faults import Fault, plant, second_source

RULES = CleaningRules(("first", "second"), low_temp_c=10.0, temp_message=lambda _: None)
PRESSURE_ONLY = bits(flag for flag, measures in DOUBTS.items() if measures == ("pressure",))
DOUBTFUL = bits(flag for flag, severity in SEVERITIES.items() if severity > Severity.NOTE)
_BETWEEN_FAULTS_HOURS = 24 * 60
"""Readings for one fault: few enough that the history stays that of the city."""


@dataclass(frozen=True, slots=True)
class Recall:
    """How many of the rows to be flagged were."""

    fault: Fault
    rows: int = 0
    found: int = 0
    others: int = 0
    """Rows without a fault, in the same readings."""
    others_flagged: int = 0
    """Of these, flagged on temperature, humidity or wind."""

    @property
    def share(self) -> float:
        """0 to 1; not a number without rows."""
        return self.found / self.rows if self.rows else float("nan")

    def __add__(self, other: "Recall") -> "Recall":
        return Recall(
            self.fault,
            self.rows + other.rows,
            self.found + other.found,
            self.others + other.others,
            self.others_flagged + other.others_flagged,
        )


@dataclass(frozen=True, slots=True)
class FlaggedShare:
    """What is flagged of one city's readings as they are."""

    city: str
    rows: int
    doubted: float
    """Share of rows suspect or failed for temperature, humidity or wind."""
    pressure: float
    """Share of rows suspect or failed for pressure alone."""
    flags: dict[str, float]
    """Share of rows that have each flag."""


def recall(cities: Iterable[pd.DataFrame], fault: Fault, seeds: Sequence[int]) -> Recall:
    """Of one kind of fault, planted anew for each seed."""
    total = Recall(fault)
    for readings in cities:
        count = max(1, len(readings) // _BETWEEN_FAULTS_HOURS)
        for seed in seeds:
            total += _recall_once(readings, fault, count, np.random.default_rng(seed))
    return total


def flagged_share(readings: pd.DataFrame) -> FlaggedShare:
    """What is flagged where nothing was planted."""
    flags = _flags(readings)
    names = {flag.name: float(np.mean((flags & bits([flag])) != 0)) for flag in QcFlag}
    return FlaggedShare(
        city=readings["city"].iloc[0],
        rows=len(readings),
        doubted=float(np.mean((flags & DOUBTFUL & ~PRESSURE_ONLY) != 0)),
        pressure=float(np.mean((flags & DOUBTFUL & PRESSURE_ONLY) != 0)),
        flags={name: share for name, share in names.items() if share},
    )


def _recall_once(
    readings: pd.DataFrame, fault: Fault, count: int, rng: np.random.Generator
) -> Recall:
    planted = plant(readings, fault, count, rng)
    others = [second_source(readings, rng)] if fault.second_source else []
    flags = _flags(planted.readings, *others)
    wanted = np.bitwise_or.reduce([doubting(name) for name in fault.measures]) & DOUBTFUL
    found = (flags & wanted) != 0
    doubted = (flags & DOUBTFUL & ~PRESSURE_ONLY) != 0
    return Recall(
        fault,
        rows=int(planted.faulty.sum()),
        found=int((found & planted.faulty).sum()),
        others=int((~planted.touched).sum()),
        others_flagged=int((doubted & ~planted.touched).sum()),
    )


def _flags(readings: pd.DataFrame, *others: pd.DataFrame) -> Masks:
    """As cleaning flags them, with what these same readings say is usual in the city."""
    usual = learn_climatology(readings)
    clean = clean_city(pd.concat([readings, *others], ignore_index=True), RULES, usual)
    return clean["qc_flags"].to_numpy()
