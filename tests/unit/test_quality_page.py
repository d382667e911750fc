"""The data-quality report as a page and as JSON."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from iot_assets.report.facts import (
    CheckFacts,
    CityFacts,
    DayFacts,
    Example,
    FlagFacts,
    LogLine,
    QualityReport,
    RejectedFacts,
    changes_between,
)
from iot_assets.report.page import as_json, calendar, render, trend

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
COUNTS = {"lines": 6, "loaded": 3, "duplicates": 1, "corrected": 0, "rejected": 1, "skipped": 1}
HOSTILE = "<script>alert(1)</script>"
REPORT = QualityReport(
    home="real",
    kind="real",
    made_at=NOW,
    accounts=COUNTS,
    cities=(CityFacts(HOSTILE, NOW - timedelta(hours=1), timedelta(hours=1), 7, None),),
    days=(
        DayFacts("Oslo", date(2026, 3, 8), readings=144, suspect=0, failed=0),
        DayFacts("Oslo", date(2026, 3, 10), readings=100, suspect=2, failed=30),
    ),
    changes=changes_between({"rejected": 2}, {"rejected": 1}),
    flags=(
        FlagFacts(
            flag="TEMPERATURE_RANGE",
            sentence="Too hot",
            readings=30,
            the_week_before=2,
            cities={"Oslo": 30},
            examples=(
                Example("Oslo", NOW, "99 °C", "csv", LogLine("1-abc", 512)),
                Example("Oslo", NOW, "98 °C", "csv", None),
            ),
        ),
    ),
    rejected=(RejectedFacts("city is empty", 2, NOW, HOSTILE, LogLine("1-abc", 77)),),
    checks=(CheckFacts("raw_readings", "some_check", passed=True, blocking=True),),
)


def test_the_page_shows_every_figure_and_where_it_comes_from() -> None:
    page = render(REPORT)
    for shown in ("All checks passed", "Too hot", "99 °C", "1-abc@512", "1-abc@77", "some_check"):
        assert shown in page
    assert "citywx trace --flag TEMPERATURE_RANGE" in page
    assert "no longer kept" in page
    assert "Oslo, 2026-03-10: 100 readings, 2 suspect, 30 failed" in page
    assert "Oslo, 2026-03-09: no reading" in page


def test_text_from_outside_cannot_act_on_the_page() -> None:
    assert HOSTILE not in render(REPORT)


def test_json_says_the_same() -> None:
    facts = json.loads(as_json(REPORT))
    assert facts["verdict"] == "All checks passed."
    assert facts["accounts"] == COUNTS
    assert facts["days"][1]["failed"] == 30
    assert facts["flags"][0]["examples"][0]["line"] == {"segment": "1-abc", "offset": 512}
    assert facts["cities"][0]["age"] == 3600


def test_an_empty_home_has_a_page_too() -> None:
    empty = replace(REPORT, cities=(), days=(), changes=(), flags=(), rejected=(), checks=())
    assert "No reading has been cleaned yet" in render(empty)


@pytest.mark.parametrize(
    ("checks", "verdict"),
    [
        ((CheckFacts("a", "b", passed=False, blocking=False),), "Usable, with 1 warning."),
        ((CheckFacts("a", "b", passed=False, blocking=True),), "Something is wrong"),
    ],
)
def test_the_verdict_follows_from_the_checks(checks: tuple[CheckFacts, ...], verdict: str) -> None:
    assert replace(REPORT, checks=checks).verdict.startswith(verdict)


def test_lines_that_are_not_accounted_for_are_wrong() -> None:
    assert not replace(REPORT, accounts={**COUNTS, "loaded": 2}).balanced


def test_the_calendar_has_every_day_and_its_level() -> None:
    days = calendar(REPORT.days)["Oslo"]
    assert [facts and facts.level for _, facts in days] == [0, None, 4]


def test_the_trend_rises_where_more_is_doubtful() -> None:
    heights = [float(point.split(",")[1]) for point in trend(REPORT.days).split()]
    assert heights[1] < heights[0]
