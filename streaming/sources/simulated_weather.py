"""Simulated weather: a pure function of seed, place and time, so that any hour can be made again.

A seasonal and a daily cycle follow from latitude and solar time. On them ride weather systems:
smooth noise of a few days' period that pressure, cloud, temperature and wind share. Humidity
follows from temperature and a dew point that never exceeds it. The constants are rough climatology
(mean temperature by latitude, amplitude of season and day); they make weather that looks right,
not a forecast. When readings are due is `streaming.sources.simulator`'s matter.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from citywx.weather.city import City

Floats = npt.NDArray[np.float64]

DAY = 86_400.0
YEAR = 365.2425 * DAY
PRESSURE_BOUNDS = (970.0, 1050.0)
"""hPa at sea level."""
TEMPERATURE_BOUNDS = (-60.0, 50.0)
"""°C."""
SNOW_BELOW_C = 1.0
WARM_C = 18.0
"""Thunderstorms need at least this."""
_FOG_HUMIDITY, _FOG_WIND = 98, 2  # %, m/s
_MIST_HUMIDITY, _MIST_WIND = 93, 4

_JULY_22 = 202 * DAY
_JANUARY_22 = 21 * DAY
_WARMEST_HOUR = 15.0

WORDS = (
    "clear sky",
    "few clouds",
    "scattered clouds",
    "broken clouds",
    "overcast clouds",
    "mist",
    "fog",
    "light rain",
    "moderate rain",
    "heavy intensity rain",
    "thunderstorm",
    "light snow",
    "snow",
    "heavy snow",
)
"""Descriptions as OpenWeatherMap words them; `Weather.words` holds indices into these."""


@dataclass(frozen=True, slots=True)
class Weather:
    """One place's weather at some times, one array element each."""

    temperature_c: Floats
    humidity: Floats
    """%, whole numbers, as services report it."""
    pressure: Floats
    """hPa at sea level."""
    wind_speed: Floats
    """m/s."""
    words: npt.NDArray[np.int64]


class Climate:
    """The weather of one place, for one seed."""

    def __init__(self, seed: int, city: City) -> None:
        """Prepare the noise of `city`, whose coordinates must be known."""
        if city.latitude is None or city.longitude is None:
            message = f"{city.name} has no coordinates to simulate weather for"
            raise ValueError(message)
        self._latitude = city.latitude
        self._longitude = city.longitude
        identity = f"{seed}/{city.name}/{city.latitude}/{city.longitude}"
        self._systems = _Noise(identity + "/systems", 7, 1.5 * DAY, 11 * DAY)
        self._air = _Noise(identity + "/air", 6, 2 * DAY, 20 * DAY)
        self._moisture = _Noise(identity + "/moisture", 6, 0.5 * DAY, 8 * DAY)
        self._showers = _Noise(identity + "/showers", 6, 1_800, 6 * 3_600)
        self._gusts = _Noise(identity + "/gusts", 6, 20, 1_800)

    def at(self, times: Floats) -> Weather:
        """The weather at `times`, in seconds since 1970 (UTC)."""
        systems = self._systems(times)
        moisture = self._moisture(times)
        cloud = 1 / (1 + np.exp(1.6 * systems - 1.2 * moisture + self._dryness))
        background = self._background(times) + 2.5 * self._storminess * self._air(times)
        temperature = background + self._daily(times) * (1 - 0.65 * cloud)
        spread = 2 + 7 * (1 - cloud) + 4 * self._dryness - 1.5 * moisture
        dew_point = np.minimum(background - np.maximum(spread, 0.2), temperature)
        rain = self._rain(times, cloud, systems)
        dew_point += (temperature - dew_point) * np.minimum(rain, 1) * 0.7
        temperature = np.round(_clip(temperature, *TEMPERATURE_BOUNDS), 2)
        humidity = np.round(_clip(relative_humidity(temperature, dew_point), 1, 100))
        wind = _clip(self._wind(times, systems), 0, np.inf)
        return Weather(
            temperature_c=temperature,
            humidity=humidity,
            pressure=np.round(_clip(self._pressure(times, systems), *PRESSURE_BOUNDS), 1),
            wind_speed=np.round(wind, 2),
            words=_words(cloud, rain, temperature, humidity, wind),
        )

    @property
    def _storminess(self) -> float:
        """How much weather systems matter: little in the tropics, most near 60 degrees."""
        return 0.35 + 0.65 * min(abs(self._latitude) / 55, 1.0)

    @property
    def _dryness(self) -> float:
        """0 in moist zones, up to 1.4 in the subtropical dry belt."""
        return 1.4 * float(np.exp(-(((abs(self._latitude) - 26) / 9) ** 2)))

    def _solar_hour(self, times: Floats) -> Floats:
        return (times / 3600 + self._longitude / 15) % 24

    def _background(self, times: Floats) -> Floats:
        """Mean temperature by latitude, and the season."""
        latitude = abs(self._latitude)
        warmest = _JULY_22 if self._latitude >= 0 else _JANUARY_22
        season = np.cos(2 * np.pi * (times - warmest) / YEAR)
        mean: Floats = 27.5 - 0.0062 * latitude**2 + (0.5 + 0.19 * latitude) * season
        return mean

    def _daily(self, times: Floats) -> Floats:
        """The daily cycle under a clear sky: warmest at 15 h solar time, coldest near sunrise."""
        phase = 2 * np.pi * (self._solar_hour(times) - _WARMEST_HOUR) / 24
        amplitude = 2 + 5.5 * np.cos(np.radians(self._latitude)) + 1.5 * self._dryness
        cycle: Floats = amplitude * (np.cos(phase) + 0.2 * np.cos(2 * phase))
        return cycle

    def _pressure(self, times: Floats, systems: Floats) -> Floats:
        """Systems, and the twice-daily atmospheric tide (highest at 10 and 22 h)."""
        tide = 1.2 * float(np.cos(np.radians(self._latitude))) ** 3
        hours = self._solar_hour(times)
        pressure: Floats = 1014 + 10 * self._storminess * systems
        pressure += tide * np.cos(4 * np.pi * (hours - 10) / 24)
        return pressure

    def _wind(self, times: Floats, systems: Floats) -> Floats:
        """More in lows and in the afternoon, and gusty in proportion."""
        afternoon = 1 + np.cos(2 * np.pi * (self._solar_hour(times) - 14) / 24)
        mean = 1.5 + 3.5 * self._storminess * np.maximum(-systems, 0) + 0.8 * afternoon
        wind: Floats = mean * (1 + 0.3 * self._gusts(times))
        return wind

    def _rain(self, times: Floats, cloud: Floats, systems: Floats) -> Floats:
        """0 = none, up to about 2; only from thick cloud in a low."""
        lift = np.clip((cloud - 0.7) / 0.3, 0, 1) * np.clip(0.3 - systems, 0, 2)
        rain: Floats = np.maximum(lift + 0.5 * self._showers(times) - 0.3, 0) * (lift > 0)
        return rain


def relative_humidity(temperature_c: Floats, dew_point_c: Floats) -> Floats:
    """Relative humidity (%) by the Magnus formula (Alduchov and Eskridge 1996).

    >>> float(np.round(relative_humidity(np.array([20.0]), np.array([10.0]))[0], 1))
    52.5
    """
    a, b = 17.625, 243.04
    exponent = a * dew_point_c / (b + dew_point_c) - a * temperature_c / (b + temperature_c)
    humidity: Floats = 100 * np.exp(exponent)
    return humidity


class _Noise:
    """Smooth noise around 0 with a spread near 1: sinusoids with hashed periods and phases."""

    def __init__(self, identity: str, count: int, shortest: float, longest: float) -> None:
        digest = hashlib.shake_256(identity.encode()).digest(16 * count)
        uniform = np.frombuffer(digest, dtype="<u8").astype(np.float64) / 2.0**64
        slots = (np.arange(count) + uniform[:count]) / count  # one in each part of the range
        periods = shortest * (longest / shortest) ** slots
        self._frequencies = 2 * np.pi / periods
        self._phases = 2 * np.pi * uniform[count:]
        self._scale = np.sqrt(2 / count)

    def __call__(self, times: Floats) -> Floats:
        total = np.zeros_like(times)
        for frequency, phase in zip(self._frequencies, self._phases, strict=True):
            total += np.sin(frequency * times + phase)
        noise: Floats = total * self._scale
        return noise


def _clip(values: Floats, low: float, high: float) -> Floats:
    clipped: Floats = np.minimum(np.maximum(values, low), high)
    return clipped


def _words(
    cloud: Floats, rain: Floats, temperature: Floats, humidity: Floats, wind: Floats
) -> npt.NDArray[np.int64]:
    sky = np.digitize(cloud, (0.11, 0.25, 0.5, 0.85))
    heavier = np.digitize(rain, (0.6, 1.3))
    snow = WORDS.index("light snow") + heavier
    wet = WORDS.index("light rain") + heavier
    conditions = (
        (rain > 0) & (temperature < SNOW_BELOW_C),
        (rain > 1) & (temperature >= WARM_C),
        rain > 0,
        (humidity >= _FOG_HUMIDITY) & (wind < _FOG_WIND),
        (humidity >= _MIST_HUMIDITY) & (wind < _MIST_WIND),
    )
    storm, fog, mist = WORDS.index("thunderstorm"), WORDS.index("fog"), WORDS.index("mist")
    return np.select(conditions, (snow, storm, wet, fog, mist), sky).astype(np.int64)
