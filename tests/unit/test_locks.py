"""The check of the locks finds what it is there to find."""

import pytest
from packaging.requirements import Requirement

from tests.support.locks import all_problems, problems_of

LOCK = """\
typer==0.29.2 \\
    --hash=sha256:aa
numpy==2.4.6 ; python_version < '3.12' \\
    --hash=sha256:bb
"""


def found(text: str, requirement: str) -> list[str]:
    return list(problems_of("some.lock", text, [Requirement(requirement)]))


def test_the_projects_own_locks_fit() -> None:
    assert list(all_problems()) == []


@pytest.mark.parametrize("requirement", ["typer>=0.20", "Numpy>=2,<3"])
def test_a_pin_that_satisfies_its_requirement_is_fine(requirement: str) -> None:
    assert found(LOCK, requirement) == []


@pytest.mark.parametrize("requirement", ["typer>=1", "rich"])
def test_a_requirement_without_a_fitting_pin_is_found(requirement: str) -> None:
    assert found(LOCK, requirement) == [f"some.lock does not fit {requirement}"]


def test_a_pin_without_a_hash_and_an_address_are_found() -> None:
    text = LOCK + "--index-url https://example.org/simple\nrich==14.0.0\n"
    assert "some.lock names an address" in found(text, "typer")
    assert "some.lock: rich==14.0.0 has no hash" in found(text, "typer")
