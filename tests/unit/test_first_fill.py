"""What `citywx up` shows while history is filled in."""

import io
import json
import threading
from pathlib import Path

from rich.console import Console

from citywx.home import Home
from citywx.local_stack.first_fill import follow_first_fill
from citywx.polled_cities import PolledCities
from citywx.settings import Settings


def home_with(tmp_path: Path, cities: list[str], filled: list[str]) -> Home:
    home = Home.named(Settings(data_dir=tmp_path), "test")
    home.state.mkdir(parents=True)
    PolledCities(tuple(cities)).save(home)
    (home.state / "poller.json").write_text(json.dumps({"filled": filled}))
    return home


def shown(home: Home, stopping: threading.Event, *, terminal: bool = False) -> str:
    out = io.StringIO()
    follow_first_fill(home, stopping, Console(file=out, force_terminal=terminal, width=80))
    return out.getvalue()


def test_a_home_that_is_filled_in_is_said_in_one_line(tmp_path: Path) -> None:
    home = home_with(tmp_path, ["Cairo", "Oslo"], ["Cairo", "Oslo"])
    assert shown(home, threading.Event()) == "history of 2 of 2 cities is filled in\n"


def test_a_terminal_gets_a_bar(tmp_path: Path) -> None:
    home = home_with(tmp_path, ["Cairo", "Oslo"], ["Cairo", "Oslo"])
    assert "2/2" in shown(home, threading.Event(), terminal=True)


def test_it_is_followed_until_the_last_city(tmp_path: Path) -> None:
    home = home_with(tmp_path, ["Cairo", "Oslo"], ["Cairo"])
    all_filled = json.dumps({"filled": ["Cairo", "Oslo"]})
    timer = threading.Timer(0.3, (home.state / "poller.json").write_text, [all_filled])
    timer.start()
    assert shown(home, threading.Event()) == "history of 2 of 2 cities is filled in\n"
    timer.join()


def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    stopping = threading.Event()
    stopping.set()
    assert shown(home_with(tmp_path, ["Cairo"], []), stopping) == ""
