"""What assets, checks and sensors are handed: settings, data home and database, one plain object.

Dagster's resource wrapper ends here; what is done with the database belongs in `citywx`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
from sqlalchemy import Engine

from citywx.home import Home
from citywx.settings import Settings
from citywx.warehouse.database import engine_for


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One data home's pipeline, as the batch layer sees it."""

    settings: Settings
    home: Home
    engine: Engine


@dg.resource(description="Settings, data home and warehouse of this pipeline.")
def pipeline_from_environment() -> Iterator[Pipeline]:
    """Read the settings, and let go of the database when the run or tick is over."""
    settings = Settings.load()
    engine = engine_for(settings, application="dagster", pool_size=2)
    try:
        yield Pipeline(settings, Home.find(settings), engine)
    finally:
        engine.dispose()
