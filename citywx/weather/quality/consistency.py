"""Measures that do not go together, and readings that come late."""

from citywx.weather.quality.observations import Observations
from citywx.weather.quality.series import Bools


def rain_in_dry_air(seen: Observations) -> Bools:
    """Rain in words, and hardly any humidity."""
    dry: Bools = seen.measures["humidity"] < seen.limits.dry_air_percent
    return seen.rain & dry


def late(seen: Observations) -> Bools:
    """Fetched long after it was made; not evaluated where that is not known."""
    limits = seen.limits
    behind: Bools = (seen.delay_hours > limits.late_hours) & (
        seen.delay_hours <= limits.history_hours
    )
    return behind
