"""One measurement of `bench-alerts` in a process of its own; prints one number.

python -m benchmarks.alerts_steps prepare|throughput|memory busy|one-rule SIZE FOLDER
"""

import math
import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from benchmarks.rig import ROOT
from citywx.weather.alerting.book import AlertBook
from citywx.weather.alerting.definitions import load_definitions
from citywx.weather.reading import Reading

BUSY, ONE_RULE = "busy", "one-rule"
_CITIES = 50
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_CADENCE = timedelta(minutes=10)
_A_DAY = 144


def prepare(rules: str, folder: Path) -> Path:
    """Write the rules file; where it is."""
    path = folder / "alerts.toml"
    if rules == BUSY:
        shipped = (ROOT / "alerts.toml").read_text("utf-8")
        path.write_text(
            shipped + (ROOT / "benchmarks/busy_alerts.toml").read_text("utf-8"), "utf-8"
        )
    else:
        path.write_text((ROOT / "benchmarks/one_rule.toml").read_text("utf-8"), "utf-8")
    return path


def weather(cities: int, turns: int) -> Iterator[Reading]:
    """Made-up weather: days, spells of some days, and noise; as coarse as services give it."""
    chance = random.Random(7)  # noqa: S311 - the same weather each time
    spells = [chance.uniform(2, 6) for _ in range(cities)]
    for turn in range(turns):
        at = _FIRST + turn * _CADENCE
        hour = turn / 6
        for city in range(cities):
            day = math.sin(2 * math.pi * (hour / 24 + city / cities))
            spell = math.sin(2 * math.pi * hour / 24 / spells[city])
            yield Reading(
                at,
                f"City {city:05}",
                round(15 + 6 * day + 5 * spell + chance.gauss(0, 0.3), 2),
                float(round(60 - 20 * day + chance.gauss(0, 2))),
                float(round(1013 + 8 * spell + chance.gauss(0, 0.3))),
                round(abs(3 + 2 * day + chance.gauss(0, 1)), 2),
                "few clouds",
            )


def throughput(book: AlertBook, readings: int) -> float:
    """Readings through the book for each second of processor time."""
    made = list(weather(_CITIES, readings // _CITIES))
    began = time.process_time()
    for reading in made:
        book.judge(reading)
    return len(made) / (time.process_time() - began)


def memory(book: AlertBook, cities: int) -> float:
    """MiB that a day of readings of so many cities leaves behind."""
    before = psutil.Process().memory_info().rss
    for reading in weather(cities, _A_DAY):
        book.judge(reading)
    return (psutil.Process().memory_info().rss - before) / 2**20


def main(step: str, rules: str, size: str, folder: str) -> None:
    """Do the step."""
    path = prepare(rules, Path(folder))
    if step == "prepare":
        print(0)
        return
    book = AlertBook(load_definitions(path))
    print({"throughput": throughput, "memory": memory}[step](book, int(size)))


if __name__ == "__main__":
    main(*sys.argv[1:])
