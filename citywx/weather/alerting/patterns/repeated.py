"""What a detector says where its pattern holds and the reading lacks the values to judge by."""

from citywx.weather.alerting.finding import Finding
from citywx.weather.reading import Reading


def repeated(reading: Reading) -> Finding:
    """It still holds, for all that is known."""
    return Finding(reading.city, reading.timestamp, 1)
