"""Raw readings of a city → the rows of `weather_readings`. Pure; the database's part is elsewhere.

One row per observation time, from the best source; short gaps filled; flags beside the values.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import numpy as np
import pandas as pd

from citywx.weather.quality import Limits, QcFlag, doubtful, run_tests, temperature_range
from citywx.weather.reading import MEASURES

HIGH_TEMP_C = 23.0
"""A reading above this is `mod_high_temp`."""

RAW_COLUMNS = ("source", "city", "timestamp", *MEASURES, "weather")
"""What `clean_city` needs of raw readings."""

CLEAN_COLUMNS = (
    *("timestamp", "city", *MEASURES, "weather"),
    *("mod_high_temp", "temp_message", "low_temp", "source", "qc_flags", "imputed"),
)
"""What it returns: the columns of `weather_readings`."""

TIME_DTYPE: Final = "datetime64[us, UTC]"


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
        return max(self.limits.reach, self.longest_gap)


def clean_city(raw: pd.DataFrame, rules: CleaningRules) -> pd.DataFrame:
    """Clean one city's raw readings (`RAW_COLUMNS`, any order) into rows of `CLEAN_COLUMNS`.

    Rows within `rules.reach` of the frame's ends may lack context: leave them out where more
    readings exist beyond. `raw` is not changed.
    """
    frame = best_source(raw, rules.source_order)
    raised = run_tests(frame, rules.limits)
    imputed = pd.DataFrame(
        {
            measure: interpolated(frame, measure, doubtful(raised, measure), rules.longest_gap)
            for measure in MEASURES
        },
        index=frame.index,
    )
    clean = frame.drop(columns="other_temperature_c")
    for measure in MEASURES:
        clean[measure] = clean[measure].fillna(imputed[measure])
    filled = imputed.notna()
    clean["imputed"] = _names(filled)
    clean["qc_flags"] = _names(raised.assign(**{QcFlag.IMPUTED.name: filled.any(axis=1)}))
    return _judge_temperature(clean, rules)[list(CLEAN_COLUMNS)]


def best_source(raw: pd.DataFrame, source_order: Sequence[str]) -> pd.DataFrame:
    """One row per observation time, sorted, from the first source in `source_order` that has it.

    `other_temperature_c` is what the next best source says, NaN where there is none.
    """
    rank = {source: place for place, source in enumerate(source_order)}
    frame = raw[list(RAW_COLUMNS)].astype(dict.fromkeys(MEASURES, "float64"))
    frame["timestamp"] = frame["timestamp"].astype(TIME_DTYPE)
    frame["rank"] = frame["source"].map(rank).fillna(len(rank))
    frame = frame.sort_values(["timestamp", "rank", "source"], ignore_index=True)
    following = frame.shift(-1)
    same_time = following["timestamp"] == frame["timestamp"]
    frame["other_temperature_c"] = following["temperature_c"].where(same_time).astype("float64")
    first = ~frame.duplicated("timestamp")
    return frame[first].drop(columns="rank").reset_index(drop=True)


def interpolated(
    frame: pd.DataFrame, measure: str, doubted: "pd.Series[bool]", longest_gap: timedelta
) -> "pd.Series[float]":
    """Values for the rows that lack one, linear in time between their neighbours; else NaN.

    Only where the values on both sides are at most `longest_gap` apart and neither is doubted.
    """
    values, reported = frame[measure], frame[measure].notna()
    times = frame["timestamp"].where(reported)
    start, end = times.ffill(), times.bfill()
    share = (frame["timestamp"] - start).dt.total_seconds() / (end - start).dt.total_seconds()
    last, following = values.ffill(), values.bfill()
    doubt = doubted.astype("float64").where(reported)
    trusted = (doubt.ffill() == 0) & (doubt.bfill() == 0)
    fillable = ~reported & trusted & (end - start <= longest_gap)
    return (last + (following - last) * share).where(fillable)


def _names(chosen: pd.DataFrame) -> "pd.Series[list[str]]":
    """For each row, the names of the columns that are true."""
    names = np.array(chosen.columns, dtype=object)
    lists: list[list[str]] = [[] for _ in range(len(chosen))]
    for row, column in zip(*np.nonzero(chosen.to_numpy()), strict=True):
        lists[row].append(names[column])
    return pd.Series(lists, index=chosen.index, dtype=object)


def _judge_temperature(clean: pd.DataFrame, rules: CleaningRules) -> pd.DataFrame:
    temperature = clean["temperature_c"]
    known = temperature.notna()
    believable = temperature.where(~temperature_range(clean, rules.limits))
    messages = [rules.temp_message(None if np.isnan(t) else t) for t in believable.to_numpy()]
    return clean.assign(
        mod_high_temp=(temperature > HIGH_TEMP_C).astype("boolean").where(known),
        low_temp=(temperature < rules.low_temp_c).astype("boolean").where(known),
        temp_message=pd.Series(messages, index=clean.index, dtype="str"),
    )
