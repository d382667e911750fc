"""The dashboard: Streamlit's pages, and the few HTTP routes beside them.

Start it with `streamlit run dashboard/app.py`. Pages stand in `app_pages`, routes in `routes`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

from citywx.log_output import configure_logging
from citywx.settings import load_or_exit
from dashboard.frame import say_failed
from dashboard.routes import ROUTES


@asynccontextmanager
async def _lifespan(_app: st.App) -> AsyncIterator[dict[str, object]]:
    """Read the settings before the first visitor comes, so that a mistake stops the start."""
    configure_logging(load_or_exit())
    yield {}


app = st.App(
    Path(__file__).with_name("main.py"),
    lifespan=_lifespan,
    routes=ROUTES,
    on_script_error=say_failed,
)
