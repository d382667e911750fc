"""The dashboard's queries, beside reading the whole file with pandas."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pandas as pd
from sqlalchemy import Connection

from benchmarks.database import Server
from benchmarks.etl_rows import CITIES
from benchmarks.figures import Figure
from citywx.settings import Settings
from citywx.warehouse.database import engine_for
from dashboard import data

_TIMES = 15
_READ = "read the CSV with pandas"


def measure(database: Server, path: Path, rows: int) -> list[Figure]:
    """Median milliseconds of each query, warm; the file is read once."""
    began = time.perf_counter()
    pd.read_csv(path)
    read = (time.perf_counter() - began) * 1000
    engine = engine_for(Settings(database_url=database.url), application="queries", pool_size=1)
    asked: dict[str, Callable[[Connection], object]] = {
        "latest reading of each city": lambda c: data.last_readings(c, CITIES, 1),
        "last 50 readings of one city": lambda c: data.last_readings(c, CITIES[:1], 50),
        "last 50 readings of each city": lambda c: data.last_readings(c, CITIES, 50),
        "first and last time": lambda c: data.span(c, CITIES),
    }
    with engine.connect() as connection:
        return [
            Figure(
                f"dashboard at {rows:,} rows",
                name,
                "ms",
                _milliseconds(connection, ask),
                _READ,
                read,
            )
            for name, ask in asked.items()
        ]


def _milliseconds(connection: Connection, ask: Callable[[Connection], object]) -> float:
    took = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        ask(connection)
        took.append((time.perf_counter() - began) * 1000)
    return round(median(took), 2)
