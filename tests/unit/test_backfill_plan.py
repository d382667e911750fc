"""What a backfill is asked for, what it remembers, and how fast it may ask."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tenacity import RetryCallState, Retrying

from citywx.backfill import BackfillError, BackfillRequest, BackfillState
from streaming.history_archive import pause_after
from streaming.sources.call_windows import Called, CallLog, seconds_until_allowed
from streaming.sources.errors import CallLimitError, SourceError, UnavailableError
from streaming.sources.open_meteo_archive import calls_of

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
JANUARY, DECEMBER = datetime(2024, 1, 1), datetime(2024, 12, 31)  # noqa: DTZ001 - as typer reads them
A_YEAR = calls_of(date(2024, 1, 1), date(2024, 12, 30))


def request(*sources: str, first: datetime = JANUARY, last: datetime = DECEMBER) -> BackfillRequest:
    return BackfillRequest.of(first, last, list(sources), [])


def test_a_request_survives_the_way_to_the_process(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.touch()
    asked = BackfillRequest.of(JANUARY, DECEMBER, [str(file)], ["São Paulo"])
    assert BackfillRequest.from_json(asked.to_json()) == asked


def test_the_same_request_is_the_same_backfill_and_another_is_not() -> None:
    assert request().identity == request("open-meteo-archive").identity
    assert request().identity != request(last=JANUARY).identity


@pytest.mark.parametrize(
    ("sources", "first", "last", "said"),
    [
        ([], DECEMBER, JANUARY, "is after --to"),
        (["/nowhere.csv"], JANUARY, DECEMBER, "is no file"),
        (["open-meteo-archive", "/nowhere.csv"], JANUARY, DECEMBER, "not both"),
    ],
)
def test_a_wrong_request_is_told(
    sources: list[str], first: datetime, last: datetime, said: str
) -> None:
    with pytest.raises(BackfillError, match=said):
        request(*sources, first=first, last=last)


def test_state_lasts_until_the_backfill_is_finished(tmp_path: Path) -> None:
    state = BackfillState.load(tmp_path, request())
    state.save("Oslo 2024", 8784)
    assert BackfillState.load(tmp_path, request()).done == {"Oslo 2024": 8784}
    assert BackfillState.load(tmp_path, request(last=JANUARY)).done == {}
    state.finish()
    assert BackfillState.load(tmp_path, request()).done == {}


def test_requests_within_the_limits_need_not_wait() -> None:
    assert seconds_until_allowed([], A_YEAR, NOON) == 0
    made = [Called(NOON - timedelta(seconds=n), A_YEAR) for n in range(10, 0, -1)]
    assert seconds_until_allowed(made, A_YEAR, NOON) == 0


def test_a_full_minute_is_waited_out_call_by_call() -> None:
    made = [Called(NOON - timedelta(seconds=20 - n), A_YEAR) for n in range(18)]  # 469 of 480
    assert seconds_until_allowed(made, A_YEAR, NOON) == 40
    assert seconds_until_allowed(made, 2 * A_YEAR, NOON) == 41


def test_a_full_hour_and_a_full_day_are_waited_out() -> None:
    hour = [Called(NOON - timedelta(minutes=50), 3_990.0)]
    assert seconds_until_allowed(hour, A_YEAR, NOON) == 600
    day = [Called(NOON - timedelta(hours=23), 7_990.0)]
    assert seconds_until_allowed(day, A_YEAR, NOON) == 3_600


def test_waiting_as_long_as_told_is_enough_whatever_was_called() -> None:
    made: list[Called] = []
    now = NOON
    for _ in range(600):
        now += timedelta(seconds=seconds_until_allowed(made, A_YEAR, now))
        made.append(Called(now, A_YEAR))
    for span, limit in ((60, 600), (3_600, 5_000), (86_400, 10_000)):
        for call in made:
            since = [c for c in made if timedelta() <= c.at - call.at < timedelta(seconds=span)]
            assert sum(c.calls for c in since) < limit


def test_calls_are_remembered_for_a_day(tmp_path: Path) -> None:
    CallLog(tmp_path / "calls").add(NOON, 1)
    log = CallLog(tmp_path / "calls")
    log.add(NOON + timedelta(hours=23), 2)
    assert [call.calls for call in log.made] == [1, 2]
    log.add(NOON + timedelta(hours=25), 3)
    assert [call.calls for call in CallLog(tmp_path / "calls").made] == [2, 3]


@pytest.mark.parametrize(
    ("error", "attempt", "seconds"),
    [
        (UnavailableError("HTTP 503"), 1, 2),
        (UnavailableError("HTTP 503"), 4, 16),
        (CallLimitError("HTTP 429"), 1, 60),
        (CallLimitError("HTTP 429"), 3, 240),
        (CallLimitError("HTTP 429", retry_after=7), 3, 7),
        (CallLimitError("HTTP 429", retry_after=86_400), 1, 3_600),
    ],
)
def test_a_service_that_fails_is_left_alone_longer_and_longer(
    error: SourceError, attempt: int, seconds: float
) -> None:
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = attempt
    state.set_exception((type(error), error, None))
    assert pause_after(state) == seconds
