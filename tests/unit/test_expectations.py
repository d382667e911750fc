"""Is a city's day like the days before it?"""

from datetime import date, timedelta

import pandas as pd
import pytest

from citywx.weather.reading import MEASURES
from iot_assets.expectations import drifted, missing_measures, unusual_volume

TODAY = date(2026, 3, 20)
USUAL = {"temperature_c": 10.0, "humidity": 60.0, "pressure": 1013.0, "wind_speed": 4.0}


def day(
    number: int, readings: int = 144, missing: str = "", means: dict[str, float] | None = None
) -> dict[str, object]:
    wave = (number % 3) - 1
    row: dict[str, object] = {
        "city": "Oslo",
        "day": TODAY - timedelta(days=number),
        "readings": readings,
    }
    for name in MEASURES:
        row[f"{name}_mean"] = (means or {}).get(name, USUAL[name] + wave)
        row[f"{name}_count"] = readings // 4 if name == missing else readings
    return row


def history(today: dict[str, object] | None, days: int = 20) -> pd.DataFrame:
    rows = [day(number) for number in range(days, 0, -1)]
    return pd.DataFrame([*rows, *([today] if today else [])])


@pytest.mark.parametrize(
    ("today", "judge"),
    [
        (day(0, readings=50), unusual_volume),
        (day(0, readings=400), unusual_volume),
        (None, unusual_volume),
        (day(0, missing="humidity"), missing_measures),
        (day(0, means={"pressure": 980.0}), drifted),
    ],
    ids=["few", "many", "none", "a measure lacks", "a mean is far off"],
)
def test_a_day_unlike_the_days_before_is_named(today: dict[str, object], judge: object) -> None:
    found = judge(history(today), TODAY)  # type: ignore[operator]
    assert len(found) == 1
    assert next(iter(found)).startswith("Oslo")


@pytest.mark.parametrize("judge", [unusual_volume, missing_measures, drifted])
def test_a_usual_day_is_not(judge: object) -> None:
    assert judge(history(day(0)), TODAY) == {}  # type: ignore[operator]


@pytest.mark.parametrize("judge", [unusual_volume, missing_measures, drifted])
def test_nothing_is_said_before_a_week_is_known(judge: object) -> None:
    odd = day(0, readings=5, missing="humidity", means={"pressure": 900.0})
    assert judge(history(odd, days=6), TODAY) == {}  # type: ignore[operator]


def test_what_always_lacks_is_no_news() -> None:
    rows = [day(number, missing="wind_speed") for number in range(20, -1, -1)]
    assert missing_measures(pd.DataFrame(rows), TODAY) == {}
