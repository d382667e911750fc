"""Headless Chromium on the pages Alerts and Try a rule, as somebody on duty uses them.

The database holds a city whose name tries to load an image and run a script.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, text

from tests.support.browser import Browser
from tests.support.dashboard import RunningDashboard
from tests.support.judged_alerts import judge_readings
from tests.support.weather_rows import HOSTILE, fill

pytestmark = [pytest.mark.integration, pytest.mark.browser]

RULES = """
[[rule]]
id = "mild"
metric = "temperature_c"
above = -50
severity = "warning"
message = "Mild"
"""

Start = Callable[..., RunningDashboard]


@pytest.fixture
def dashboard(engine: Engine, database_url: str, start_dashboard: Start) -> RunningDashboard:
    """Over weather in which it is mild everywhere, and RULES have noticed."""
    fill(engine, days=4)
    judge_readings(engine, RULES)
    return start_dashboard(DATABASE_URL=database_url)


def chart(page: Page) -> None:
    drawn = page.get_by_test_id("stVegaLiteChart").first.locator("canvas, svg").first
    expect(drawn).to_be_visible()


def test_an_alert_asked_for_is_taken_care_of_and_silenced(
    browser: Browser, dashboard: RunningDashboard, engine: Engine
) -> None:
    with engine.connect() as connection:
        asked = connection.scalars(
            text("SELECT alert_id FROM alerts WHERE rule_id = 'mild' AND city = :city"),
            {"city": HOSTILE.name},
        ).one()
    page = browser.page
    page.goto(f"{dashboard.url}/alerts?alert={asked}")
    expect(page.get_by_text("Mild in", exact=False).first).to_be_visible()
    chart(page)

    page.get_by_label("Your name").first.fill("Ada")
    page.get_by_label("What is done about it").fill("shade is up")
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("Ada takes care since")).to_be_visible()
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)

    page.get_by_label("Your name").first.fill("Ada")
    page.get_by_label("Why").first.fill("sensor in the sun")
    page.get_by_role("button", name="Silence", exact=True).first.click()
    page.get_by_role("tab", name="Silences").click()
    expect(page.get_by_text("sensor in the sun")).to_be_visible()
    page.get_by_role("button", name="End").click()
    expect(page.get_by_text("Nothing is silenced.")).to_be_visible()

    page.get_by_role("tab", name="Rules").click()
    expect(page.get_by_text("The alerter takes up changes")).to_be_visible()
    browser.expect_no_error_box()
    assert browser.hosts == {urlsplit(dashboard.url).netloc}
    assert browser.errors == []


def test_a_rule_is_tried_and_a_proposed_limit_taken(
    browser: Browser, dashboard: RunningDashboard
) -> None:
    page = browser.page
    page.goto(f"{dashboard.url}/try_a_rule")
    chart(page)
    wanted = page.get_by_label("Alerts a month that you want")
    wanted.fill("8")
    wanted.press("Enter")
    proposal = page.get_by_text("would have fired").first
    expect(proposal).to_be_visible()
    limit = (proposal.text_content() or "").split()[1]
    page.get_by_role("button", name="Take this limit").click()
    expect(page.get_by_label("Limit (°C)")).to_have_value(f"{float(limit):.1f}")
    expect(page.get_by_text(f"above = {float(limit):g}")).to_be_visible()
    browser.expect_no_error_box()
    assert browser.hosts == {urlsplit(dashboard.url).netloc}
    assert browser.errors == []
