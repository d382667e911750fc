"""Columns in PostgreSQL's binary form arrive as they were."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import Engine, text

from citywx.warehouse import copy_binary
from citywx.warehouse.copy_binary import Field, copy_fields
from citywx.warehouse.copy_in import create_stage

pytestmark = pytest.mark.integration

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def arrived(engine: Engine, kind: str, field: Field) -> list[object]:
    with engine.begin() as connection:
        create_stage(connection, "stage", f"number serial, value {kind}")
        copy_fields(connection, "stage", {"value": field})
        rows = connection.execute(text("SELECT value FROM stage ORDER BY number"))
        return list(rows.scalars())


@pytest.mark.parametrize(
    ("kind", "field", "values"),
    [
        (
            "double precision",
            copy_binary.numbers(np.array([0.1, np.nan, -0.0, 1e308, 5e-324])),
            [0.1, None, -0.0, 1e308, 5e-324],
        ),
        (
            "bigint",
            copy_binary.integers(np.array([-(2**63), 0, 2**63 - 1])),
            [-(2**63), 0, 2**63 - 1],
        ),
        ("smallint", copy_binary.integers(np.array([-5, 9]), ">i2"), [-5, 9]),
        (
            "timestamptz",
            copy_binary.moments(
                np.array([-1, 0, 1_700_000_000_123_456]), np.array([0, 1, 0], bool)
            ),
            [
                EPOCH - timedelta(microseconds=1),
                None,
                EPOCH + timedelta(microseconds=1_700_000_000_123_456),
            ],
        ),
        (
            "boolean",
            copy_binary.flags(np.array([True, False, True]), np.array([0, 0, 1], bool)),
            [True, False, None],
        ),
        (
            "text",
            copy_binary.texts(np.array([1, 0, 2, -1]), ["Oslo", "São Paulo", "", None]),
            ["São Paulo", "Oslo", "", None],
        ),
        (
            "text[]",
            copy_binary.text_arrays(np.array([0, 1, 2]), [(), ("A",), ("A", "ümlaut")]),
            [[], ["A"], ["A", "ümlaut"]],
        ),
    ],
    ids=["numbers", "integers", "small", "moments", "flags", "texts", "arrays"],
)
def test_values_arrive(engine: Engine, kind: str, field: Field, values: Sequence[object]) -> None:
    assert repr(arrived(engine, kind, field)) == repr(list(values))


def test_many_lines_with_one_long_text_arrive_in_pieces(engine: Engine) -> None:
    codes = np.zeros(20_000, np.int64)
    codes[[77, 9_000]] = 1
    found = arrived(engine, "text", copy_binary.texts(codes, ["short", "x" * 2_400]))
    assert len(found) == 20_000
    assert [place for place, value in enumerate(found) if value != "short"] == [77, 9_000]
    assert found[77] == "x" * 2_400
