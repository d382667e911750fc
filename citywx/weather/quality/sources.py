"""A city's raw readings taken apart by source, as arrays, with what the others are evidence of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from citywx.weather.advice import phenomena
from citywx.weather.climatology import Climatology
from citywx.weather.quality.limits import Limits
from citywx.weather.quality.observations import MICROSECONDS_PER_HOUR, Observations
from citywx.weather.quality.ranges import outside
from citywx.weather.quality.series import Bools, Floats, Places, at_times
from citywx.weather.reading import MEASURES


@dataclass(frozen=True, eq=False)
class Source:
    """One source's readings in the order of their times, which do not repeat."""

    places: NDArray[np.int64]
    """Where each stands in the raw frame."""
    hours: Floats
    measures: dict[str, Floats]
    rain: Bools
    delay_hours: Floats


def split_sources(raw: pd.DataFrame, source_order: Sequence[str]) -> list[Source]:
    """The sources of one city's raw readings, best first; at least one, perhaps without readings.

    Of two rows with one source and time the later counts.
    """
    rank = {source: place for place, source in enumerate(source_order)}
    codes, names = pd.factorize(raw["source"])
    hours = hours_of(raw["timestamp"])
    order = sorted((rank.get(name, len(rank)), name, code) for code, name in enumerate(names))
    places = [_in_order(hours, np.flatnonzero(codes == code)) for _, _, code in order]
    return [_source(raw, hours, chosen) for chosen in places or [np.empty(0, dtype=np.int64)]]


def observations(
    source: Source,
    others: Sequence[Source],
    nearby: pd.DataFrame | None,
    usual: Climatology,
    limits: Limits,
) -> Observations:
    """A source's readings with all evidence for and against them."""
    return Observations(
        hours=source.hours,
        months=_months(source.hours),
        measures=source.measures,
        rain=source.rain,
        delay_hours=source.delay_hours,
        others={name: _other(source, others, name, limits) for name in MEASURES},
        nearby_c=_nearby(source, nearby, limits),
        climatology=usual,
        limits=limits,
    )


def hours_of(times: "pd.Series[pd.Timestamp]") -> Floats:
    """Aware times as hours since 1970, exact to the microsecond."""
    utc = times.astype("datetime64[us, UTC]")
    hours = utc.astype("int64").to_numpy() / MICROSECONDS_PER_HOUR
    return np.where(utc.isna(), np.nan, hours)


def _months(hours: Floats) -> Places:
    """Calendar months, from 0."""
    months = hours.astype("datetime64[h]").astype("datetime64[M]").astype("int64")
    return (months % 12).astype("intp")


def _in_order(hours: Floats, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sorted by time; of one time the last given."""
    ordered = places[np.argsort(hours[places], kind="stable")]
    last = np.diff(hours[ordered], append=np.inf) > 0
    return ordered[last]


def _source(raw: pd.DataFrame, hours: Floats, places: NDArray[np.int64]) -> Source:
    its_hours = hours[places]
    fetched = (
        hours_of(raw["fetched_at"].take(places))
        if "fetched_at" in raw
        else np.full(len(places), np.nan)
    )
    return Source(
        places=places,
        hours=its_hours,
        measures={name: raw[name].to_numpy(dtype="float64")[places] for name in MEASURES},
        rain=_rain(raw["weather"].take(places)),
        delay_hours=fetched - its_hours,
    )


def _rain(weather: "pd.Series[str]") -> Bools:
    codes, words = pd.factorize(weather)
    rainy = np.array([*("rain" in phenomena(text) for text in words), False], dtype=np.bool_)
    return rainy[codes]  # the code of missing words is −1: the last


def _other(source: Source, others: Sequence[Source], measure: str, limits: Limits) -> Floats:
    """What the best of the others says, where it says anything that can be true."""
    told = np.full(len(source.hours), np.nan)
    for other in others:
        values = other.measures[measure]
        possible = np.where(outside(values, *limits.hard_range(measure)), np.nan, values)
        own = at_times(source.hours, other.hours, possible, limits.evidence_hours)
        told = np.where(np.isnan(told), own, told)
    return told


def _nearby(source: Source, nearby: pd.DataFrame | None, limits: Limits) -> Floats:
    if nearby is None or nearby.empty:
        return np.full(len(source.hours), np.nan)
    ordered = nearby.sort_values("timestamp", kind="stable")
    values = ordered["temperature_c"].to_numpy(dtype="float64")
    return at_times(source.hours, hours_of(ordered["timestamp"]), values, limits.evidence_hours)
