"""The frame of every page: navigation, what kind of data this is, and where it comes from."""

from pathlib import Path

import streamlit as st

from dashboard import frame

FOLDER = Path(__file__).parent

st.set_page_config(
    page_title="citywx",
    page_icon=str(FOLDER / "static" / "citywx.png"),
    layout="wide",
    initial_sidebar_state="auto",
)
st.logo(str(FOLDER / "static" / "citywx.png"), size="large")
pages = {
    name: st.Page(FOLDER / "app_pages" / f"{name}.py", title=title, default=name == "now")
    for name, title in frame.PAGES.items()
    if name != "mail" or frame.mails_are_files()
}
chosen = st.navigation(list(pages.values()), position="sidebar", expanded=True)
frame.banner()
frame.sidebar(pages["subscribe"])
chosen.run()
