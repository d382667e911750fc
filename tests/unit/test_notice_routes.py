"""What `notices.toml` may say, and how its mistakes are told."""

from datetime import timedelta
from pathlib import Path

import pytest

from citywx.notices.routes import Channel, Receiver, ReceiverKind, Route, Template
from citywx.notices.routes_file import RoutesError, load_routing, parse_routing
from citywx.weather.alerting.policy import Severity

SHIPPED = Path(__file__).parents[2] / "notices.toml"
SECRETS = {"NOTICE_URL": "https://hooks.example.org/T0/secret", "NOTICE_KEY": "hush"}
HOOK = '[[receiver]]\nname = "hook"\ntype = "webhook"\n'
TO_SUBSCRIBERS = '[[receiver]]\nname = "all"\ntype = "subscribers"\n'


def test_as_shipped_only_subscribers_are_told() -> None:
    routing = load_routing(SHIPPED, {})
    assert [one.kind for one in routing.receivers.values()] == [ReceiverKind.SUBSCRIBERS]
    (route,) = routing.routes
    assert route.group_by == ("rule",)
    assert route.takes("heat", "Cairo", "info")


def test_what_is_commented_out_in_the_shipped_file_is_right_too() -> None:
    text = SHIPPED.read_text("utf-8")
    head, _, rest = text.partition('# [[receiver]]\n# name = "operators"')
    more = '# [[receiver]]\n# name = "operators"' + rest
    lines = [line.removeprefix("# ").removeprefix("#") for line in more.splitlines()]
    secrets = {"NOTICE_CHAT_URL": "https://hooks.example.org/x", "NOTICE_CHAT_SECRET": "hush"}
    routing = parse_routing("\n".join([head, *lines]), secrets)
    assert set(routing.receivers) == {"subscribers", "operators", "chat", "broker"}
    on_call = routing.routes[1]
    assert on_call.quiet_passes is Severity.SEVERE
    assert not on_call.takes("heat", "Oslo", "warning")
    assert on_call.takes("severe-cold", "New York", "severe")


def test_a_webhook_takes_its_secrets_from_the_environment_and_shows_them_nowhere() -> None:
    text = HOOK + 'url_env = "NOTICE_URL"\nsecret_env = "NOTICE_KEY"\ntemplate = "slack"\n'
    receiver = parse_routing(text, SECRETS).receivers["hook"]
    assert receiver == Receiver(
        "hook",
        ReceiverKind.WEBHOOK,
        url=SECRETS["NOTICE_URL"],
        secret="hush",
        template=Template.SLACK,
    )
    assert receiver.kind.channel is Channel.WEBHOOK
    assert "secret" not in repr(receiver).replace("secret_env", "")
    assert "hush" not in repr(receiver)


def test_every_key_of_a_route_is_read() -> None:
    text = (
        TO_SUBSCRIBERS
        + """
    [[route]]
    name = "r"
    receivers = ["all"]
    min_severity = "warning"
    cities = ["Lon*"]
    rules = ["heat"]
    group_by = ["city", "severity"]
    group_wait = "1s"
    group_interval = "2m"
    repeat_interval = "never"
    resolved = false
    most_notices = 3
    most_notices_per = "1h"
    most_listed = 4
    """
    )
    (route,) = parse_routing(text, {}).routes
    assert route.repeat_interval is None
    assert (route.group_wait, route.group_interval) == (timedelta(seconds=1), timedelta(minutes=2))
    assert (route.limits.notices, route.limits.per.seconds, route.limits.listed) == (3, 3600, 4)
    assert not route.resolved
    assert route.group_key("heat", "London", "severe") == "London\x1fsevere"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "not TOML"),
        ("[smtp]\n", "'smtp' is unknown"),
        ("receiver = 3\n", "[[receiver]] tables"),
        ('[[receiver]]\nname = "A b"\n', "line 2: receiver number 1: name"),
        ('[[receiver]]\nname = "x"\ntype = "pager"\n', "line 3: receiver 'x': type must be"),
        (TO_SUBSCRIBERS * 2, "name stands twice"),
        ('[[receiver]]\nname = "x"\ntype = "email"\n', "to must list"),
        ('[[receiver]]\nname = "x"\ntype = "email"\nto = ["nobody"]\n', "to holds what is no"),
        (HOOK, "url / url_env exactly one"),
        (HOOK + 'url = "ftp://example.org/"\n', "url must be an http:// or https://"),
        (HOOK + 'url = "file:///etc/passwd"\n', "url must be an http:// or https://"),
        (HOOK + 'url_env = "HOME"\n', "url_env must name a variable that begins with NOTICE_"),
        (HOOK + 'url_env = "NOTICE_NONE"\n', "NOTICE_NONE, which is not set"),
        (HOOK + 'url = "https://e.org/"\nsecret = "x"\n', "secret is no key of a receiver"),
        (HOOK + 'url = "https://e.org/"\ntemplate = "teams"\n', "template must be one of json"),
        ('[[route]]\nname = "r"\n', "receivers must list at least one"),
        ('[[route]]\nname = "r"\nreceivers = ["no"]\n', "line 3: route 'r': receivers names 'no'"),
        ('[[route]]\nname = "r"\nreceivers = ["all"]\ncity = "x"\n', "city is no key of a route"),
        ('[[route]]\nname = "r"\nreceivers = ["all"]\ngroup_by = ["mood"]\n', "group_by must list"),
        ('[[route]]\nname = "r"\nreceivers = ["all"]\ngroup_wait = "soon"\n', "group_wait must be"),
        ('[[route]]\nname = "r"\nreceivers = ["all"]\nquiet = "night"\n', "quiet must be local"),
        ('[[route]]\nname = "r"\nreceivers = ["all"]\nquiet_passes = "severe"\n', "without quiet"),
        ('[[route]]\nname = "r"\nreceivers = ["all"]\nmost_notices = 0\n', "at least 1"),
        ('[[route]]\nname = "r"\nreceivers = ["all"]\nrepeat_interval = "0s"\n', "above 0"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, words: str) -> None:
    with pytest.raises(RoutesError) as error:
        parse_routing(text, SECRETS)
    assert words in str(error.value)
    assert SECRETS["NOTICE_URL"] not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RoutesError, match=r"none\.toml: cannot be read"):
        load_routing(tmp_path / "none.toml", {})


def test_without_conditions_a_route_takes_everything() -> None:
    assert Route("r", ("x",)).takes("any", "Where", "info")
