"""What receivers get: titles, words, and the forms that chat services expect."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from citywx.notices.content import Content, Frame, NoticeAlert, make_content, wanted_by
from citywx.notices.content_json import decode, encode
from citywx.notices.planning import NoticeKind
from citywx.notices.routes import Template
from citywx.notices.webhook import WebhookRequest, classify, headers, signature
from citywx.notices.webhook_bodies import body, target
from citywx.notices.words import closing, facts, opening, plain_text, title

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
PAGE = "https://weather.example.org"
FRAME = Frame("n1", NoticeKind.NEWS, "r", NOON, "real", 20)
HEAT = NoticeAlert(
    alert_id="a",
    rule_id="heat",
    kind="rule",
    city="Cairo",
    state="firing",
    severity="warning",
    worst_severity="severe",
    metric="temperature_c",
    value=36.2,
    limit_value=35.0,
    message="Heat in Cairo: 36.2 °C (at least 35)",
    advice="Drink water.",
    started_at=NOON,
    resolved_at=None,
    peak=-38.12,
    peak_at=NOON,
    suspect=False,
    zone="Africa/Cairo",
)
OVER = replace(HEAT, resolved_at=NOON + timedelta(minutes=90), message="Heat in Cairo is over")


def about(*alerts: NoticeAlert, **frame: object) -> Content:
    return make_content(replace(FRAME, **frame), alerts)  # type: ignore[arg-type]  # by name


def alerts(number: int) -> list[NoticeAlert]:
    return [replace(HEAT, alert_id=f"a{n}", city=f"City {n}") for n in range(number)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (about(HEAT), "Warning: Heat in Cairo"),
        (about(OVER), "Over: Heat in Cairo"),
        (about(HEAT, kind=NoticeKind.REMINDER), "Warning: still heat in Cairo"),
        (about(HEAT, kind=NoticeKind.TEST), "[test] Warning: Heat in Cairo"),
        (about(HEAT, origin="replay"), "[replay] Warning: Heat in Cairo"),
        (about(*alerts(2)), "Warning: Heat in City 0 and City 1"),
        (about(*alerts(4)), "Warning: Heat in 4 cities"),
        (
            about(HEAT, replace(HEAT, rule_id="gale", severity="severe")),
            "Severe: 2 alerts in Cairo",
        ),
        (about(OVER, replace(HEAT, city="Oslo")), "Warning: Heat in Oslo and Cairo"),
    ],
)
def test_the_title_says_how_serious_what_and_where(content: Content, words: str) -> None:
    assert title(content) == words


def test_what_is_not_listed_is_counted() -> None:
    content = about(*alerts(25), firing_beside=1)
    assert (len(content.alerts), content.more) == (20, 5)
    assert closing(content) == [
        "And 5 more alerts, not listed here.",
        "1 other alert is still going on.",
    ]
    assert closing(about(HEAT)) == []


def test_facts_are_in_the_citys_time_with_the_length_of_what_is_over() -> None:
    assert facts(HEAT) == [
        "Since Tue 10 Mar, 14:00.",
        "Peak −38.1 °C at Tue 10 Mar, 14:00.",
        "Drink water.",
    ]
    assert facts(OVER)[0] == "From Tue 10 Mar, 14:00 to Tue 10 Mar, 15:30: 1 h 30 min."
    assert "Drink water." not in facts(OVER)
    assert "The readings behind it are doubtful." in facts(replace(HEAT, suspect=True))
    assert len(facts(replace(HEAT, peak=None, advice=""))) == 1


def test_readings_that_are_not_real_are_called_so_first() -> None:
    for origin, word in (("simulated", "not the real weather"), ("replay", "not today's")):
        assert word in plain_text(about(HEAT, origin=origin)).splitlines()[0]
    assert opening(about(HEAT)) == []
    assert "made up" in opening(about(HEAT, kind=NoticeKind.TEST))[0]


def test_the_worst_alert_comes_first_and_what_is_over_last() -> None:
    content = about(OVER, HEAT, replace(HEAT, alert_id="worst", severity="severe"))
    assert [one.alert_id for one in content.alerts] == ["worst", "a", "a"]
    assert not content.alerts[-1].firing


def test_content_survives_its_row() -> None:
    content = about(HEAT, OVER)
    assert decode(json.loads(json.dumps(encode(content)))) == content


def test_a_subscriber_gets_alerts_by_the_worst_they_have_been() -> None:
    by_city = {"Cairo": [HEAT, replace(HEAT, alert_id="b", worst_severity="warning")]}
    assert [one.alert_id for one in wanted_by(by_city, ("Cairo", "Oslo"), "severe")] == ["a"]


def sent(template: Template, content: Content) -> dict[str, object]:
    url = "https://ntfy.example.org/base/weather"
    made: dict[str, object] = json.loads(body(template, content, url=url, page=PAGE))
    return made


def test_programs_get_everything_as_json() -> None:
    made = sent(Template.JSON, about(HEAT))
    assert made["v"] == 1
    assert made["title"] == "Warning: Heat in Cairo"
    assert made["page"] == PAGE
    assert made["alerts"][0]["started_at"] == "2026-03-10T12:00:00+00:00"  # type: ignore[index]


def test_slack_gets_blocks_within_its_limits_and_no_markup_of_others() -> None:
    evil = replace(HEAT, message="<!channel> & <https://evil.example|click>")
    many = sent(Template.SLACK, about(evil, *alerts(99), listed=100))
    blocks = many["blocks"]
    assert isinstance(blocks, list)
    assert len(blocks) <= 50
    assert all(len(block["text"]["text"]) <= 3000 for block in blocks)
    text = json.dumps(sent(Template.SLACK, about(evil)))
    assert "<!channel>" not in text
    assert "&lt;!channel&gt; &amp;" in text


def test_discord_pings_nobody_and_keeps_to_its_limits() -> None:
    made = sent(Template.DISCORD, about(*alerts(100), listed=100))
    (embed,) = made["embeds"]  # type: ignore[misc]
    assert len(embed["description"]) <= 4096
    assert made["allowed_mentions"] == {"parse": []}
    over = sent(Template.DISCORD, about(OVER))
    assert over["embeds"][0]["color"] == 0x16A34A  # type: ignore[index]


def test_ntfy_gets_its_topic_and_a_priority() -> None:
    made = sent(Template.NTFY, about(replace(HEAT, severity="severe")))
    assert (made["topic"], made["priority"]) == ("weather", 5)
    assert sent(Template.NTFY, about(OVER))["priority"] == 2
    long = sent(Template.NTFY, about(*alerts(100), listed=100))
    assert len(str(long["message"]).encode()) <= 4096
    url = "https://ntfy.example.org/base/weather"
    assert target(Template.NTFY, url) == "https://ntfy.example.org/base/"
    assert target(Template.SLACK, url) == url


def test_only_a_receiver_with_a_secret_gets_a_signature() -> None:
    request = WebhookRequest("https://example.org/", b"{}", "n1.7", "hush")
    signed = headers(request, 1_700_000_000.5)
    expected = signature("hush", 1_700_000_000, b"{}")
    assert signed["X-Citywx-Signature"] == f"sha256={expected}"
    assert signed["X-Citywx-Delivery"] == "n1.7"
    assert "X-Citywx-Signature" not in headers(replace(request, secret=""), 0)
    assert "hush" not in repr(request)


def test_a_pause_that_is_asked_for_is_bounded() -> None:
    assert classify(429, 86_400).retry_after == 3600
    assert classify(429).retry_after is None
