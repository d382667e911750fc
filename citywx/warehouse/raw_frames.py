"""Raw readings of a city and span of time as a frame, by COPY: millions of rows take seconds."""

from datetime import datetime
from io import BytesIO

import pandas as pd
import pyarrow as pa
from psycopg import sql
from pyarrow import csv as arrow_csv
from sqlalchemy import Connection

from citywx.weather.reading import MEASURES

_COLUMNS = ("source", "city", "timestamp", *MEASURES, "weather", "fetched_at")
_MOMENT = pa.timestamp("us", "UTC")
_TYPES = {
    **dict.fromkeys(("source", "city", "weather"), pa.string()),
    **dict.fromkeys(("timestamp", "fetched_at"), _MOMENT),
    **dict.fromkeys(MEASURES, pa.float64()),
}
_QUERY = sql.SQL(
    "COPY (SELECT {columns} FROM raw_readings WHERE city = {city}"
    ' AND "timestamp" BETWEEN {first} AND {last} ORDER BY "timestamp", source)'
    " TO STDOUT (FORMAT csv, FORCE_QUOTE (source, city, weather))"
)


def raw_frame(connection: Connection, city: str, first: datetime, last: datetime) -> pd.DataFrame:
    """The city's raw readings from `first` to `last`, inclusive, in the order of their times.

    Columns: source, city, timestamp (datetime64[us, UTC]), the measures (float64, NaN = not
    reported), weather (str) and fetched_at (datetime64[us, UTC], NaT where it was not said).
    """
    driver = connection.connection.driver_connection
    if driver is None:
        message = "the connection is closed"
        raise RuntimeError(message)
    query = _QUERY.format(
        columns=sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)),
        city=sql.Literal(city),
        first=sql.Literal(first),
        last=sql.Literal(last),
    )
    received = BytesIO()
    with driver.cursor() as cursor, cursor.copy(query) as copy:
        for data in copy:
            received.write(data)
    return _frame(received.getvalue())


def _frame(text: bytes) -> pd.DataFrame:
    if not text:
        return pa.schema(_TYPES).empty_table().select(_COLUMNS).to_pandas()  # type: ignore[no-any-return]
    table = arrow_csv.read_csv(
        pa.BufferReader(text),
        arrow_csv.ReadOptions(column_names=list(_COLUMNS), use_threads=False),
        arrow_csv.ParseOptions(newlines_in_values=False),
        arrow_csv.ConvertOptions(
            column_types=_TYPES,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return table.to_pandas()  # type: ignore[no-any-return]
