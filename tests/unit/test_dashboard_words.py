"""What the dashboard says, and how it keeps text from outside harmless."""

import doctest
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest

from citywx.home import HomeKind
from citywx.mail.folder import list_mails
from citywx.weather.quality.flags import QcFlag
from dashboard import data, export, flags, mails, words

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("module", [data, export, words], ids=lambda m: m.__name__)
def test_examples_in_docstrings_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_ages_count_from_now_except_in_a_replay() -> None:
    observed, newest = NOW - timedelta(hours=3), NOW - timedelta(hours=1)
    assert words.reading_age(observed, NOW, newest, HomeKind.REAL) == "3 h ago"
    replayed = words.reading_age(observed, NOW, newest, HomeKind.REPLAY)
    assert replayed == "2 h before the newest of the replay"


@pytest.mark.parametrize(
    ("skill", "said"), [(0.25, "25 % better"), (-0.78, "78 % worse"), (0.0, "as good as")]
)
def test_skill_is_said_in_plain_words(skill: float, said: str) -> None:
    assert said in words.skill_sentence("linear_trend", skill)


def test_unknown_skill_is_not_a_number() -> None:
    assert "not enough history" in words.skill_sentence("linear_trend", float("nan"))


@pytest.mark.parametrize("flag", list(QcFlag))
def test_every_flag_is_shown_as_its_sentence(flag: QcFlag) -> None:
    assert flags.sentence(flag.name) == flag.value


def test_addresses_in_text_from_outside_do_not_become_links() -> None:
    for text in ("http://example.org", "www.example.org", "someone@example.org"):
        assert text not in words.escape(text).replace("\\", "")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-x", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_cells_that_look_like_formulas_are_neutralised(cell: str) -> None:
    assert export.safe_cell(cell) == f"'{cell}"


def test_exported_lists_are_neutralised_too() -> None:
    assert export.safe_cell(["=1", "b"]) == "'=1;b"


@pytest.mark.parametrize(
    ("count", "days", "wanted", "step"),
    [
        (100, 7, data.Step.RAW, data.Step.RAW),
        (100_000, 70, data.Step.RAW, data.Step.HOUR),
        (100_000, 4_000, data.Step.RAW, data.Step.DAY),
        (100, 4_000, data.Step.HOUR, data.Step.DAY),
        (100, 7, data.Step.DAY, data.Step.DAY),
    ],
)
def test_long_periods_are_shown_in_longer_steps(
    count: int, days: int, wanted: data.Step, step: data.Step
) -> None:
    assert data.step_for(count, timedelta(days=days), wanted) is step


def test_attribution_is_given_where_data_need_it() -> None:
    assert words.attributions(["simulate", "csv"]) == []
    (line,) = words.attributions(["open-meteo", "open-meteo"])
    assert "CC BY 4.0" in line


def test_mails_are_listed_newest_first_and_read(tmp_path: Path) -> None:
    assert list_mails(tmp_path / "absent") == []
    for day in ("1", "2"):
        (tmp_path / f"{day}.eml").write_bytes(
            f"From: a@example.com\nTo: b@example.com\nSubject: Hi {day}\n"
            f"Date: Mon, 0{day} Jun 2026 08:00:00 +0000\nContent-Type: text/html\n\n"
            "<script>alert(1)</script><p>Hello</p>".encode()
        )
    mail, older = list_mails(tmp_path)
    assert (mail.subject, older.subject) == ("Hi 2", "Hi 1")
    assert mails.label(mail) == "2026-06-02 08:00:00 UTC · b@example.com · Hi 2"
    shown = mails.document(mail.html)
    assert shown.index("default-src 'none'") < shown.index("<script>")


def test_files_that_are_no_mail_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "2.eml").write_bytes(b"\x00\xff no mail")
    (tmp_path / "3.eml").write_bytes(b"Date: never\n\n")
    (tmp_path / "4.eml").mkdir()
    assert list_mails(tmp_path) == []
