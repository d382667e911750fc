"""Column schemas and column lineage for Dagster, taken from the tables' own definitions."""

from collections.abc import Mapping, Sequence

import dagster as dg
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql


def column_schema(table: Table) -> dg.TableSchema:
    """A table's columns with their PostgreSQL types and constraints."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.type.compile(dialect=dialect).lower(),
                description=column.doc,
                constraints=dg.TableColumnConstraints(
                    nullable=bool(column.nullable), unique=bool(column.unique)
                ),
            )
            for column in table.columns
        ]
    )


def column_lineage(upstream: str, columns: Mapping[str, Sequence[str]]) -> dg.TableColumnLineage:
    """Which columns of one upstream asset each column is made of."""
    key = dg.AssetKey(upstream)
    return dg.TableColumnLineage(
        {
            name: [dg.TableColumnDep(asset_key=key, column_name=origin) for origin in origins]
            for name, origins in columns.items()
        }
    )
