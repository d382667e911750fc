"""The file with the anomaly models: data that is checked, written whole, and watched."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from citywx.anomaly_file import ModelFile, write_models
from citywx.weather.alerting.policy import Severity
from citywx.weather.alerting.table_reader import RuleError, TableReader
from citywx.weather.anomalies.encoding import ModelError, decode_models, encode_models
from citywx.weather.anomalies.model import Models
from citywx.weather.anomalies.neighbours import other_source
from citywx.weather.anomalies.options import read_anomaly
from citywx.weather.anomalies.training import learn_cities
from tests.support.hourly_weather import BEGIN, history_of, hourly_weather


@pytest.fixture(scope="module")
def models() -> Models:
    name = other_source("Oslo", "second")
    histories = {"Oslo": hourly_weather(40), name: hourly_weather(40), "New": hourly_weather(5)}
    learnt = learn_cities(
        {n: history_of(w) for n, w in histories.items()}, {"Oslo": [name], "New": []}
    )
    return Models(BEGIN, learnt.models, learnt.without)


def test_models_come_back_from_a_file_as_they_were(tmp_path: Path, models: Models) -> None:
    path = tmp_path / "models" / "anomaly.json"
    size = write_models(path, models)
    assert size == path.stat().st_size
    assert models.cities["Oslo"].normal.differences
    assert ModelFile(path).poll() == models
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_file_is_taken_once_and_again_when_it_was_replaced(
    tmp_path: Path, models: Models
) -> None:
    path = tmp_path / "anomaly.json"
    watched = ModelFile(path)
    assert watched.poll() is None
    write_models(path, models)
    assert watched.poll() == models
    assert watched.poll() is None
    write_models(path, models)
    assert watched.poll() == models


def test_a_torn_or_foreign_file_is_named_once_and_changes_nothing(
    tmp_path: Path, models: Models, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "anomaly.json"
    watched = ModelFile(path)
    path.write_bytes(encode_models(models)[:500])
    with caplog.at_level(logging.WARNING):
        assert watched.poll() is None
        assert watched.poll() is None
    assert len(caplog.records) == 1
    assert "not anomaly models" in watched.error
    write_models(path, models)
    assert watched.poll() == models
    assert watched.error == ""


def changed(models: Models, *path: str | int, to: object) -> bytes:
    document: Any = json.loads(encode_models(models))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return json.dumps(document).encode()


_MEASURE = ("cities", "Oslo", "normal", "measures", 0)


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("anomaly_models",), 2),
        (("made_at",), "yesterday"),
        (("cities",), [1]),
        (("cities", "Oslo", "channels"), []),
        (("cities", "Oslo", "thresholds"), [1.0]),
        (("cities", "Oslo", "normal", "cadence"), 7),
        (("cities", "Oslo", "normal", "measures"), []),
        ((*_MEASURE, "usual"), [1.0]),
        ((*_MEASURE, "change"), [0.0] * 24),
        ((*_MEASURE, "pull"), "much"),
        (("cities", "Oslo", "normal", "differences", 0, "measure"), 9),
    ],
)
def test_what_is_no_model_is_refused(
    models: Models, path: tuple[str | int, ...], to: object
) -> None:
    with pytest.raises(ModelError):
        decode_models(changed(models, *path, to=to))


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\x93NUMPY", b"{}"])
def test_another_document_is_refused(content: bytes) -> None:
    with pytest.raises(ModelError):
        decode_models(content)


def test_the_table_has_defaults_for_all_keys() -> None:
    options = read_anomaly(TableReader({}, "anomaly"))
    assert options is not None
    assert options.false_alarms_per_month == 1.0
    assert options.policy.rule_id == "anomaly"
    assert options.policy.severities == (Severity.INFO,)
    assert read_anomaly(TableReader({"enabled": False}, "anomaly")) is None


def test_the_table_says_whom_it_watches_and_how_often_it_may_be_wrong() -> None:
    table = {"cities": ["Os*"], "severity": "warning", "false_alarms_per_month": 0.5, "for": "2h"}
    options = read_anomaly(TableReader(table, "anomaly"))
    assert options is not None
    assert options.policy.watches("Oslo")
    assert not options.policy.watches("Bergen")
    assert options.false_alarms_per_month == 0.5


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"false_alarms_per_month": 0}, "false_alarms_per_month must be above 0"),
        ({"false_alarms_per_month": 31}, "false_alarms_per_month must be at most 30"),
        ({"enabled": "yes"}, "enabled must be true or false"),
        ({"above": 3}, "above is no key"),
        ({"severity": "bad"}, "severity must be one of"),
    ],
)
def test_a_wrong_key_of_the_table_is_named(table: dict[str, object], message: str) -> None:
    with pytest.raises(RuleError, match=message):
        read_anomaly(TableReader(table, "anomaly"))
