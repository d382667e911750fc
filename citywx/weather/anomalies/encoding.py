"""Models as a JSON document and back: numbers and names only, so that loading one runs nothing."""

import json
from dataclasses import asdict
from typing import Any, Final

from citywx.weather.anomalies.channels import LearntChannel, channels_of
from citywx.weather.anomalies.model import RATES, CityModel, Models
from citywx.weather.anomalies.normal import HOURS, Difference, MeasureNormal, Normal
from citywx.weather.anomalies.rarity import Rarity
from citywx.weather.reading import MEASURES, format_timestamp, parse_timestamp

VERSION: Final = 1


class ModelError(ValueError):
    """Not models that this version knows; the message says why."""


def encode_models(models: Models) -> bytes:
    """The document."""
    document = {
        "anomaly_models": VERSION,
        "made_at": format_timestamp(models.made_at),
        "cities": {name: encode_city(model) for name, model in models.cities.items()},
        "without": dict(models.without),
    }
    return json.dumps(document, allow_nan=False, separators=(",", ":")).encode()


def decode_models(content: bytes) -> Models:
    """The models in a document; ModelError for anything else."""
    try:
        document = json.loads(content)
        _check_version(document["anomaly_models"])
        return Models(
            parse_timestamp(document["made_at"]),
            {str(name): decode_city(city) for name, city in document["cities"].items()},
            {str(name): str(why) for name, why in document["without"].items()},
        )
    except ModelError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        message = f"not anomaly models: {type(error).__name__}: {error}"
        raise ModelError(message) from None


def _check_version(version: object) -> None:
    if version != VERSION:
        message = f"models of version {version}, not {VERSION}"
        raise ModelError(message)


def encode_city(model: CityModel) -> dict[str, Any]:
    """One city's model for JSON."""
    return {
        **asdict(model),
        "first": format_timestamp(model.first),
        "last": format_timestamp(model.last),
    }


def decode_city(city: dict[str, Any]) -> CityModel:
    """What `encode_city` gave; ValueError, TypeError or KeyError for anything else."""
    normal = _normal(city["normal"])
    channels = tuple(_channel(one) for one in city["channels"])
    thresholds = _numbers(city["thresholds"], len(RATES))
    if len(channels) != len(channels_of(normal)):
        message = "the channels are of another version"
        raise ModelError(message)
    first, last = parse_timestamp(city["first"]), parse_timestamp(city["last"])
    return CityModel(normal, channels, thresholds, first, last, int(city["readings"]))


def _normal(stored: dict[str, Any]) -> Normal:
    cadence, measures = int(stored["cadence"]), tuple(_measure(m) for m in stored["measures"])
    if cadence < 1 or HOURS % cadence or len(measures) != len(MEASURES):
        message = "a city's normal lacks measures, or its cadence divides no day"
        raise ModelError(message)
    return Normal(cadence, measures, tuple(_difference(one) for one in stored["differences"]))


def _difference(stored: dict[str, Any]) -> Difference:
    place = int(stored["measure"])
    MEASURES[place]
    return Difference(place, str(stored["neighbour"]), _measure(stored["normal"]))


def _measure(stored: dict[str, Any]) -> MeasureNormal:
    hourly = {
        name: _numbers(stored[name], HOURS) for name in ("usual", "change", "bend", "bend_size")
    }
    if min(*hourly["change"], *hourly["bend_size"]) <= 0:
        message = "a size is not above 0"
        raise ModelError(message)
    return MeasureNormal(
        **hourly,
        reach=float(stored["reach"]),
        momentum=float(stored["momentum"]),
        pull=float(stored["pull"]),
    )


def _channel(stored: dict[str, Any]) -> LearntChannel:
    rarity = stored["rarity"]
    values = _numbers(rarity["values"])
    causes = tuple(
        (int(place), float(share), float(mean)) for place, share, mean in stored["causes"]
    )
    return LearntChannel(
        float(stored["usual"]),
        causes,
        Rarity(values, _numbers(rarity["rarities"], len(values)), float(rarity["power"])),
    )


def _numbers(stored: list[Any], count: int | None = None) -> tuple[float, ...]:
    numbers = tuple(float(one) for one in stored)
    if not numbers or (count is not None and len(numbers) != count):
        message = f"{len(numbers)} numbers where {count or 'some'} belong"
        raise ModelError(message)
    return numbers
