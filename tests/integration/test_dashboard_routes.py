"""The HTTP routes of a really running dashboard; unknown paths answer 200, so bodies count."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import requests
from sqlalchemy import Engine, text

from citywx import subscriptions
from citywx.mail.tokens import Purpose, Token, sign
from citywx.settings import Settings
from dashboard import export
from tests.support.dashboard import SECRET_KEY, RunningDashboard
from tests.support.ports import free_port
from tests.support.weather_rows import NOW, fill

pytestmark = pytest.mark.integration
Start = Callable[..., RunningDashboard]


def test_routes_of_a_filled_dashboard(
    start_dashboard: Start, engine: Engine, database_url: str
) -> None:
    filled = fill(engine, days=8)
    dashboard = start_dashboard(DATABASE_URL=database_url, HOME_NAME="here")

    health = requests.get(f"{dashboard.url}/healthz", timeout=10)
    assert health.status_code == 200
    assert health.json()["database"] == "up"
    assert health.json()["newest_reading"] == NOW.isoformat()

    _check_report(dashboard)
    _check_export(dashboard, filled.cities[0].name)
    _check_subscription(dashboard, engine)


def test_health_says_when_the_database_is_down(start_dashboard: Start) -> None:
    address = f"postgresql://someone:canary@127.0.0.1:{free_port()}/citywx"
    dashboard = start_dashboard(DATABASE_URL=address)
    answer = requests.get(f"{dashboard.url}/healthz", timeout=20)
    assert answer.status_code == 503
    assert answer.json()["database"] == "down"
    asked = requests.get(f"{dashboard.url}/confirm?token=x", timeout=20)
    assert "This link does not work" in asked.text
    assert "canary" not in (dashboard.data_dir / "dashboard.log").read_text()


def _check_report(dashboard: RunningDashboard) -> None:
    address = f"{dashboard.url}/reports/data-quality"
    before = requests.get(address, timeout=10)
    assert (before.status_code, "No report yet" in before.text) == (404, True)
    folder = dashboard.data_dir / "here" / "reports"
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("<h1>All rows are well</h1>")
    after = requests.get(address, timeout=10)
    assert "All rows are well" in after.text
    assert "default-src 'none'" in after.headers["Content-Security-Policy"]


def _check_export(dashboard: RunningDashboard, city: str) -> None:
    asked = dashboard.url + export.url(city, NOW - timedelta(days=1), NOW)
    answer = requests.get(asked, timeout=10)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert len(rows) == 48
    assert {row["city"] for row in rows} == {city}
    assert requests.get(f"{dashboard.url}{export.PATH}?city=x", timeout=10).status_code == 400
    nowhere = dashboard.url + export.url("'; DROP TABLE cities", NOW - timedelta(days=1), NOW)
    assert requests.get(nowhere, timeout=10).text == "No such city.\n"


def _check_subscription(dashboard: RunningDashboard, engine: Engine) -> None:
    settings = Settings(secret_key=SECRET_KEY)
    now = datetime.now(UTC)
    subscriptions.request_subscription(
        engine, settings, email="a@example.com", cities=["Cairo"], client="::1", now=now
    )
    link = f"{dashboard.url}/confirm?token={_token(engine, settings, Purpose.CONFIRM, now)}"
    page = requests.get(link, timeout=10)
    assert "Cairo" in page.text
    assert "a@example.com" not in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert _state(engine) == "pending", "a GET changed something"

    assert "You are subscribed" in requests.post(link, timeout=10).text
    assert _state(engine) == "confirmed"
    again = requests.post(link, timeout=10)
    assert (again.status_code, "used already" in again.text) == (400, True)

    leave = _token(engine, settings, Purpose.UNSUBSCRIBE, now)
    link = f"{dashboard.url}/unsubscribe?token={leave}"
    assert "Unsubscribe" in requests.get(link, timeout=10).text
    assert _state(engine) == "confirmed", "a GET changed something"
    one_click = requests.post(
        link, {"List-Unsubscribe": "One-Click"}, allow_redirects=False, timeout=10
    )
    assert one_click.status_code == 200
    assert "You are unsubscribed" in one_click.text
    assert _state(engine) == "unsubscribed"
    forged = requests.post(f"{dashboard.url}/unsubscribe?token=<b>x", timeout=10)
    assert forged.status_code == 400
    assert "<b>" not in forged.text


def _token(engine: Engine, settings: Settings, purpose: Purpose, now: datetime) -> str:
    with engine.connect() as connection:
        row = connection.execute(text("SELECT subscriber_id, token_nonce FROM subscribers")).one()
    return sign(settings, purpose, Token(UUID(str(row[0])), row[1]), now=now)


def _state(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.scalar(text("SELECT state FROM subscribers")))
