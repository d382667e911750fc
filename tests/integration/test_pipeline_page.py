"""The page Pipeline over what processes said: all, little, nothing, or too long ago."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text
from streamlit.testing.v1 import AppTest

from dashboard import pipeline_words
from tests.support.dashboard import OpenPage
from tests.support.pipeline_rows import fill_pipeline, say

pytestmark = pytest.mark.integration


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(autouse=True)
def _database(open_page: OpenPage, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_page  # it unsets what is set here
    monkeypatch.setenv("DATABASE_URL", database_url)


def open_it(open_page: OpenPage) -> AppTest:
    app = open_page("pipeline")
    assert not app.exception
    return app


def told(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.success, app.warning, app.subheader)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def test_nobody_has_reported_yet(open_page: OpenPage) -> None:
    app = open_it(open_page)
    assert [info.value for info in app.info] == [pipeline_words.NO_PROCESS]


def test_processes_in_step_are_shown_with_what_they_count(
    open_page: OpenPage, engine: Engine, now: datetime
) -> None:
    fill_pipeline(engine, now)
    app = open_it(open_page)
    assert [success.value for success in app.success] == [pipeline_words.IN_STEP]
    said = told(app)
    assert said.count("green-badge[in step]") == 3
    assert "Behind the log: 0 B, 0 rows, 0 s" in said
    assert "Memory: 45 MB" in said
    shown = {metric.label: metric.value for metric in app.metric}
    assert [shown[name] for name in ("Published", "Judged", "Recorded")] == ["20", "20", "20"]
    assert shown["Median"] == "0.56 ms"
    assert shown["99th percentile"] == "4.6 ms"
    assert shown["Dropped"] == "7"
    assert list(app.dataframe[0].value["Rejected because"]) == ["humidity is above 100"]
    assert len(app.get("vega_lite_chart")) == 3


def test_a_process_without_samples_is_shown_and_the_rest_is_collecting(
    open_page: OpenPage, engine: Engine, now: datetime
) -> None:
    say(engine, "recorder", now)
    app = open_it(open_page)
    assert [info.value for info in app.info] == [pipeline_words.COLLECTING]
    assert "No word yet from the bridge and the alerter" in told(app)


def test_a_silent_process_is_shown_as_such(
    open_page: OpenPage, engine: Engine, now: datetime
) -> None:
    silent_since = now - timedelta(minutes=5)
    fill_pipeline(engine, now)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE process_status SET said_at = :at WHERE process = 'alerter'"),
            {"at": silent_since},
        )
    app = open_it(open_page)
    assert not app.success
    assert f"orange-badge[{'silent since ' + pipeline_words.clock(silent_since, now)}]" in told(app)
    assert "Not in step: alerter (silent)." in told(app)


def test_a_process_that_is_far_behind_is_catching_up(
    open_page: OpenPage, engine: Engine, now: datetime
) -> None:
    fill_pipeline(engine, now)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE process_status SET byte_offset = 9999999 WHERE process = 'bridge'")
        )
    app = open_it(open_page)
    assert not app.success
    assert not app.warning
    assert [info.value for info in app.info] == ["Catching up: alerter, recorder."]
    assert "Behind the bridge: 10 MB" in told(app)


def test_old_figures_are_not_shown_as_present_when_the_recorder_is_silent(
    open_page: OpenPage, engine: Engine, now: datetime
) -> None:
    fill_pipeline(engine, now - timedelta(minutes=20))
    app = open_it(open_page)
    assert "The recorder has been silent since" in app.warning[0].value
    shown = {metric.label: metric.value for metric in app.metric}
    assert [shown[name] for name in ("Published", "Judged", "Recorded")] == ["–", "–", "–"]


def test_metrics_that_nobody_tells_are_missed_by_nobody(
    open_page: OpenPage, engine: Engine, now: datetime
) -> None:
    fill_pipeline(engine, now)
    with engine.begin() as connection:
        connection.execute(text("UPDATE process_status SET metrics = '{}'"))
        connection.execute(text("UPDATE pipeline_samples SET metrics = '{}'"))
    app = open_it(open_page)
    assert [info.value for info in app.info] == [pipeline_words.NOTHING_MEASURED] * 2
    assert {metric.label: metric.value for metric in app.metric}["Dropped"] == "–"


def test_a_process_whose_name_is_markup_is_shown_as_text(
    open_page: OpenPage, engine: Engine, now: datetime
) -> None:
    say(engine, "<b>:red[x]", now)
    assert r"\<b\>" in told(open_it(open_page))
