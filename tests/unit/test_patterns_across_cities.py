"""`spread` and `peer`: cities beside each other."""

from itertools import permutations

import pytest

from citywx.weather.alerting.patterns.places import Places
from citywx.weather.reading import Reading
from tests.support.patterns import at, detector, found, levels, minutes

SPREAD = """
kind = "spread"
condition = { metric = "temperature_c", below = 10 }
reached = 3
within = "2h"
"""
PEER = """
kind = "peer"
metric = "temperature_c"
by = 6
within = "1h"
peers = ["Bergen", "Oslo", "Stavanger", "Trondheim"]
"""
WAY = ("Bergen", "Oslo", "Stockholm", "Helsinki")
PLACES = Places(
    {
        "Bergen": (60.4, 5.3),
        "Oslo": (59.9, 10.8),
        "Stockholm": (59.3, 18.1),
        "Helsinki": (60.2, 24.9),
        "Cairo": (30.0, 31.2),
        "Giza": (30.0, 31.1),
    }
)


def cold(minute: float, city: str) -> Reading:
    return at(minute, city, temperature_c=5)


def warm(minute: float, city: str) -> Reading:
    return at(minute, city, temperature_c=15)


def front(step: float = 30) -> list[Reading]:
    return [cold(step * place, city) for place, city in enumerate(WAY)]


def test_a_front_is_one_finding_of_the_first_city_with_all_in_their_order() -> None:
    third, fourth = found(detector(SPREAD), front())
    assert (third.city, minutes(third.observed_at)) == ("Bergen", 60)
    assert (third.value, third.limit) == (3, 3)
    assert (fourth.city, minutes(fourth.observed_at), fourth.value) == ("Bergen", 90, 4)
    assert fourth.details["cities"] == [
        {"city": "Bergen", "at": "2026-03-01T12:00:00Z"},
        {"city": "Oslo", "at": "2026-03-01T12:30:00Z"},
        {"city": "Stockholm", "at": "2026-03-01T13:00:00Z"},
        {"city": "Helsinki", "at": "2026-03-01T13:30:00Z"},
    ]


def test_a_front_goes_on_with_the_readings_of_its_first_city() -> None:
    told = levels(detector(SPREAD), [*front(), cold(100, "Bergen"), cold(110, "Oslo")])
    assert told == [(60, 1), (90, 1), (100, 1)]


def test_a_front_that_its_first_city_feels_twice_goes_on_as_one() -> None:
    again = [*front(), warm(95, "Bergen"), cold(100, "Bergen")]
    assert levels(detector(SPREAD), again) == [(60, 1), (90, 1), (95, 1), (100, 1)]


def test_a_front_ends_its_time_after_the_last_city_whoever_shows_it() -> None:
    for city in ("Bergen", "Cairo"):
        assert levels(detector(SPREAD), [*front(), warm(300, city)])[-1] == (210, 0)
    assert levels(detector(SPREAD), [*front(), warm(210, "Cairo")])[-1] == (90, 1)


def test_the_same_cities_in_too_long_a_time_are_no_front() -> None:
    assert levels(detector(SPREAD), front(step=61)) == []
    assert levels(detector(SPREAD), front(step=60))[0] == (120, 1)


def test_one_city_several_times_is_one() -> None:
    wavering = [cold(0, "Oslo"), warm(10, "Oslo"), cold(20, "Oslo"), cold(30, "Bergen")]
    assert levels(detector(SPREAD), wavering) == []


def test_where_it_was_cold_all_along_no_front_arrives() -> None:
    readings = [cold(-300, "Oslo"), cold(0, "Oslo"), cold(10, "Bergen"), cold(20, "Helsinki")]
    assert levels(detector(SPREAD), readings) == []


def test_a_front_is_the_same_in_whatever_order_its_cities_come_in() -> None:
    arrivals = [found(detector(SPREAD), order) for order in permutations(front()[:3])]
    assert all(one == arrivals[0] for one in arrivals)
    assert len(arrivals[0]) == 1


def test_a_front_on_a_known_way_goes_along_it() -> None:
    way = SPREAD + f"order = {list(WAY)}"
    assert len(found(detector(way), front())) == 2
    backwards = [cold(30 * place, city) for place, city in enumerate(reversed(WAY))]
    assert found(detector(way), backwards) == []
    stray = [cold(0, "Helsinki"), *(cold(10 + 10 * n, city) for n, city in enumerate(WAY[:3]))]
    assert found(detector(way), stray)[0].city == "Bergen"
    elsewhere = [cold(0, "Cairo"), cold(10, "Bergen"), cold(20, "Oslo")]
    assert found(detector(way), elsewhere) == []


def test_cities_far_from_each_other_are_no_front() -> None:
    near = SPREAD.replace("reached = 3", "reached = 2") + "within_km = 450"
    readings = [cold(0, "Bergen"), cold(10, "Cairo"), cold(20, "Oslo"), cold(30, "Giza")]
    told = found(detector(near, PLACES), readings)
    assert [(one.city, one.value) for one in told] == [("Bergen", 2), ("Cairo", 2)]
    chain = found(detector(near, PLACES), front())
    assert [(one.city, one.value) for one in chain] == [("Bergen", 2), ("Bergen", 3), ("Bergen", 4)]
    assert found(detector(near), readings) == []


def test_a_city_that_feels_it_twice_was_reached_the_first_time() -> None:
    twice = [cold(0, "Oslo"), warm(10, "Oslo"), cold(30, "Oslo")]
    told = found(detector(SPREAD), [*twice, cold(20, "Bergen"), cold(40, "Helsinki")])
    assert told[0].city == "Oslo"


def test_a_front_on_a_known_way_does_not_turn_back() -> None:
    way = SPREAD + f"order = {list(WAY)}"
    told = found(detector(way), [*front()[:1], *front()[2:], cold(100, "Oslo")])
    assert [one.value for one in told] == [3]


def test_cities_of_a_front_are_linked_through_each_other() -> None:
    near = SPREAD + "within_km = 450"
    assert [one.value for one in found(detector(near, PLACES), front())] == [3, 4]


def test_one_front_goes_on_at_the_reading_that_shows_the_end_of_another() -> None:
    near = SPREAD.replace("reached = 3", "reached = 2") + "within_km = 450"
    north = [cold(0, "Bergen"), cold(10, "Oslo")]
    south = [cold(100, "Cairo"), cold(110, "Giza"), cold(140, "Cairo")]
    told = found(detector(near, PLACES), [*north, *south])
    assert [(one.city, minutes(one.observed_at), one.level) for one in told] == [
        ("Bergen", 10, 1),
        ("Cairo", 110, 1),
        ("Bergen", 130, 0),
        ("Cairo", 140, 1),
    ]


def peers(*values: float, minute: float = 0) -> list[Reading]:
    cities = ("Bergen", "Oslo", "Stavanger", "Trondheim")
    return [
        at(minute, city, temperature_c=value) for city, value in zip(cities, values, strict=True)
    ]


def test_a_city_far_from_the_median_of_its_neighbours_is_found_until_it_is_near() -> None:
    quiet, off, back = (
        peers(5, 6, 7, 6),
        peers(5, 20, 7, 6, minute=30),
        peers(5, 9, 7, 6, minute=60),
    )
    findings = found(detector(PEER), [*quiet, *off, *back])
    assert [(one.city, minutes(one.observed_at), one.level) for one in findings] == [
        ("Oslo", 30, 1),
        ("Oslo", 60, 0),
    ]
    assert (findings[0].value, findings[0].limit) == (14, 6)
    assert findings[0].details == {"observed": 20, "expected": 6, "neighbours": 3}


def test_between_the_amount_and_half_of_it_a_city_stays_far_off() -> None:
    readings = [*peers(6, 6, 6, 6), *peers(6, 12, 6, 6, minute=30), *peers(6, 9.1, 6, 6, minute=60)]
    assert [one.level for one in found(detector(PEER), readings)] == [1, 1]


def test_a_neighbour_whose_value_is_old_or_missing_is_not_asked() -> None:
    assert found(detector(PEER), [*peers(6, 6, 6, 6), at(61, "Oslo", temperature_c=20)]) == []
    one_missing = [*peers(6, 6, 6, 6)[:3], at(30, "Oslo", temperature_c=20)]
    assert found(detector(PEER), one_missing) == []
    assert found(detector(PEER + "fewest = 2"), one_missing)[0].level == 1


def test_a_neighbour_that_is_far_ahead_is_not_asked() -> None:
    ahead = [one for one in peers(6, 0, 6, 6, minute=200) if one.city != "Oslo"]
    assert found(detector(PEER), [*ahead, at(0, "Oslo", temperature_c=20)]) == []
    assert found(detector(PEER), [*ahead, at(150, "Oslo", temperature_c=20)])[0].level == 1


def test_a_city_is_far_off_as_long_as_too_few_neighbours_say_otherwise() -> None:
    readings = [*peers(6, 20, 6, 6), at(70, "Oslo", temperature_c=6), at(80, "Oslo")]
    told = found(detector(PEER), [*readings[::2], readings[3], readings[1], *readings[4:]])
    assert [(one.city, one.level) for one in told] == [("Oslo", 1)] * 3


def test_a_city_that_is_nobodys_neighbour_is_not_judged() -> None:
    assert found(detector(PEER), [*peers(6, 6, 6, 6), at(0, "Cairo", temperature_c=35)]) == []


def test_neighbours_may_be_those_within_a_distance() -> None:
    near = PEER.replace('peers = ["Bergen", "Oslo", "Stavanger", "Trondheim"]', "within_km = 500")
    readings = [
        at(0, "Bergen", temperature_c=5),
        at(0, "Stockholm", temperature_c=5),
        at(0, "Cairo", temperature_c=35),
        at(10, "Oslo", temperature_c=15),
    ]
    assert [one.city for one in found(detector(near + "\nfewest = 2", PLACES), readings)] == [
        "Oslo"
    ]


def test_the_eight_nearest_neighbours_are_asked() -> None:
    line = Places({f"City {n}": (50 + n / 10, 10.0) for n in range(12)})
    readings = [at(0, f"City {n}", temperature_c=5 if n < 9 else 30) for n in range(12)]
    near = PEER.replace('peers = ["Bergen", "Oslo", "Stavanger", "Trondheim"]', "within_km = 500")
    told = found(detector(near, line), [*readings, at(1, "City 0", temperature_c=20)])
    assert [one.details["neighbours"] for one in told if one.city == "City 0"] == [8]


@pytest.mark.parametrize(("km", "near"), [(400, ("Oslo",)), (800, ("Oslo", "Stockholm"))])
def test_places_give_the_nearest_first(km: float, near: tuple[str, ...]) -> None:
    assert PLACES.near("Bergen", km) == near
    assert PLACES.near("Atlantis", km) == ()
