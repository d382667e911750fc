"""Readings as a CSV file: eight cities, one reading each in ten minutes, with plausible weather."""

from pathlib import Path

import numpy as np

from citywx.weather.reading import CONTRACT_COLUMNS

CITIES = tuple(f"City {number}" for number in range(8))
START = np.datetime64("2000-01-02T00:00:00")
_STEP = np.timedelta64(10, "m")
_STEPS_A_DAY = 144
_WORDS = ("clear sky", "few clouds", "overcast clouds", "light rain", "mist")
_BLOCK = 50_000


def write_rows(path: Path, first: int, count: int, *, seed: int = 1) -> None:
    """Append rows `first` to `first + count` of all rows; with a header where the file is new."""
    if not path.exists():
        path.write_text(",".join(CONTRACT_COLUMNS) + "\n", "utf-8")
    with path.open("a", encoding="utf-8") as file:
        for start in range(first, first + count, _BLOCK):
            numbers = np.arange(start, min(start + _BLOCK, first + count))
            file.writelines(_lines(numbers, np.random.default_rng((seed, start))))


def _lines(numbers: np.ndarray, dice: np.random.Generator) -> list[str]:
    """A day's wave and a year's, a slow front, and noise that no test minds."""
    steps, cities = np.divmod(numbers, len(CITIES))
    day = 2 * np.pi * steps / _STEPS_A_DAY
    front = np.sin(day / 5.3 + cities) + np.sin(day / 11.9 + 2 * cities)
    warmth = 12 + cities + 6 * np.sin(day) + 9 * np.sin(day / 365.25) + 2 * front
    temperature = warmth + dice.normal(0, 0.15, len(numbers))
    humidity = np.clip(
        70 - 12 * np.sin(day) - 6 * front + dice.normal(0, 1.5, len(numbers)), 5, 100
    )
    pressure = 1013 + 6 * front + dice.normal(0, 0.2, len(numbers))
    wind = np.abs(4 + 2 * np.sin(day / 3.1) + dice.normal(0, 0.8, len(numbers)))
    words = dice.integers(0, len(_WORDS), len(numbers))
    times = np.datetime_as_string(START + steps * _STEP)
    return [
        f"{when}Z,{CITIES[city]},{t:.2f},{h:.0f},{p:.1f},{w:.1f},{_WORDS[word]}\n"
        for when, city, t, h, p, w, word in zip(
            times.tolist(),
            cities.tolist(),
            temperature.tolist(),
            humidity.tolist(),
            pressure.tolist(),
            wind.tolist(),
            words.tolist(),
            strict=True,
        )
    ]
