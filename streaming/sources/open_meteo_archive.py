"""Open-Meteo's archive: any place's weather by hour, decades back; no key.

A reanalysis (ERA5 and ECMWF's own), for the grid cell around the place: what models make of all
observations, some days after the fact. Terms and units are those of `open_meteo`.
"""

from datetime import UTC, date, datetime, time, timedelta

from citywx.backfill import ARCHIVE
from citywx.weather.city import City
from citywx.weather.reading import Reading
from streaming.sources.http_client import HttpClient, Limits
from streaming.sources.open_meteo import UNITS, VARIABLES, parse_hourly

LIMITS = Limits(connect_seconds=10, read_seconds=60, total_seconds=120)
"""An answer of a year may take long to begin."""

NEWEST = timedelta(days=2)
"""Younger days are not in the archive yet, or only in part."""

_DAYS_A_CALL = 14
"""https://open-meteo.com/en/pricing: more days count as more calls, in fractions."""


class OpenMeteoArchive:
    """The service."""

    def __init__(self, client: HttpClient, base_url: str) -> None:
        """Ask the server at this base address, one request at a time as it wants."""
        self._client = client
        self._base_url = base_url.rstrip("/")

    def readings(self, city: City, first: date, last: date) -> list[Reading]:
        """The hours of these UTC days that have any value; SourceError when they cannot be had."""
        answer = self._client.get_json(
            f"{self._base_url}/v1/archive",
            {
                "latitude": city.latitude or 0.0,
                "longitude": city.longitude or 0.0,
                "start_date": first.isoformat(),
                "end_date": last.isoformat(),
                "hourly": VARIABLES,
                **UNITS,
            },
        )
        start = datetime.combine(first, time(), UTC)
        end = datetime.combine(last + timedelta(days=1), time(), UTC)
        return [
            reading._replace(source=ARCHIVE)
            for reading in parse_hourly(answer, city.name)
            if start <= reading.timestamp < end
        ]


def calls_of(first: date, last: date) -> float:
    """What a request of these days counts as.

    >>> calls_of(date(2024, 1, 1), date(2024, 1, 28))
    2.0
    """
    return max(1.0, ((last - first).days + 1) / _DAYS_A_CALL)
