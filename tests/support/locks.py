"""Whether the locks fit pyproject.toml: `python -m tests.support.locks`, part of `make check`.

Needs no network: every requirement must have a pin that satisfies it, every pin a hash, both locks
the same versions, and neither an address of a package index.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PROJECT = Path(__file__).resolve().parents[2]
LOCKS = {"requirements.lock": ("local",), "requirements-dev.lock": ("local", "dev")}

Pins = dict[str, set[Version]]


def main() -> int:
    """Print what does not fit; the exit code."""
    problems = list(all_problems())
    for problem in problems:
        print(f"{problem}: run `make lock`", file=sys.stderr)  # noqa: T201 - its output
    return 1 if problems else 0


def all_problems() -> Iterator[str]:
    """Whatever does not fit, one sentence each."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    locked = {name: (PROJECT / name).read_text("utf-8") for name in LOCKS}
    for name, extras in LOCKS.items():
        wanted = [*project["dependencies"]]
        for extra in extras:
            wanted += project["optional-dependencies"][extra]
        yield from problems_of(name, locked[name], [Requirement(text) for text in wanted])
    runtime, development = (pins_of(text) for text in locked.values())
    for package in sorted(runtime):
        if runtime[package] != development.get(package):
            yield f"{package} differs between the two locks"


def problems_of(name: str, text: str, wanted: list[Requirement]) -> Iterator[str]:
    """What one lock lacks."""
    if "://" in text:
        yield f"{name} names an address"
    blocks = re.split(r"\n(?=\S)", text.strip())
    yield from (
        f"{name}: {block.split()[0]} has no hash" for block in blocks if "sha256" not in block
    )
    pins = pins_of(text)
    for requirement in wanted:
        versions = pins.get(canonicalize_name(requirement.name), set())
        if not any(requirement.specifier.contains(version) for version in versions):
            yield f"{name} does not fit {requirement}"


def pins_of(text: str) -> Pins:
    """Each package's pinned versions; several where they depend on the Python version."""
    pins: Pins = {}
    for package, version in re.findall(
        r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", text, re.MULTILINE
    ):
        pins.setdefault(canonicalize_name(package), set()).add(Version(version))
    return pins


if __name__ == "__main__":
    sys.exit(main())
