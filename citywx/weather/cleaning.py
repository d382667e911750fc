"""Raw readings of a city → the rows of `weather_readings`. Pure; the database's part is elsewhere.

One row per observation time, from the best source; short gaps filled; flags beside the values.
Each source is judged as the sensor that it is, and the others are evidence for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from citywx.weather.climatology import Climatology
from citywx.weather.quality.flags import BIT, QC_VERSION, QcFlag
from citywx.weather.quality.limits import Limits
from citywx.weather.quality.masks import doubtful, verdicts
from citywx.weather.quality.ranges import outside
from citywx.weather.quality.series import Bools, Floats
from citywx.weather.quality.sources import Source, observations, split_sources
from citywx.weather.quality.suite import in_context, run_tests
from citywx.weather.reading import MEASURES

HIGH_TEMP_C = 23.0
"""A reading above this is `mod_high_temp`."""

RAW_COLUMNS = ("source", "city", "timestamp", *MEASURES, "weather")
"""What `clean_city` needs of raw readings; it also uses `fetched_at` where that is given."""

CLEAN_COLUMNS = (
    *("timestamp", "city", *MEASURES, "weather"),
    *("mod_high_temp", "temp_message", "low_temp", "source"),
    *("qc_flags", "imputed", "qc_verdict", "imputation", "qc_version"),
)
"""What it returns: the columns of `weather_readings`, with `qc_flags` and `imputed` as masks."""

TIME_DTYPE: Final = "datetime64[us, UTC]"
LINEAR_IN_TIME: Final = "linear in time"
"""What `imputation` says of values made of the two beside them."""


@dataclass(frozen=True, slots=True)
class CleaningRules:
    """How readings are cleaned."""

    source_order: Sequence[str]
    """Sources, best first; others come after these, by name."""
    low_temp_c: float
    temp_message: Callable[[float | None], str | None]
    """Says what a temperature (°C) means for people."""
    limits: Limits = field(default_factory=Limits)
    longest_gap: timedelta = timedelta(hours=3)
    """Between two values further apart nothing is filled in."""

    @property
    def reach(self) -> timedelta:
        """How far in time a raw reading can change another's cleaned row."""
        return self.limits.reach + self.longest_gap


@dataclass(frozen=True, eq=False)
class _Judged:
    """What is known of a source's readings: one element each."""

    places: NDArray[np.int64]
    hours: Floats
    measures: dict[str, Floats]
    flags: NDArray[np.int64]
    imputed: NDArray[np.int64]
    verdict: NDArray[np.int64]


def clean_city(
    raw: pd.DataFrame,
    rules: CleaningRules,
    climatology: Climatology | None = None,
    nearby: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Clean one city's raw readings (`RAW_COLUMNS`, any order) into rows of `CLEAN_COLUMNS`.

    `climatology` is the city's own; without it only what holds everywhere is tested. `nearby` are
    readings (`timestamp`, `temperature_c`) of a city close by. Of two rows with one source and
    time the later counts. Rows within `rules.reach` of the frame's ends may lack context: leave
    them out where more readings exist beyond. `raw` is not changed.
    """
    usual = climatology or Climatology.unknown()
    sources = split_sources(raw, rules.source_order)
    judged = [_judge(source, sources, rules, usual, nearby) for source in sources]
    return _rows(raw, _best(judged), rules)


def _judge(
    source: Source,
    sources: Sequence[Source],
    rules: CleaningRules,
    usual: Climatology,
    nearby: pd.DataFrame | None,
) -> _Judged:
    """Flag one source's readings, and fill its short gaps."""
    others = [other for other in sources if other is not source]
    seen = observations(source, others, nearby, usual, rules.limits)
    flags = run_tests(seen)
    longest = rules.longest_gap.total_seconds() / 3600
    values = dict(source.measures)
    imputed = np.zeros(len(flags), dtype=np.int64)
    for place, measure in enumerate(MEASURES):
        filled = interpolated(seen.hours, values[measure], doubtful(flags, measure), longest)
        added = ~np.isnan(filled)
        values[measure] = np.where(added, filled, values[measure])
        imputed[added] |= 1 << place
    flags[imputed > 0] |= BIT[QcFlag.IMPUTED]
    verdict = verdicts(flags, reported=seen.reported, in_context=in_context(seen))
    return _Judged(source.places, source.hours, values, flags, imputed, verdict)


def interpolated(hours: Floats, values: Floats, doubted: Bools, longest: float) -> Floats:
    """Values for the rows that lack one, linear in time between their neighbours; else NaN.

    Only where the values on both sides are at most `longest` hours apart and neither is doubted.

    >>> at = np.array([0.0, 1.0, 2.0]), np.array([10.0, np.nan, 12.0])
    >>> interpolated(*at, np.array([False, False, False]), longest=3.0)
    array([nan, 11., nan])
    >>> interpolated(*at, np.array([False, False, True]), longest=3.0)
    array([nan, nan, nan])
    """
    filled = np.full(len(values), np.nan)
    missing = np.isnan(values)
    known = np.flatnonzero(~missing)
    after = np.searchsorted(known, np.flatnonzero(missing))
    inside = (after > 0) & (after < len(known))
    rows = np.flatnonzero(missing)[inside]
    left, right = known[after[inside] - 1], known[after[inside]]
    span = hours[right] - hours[left]
    trusted = (span <= longest) & ~doubted[left] & ~doubted[right]
    share = (hours[rows] - hours[left]) / span
    between = values[left] + (values[right] - values[left]) * share
    filled[rows[trusted]] = between[trusted]
    return filled


def _best(judged: Sequence[_Judged]) -> _Judged:
    """One element for each time, from the first that has it."""
    hours = np.concatenate([one.hours for one in judged])
    _, first = np.unique(hours, return_index=True)
    return _Judged(
        places=np.concatenate([one.places for one in judged])[first],
        hours=hours[first],
        measures={
            name: np.concatenate([one.measures[name] for one in judged])[first] for name in MEASURES
        },
        flags=np.concatenate([one.flags for one in judged])[first],
        imputed=np.concatenate([one.imputed for one in judged])[first],
        verdict=np.concatenate([one.verdict for one in judged])[first],
    )


def _rows(raw: pd.DataFrame, best: _Judged, rules: CleaningRules) -> pd.DataFrame:
    """As a frame of CLEAN_COLUMNS."""
    told = raw[["timestamp", "city", "weather", "source"]].take(best.places)
    told = told.reset_index(drop=True).astype({"timestamp": TIME_DTYPE})
    columns = {
        **{name: told[name] for name in told.columns},
        **best.measures,
        **_temperature_columns(best.measures["temperature_c"], rules),
        "qc_flags": best.flags,
        "imputed": best.imputed,
        "qc_verdict": best.verdict,
        "imputation": _text(best.imputed > 0, [None, LINEAR_IN_TIME]),
        "qc_version": np.full(len(best.flags), QC_VERSION, dtype=np.int64),
    }
    return pd.DataFrame({name: columns[name] for name in CLEAN_COLUMNS})


def _temperature_columns(temperature: Floats, rules: CleaningRules) -> dict[str, object]:
    unknown = np.isnan(temperature)
    believable = ~outside(temperature, *rules.limits.hard_range("temperature_c"))
    # Plus 0.0: of −0.0 and 0.0, which are equal, else the first that came would have the word.
    told = np.where(believable, temperature, np.nan) + 0.0
    distinct, which = np.unique(told, return_inverse=True)
    messages = [rules.temp_message(None if np.isnan(t) else t) for t in distinct.tolist()]
    return {
        "mod_high_temp": pd.arrays.BooleanArray(temperature > HIGH_TEMP_C, unknown),
        "low_temp": pd.arrays.BooleanArray(temperature < rules.low_temp_c, unknown),
        "temp_message": _text(which, messages),
    }


def _text(which: NDArray[np.generic], words: Sequence[str | None]) -> object:
    """A word for each row, as text that may be missing."""
    return pd.array(list(words), dtype="str").take(which.astype(np.intp))
