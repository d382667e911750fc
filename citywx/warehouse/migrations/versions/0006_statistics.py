"""Statistics by hour and by day, kept for ever; made here from the rows that are there."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_MEASURES = ("temperature_c", "humidity", "pressure", "wind_speed")
_COLUMNS = ", ".join(
    f"{name}_min double precision, {name}_max double precision, {name}_mean double precision, "
    f"{name}_count integer NOT NULL"
    for name in _MEASURES
)
_COUNTS = "readings integer NOT NULL, suspect integer NOT NULL, failed integer NOT NULL"
_HOURS = ", ".join(
    f"min({name}), max({name}), round(avg({name}) * 1e6) / 1e6, count({name})" for name in _MEASURES
)
_DAYS = ", ".join(
    f"min({name}_min), max({name}_max), "
    f"round(sum({name}_mean * {name}_count) / nullif(sum({name}_count), 0) * 1e6) / 1e6, "
    f"sum({name}_count)"
    for name in _MEASURES
)


def upgrade() -> None:
    """Add the tables; no row of before is judged, so that all values count."""
    for statement in (
        f"""
        CREATE TABLE hourly_statistics (
            city text NOT NULL, hour timestamptz NOT NULL, {_COLUMNS}, {_COUNTS},
            PRIMARY KEY (city, hour)
        )
        """,
        f"""
        CREATE TABLE daily_statistics (
            city text NOT NULL, day date NOT NULL, {_COLUMNS}, {_COUNTS},
            PRIMARY KEY (city, day)
        )
        """,
        f"""
        INSERT INTO hourly_statistics
        SELECT city, date_bin('1 hour', "timestamp", '2000-01-01T00:00Z'), {_HOURS},
               count(*), 0, 0
        FROM weather_readings GROUP BY 1, 2 ORDER BY 1, 2
        """,
        f"""
        INSERT INTO daily_statistics
        SELECT city, (hour AT TIME ZONE 'UTC')::date, {_DAYS}, sum(readings), 0, 0
        FROM hourly_statistics GROUP BY 1, 2 ORDER BY 1, 2
        """,
    ):
        op.execute(statement)


def downgrade() -> None:
    """Drop what can be made again from the readings that are kept."""
    op.execute("DROP TABLE daily_statistics, hourly_statistics")
