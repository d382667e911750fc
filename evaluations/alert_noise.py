"""How many alerts a city has in a month, and how many real falls of pressure are among them.

    python -m evaluations.alert_noise FILE… [--flips FILE] [--cities even|odd|all] [--json FILE]

Each FILE is a staging CSV of hourly readings, gzipped or not. Counted is what fires, with and
without the quality gate. With `--flips` the jumps between levels that this file's pressures have
are planted into those of the others, where what falls is known.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from citywx.weather.alerting.book import AlertBook
from citywx.weather.alerting.definitions import Definitions, parse_definitions
from citywx.weather.alerting.life import Event
from citywx.weather.alerting.quality_gate.gate import QualityGate
from citywx.weather.reading import MEASURES, Reading
from evaluations.pressure_falls import Floats, Span, falls, flips, smooth_falls
from evaluations.quality import read_cities

HOURS_PER_MONTH: Final = 730.5
LATE_HOURS: Final = 2.0
"""So much later than the fall an alert still counts."""
_EARLY_HOURS: Final = 1.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_FALL = """
    [[rule]]
    id = "fall"
    metric = "pressure_tendency_3h"
    at_most = -3.6
    severity = "info"
    message = "Pressure falls quickly"
"""
RULES: Final = {
    "3.6 hPa in 3 h": parse_definitions(_FALL),
    "keep_firing_for 6 h": parse_definitions(f'{_FALL}\nkeep_firing_for = "6h"'),
    "clear 1.6": parse_definitions(f"{_FALL}\nclear = -1.6"),
    "clear 1.6, max_step 2": parse_definitions(f"{_FALL}\nclear = -1.6\nmax_step = 2"),
    "clear 1.6, max_step 3": parse_definitions(f"{_FALL}\nclear = -1.6\nmax_step = 3"),
    "clear 1.6, max_step 4": parse_definitions(f"{_FALL}\nclear = -1.6\nmax_step = 4"),
}
"""The last but one is the shipped one's mildest level."""
WARM: Final = parse_definitions("""
    [[rule]]
    id = "warm"
    metric = "temperature_c"
    above = 23
    clear = 21
    for = "2h"
    severity = "info"
    message = "Warm"
""")


@dataclass(frozen=True, eq=False)
class City:
    """One city's hourly readings."""

    name: str
    readings: tuple[Reading, ...]
    pressures: Floats
    """By hour, from the first reading; not a number where there is none."""
    smooth_falls: list[Span]
    """Before anything was planted."""
    all_falls: list[Span] | None = None
    """The same; None where nothing was planted: then jumps are among them."""

    @property
    def months(self) -> float:
        """How long its readings go."""
        return len(self.pressures) / HOURS_PER_MONTH


@dataclass(frozen=True, slots=True)
class Noise:
    """What one rule did in all cities."""

    rule: str
    gate: bool
    alerts: float
    """A city and month."""
    worst_city: float
    kept: float
    """Share of the smooth falls that an alert fired in."""
    unfounded: float
    """Alerts a city and month without any fall; of readings as they are, nobody knows."""


def main(arguments: Sequence[str]) -> int:
    """Print the tables."""
    options = _options(arguments)
    cities = [city for file in options.files for city in _cities(file)]
    cities = [city for place, city in enumerate(cities) if _wanted(place, options.cities)]
    if options.flips is not None:
        cities = list(_with_flips(cities, [*_cities(options.flips)]))
    found = [judge(cities, rule, gate=gate) for rule in RULES for gate in (False, True)]
    print(table(cities, found))
    for gate in (False, True):
        rate = sum(len(firings(city, WARM, gate=gate)) for city in cities) / months(cities)
        print(f"\nabove 23 °C, clear 21, for 2 h, gate {gate}: {rate:.2f} alerts a city and month")
    if options.json:
        options.json.write_text(json.dumps([*map(asdict, found)], indent=2) + "\n", "utf-8")
    return 0


def judge(cities: Sequence[City], rule: str, *, gate: bool) -> Noise:
    """What a rule on pressure does in these cities."""
    fired = [firings(city, RULES[rule], gate=gate) for city in cities]
    pairs = [*zip(cities, fired, strict=True)]
    true = sum(len(city.smooth_falls) for city in cities)
    return Noise(
        rule=rule,
        gate=gate,
        alerts=sum(map(len, fired)) / months(cities),
        worst_city=max(len(its) / city.months for city, its in pairs),
        kept=sum(_met(city.smooth_falls, its) for city, its in pairs) / true if true else np.nan,
        unfounded=sum(_unfounded(city, its) for city, its in pairs) / months(cities),
    )


def firings(city: City, definitions: Definitions, *, gate: bool) -> list[Span]:
    """When an alert fired, in hours since the first reading."""
    book, quality, begun = AlertBook(definitions), QualityGate(), city.readings[0].timestamp
    spans: list[Span] = []
    for reading in city.readings:
        checked = quality.check(reading).reading if gate else reading
        hour = (reading.timestamp - begun).total_seconds() / 3600
        for event in book.judge(checked):
            if event.event is Event.FIRED:
                spans.append(Span(hour, np.inf))
            elif event.event is Event.RESOLVED:
                spans[-1] = Span(spans[-1].first, hour)
    return spans


def months(cities: Iterable[City]) -> float:
    """Of all cities together."""
    return sum(city.months for city in cities)


def table(cities: Sequence[City], found: Iterable[Noise]) -> str:
    """What was found, a row a rule."""
    true = sum(len(city.smooth_falls) for city in cities)
    lines = [
        f"{len(cities)} cities, {months(cities):.0f} months, {true} smooth falls",
        "",
        "| rule | gate | alerts a city and month | worst city | smooth falls kept | unfounded |",
        "|---|---|---|---|---|---|",
    ]
    for one in found:
        gate = "yes" if one.gate else "no"
        unfounded = "not known" if np.isnan(one.unfounded) else f"{one.unfounded:.2f}"
        lines.append(
            f"| {one.rule} | {gate} | {one.alerts:.2f} | {one.worst_city:.1f} | {one.kept:.1%} "
            f"| {unfounded} |"
        )
    return "\n".join(lines)


def _cities(file: Path) -> Iterator[City]:
    for frame in read_cities(file):
        readings = tuple(_readings(frame))
        pressures = _hourly(readings)
        yield City(readings[0].city, readings, pressures, smooth_falls(pressures))


def _readings(frame: pd.DataFrame) -> Iterator[Reading]:
    columns = frame[["timestamp", "city", *MEASURES, "weather"]]
    for at, name, *values, weather in columns.itertuples(index=False):
        known = [None if np.isnan(value) else float(value) for value in values]
        words = weather if isinstance(weather, str) else None
        yield Reading._make([at.to_pydatetime().astimezone(UTC), name, *known, words, "csv", None])


def _hourly(readings: Sequence[Reading]) -> Floats:
    hours = [_hour(reading) - _hour(readings[0]) for reading in readings]
    pressures = np.full(hours[-1] + 1, np.nan)
    pressures[hours] = [np.nan if r.pressure is None else r.pressure for r in readings]
    return pressures


def _hour(reading: Reading) -> int:
    return round((reading.timestamp - _EPOCH).total_seconds() / 3600)


def _with_flips(cities: Sequence[City], dirty: Sequence[City]) -> Iterator[City]:
    """Each city with the flips of each second of the others."""
    for place, city in enumerate(cities):
        for other in dirty[place % 2 :: 2]:
            off = np.resize(flips(other.pressures), len(city.pressures))
            readings = tuple(
                reading
                if reading.pressure is None
                else reading._replace(pressure=reading.pressure + float(off[hour]))
                for reading in city.readings
                for hour in (_hour(reading) - _hour(city.readings[0]),)
            )
            name = f"{city.name} with flips of {other.name}"
            every = falls(city.pressures)
            yield City(name, readings, city.pressures + off, city.smooth_falls, every)


def _met(wanted: Iterable[Span], fired: Sequence[Span]) -> int:
    return sum(any(span.meets(one, late=LATE_HOURS) for one in fired) for span in wanted)


def _unfounded(city: City, fired: Iterable[Span]) -> float:
    if city.all_falls is None:
        return np.nan
    begun = [Span(one.first, one.first) for one in fired]
    spans = city.all_falls
    return sum(not any(s.meets(b, _EARLY_HOURS, LATE_HOURS) for s in spans) for b in begun)


def _wanted(place: int, which: str) -> bool:
    return which == "all" or (place % 2 == 0) == (which == "even")


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="evaluations.alert_noise")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--flips", type=Path)
    parser.add_argument("--cities", choices=("all", "even", "odd"), default="all")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
