"""`python -m benchmarks.etl_steps STEP CSV`: one step in a process of its own.

Prints its seconds, without the imports, and the most memory that the process had, as JSON.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from sqlalchemy import Engine, create_engine, make_url, select

from benchmarks.rig import peak_bytes
from citywx.settings import Settings
from citywx.warehouse.clean import clean_days
from citywx.warehouse.database import engine_for
from citywx.warehouse.load import load_log
from citywx.warehouse.tables import dirty_windows
from citywx.weather.schemas import WeatherReadings

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


def load(engine: Engine, path: Path) -> None:
    """Ours: the log → `raw_readings`."""
    load_log(engine, path, earliest=EARLIEST)


def clean(engine: Engine, _path: Path) -> None:
    """Ours: `raw_readings` → `weather_readings` and statistics."""
    with engine.connect() as connection:
        days = connection.execute(select(dirty_windows.c.day).distinct()).scalars().all()
    clean_days(engine, days, settings=Settings())


def both(engine: Engine, path: Path) -> None:
    """Ours: the log → `weather_readings`."""
    load(engine, path)
    clean(engine, path)


def naive(engine: Engine, path: Path) -> None:
    """As anyone would write it: the whole file, flags by `apply`, `to_sql`; nothing is checked."""
    frame = pd.read_csv(path)
    frame["timestamp"] = pd.to_datetime(frame["timestamp"])
    frame["mod_high_temp"] = frame["temperature_c"].apply(lambda t: t > 23)
    frame["temp_message"] = frame["temperature_c"].apply(
        lambda t: "It is hot" if t > 23 else "It is cold" if t < 10 else "It is mild"
    )
    frame.to_sql("naive_readings", engine, if_exists="replace", index=False)


STEPS: dict[str, Callable[[Engine, Path], None]] = {
    "load": load,
    "clean": clean,
    "both": both,
    "naive": naive,
}


def main(step: str, path: Path) -> None:
    """Run the step and print what it took."""
    url = os.environ["DATABASE_URL"]
    engine = engine_for(Settings(), application="benchmark", pool_size=3)
    if step == "naive":
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    WeatherReadings.to_schema()  # Pandera imports what it needs at its first use
    with engine.connect():
        began = time.perf_counter()
    STEPS[step](engine, path)
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "memory": peak_bytes(os.getpid()) / 2**20}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
