"""How far each stage is in the log: `loaded_through ≥ cleaned_through ≥ validated_through`."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from citywx.warehouse.tables import watermarks


@dataclass(frozen=True, slots=True, order=True)
class LogPlace:
    """A position in the log as the warehouse stores it; places are ordered."""

    segment_no: int
    byte_offset: int


def advance_watermark(connection: Connection, name: str, place: LogPlace) -> None:
    """Move a watermark on to `place`; it never moves back."""
    new = insert(watermarks).values(
        name=name, segment_no=place.segment_no, byte_offset=place.byte_offset
    )
    connection.execute(
        new.on_conflict_do_update(
            index_elements=["name"],
            set_={
                "segment_no": new.excluded.segment_no,
                "byte_offset": new.excluded.byte_offset,
                "updated_at": func.now(),
            },
            where=tuple_(new.excluded.segment_no, new.excluded.byte_offset)
            > tuple_(watermarks.c.segment_no, watermarks.c.byte_offset),
        )
    )


def read_watermark(connection: Connection, name: str) -> LogPlace | None:
    """Where a watermark stands; None before its stage ran for the first time."""
    row = connection.execute(
        select(watermarks.c.segment_no, watermarks.c.byte_offset).where(watermarks.c.name == name)
    ).one_or_none()
    return None if row is None else LogPlace(row.segment_no, row.byte_offset)
