"""What a city is. How one is found (geocoding, lookup) belongs in `streaming.sources`."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class City:
    """A place that has weather; `name` is unique and stands in the log."""

    name: str
    country: str | None = None
    """ISO 3166 alpha-2."""
    latitude: float | None = None
    """Degrees north."""
    longitude: float | None = None
    """Degrees east."""
    time_zone: str = "UTC"
    """IANA name."""
    elevation_m: float | None = None

    @property
    def resolved(self) -> bool:
        """Whether its place is known; a city first seen in a CSV is not."""
        return self.latitude is not None and self.longitude is not None

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which its local days are counted."""
        return ZoneInfo(self.time_zone)
