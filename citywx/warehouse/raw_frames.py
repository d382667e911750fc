"""Raw readings of a city and span of time as a frame.

One row comes back, whose columns are whole arrays in PostgreSQL's binary form: neither the server
writes digits nor does the client read them, and no object is made for each reading.
"""

from datetime import datetime
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection

from citywx.warehouse.driver import POSTGRES_EPOCH_MICROS, driver_of
from citywx.weather.reading import MEASURES

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

_ARRAY_HEADER_BYTES = 20  # dimensions, NULLs, element type, size, first index
_NEVER = np.iinfo(np.int64).min  # −infinity, and numpy's NaT
_QUERY = f"""
    SELECT
        array_agg("timestamp"),
        array_agg(coalesce(fetched_at, '-infinity')),
        {", ".join(f"array_agg(coalesce({name}, 'NaN'))" for name in MEASURES)},
        string_agg(source, E'\\n'),
        string_agg(coalesce(weather, ''), E'\\n')
    FROM (
        SELECT * FROM raw_readings
        WHERE city = %s AND "timestamp" BETWEEN %s AND %s
        ORDER BY "timestamp", source
    ) AS readings
"""  # noqa: S608 - names of our own; no text holds a line end


def raw_frame(connection: Connection, city: str, first: datetime, last: datetime) -> pd.DataFrame:
    """The city's raw readings from `first` to `last`, inclusive, in the order of their times.

    Columns: source, city, timestamp (datetime64[us, UTC]), the measures (float64, NaN = not
    reported), weather (str) and fetched_at (datetime64[us, UTC], NaT where it was not said).
    """
    with driver_of(connection).cursor(binary=True) as cursor:
        cursor.execute(_QUERY, (city, first, last))
        result = cast("PGresult", cursor.pgresult)  # there is one once a query has run
        values = [result.get_value(0, column) or b"" for column in range(result.nfields)]
    times, fetched, *measures, sources, weather = values
    columns: dict[str, object] = {
        "source": _texts(sources),
        "city": city,
        "timestamp": _moments(_elements(times, ">i8")),
        **{
            name: _elements(data, ">f8").astype(np.float64)
            for name, data in zip(MEASURES, measures, strict=True)
        },
        "weather": _texts(weather).mask(lambda text: text == ""),
        "fetched_at": _moments(_elements(fetched, ">i8")),
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(len(_elements(times, ">i8"))))


def _elements(data: bytes, kind: str) -> NDArray[np.generic]:
    """The elements of an array of numbers without NULLs, in PostgreSQL's binary form."""
    layout = np.dtype([("length", ">i4"), ("value", kind)])
    return np.frombuffer(data[_ARRAY_HEADER_BYTES:], layout)["value"]


def _moments(sent: NDArray[np.generic]) -> "pd.Series[pd.Timestamp]":
    """Microseconds since 2000 as times; −infinity as NaT."""
    micros = sent.astype(np.int64)
    micros[micros != _NEVER] += POSTGRES_EPOCH_MICROS
    return pd.Series(micros.view("datetime64[us]")).dt.tz_localize("UTC")


def _texts(sent: bytes) -> "pd.Series[str]":
    return pd.Series(sent.decode().split("\n"), dtype="str")
