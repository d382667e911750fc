"""When groups of alerts speak, and what about: pure functions over time."""

from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from citywx.notices.groups import Group, GroupKey, NewsEvent, absorb
from citywx.notices.holds import Hold, Silence, Situation, hold
from citywx.notices.planning import NoticeKind, Plan, carry_out, forget, plan
from citywx.notices.routes import Limits, Route
from citywx.weather.alerting.policy import Hours, Severity

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
ROUTE = Route("r", ("x",), repeat_interval=timedelta(hours=4))


def seconds(number: float) -> datetime:
    return NOON + timedelta(seconds=number)


def event(
    alert: str,
    what: str = "fired",
    *,
    city: str = "Cairo",
    rule: str = "heat",
    severity: str = "warning",
    notify: bool = True,
    at: datetime = NOON,
    inhibited_by: tuple[str, ...] = (),
) -> NewsEvent:
    return NewsEvent(1, alert, what, rule, city, severity, at, notify, inhibited_by)


class Clock:
    """A route's groups as time goes on: what the notifier does, without a database."""

    def __init__(self, route: Route = ROUTE) -> None:
        self.route = route
        self.groups: dict[GroupKey, Group] = {}
        self.sent: list[datetime] = []

    def take(self, at: float, *events: NewsEvent) -> None:
        self.groups |= absorb([self.route], self.groups, events, seconds(at))

    def plans(self, at: float, **situation: object) -> list[Plan]:
        now = seconds(at)
        since = now - self.route.limits.per
        recent = {self.route.name: sum(moment > since for moment in self.sent)}
        found = Situation(now=now, recent=recent, **situation)  # type: ignore[arg-type]  # by name
        self.groups = {key: forget(self.route, group, found) for key, group in self.groups.items()}
        plans = plan(self.route, self.groups, found)
        self.groups |= carry_out(self.groups, plans, now)
        self.sent += [now] * len(plans)
        return plans

    def told(self, at: float, **situation: object) -> list[list[str]]:
        return [
            sorted(one.alert_id for one in each.members) for each in self.plans(at, **situation)
        ]


def test_a_front_that_crosses_five_cities_is_one_notice() -> None:
    clock = Clock()
    for number, city in enumerate(("Dublin", "Leeds", "York", "Hull", "Bergen")):
        clock.take(number * 5, event(city, city=city))
        assert clock.told(number * 5) == []
    assert clock.told(29) == []
    assert clock.told(30) == [["Bergen", "Dublin", "Hull", "Leeds", "York"]]
    assert clock.told(31) == []


def test_what_comes_later_waits_for_the_groups_interval_and_joins_one_notice() -> None:
    clock = Clock()
    clock.take(0, event("a"))
    assert clock.told(30) == [["a"]]
    clock.take(40, event("b"))
    clock.take(200, event("c"))
    assert clock.told(329) == []
    assert clock.told(330) == [["b", "c"]]


def test_a_group_that_was_quiet_for_long_still_waits_for_others() -> None:
    clock = Clock()
    clock.take(0, event("a"))
    clock.plans(30)
    clock.take(3000, event("b"))
    assert clock.told(3001) == []
    assert clock.told(3030) == [["b"]]


def test_rules_that_are_not_grouped_together_are_notices_of_their_own() -> None:
    clock = Clock()
    clock.take(0, event("a", rule="heat"), event("b", rule="gale", severity="severe"))
    assert clock.told(30) == [["b"], ["a"]]


def test_an_alert_that_goes_on_is_told_again_after_the_repeat_interval() -> None:
    clock = Clock()
    clock.take(0, event("a"))
    clock.plans(30)
    hours = 4 * 3600
    assert clock.told(hours) == []
    (reminder,) = clock.plans(30 + hours)
    assert reminder.kind is NoticeKind.REMINDER
    assert clock.told(31 + hours) == []
    assert clock.told(30 + 2 * hours) == [["a"]]


def test_an_acknowledged_alert_is_not_repeated_but_its_end_is_told() -> None:
    clock = Clock()
    clock.take(0, event("a"))
    clock.plans(30)
    acknowledged = frozenset({"a"})
    assert clock.told(20_000, acknowledged=acknowledged) == []
    clock.take(20_010, event("a", "resolved"))
    (end,) = clock.plans(20_040, acknowledged=acknowledged)
    assert not end.members[0].firing


def test_an_alert_that_has_grown_worse_is_news_and_one_that_has_eased_is_none() -> None:
    clock = Clock()
    clock.take(0, event("a"))
    clock.plans(30)
    clock.take(400, event("a", "eased", severity="info"))
    assert clock.told(1000) == []
    clock.take(1000, event("a", "escalated", severity="severe"))
    assert clock.told(1030) == [["a"]]
    clock.take(1400, event("a", "escalated", severity="severe"))
    assert clock.told(2000) == []


def test_an_alert_may_grow_into_a_route_and_stays_in_its_group() -> None:
    clock = Clock(Route("r", ("x",), min_severity=Severity.WARNING, group_by=("severity",)))
    clock.take(0, event("a", severity="info"))
    assert clock.groups == {}
    clock.take(10, event("a", "escalated", severity="warning"))
    clock.take(20, event("a", "escalated", severity="severe"))
    assert clock.told(40) == [["a"]]
    clock.take(50, event("a", "resolved", severity="warning"))
    assert clock.told(400) == [["a"]]
    assert clock.told(4000) == []


def test_one_that_is_over_before_it_was_told_is_one_notice_that_says_so() -> None:
    clock = Clock()
    clock.take(0, event("a"))
    clock.take(10, event("a", "resolved"))
    (only,) = clock.plans(30)
    assert not only.members[0].firing
    assert clock.told(5000) == []


def test_ends_are_not_told_where_the_route_says_so() -> None:
    clock = Clock(Route("r", ("x",), resolved=False))
    clock.take(0, event("a"))
    clock.plans(30)
    clock.take(40, event("a", "resolved"))
    assert clock.told(5000) == []
    assert not any(group.members for group in clock.groups.values())


def test_alerts_that_notify_nobody_and_pending_ones_make_no_notice() -> None:
    clock = Clock()
    clock.take(0, event("a", notify=False), event("b", "pending"), event("c", "cancelled"))
    assert clock.told(1000) == []


def test_a_silenced_alert_is_told_when_the_silence_ends_unless_it_is_over_by_then() -> None:
    clock = Clock()
    silences = (Silence(rule="he*", city="Cairo"),)
    clock.take(0, event("a"), event("b"))
    assert clock.told(30, silences=silences) == []
    clock.take(40, event("b", "resolved"))
    assert clock.told(60, silences=silences) == []
    assert clock.told(90) == [["a"]]


def test_a_silence_covers_up_to_its_severity() -> None:
    silence = Silence(severity="warning")
    clock = Clock()
    clock.take(0, event("a"), event("b", severity="severe"))
    assert clock.told(30, silences=(silence,)) == [["b"]]


def test_an_alert_is_held_back_while_one_that_says_more_fires_in_its_city() -> None:
    clock = Clock()
    clock.take(0, event("a", inhibited_by=("storm",)), event("b", city="Oslo"))
    firing = frozenset({("storm", "Cairo")})
    assert clock.told(30, firing=firing) == [["b"]]
    assert clock.told(1000, firing=frozenset({("storm", "Oslo")})) == [["a"]]


def test_the_end_of_an_alert_that_was_told_waits_for_the_one_that_holds_it_back() -> None:
    clock = Clock()
    clock.take(0, event("a", inhibited_by=("storm",)))
    clock.plans(30)
    clock.take(60, event("a", "resolved", at=seconds(60)))
    firing = frozenset({("storm", "Cairo")})
    assert clock.told(1000, firing=firing) == []
    assert clock.told(2000) == [["a"]]


def test_in_quiet_hours_of_its_city_an_alert_waits_for_the_morning() -> None:
    night = Hours(time(22), time(7))
    clock = Clock(Route("r", ("x",), quiet=night, quiet_passes=Severity.SEVERE))
    zones = {"Tokyo": "Asia/Tokyo"}  # 21:00 there
    clock.take(0, event("a", city="Tokyo"), event("b", city="Oslo"))
    assert clock.told(3600, zones=zones) == [["b"]]
    clock.take(3700, event("c", city="Tokyo", severity="severe"), event("a", "resolved"))
    assert clock.told(4000, zones=zones) == [["c"]]
    assert clock.told(10 * 3600, zones=zones) == [["a"]]


def test_why_an_alert_is_held_is_known() -> None:
    clock = Clock(Route("r", ("x",), quiet=Hours(time(0), time(23, 59))))
    clock.take(0, event("a", inhibited_by=("storm",)))
    (group,) = clock.groups.values()
    member = group.members["a"]
    at_noon = Situation(NOON)
    assert hold(clock.route, member, at_noon) is Hold.QUIET
    storm = Situation(NOON, firing=frozenset({("storm", "Cairo")}))
    assert hold(clock.route, member, storm) is Hold.INHIBITED
    assert hold(clock.route, member, Situation(NOON, (Silence(),))) is Hold.SILENCED


def test_what_was_over_for_a_day_before_it_could_be_told_is_history() -> None:
    clock = Clock()
    clock.take(0, event("a"), event("a", "resolved", at=NOON - timedelta(days=2)), event("b"))
    assert clock.told(60) == [["b"]]


LIMITED = Route(
    "r",
    ("x",),
    group_by=("rule", "city"),
    group_wait=timedelta(0),
    limits=Limits(notices=3, per=timedelta(minutes=10)),
)


def test_too_many_notices_leave_together_in_the_last_one_that_may() -> None:
    clock = Clock(LIMITED)
    clock.take(0, *(event(f"a{n}", city=f"C{n}") for n in range(50)))
    clock.take(0, event("worst", city="Z", severity="severe"))
    first = clock.plans(0)
    assert [len(each.members) for each in first] == [1, 1, 49]
    assert first[0].members[0].alert_id == "worst"


def test_beyond_the_limit_news_waits_and_is_not_lost() -> None:
    clock = Clock(LIMITED)
    clock.take(0, *(event(f"a{n}", city=f"C{n}") for n in range(5)))
    clock.plans(0)
    clock.take(60, *(event(f"b{n}", city=f"D{n}") for n in range(5)))
    assert clock.told(61) == []
    later = clock.told(601)
    assert sum(len(alerts) for alerts in later) == 5
    assert len(later) == 3


def test_ten_thousand_firings_in_a_minute_are_few_notices_that_lose_none() -> None:
    for group_by in ((), ("rule",), ("rule", "city")):
        clock = Clock(Route("r", ("x",), group_by=group_by))
        told: list[str] = []
        for second in range(60):
            first = second * 167
            numbers = range(first, min(first + 167, 10_000))
            clock.take(second, *(event(f"a{n}", city=f"C{n}", rule=f"r{n % 7}") for n in numbers))
            told += [one.alert_id for each in clock.plans(second) for one in each.members]
        for second in range(60, 1500, 60):
            told += [one.alert_id for each in clock.plans(second) for one in each.members]
        assert len(told) == len(set(told)) == 10_000
        assert len(clock.sent) <= 3 * clock.route.limits.notices
        for moment in clock.sent:
            window = [one for one in clock.sent if moment - clock.route.limits.per < one <= moment]
            assert len(window) <= clock.route.limits.notices


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["fired", "escalated", "eased", "resolved"]),
        st.integers(0, 4),
        st.sampled_from(["info", "warning", "severe"]),
        st.integers(0, 400),
    ),
    max_size=25,
)


@given(STEPS, st.sampled_from([(), ("rule",), ("rule", "city"), ("severity",)]))
def test_every_alert_that_fires_is_told_and_its_last_word_is_its_state(
    steps: list[tuple[str, int, str, int]], group_by: tuple[str, ...]
) -> None:
    clock = Clock(Route("r", ("x",), group_by=group_by, repeat_interval=None))
    now, over = 0.0, dict[str, bool]()
    last = dict[str, bool]()

    def speak(at: float) -> None:
        for each in clock.plans(at):
            for member in each.members:
                last[member.alert_id] = not member.firing

    for what, number, severity, pause in steps:
        now += pause
        alert = f"a{number}"
        if (what == "fired") == (alert in over) or over.get(alert):
            continue  # no life begins twice, and none goes on after its end
        over[alert] = what == "resolved"
        clock.take(now, event(alert, what, severity=severity, at=seconds(now)))
        speak(now)
    for later in range(10):
        speak(now + 400 * (later + 1))
    assert last == over
