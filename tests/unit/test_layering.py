"""Imports go one way, the domain needs no framework, and settings are read in one place."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("citywx", "streaming", "iot_assets", "dashboard")
"""What is installed; `evaluations` and `benchmarks` are for the checkout alone."""
FRAMEWORKS = ("dagster", "streamlit", "paho", "watchdog", "sqlalchemy")
STANDARD_LIBRARY_ONLY = (
    "citywx.weather.reading",
    "citywx.weather.city",
    "citywx.weather.alerting.quality_alerts",
)
READS_ENVIRONMENT = {
    "citywx/settings.py": "the one reader of settings",
    "citywx/local_stack/broker.py": "PATH, where Mosquitto may be",
    "citywx/local_stack/postgres.py": "PATH and TMPDIR, all that initdb is given",
}


def sources(*packages: str) -> list[Path]:
    return [path for name in packages for path in sorted((PROJECT / name).rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def importers(paths: list[Path], *packages: str) -> list[str]:
    return [
        f"{path.relative_to(PROJECT)} imports {name}"
        for path in paths
        for name in imported(path)
        if name.split(".")[0] in packages
    ]


def weather_modules() -> list[str]:
    return [
        ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
        for path in sources("citywx/weather")
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_citywx_imports_none_of_the_layers_and_they_not_each_other(package: str) -> None:
    others = {"streaming", "iot_assets", "dashboard"} - {package}
    assert importers(sources(package), *others) == []


def test_the_domain_imports_nothing_else_of_the_project() -> None:
    wrong = [
        f"{path.relative_to(PROJECT)} imports {name}"
        for path in sources("citywx/weather")
        for name in imported(path)
        if name.startswith("citywx") and not name.startswith("citywx.weather")
    ]
    assert wrong == []


def test_paho_stays_behind_our_connection() -> None:
    assert {line.split()[0] for line in importers(sources(*PACKAGES), "paho")} == {
        "streaming/mqtt.py",
        "streaming/quick_client.py",
    }
    users = [p.name for p in sources(*PACKAGES) if "streaming.quick_client" in imported(p)]
    assert users == ["mqtt.py"]


def test_the_domain_loads_no_framework() -> None:
    code = (
        "import importlib, sys\n"
        f"for name in {weather_modules()!r}:\n"
        "    importlib.import_module(name)\n"
        f"    loaded = [f for f in {FRAMEWORKS!r} if f in sys.modules]\n"
        "    assert not loaded, f'{name} loads {loaded}'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT)


@pytest.mark.parametrize("module", STANDARD_LIBRARY_ONLY)
def test_what_reads_and_checks_a_reading_needs_the_standard_library_alone(module: str) -> None:
    code = (
        f"import sys, {module}\n"
        "own = {name.split('.')[0] for name, m in sys.modules.items() if m}\n"
        "extra = [n for n in ('numpy', 'pandas', 'pydantic', 'pandera') if n in own]\n"
        "assert not extra, extra\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT)


def test_only_the_settings_read_the_environment() -> None:
    readers = set()
    for path in sources(*PACKAGES):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            named = isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
            if named and isinstance(node.value, ast.Name) and node.value.id == "os":
                readers.add(str(path.relative_to(PROJECT)))
    assert readers == set(READS_ENVIRONMENT)


def test_package_files_hold_at_most_a_docstring() -> None:
    for path in sources(*PACKAGES):
        if path.name == "__init__.py":
            body = ast.parse(path.read_text("utf-8")).body
            assert all(isinstance(node, ast.Expr) for node in body), path
