"""Headless Chromium looks at every page of a running dashboard, and subscribes.

The database holds a city whose name tries to load an image and run a script: no request may leave
for another host, and no error box may appear.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, text

from dashboard.frame import PAGES
from tests.support.browser import Browser
from tests.support.dashboard import RunningDashboard
from tests.support.pipeline_rows import fill_pipeline
from tests.support.weather_rows import fill

pytestmark = [pytest.mark.integration, pytest.mark.browser]


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
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        if name not in ("subscribe", "mail"):
            chart = page.get_by_test_id("stVegaLiteChart").first
            expect(chart.locator("canvas, svg").first).to_be_visible()
        browser.expect_no_error_box()

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
    expect(page.get_by_text("Look into your mailbox")).to_be_visible()


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
    expect(page.get_by_text("This page failed").first).to_be_visible()
    shown = page.content()
    assert "Streamlit Cloud" not in shown
    assert "Canary/Island" not in shown
    assert "Canary/Island" in (dashboard.data_dir / "dashboard.log").read_text("utf-8")
