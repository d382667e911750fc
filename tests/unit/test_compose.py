"""compose.yaml: it parses, its linters accept it, and it says nothing that is not so."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from citywx.env_file import SECRETS, write_env_file
from citywx.settings import Settings
from citywx.warehouse.rights import GRANTS, MEMBERS
from citywx.warehouse.roles import login_passwords

PROJECT = Path(__file__).resolve().parents[2]
COMPOSE = PROJECT / "compose.yaml"
TLS_COMPOSE = PROJECT / "deploy" / "compose.tls.yaml"
TEXT = COMPOSE.read_text("utf-8")
DOCUMENT: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = DOCUMENT["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}

DAGSTER_VARIABLES = set(
    re.findall(
        r"env: (\w+)",
        (PROJECT / "dagster.yaml").read_text("utf-8")
        + (PROJECT / "workspace.yaml").read_text("utf-8"),
    )
)


def modules() -> Iterator[str]:
    for service in OURS.values():
        yield service["command"][0]
        test = service.get("healthcheck", {}).get("test", [])
        if "-m" in test:
            yield test[test.index("-m") + 1]


def test_it_runs_every_process_of_the_pipeline() -> None:
    streaming = {"poller", "bridge", "alerter", "recorder", "notifier"}
    dagster = {"dagster-code", "dagster", "dagster-daemon"}
    assert set(OURS) == {*streaming, *dagster, "dashboard", "migrate"}
    assert set(SERVICES) - set(OURS) == {"database", "broker", "mailpit"}


@pytest.mark.parametrize("module", sorted(set(modules())))
def test_every_command_is_a_module_that_exists(module: str) -> None:
    assert importlib.util.find_spec(module) is not None


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_variable_is_one_that_a_process_reads(name: str) -> None:
    settings = {field.upper() for field in Settings.model_fields}
    assert set(OURS[name]["environment"]) <= settings | DAGSTER_VARIABLES


def test_every_variable_that_dagster_reads_is_set() -> None:
    assert set(SERVICES["dagster-code"]["environment"]) >= DAGSTER_VARIABLES


def test_every_variable_of_the_host_is_a_setting() -> None:
    wanted = set(re.findall(r"\$\{(\w+)", TEXT))
    assert wanted <= {field.upper() for field in Settings.model_fields}


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_has_a_default(secret: str) -> None:
    uses = re.findall(rf"\$\{{{secret}([^}}]*)", TEXT)
    assert uses
    assert all(use.startswith(":?") for use in uses)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_images_are_pinned_and_ports_are_published_on_loopback_alone(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].partition(":")
    assert re.match(r"v?\d+\.\d+", tag)
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"migrate"}))
def test_every_service_has_a_health_check_and_few_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_only_the_poller_may_write_the_log() -> None:
    writers = {name for name, service in OURS.items() if "log:/log" in service.get("volumes", [])}
    assert writers == {"poller"}


def test_base_images_are_pinned_and_the_image_does_not_run_as_root() -> None:
    lines = (PROJECT / "deploy" / "Dockerfile").read_text("utf-8").splitlines()
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert all(re.search(r":\d+\.\d+\.\d+", base) for base in bases)
    assert [line.split()[1] for line in lines if line.startswith("USER ")] == ["citywx"]


def test_the_image_holds_only_files_that_exist() -> None:
    lines = (PROJECT / "deploy" / "Dockerfile").read_text("utf-8").splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--" not in line]
    files = [name for names in copied for name in names]
    assert files
    assert [name for name in files if not (PROJECT / name).exists()] == []


def test_each_process_that_uses_the_broker_knows_its_own_password_and_no_other() -> None:
    given = {
        name: re.findall(r"MQTT_\w+_PASSWORD", str(service["environment"]))
        for name, service in OURS.items()
    }
    users = ("bridge", "alerter", "recorder", "notifier")
    assert {name: names for name, names in given.items() if names} == {
        user: [f"MQTT_{user.upper()}_PASSWORD"] for user in users
    }
    for user in users:
        assert SERVICES[user]["environment"]["MQTT_URL"].startswith(f"mqtt://{user}:")


def test_each_process_that_uses_the_database_logs_in_as_a_user_of_its_own() -> None:
    users = {
        name: re.match(r"postgresql://(\w+):\$\{(\w+)", service["environment"]["DATABASE_URL"])
        for name, service in OURS.items()
        if "DATABASE_URL" in service["environment"]
    }
    dagster = ("citywx_dagster", "POSTGRES_DAGSTER_PASSWORD")
    assert {name: found.groups() for name, found in users.items() if found} == {
        "migrate": ("citywx", "POSTGRES_PASSWORD"),
        "poller": ("citywx_poller", "POSTGRES_POLLER_PASSWORD"),
        "recorder": ("citywx_recorder", "POSTGRES_RECORDER_PASSWORD"),
        "notifier": ("citywx_notifier", "POSTGRES_NOTIFIER_PASSWORD"),
        "dashboard": ("citywx_dashboard_rw", "POSTGRES_DASHBOARD_PASSWORD"),
        **dict.fromkeys(("dagster-code", "dagster", "dagster-daemon"), dagster),
    }


def test_only_the_migration_knows_the_owners_password_and_it_makes_every_user() -> None:
    knowing = {
        name: set(re.findall(r"POSTGRES_\w*PASSWORD(?=:\?)", str(service["environment"])))
        for name, service in OURS.items()
    }
    assert {name for name, known in knowing.items() if "POSTGRES_PASSWORD" in known} == {"migrate"}
    assert knowing["migrate"] == {name for name in SECRETS if name.startswith("POSTGRES_")}
    assert all(len(known) <= 1 for name, known in knowing.items() if name != "migrate")
    given = {f"{name}=x" for name in knowing["migrate"]}
    roles = login_passwords(Settings(**dict(pair.lower().split("=") for pair in given)))
    assert set(roles) <= {*GRANTS, *MEMBERS}
    assert len(roles) == len(knowing["migrate"]) - 1


def test_the_tls_file_adds_a_listener_to_the_broker_and_touches_nothing_else() -> None:
    services = yaml.safe_load(TLS_COMPOSE.read_text("utf-8"))["services"]
    assert set(services) == {"broker"}
    start = SERVICES["broker"]["command"]
    assert services["broker"]["command"] == [*start, "tls.conf"]
    assert services["broker"]["ports"] == ["0.0.0.0:8883:8883"]


def test_dclint_accepts_it() -> None:
    dclint = shutil.which("dclint")
    if dclint is None:
        pytest.skip("dclint is not on PATH: npm install -g dclint@3.1.0")
    result = subprocess.run(
        [dclint, "--max-warnings", "0", str(COMPOSE), str(TLS_COMPOSE)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("files", [("-f", COMPOSE), ("-f", COMPOSE, "-f", TLS_COMPOSE)])
def test_docker_compose_accepts_it_with_the_env_file_that_citywx_writes(
    files: tuple[str, ...], tmp_path: Path
) -> None:
    compose = shutil.which("docker-compose")
    if compose is None:
        pytest.skip("docker-compose is not installed: apt-get install docker-compose")
    write_env_file(tmp_path / ".env")
    result = subprocess.run(
        [compose, "--env-file", str(tmp_path / ".env"), *files, "config", "-q"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
