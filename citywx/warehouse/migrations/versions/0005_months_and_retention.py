"""Making and dropping months as functions, and how far back readings are kept.

Only a table's owner may attach or drop a partition. The functions run as the owner, so that the
loader can have its months made without owning anything. A month that retention has dropped is
never made again: what stands before a mark is gone for good.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_MAKE_MONTH = """
    CREATE FUNCTION make_month(parent text, month date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DECLARE
        child text := parent || to_char(month, '_YYYY_MM');
        following date := (month + interval '1 month')::date;
    BEGIN
        IF parent NOT IN ('raw_readings', 'weather_readings') OR extract(day FROM month) <> 1 THEN
            RAISE EXCEPTION 'no month of readings: % of %', month, parent;
        END IF;
        IF EXISTS (SELECT FROM retention_marks WHERE name = parent AND first_day > month) THEN
            RAISE EXCEPTION '% of % was dropped by retention', to_char(month, 'YYYY-MM'), parent
                USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
        IF to_regclass(child) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', child, parent);
            EXECUTE format(
                'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                parent, child, month || 'T00:00Z', following || 'T00:00Z'
            );
        END IF;
    END $$
"""

_DROP_MONTHS = r"""
    CREATE FUNCTION drop_months(parent text) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DECLARE child text;
    BEGIN
        FOR child IN
            SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
            WHERE inhparent = to_regclass(parent) AND relname ~ (parent || '_\d{4}_\d{2}$')
              AND to_date(right(relname, 7), 'YYYY_MM')
                  < (SELECT first_day FROM retention_marks WHERE name = parent)
            ORDER BY relname
        LOOP
            EXECUTE format('DROP TABLE %I', child);
            RETURN NEXT child;
        END LOOP;
    END $$
"""


def upgrade() -> None:
    """Add the marks and the two functions."""
    for statement in (
        """
        CREATE TABLE retention_marks (
            name text PRIMARY KEY,
            first_day date NOT NULL CHECK (extract(day FROM first_day) = 1),
            moved_at timestamptz NOT NULL DEFAULT now()
        )
        """,
        _MAKE_MONTH,
        _DROP_MONTHS,
        "REVOKE EXECUTE ON FUNCTION make_month(text, date), drop_months(text) FROM PUBLIC",
    ):
        op.execute(statement)


def downgrade() -> None:
    """Forget how far back readings are kept; what was dropped stays dropped."""
    op.execute("DROP FUNCTION make_month(text, date), drop_months(text)")
    op.execute("DROP TABLE retention_marks")
