"""Headless Chromium looks at every page of a running dashboard, and subscribes.

The database holds a city whose name tries to load an image and run a script: no request may leave
for another host, and no error box may appear.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from sqlalchemy import Engine, text

from dashboard.frame import PAGES
from tests.support.dashboard import RunningDashboard
from tests.support.pipeline_rows import fill_pipeline
from tests.support.weather_rows import fill

pytestmark = [pytest.mark.integration, pytest.mark.browser]

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
_PATIENCE_MS = 30_000


@dataclass(slots=True)
class Browser:
    """An open tab, and what it did."""

    page: Page
    hosts: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)

    def note(self, url: str) -> None:
        """Remember which host an address asks; data: and blob: ask nobody."""
        if host := urlsplit(url).netloc:
            self.hosts.add(host)


@pytest.fixture
def browser() -> Iterator[Browser]:
    if _CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        page = chromium.new_page(timezone_id="Asia/Tokyo")
        page.set_default_timeout(_PATIENCE_MS)
        tab = Browser(page)
        page.on("request", lambda request: tab.note(request.url))
        page.on("websocket", lambda socket: tab.note(socket.url))
        page.on("pageerror", lambda error: tab.errors.append(str(error)))
        page.on("dialog", lambda dialog: tab.errors.append(dialog.message))
        yield tab
        chromium.close()


def test_every_page_opens_and_a_reader_subscribes(
    browser: Browser,
    start_dashboard: Callable[..., RunningDashboard],
    engine: Engine,
    database_url: str,
) -> None:
    fill(engine, days=8)
    fill_pipeline(engine, datetime.now(UTC))
    dashboard = start_dashboard(DATABASE_URL=database_url)
    page = browser.page
    for name, title in PAGES.items():
        page.goto(f"{dashboard.url}/{'' if name == 'now' else name}")
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible(
            timeout=_PATIENCE_MS
        )
        if name in ("now", "compare", "history", "data_quality", "pipeline"):
            chart = page.get_by_test_id("stVegaLiteChart").first
            expect(chart.locator("canvas, svg").first).to_be_visible(timeout=_PATIENCE_MS)
        expect(page.get_by_test_id("stException")).to_have_count(0)
        expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)

    _subscribe(page, dashboard.url)
    with engine.connect() as connection:
        queued = connection.execute(text("SELECT kind, recipient FROM mail_outbox")).all()
    assert [tuple(row) for row in queued] == [("confirmation", "reader@example.com")]
    assert browser.hosts == {urlsplit(dashboard.url).netloc}
    assert browser.errors == []


def _subscribe(page: Page, url: str) -> None:
    page.goto(f"{url}/subscribe")
    page.get_by_label("E-mail address").fill("reader@example.com")
    page.get_by_role("combobox").click()
    page.get_by_role("option", name="London").click()
    page.keyboard.press("Escape")
    page.get_by_test_id("stFormSubmitButton").get_by_role("button").click()
    expect(page.get_by_text("Look into your mailbox")).to_be_visible(timeout=_PATIENCE_MS)


def test_a_page_that_fails_says_so_in_our_words_and_logs_the_reason(
    browser: Browser,
    start_dashboard: Callable[..., RunningDashboard],
    engine: Engine,
    database_url: str,
) -> None:
    fill(engine, days=2)
    with engine.begin() as connection:
        connection.execute(text("UPDATE cities SET time_zone = 'Canary/Island'"))
    dashboard = start_dashboard(DATABASE_URL=database_url)
    page = browser.page
    page.goto(dashboard.url)
    expect(page.get_by_text("This page failed").first).to_be_visible(timeout=_PATIENCE_MS)
    shown = page.content()
    assert "Streamlit Cloud" not in shown
    assert "Canary/Island" not in shown
    assert "Canary/Island" in (dashboard.data_dir / "dashboard.log").read_text("utf-8")
