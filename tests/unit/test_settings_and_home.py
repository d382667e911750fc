"""Settings, the data home that they mean, and logs without secrets."""

import json
import logging
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from citywx.home import Home, HomeError, HomeKind, write_private
from citywx.log_output import Redactor, configure_logging
from citywx.settings import LogFormat, Settings, WeatherSource, load_or_exit, notice_secrets


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env` and no settings of the machine that runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_cities_are_separated_by_semicolons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITIES", "Cairo; Portland, Oregon, US ;Roof@30.04,31.24;")
    assert Settings.load().cities == ("Cairo", "Portland, Oregon, US", "Roof@30.04,31.24")


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLL_SECONDS", "")
    assert Settings.load().poll_seconds == 600


def test_secrets_of_notices_may_stand_in_the_environment_and_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("NOTICE_URL=https://a\nNOTICE_KEY=b\nPOLL_SECONDS=60\n")
    monkeypatch.setenv("NOTICE_KEY", "c")
    monkeypatch.setenv("POLL_SECONDS", "")
    assert notice_secrets() == {"NOTICE_URL": "https://a", "NOTICE_KEY": "c"}
    assert Settings.load().poll_seconds == 60


def test_history_starts_at_midnight_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HISTORY_START", "2013-01-01")
    assert Settings.load().history_start == datetime(2013, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POLL_SECONDS", "soon"),
        ("TIMEZONE", "Middle/Earth"),
        ("REPLAY_SPEED", "fast"),
        ("WEATHER_SOURCE", "crystal-ball"),
        ("HOME_NAME", "../elsewhere"),
        ("CITIES", ";"),
        ("MAIL_FROM", "a@b\nBcc: c@d"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it_and_exit_2(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        load_or_exit()
    assert stopped.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"citywx: setting {name}: ")


def test_a_wrong_secret_is_not_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("OPENWEATHER_API_KEZ=canary-4711\n")
    monkeypatch.setenv("POLL_SECONDS", "canary-4712")
    with pytest.raises(SystemExit):
        load_or_exit()
    printed = capsys.readouterr().err
    assert "OPENWEATHER_API_KEZ" in printed
    assert "canary" not in printed


def test_each_kind_of_source_has_its_own_home(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    real = Home.named(settings, "real")
    real.claim(settings, WeatherSource.OPEN_METEO)
    real.claim(settings, WeatherSource.OPENWEATHERMAP)

    with pytest.raises(HomeError, match="holds real readings, and simulate gives simulated"):
        real.claim(settings, WeatherSource.SIMULATE)
    assert real.kind is HomeKind.REAL
    assert real.readings_csv == tmp_path / "real" / "log" / "readings.csv"


def test_a_command_without_settings_means_the_home_last_started(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with pytest.raises(HomeError, match="make up"):
        Home.find(settings)
    Home.named(settings, "demo").claim(settings, WeatherSource.SIMULATE)

    assert Home.find(settings).name == "demo"
    assert Home.find(Settings(data_dir=tmp_path, home_name="other")).name == "other"
    replay = Settings(data_dir=tmp_path, weather_source=WeatherSource.REPLAY)
    assert Home.find(replay).name == "replay"


def test_private_files_are_private(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_private(path, "x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


CANARIES = Settings(
    openweather_api_key=SecretStr("canary-key"),
    smtp_url=SecretStr("smtp://mailer:can%40ary-smtp@mail.example:25"),
    database_url=SecretStr("postgresql://citywx:canary-db@127.0.0.1/citywx"),
    postgres_password=SecretStr("canary-db"),
)


def test_secrets_are_masked_in_every_form() -> None:
    redact = Redactor.of(CANARIES)
    text = redact("appid=canary-key login can@ary-smtp or can%40ary-smtp, password canary-db")
    assert text == "appid=*** login *** or ***, password ***"


def _fail_with_the_key() -> None:
    message = "GET /weather?appid=canary-key failed"
    raise ConnectionError(message)


@pytest.fixture
def root_logger_kept() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.mark.usefixtures("root_logger_kept")
@pytest.mark.parametrize("form", LogFormat)
def test_no_secret_reaches_a_log_line_not_even_in_a_traceback(
    form: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(CANARIES.model_copy(update={"log_format": form}))
    try:
        _fail_with_the_key()
    except ConnectionError:
        logging.getLogger("test").exception("with %s", "canary-db")

    printed = capsys.readouterr().err
    assert "canary" not in printed
    assert "ConnectionError" in printed
    if form is LogFormat.JSON:
        assert json.loads(printed)["message"] == "with ***"
