"""Processes that are kept running, and that leave nothing behind, with a real supervisor."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from citywx.home import Home
from citywx.local_stack.leftovers import MARK, end_leftovers, find_leftovers
from citywx.local_stack.passwords import passwords_for
from citywx.local_stack.ports import NoFreePortError, any_free_port, free_port
from citywx.local_stack.programs import guard
from citywx.local_stack.stack_file import Stack, load_stack, running_stack, save_stack, stack_path
from citywx.local_stack.supervision import (
    Control,
    Program,
    SupervisionError,
    control_socket,
    remove_control_socket,
    start_supervisor,
    write_configuration,
)
from citywx.settings import Settings
from tests.support.stack import PROJECT, wait_for

SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
)
DEMON_CODE = (
    "import subprocess, sys, time; "
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],"
    " start_new_session=True); time.sleep(600)"
)
PARENT_OF_A_DEMON = (sys.executable, "-c", DEMON_CODE)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    path = tmp_path / "50% of a home"
    made = Home(path, path / "log" / "readings.csv")
    for folder in (made.run, made.logs):
        folder.mkdir(parents=True)
    yield made
    end_leftovers(made)


def supervise(home: Home, *programs: Program) -> tuple["subprocess.Popen[bytes]", Control]:
    control = control_socket(home)
    configuration = home.run / "supervisord.conf"
    everything = [guard(home, None), *programs]
    write_configuration(configuration, everything, control=control, home=home, directory=PROJECT)
    supervisor = start_supervisor(configuration, {**os.environ, MARK: str(home.path)}, home.logs)
    speaker = Control(control)

    def answers() -> bool:
        try:
            return bool(speaker.states())
        except SupervisionError:
            return False

    wait_for(answers, "answer of the supervisor")
    for group in {program.group for program in everything}:
        speaker.start(group)
    return supervisor, speaker


def pid_of(control: Control, name: str) -> int:
    return wait_for(lambda: control.states()[name].pid, f"pid of {name}")


def is_gone(pids: list[int]) -> bool:
    return not any(psutil.pid_exists(pid) for pid in pids)


def test_a_killed_program_is_started_again(home: Home) -> None:
    supervisor, control = supervise(home, Program("sleeper", SLEEP))
    first = pid_of(control, "sleeper")
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: control.states()["sleeper"].pid not in (0, first), "second sleeper", 15)
    supervisor.terminate()
    supervisor.wait(30)
    assert find_leftovers(home) == []


def test_nothing_outlives_a_killed_supervisor_not_even_a_grandchild_in_its_own_session(
    home: Home,
) -> None:
    supervisor, control = supervise(home, Program("parent", PARENT_OF_A_DEMON))
    parent = psutil.Process(pid_of(control, "parent"))
    child = wait_for(parent.children, "child")[0]
    wait_for(lambda: child.environ().get(MARK), "environment of the child")
    everyone = [process.pid for process in find_leftovers(home)]
    assert {parent.pid, child.pid} <= set(everyone)
    supervisor.kill()
    supervisor.wait()
    wait_for(lambda: is_gone(everyone), "end of everything", seconds=15)


def test_leftovers_that_ignore_a_polite_request_are_killed(home: Home) -> None:
    stubborn = subprocess.Popen(STUBBORN, env={**os.environ, MARK: str(home.path)})
    wait_for(lambda: find_leftovers(home), "leftover")
    wait_for(lambda: _ignores(stubborn.pid, signal.SIGTERM), "deafness")
    assert end_leftovers(home) == 1
    assert is_gone([stubborn.pid])
    stubborn.wait()


def test_processes_of_another_home_are_left_alone(home: Home, tmp_path: Path) -> None:
    other = {**os.environ, MARK: str(tmp_path / "another")}
    neighbour = subprocess.Popen(SLEEP, env=other)
    try:
        wait_for(lambda: psutil.Process(neighbour.pid).environ().get(MARK), "environment")
        assert end_leftovers(home) == 0
        assert neighbour.poll() is None
    finally:
        neighbour.kill()
        neighbour.wait()


def test_the_guard_stops_everything_when_whoever_it_watches_is_gone(home: Home) -> None:
    watched = subprocess.Popen(SLEEP)
    control = control_socket(home)
    configuration = home.run / "supervisord.conf"
    programs = [guard(home, watched.pid), Program("sleeper", SLEEP)]
    write_configuration(configuration, programs, control=control, home=home, directory=PROJECT)
    supervisor = start_supervisor(configuration, {**os.environ, MARK: str(home.path)}, home.logs)
    wait_for(control.exists, "socket")
    for group in ("servers", "pipeline"):
        Control(control).start(group)
    watched.kill()
    watched.wait()
    supervisor.wait(20)
    wait_for(lambda: not find_leftovers(home), "end of everything", seconds=15)


def test_a_stack_whose_pid_became_somebody_elses_does_not_run(home: Home) -> None:
    mine = psutil.Process()
    note = Stack(str(home.path), mine.pid, mine.create_time(), "socket")
    save_stack(home, note)
    assert running_stack(home) == note
    save_stack(home, Stack(str(home.path), mine.pid, mine.create_time() - 60, "socket"))
    assert running_stack(home) is None


def test_a_stack_noted_in_a_home_that_was_moved_is_not_ours(home: Home) -> None:
    mine = psutil.Process()
    save_stack(home, Stack("/elsewhere", mine.pid, mine.create_time(), "socket"))
    assert running_stack(home) is None
    assert load_stack(home) is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"home": "x"'])
def test_an_unreadable_note_counts_as_none(home: Home, text: str) -> None:
    stack_path(home).write_text(text, "utf-8")
    assert load_stack(home) is None


def test_a_taken_port_moves_to_the_next_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = free_port(port)
        assert port < found
        assert free_port(port, taken=[found]) > found


def test_no_port_at_all_is_said_so() -> None:
    with pytest.raises(NoFreePortError, match="no free port"):
        free_port(65_535, taken=[65_535])


def test_a_path_that_the_supervisor_would_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "my #1 home"
    with pytest.raises(SupervisionError, match="cannot read"):
        write_configuration(
            tmp_path / "conf",
            [],
            control=tmp_path / "socket",
            home=Home(path, path / "readings.csv"),
            directory=PROJECT,
        )


def test_a_deep_home_gets_its_socket_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / ("deep" * 30)
    control = control_socket(Home(path, path / "readings.csv"))
    assert len(str(control)) < 100
    assert stat.S_IMODE(control.parent.stat().st_mode) == 0o700
    remove_control_socket(control)
    assert not control.parent.exists()


def test_passwords_are_made_once_kept_private_and_overridden_by_settings(home: Home) -> None:
    first = passwords_for(Settings.model_construct(), home)
    assert passwords_for(Settings.model_construct(), home) == first
    assert len({first.postgres, first.mqtt, first.secret_key}) == 3
    assert first.postgres not in repr(first)
    assert stat.S_IMODE(home.secrets.stat().st_mode) == 0o700
    modes = {stat.S_IMODE(path.stat().st_mode) for path in home.secrets.iterdir()}
    assert modes == {0o600}
    given = Settings.model_validate({"mqtt_password": "chosen"})
    assert passwords_for(given, home).mqtt == "chosen"


def test_any_free_port_is_free() -> None:
    assert free_port(port := any_free_port()) == port


def _ignores(pid: int, number: signal.Signals) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    mask = next(line.split()[1] for line in lines if line.startswith("SigIgn"))
    return bool(int(mask, 16) & (1 << (number - 1)))
