"""The words of each kind of mail, from the templates beside this file.

Every value is escaped in HTML. The text is complete on its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from citywx.home import Home, HomeKind
from citywx.mail.city_news import CityNews

_ORIGIN = {
    HomeKind.REAL: None,
    HomeKind.SIMULATED: "These readings are simulated: this is not the real weather.",
    HomeKind.REPLAY: "These readings are replayed from a file: this is not today's weather.",
}

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=select_autoescape(("html",), default=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Page:
    """What a template needs, whatever the kind of the mail."""

    home: Home
    subject: str
    cities: Sequence[CityNews]
    link: str | None = None
    """What the reader may open: the link that confirms, or the dashboard."""
    unsubscribe_url: str | None = None
    message: str = ""


def render(
    template: str, page: Page, more: Mapping[str, object] = MappingProxyType({})
) -> tuple[str, str]:
    """The text and the HTML of the mail `template` (the name of a pair of files).

    `more`: what only this template needs.
    """
    values = {"page": page, "origin": _ORIGIN[page.home.kind], **more}
    text = _ENVIRONMENT.get_template(f"{template}.txt").render(values)
    html = _ENVIRONMENT.get_template(f"{template}.html").render(values)
    return text, html
