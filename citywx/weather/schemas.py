"""What every table's rows must look like: types, keys, and values that agree with each other.

A doubtful value is not an error here: that is what flags are for (`citywx.weather.quality`). An
error here is a fault of ours, or of whoever wrote into the table, and stops what depends on it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd
import pandera.pandas as pa

from citywx.weather.cleaning import HIGH_TEMP_C
from citywx.weather.quality.flags import (
    BIT,
    QcFlag,
    Severity,
    Verdict,
    bits,
    measure_mask,
    of_severity,
)
from citywx.weather.quality.limits import Limits
from citywx.weather.reading import MAX_TEXT_LENGTH, MEASURES

_TIME: Final = {"unit": "us", "tz": "UTC"}
_ALL_FLAGS: Final = bits(QcFlag)
_ALL_MEASURES: Final = measure_mask(MEASURES)
_RANGE_FLAGS: Final = {
    "temperature_c": QcFlag.TEMPERATURE_RANGE,
    "humidity": QcFlag.HUMIDITY_RANGE,
    "pressure": QcFlag.PRESSURE_RANGE,
    "wind_speed": QcFlag.WIND_RANGE,
}
_VERDICTS: Final = tuple(int(verdict) for verdict in Verdict)
_VARIABLES = ("temperature_c", "humidity")
_PERIODS = ("day", "morning", "evening")
_SAMPLE = 20


class RawReadings(pa.DataFrameModel):
    """Rows of `raw_readings`: what the log says, whether or not it is believable."""

    source: str = pa.Field(str_length={"min_value": 1, "max_value": MAX_TEXT_LENGTH})
    city: str = pa.Field(str_length={"min_value": 1, "max_value": MAX_TEXT_LENGTH})
    timestamp: pd.DatetimeTZDtype = pa.Field(dtype_kwargs=_TIME)
    temperature_c: float = pa.Field(nullable=True)
    humidity: float = pa.Field(nullable=True)
    pressure: float = pa.Field(nullable=True)
    wind_speed: float = pa.Field(nullable=True)
    weather: str = pa.Field(nullable=True)

    class Config:
        """The key, and no further columns."""

        strict = True
        unique = ["source", "city", "timestamp"]  # noqa: RUF012 - pandera's form

    @pa.check(*MEASURES)
    @classmethod
    def measures_are_finite(cls, values: "pd.Series[float]") -> "pd.Series[bool]":
        """Missing, or a number; never infinite."""
        return values.abs() < float("inf")


class WeatherReadings(pa.DataFrameModel):
    """Rows of `weather_readings`: one per city and time, whose flags agree with the values."""

    timestamp: pd.DatetimeTZDtype = pa.Field(dtype_kwargs=_TIME)
    city: str = pa.Field(str_length={"min_value": 1, "max_value": MAX_TEXT_LENGTH})
    temperature_c: float = pa.Field(nullable=True)
    humidity: float = pa.Field(nullable=True)
    pressure: float = pa.Field(nullable=True)
    wind_speed: float = pa.Field(nullable=True)
    weather: str = pa.Field(nullable=True)
    mod_high_temp: pd.BooleanDtype = pa.Field(nullable=True)
    temp_message: str = pa.Field(nullable=True)
    low_temp: pd.BooleanDtype = pa.Field(nullable=True)
    source: str
    qc_flags: int
    imputed: int
    qc_verdict: int = pa.Field(isin=_VERDICTS)
    imputation: str = pa.Field(nullable=True)
    qc_version: int = pa.Field(ge=0)

    class Config:
        """The key, and no further columns."""

        strict = True
        unique = ["city", "timestamp"]  # noqa: RUF012 - pandera's form

    @pa.check(*MEASURES)
    @classmethod
    def measures_are_finite(cls, values: "pd.Series[float]") -> "pd.Series[bool]":
        """Missing, or a number; never infinite."""
        return values.abs() < float("inf")

    @pa.check("qc_flags")
    @classmethod
    def flags_are_known(cls, masks: "pd.Series[int]") -> "pd.Series[bool]":
        """Only bits of QcFlag."""
        return (masks & ~_ALL_FLAGS) == 0

    @pa.check("imputed")
    @classmethod
    def imputed_are_measures(cls, masks: "pd.Series[int]") -> "pd.Series[bool]":
        """Only bits of measures."""
        return (masks & ~_ALL_MEASURES) == 0

    @pa.dataframe_check
    @classmethod
    def mod_high_temp_means_above_23(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """`mod_high_temp` is temperature > 23 °C, and unknown where that is."""
        above = rows["temperature_c"] > HIGH_TEMP_C
        return _agrees(rows["mod_high_temp"], above, rows["temperature_c"])

    @pa.dataframe_check
    @classmethod
    def low_temp_is_known_with_the_temperature(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """`low_temp` is unknown exactly where the temperature is."""
        return rows["low_temp"].isna() == rows["temperature_c"].isna()

    @pa.dataframe_check
    @classmethod
    def impossible_values_are_flagged(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """A value outside its hard range has the flag, and no other value has."""
        agree = pd.Series(data=True, index=rows.index)
        for measure, flag in _RANGE_FLAGS.items():
            low, high = Limits().hard_range(measure)
            impossible = (rows[measure] < low) | (rows[measure] > high)
            agree &= impossible == _has(rows["qc_flags"], BIT[flag])
        return agree

    @pa.dataframe_check
    @classmethod
    def the_verdict_follows_from_the_flags(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """Fail with a failing flag, suspect with a suspect one, neither without; or missing.

        Rows from before verdicts were given have QC version 0.
        """
        failing = _has(rows["qc_flags"], of_severity(Severity.FAIL))
        suspect = _has(rows["qc_flags"], of_severity(Severity.SUSPECT)) & ~failing
        verdict = rows["qc_verdict"]
        follows = (failing == (verdict == Verdict.FAIL)) & (suspect == (verdict == Verdict.SUSPECT))
        return follows | (verdict == Verdict.MISSING) | (rows["qc_version"] == 0)

    @pa.dataframe_check
    @classmethod
    def imputed_values_exist_and_are_flagged(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """What is in `imputed` has a value; IMPUTED is raised and the way told for just these."""
        any_imputed = rows["imputed"] != 0
        agree = any_imputed == _has(rows["qc_flags"], BIT[QcFlag.IMPUTED])
        agree &= (any_imputed == rows["imputation"].notna()) | (rows["qc_version"] == 0)
        for measure in MEASURES:
            agree &= ~(_has(rows["imputed"], measure_mask([measure])) & rows[measure].isna())
        return agree


class CityPredictions(pa.DataFrameModel):
    """Rows of `city_predictions`."""

    city: str
    variable: str = pa.Field(isin=_VARIABLES)
    issue_time: pd.DatetimeTZDtype = pa.Field(dtype_kwargs=_TIME)
    target_time: pd.DatetimeTZDtype = pa.Field(dtype_kwargs=_TIME)
    method: str
    horizon: str
    value: float = pa.Field(nullable=True)
    mae: float = pa.Field(nullable=True, ge=0)
    baseline_mae: float = pa.Field(nullable=True, ge=0)
    skill: float = pa.Field(nullable=True, le=1)
    points: int = pa.Field(ge=0)
    note: str = pa.Field(nullable=True)

    class Config:
        """The key, and no further columns."""

        strict = True
        unique = ["city", "variable", "issue_time", "target_time", "method"]  # noqa: RUF012 - pandera's form

    @pa.dataframe_check
    @classmethod
    def the_target_lies_ahead(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """A prediction is about a time after its issue."""
        return rows["target_time"] > rows["issue_time"]

    @pa.dataframe_check
    @classmethod
    def a_missing_value_has_its_reason(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """No value without a note that says why."""
        return rows["value"].notna() | rows["note"].notna()


class DailySummaries(pa.DataFrameModel):
    """Rows of `daily_summaries`, without the advice."""

    city: str
    local_date: object
    period: str = pa.Field(isin=_PERIODS)
    readings: int = pa.Field(ge=0)
    temperature_mean: float = pa.Field(nullable=True)
    temperature_min: float = pa.Field(nullable=True)
    temperature_max: float = pa.Field(nullable=True)
    humidity_mean: float = pa.Field(nullable=True)
    pressure_mean: float = pa.Field(nullable=True)
    wind_mean: float = pa.Field(nullable=True)
    wind_max: float = pa.Field(nullable=True)
    weather: str = pa.Field(nullable=True)

    class Config:
        """The key, and no further columns."""

        strict = True
        unique = ["city", "local_date", "period"]  # noqa: RUF012 - pandera's form

    @pa.dataframe_check
    @classmethod
    def means_lie_between_the_extremes(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """Minimum ≤ mean ≤ maximum, up to rounding."""
        mean = rows["temperature_mean"]
        low, high = rows["temperature_min"] - _ROUNDING, rows["temperature_max"] + _ROUNDING
        return mean.isna() | ((low <= mean) & (mean <= high))


_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class FailureReport:
    """What a validation found; `sample` holds at most the first 20 failures."""

    rows: int
    """Rows that were looked at."""
    count: int
    """Failures: a row that breaks two rules counts twice."""
    sample: tuple[dict[str, str], ...]
    """Each failure as `check`, `column`, `value`, and `row`: the whole row as text."""

    @property
    def passed(self) -> bool:
        """Whether there was none."""
        return self.count == 0


def failure_cases(model: type[pa.DataFrameModel], frame: pd.DataFrame) -> FailureReport:
    """Hold every row against the model, and report all that fail."""
    frame = frame.reset_index(drop=True)
    try:
        model.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        return _report(error.failure_cases, frame)
    return FailureReport(rows=len(frame), count=0, sample=())


def typed_frame(model: type[pa.DataFrameModel], rows: Iterable[Sequence[object]]) -> pd.DataFrame:
    """Rows from the database, whose columns are in the model's order, as a frame of its types."""
    columns = model.to_schema().columns
    frame = pd.DataFrame(map(tuple, rows), columns=list(columns), dtype=object)
    return frame.astype({name: column.dtype.type for name, column in columns.items()})


def _report(cases: pd.DataFrame, frame: pd.DataFrame) -> FailureReport:
    """Pandera reports a rule about a row once a column: make that one failure."""
    whole_row = cases["schema_context"] == "DataFrameSchema"
    cases = cases.assign(column=cases["column"].mask(whole_row & cases["index"].notna(), "(row)"))
    distinct = cases.drop_duplicates(["check", "column", "index"])
    shown = distinct.head(_SAMPLE)
    sample = tuple(
        {
            "check": str(check),
            "column": str(column),
            "value": "" if column == "(row)" else str(value),
            "row": "" if index is None else str(frame.iloc[int(index)].to_dict()),
        }
        for check, column, value, index in zip(
            shown["check"],
            shown["column"],
            shown["failure_case"],
            shown["index"].astype(object).where(shown["index"].notna(), None),
            strict=True,
        )
    )
    return FailureReport(rows=len(frame), count=len(distinct), sample=sample)


def _agrees(
    flag: "pd.Series[bool]", expected: "pd.Series[bool]", value: "pd.Series[float]"
) -> "pd.Series[bool]":
    agree = (flag == expected).fillna(value=False).astype(bool)
    return agree.where(value.notna(), flag.isna())


def _has(masks: "pd.Series[int]", mask: int) -> "pd.Series[bool]":
    return (masks & mask) != 0
