"""Each page script, run as Streamlit runs it, over real databases in every condition."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from streamlit.testing.v1 import AppTest

from citywx.home import Home
from citywx.settings import Settings, WeatherSource
from dashboard import frame, resources
from tests.support.dashboard import OpenPage
from tests.support.ports import free_port
from tests.support.weather_rows import CITIES, HOSTILE, NOW, Filled, add_readings

pytestmark = pytest.mark.integration

PAGES = tuple(frame.PAGES)
WITH_DATA = ("now", "compare", "history", "alerts", "try_a_rule", "data_quality", "subscribe")
ASKING = (*WITH_DATA, "pipeline")


def words_of(app: AppTest) -> str:
    """All that a page says in text elements."""
    kinds = (app.markdown, app.caption, app.info, app.success, app.warning, app.subheader, app.text)
    metrics = [f"{metric.label} {metric.value}" for metric in app.metric]
    return "\n".join([*(str(e.value) for kind in kinds for e in kind), *metrics])


@pytest.mark.parametrize("name", PAGES)
def test_a_page_over_a_filled_database_shows_content(
    open_page: OpenPage,
    filled: Filled,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    app = open_page(name)
    assert not app.exception
    assert not app.error
    assert app.header[0].value == frame.PAGES[name]
    if name in WITH_DATA:
        assert frame.NO_READINGS not in words_of(app)
        assert filled.cities


@pytest.mark.parametrize("name", WITH_DATA)
def test_a_page_over_an_empty_database_says_what_to_do(
    open_page: OpenPage, database_url: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    app = open_page(name)
    assert not app.exception
    assert frame.NO_READINGS in words_of(app)


@pytest.mark.parametrize("name", ASKING)
def test_a_page_without_a_configured_database_says_what_to_do(
    open_page: OpenPage, name: str
) -> None:
    app = open_page(name)
    assert not app.exception
    assert "make up" in words_of(app)


@pytest.mark.parametrize("name", ASKING)
def test_a_page_whose_database_is_down_says_so_and_nothing_about_its_address(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://someone:canary@127.0.0.1:{free_port()}/x")
    app = open_page(name)
    assert not app.exception
    assert resources.ABSENT in words_of(app)
    assert "canary" not in words_of(app)


def test_a_database_without_tables_is_named_as_such(
    open_page: OpenPage, engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE cities CASCADE"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    app = open_page("now")
    assert not app.exception
    assert resources.NOT_PREPARED in words_of(app)


def test_little_history_is_shown_as_collecting(
    open_page: OpenPage, engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_readings(engine, CITIES[0], 3)
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert "collecting: 3 of 50" in words_of(open_page("now"))


def test_now_tells_tomorrow_and_how_good_the_method_is(
    open_page: OpenPage, filled: Filled, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    said = words_of(open_page("now"))
    assert filled.now == NOW
    assert "Open-Meteo" in said
    assert "78 % worse than 'same as today'" in said


@pytest.mark.usefixtures("filled")
def test_a_hostile_city_name_becomes_no_markup(
    open_page: OpenPage, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    app = open_page("now")
    said = words_of(app)
    assert HOSTILE.name not in said
    assert r"\!\[x\]" in said


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("step", ["Automatic", "Every reading", "Hourly", "Daily"])
def test_history_is_drawn_at_every_step(
    open_page: OpenPage, database_url: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    app = open_page("history")
    app.selectbox[0].select_index(1)
    app.selectbox[2].select(step)
    app.run()
    assert not app.exception
    assert len(app.get("vega_lite_chart")) == 1


@pytest.mark.parametrize("source", [WeatherSource.SIMULATE, WeatherSource.REPLAY])
@pytest.mark.usefixtures("filled")
def test_every_page_says_when_its_weather_is_not_real(
    open_page: OpenPage,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    source: WeatherSource,
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("HOME_NAME", "here")
    settings = Settings(data_dir=tmp_path, home_name="here")
    Home.find(settings).claim(settings, source)
    for name in ("now", "history"):
        app = open_page(name)
        assert any(word in app.warning[0].value for word in ("Simulated", "Replay"))
    if source is WeatherSource.REPLAY:
        assert "newest of the replay" in words_of(open_page("now"))


@pytest.mark.usefixtures("filled")
def test_subscribing_answers_alike_for_new_and_known_addresses(
    open_page: OpenPage, engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    answers = []
    for _ in range(2):
        app = open_page("subscribe")
        app.text_input[0].input("reader@example.com")
        app.multiselect[0].select("Cairo")
        app.button[0].click()
        app.run()
        assert not app.exception
        answers.append([success.value for success in app.success])
    assert answers[0] == answers[1] != []
    with engine.connect() as connection:
        kinds = connection.scalars(text("SELECT kind FROM mail_outbox")).all()
    assert "confirmation" in kinds


@pytest.mark.usefixtures("filled")
def test_a_subscriber_chooses_alerts(
    open_page: OpenPage, engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    app = open_page("subscribe")
    app.text_input[0].input("reader@example.com")
    app.multiselect[0].select("Cairo")
    app.radio[0].set_value("warning")
    app.button[0].click()
    app.run()
    assert not app.exception
    with engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM subscribers")).one()
    assert (row.alerts_from, row.alerts_from_pending) == (None, "warning")


@pytest.mark.usefixtures("filled")
def test_an_address_that_is_none_is_named_plainly(
    open_page: OpenPage, engine: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    app = open_page("subscribe")
    app.text_input[0].input("a@b,c@d")
    app.multiselect[0].select("Cairo")
    app.button[0].click()
    app.run()
    assert len(app.warning) == 1
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM mail_outbox")) == 0
