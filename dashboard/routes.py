"""The HTTP routes beside the pages: confirm, unsubscribe, health, report, export.

A GET never changes anything: mail scanners follow every link. What a link is for stands in its
token alone, so these routes need no cookie, and a foreign site gains nothing by posting to them.
"""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from citywx import subscriptions
from citywx.mail.tokens import Purpose
from citywx.settings import Settings
from citywx.subscriptions import SubscriptionError
from citywx.warehouse.database import DatabaseNotConfiguredError
from dashboard import data, export, reports, resources

_log = logging.getLogger(__name__)
_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
)
_TRY_LATER = "The database does not answer. Nothing was changed: please try again in a minute."
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",  # tokens stand in addresses
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def confirm_page(request: Request) -> Response:
    """Show what a confirmation link is for; a button does it."""
    return _asking(request, Purpose.CONFIRM, "confirm.html")


def confirm(request: Request) -> Response:
    """Confirm the subscription of a link."""
    return _acting(request, subscriptions.confirm, "confirmed.html")


def unsubscribe_page(request: Request) -> Response:
    """Show what an unsubscribe link is for; a button does it."""
    return _asking(request, Purpose.UNSUBSCRIBE, "unsubscribe.html")


def unsubscribe(request: Request) -> Response:
    """End a subscription: from the page's button, or a mail program's one click (RFC 8058)."""
    return _acting(request, subscriptions.unsubscribe, "unsubscribed.html")


def health(_request: Request) -> Response:
    """Whether the database answers, and how old the newest reading is."""
    about: dict[str, object] = {"process": "dashboard", "healthy": False}
    try:
        with resources.engine().connect() as connection:
            names = [city.name for city in data.cities(connection)]
            span = data.span(connection, names)
    except (DatabaseNotConfiguredError, SQLAlchemyError) as error:
        _log.warning("health: %s", resources.reason(error))
        return JSONResponse(about | {"database": "down"}, 503, HEADERS)
    newest = span.last if span else None
    about |= {
        "healthy": True,
        "database": "up",
        "cities": len(names),
        "newest_reading": newest.isoformat() if newest else None,
        "newest_reading_age_seconds": (
            round((resources.now() - newest).total_seconds(), 1) if newest else None
        ),
    }
    return JSONResponse(about, headers=HEADERS)


def quality_report(_request: Request) -> Response:
    """The newest data-quality report, shut off from everything else."""
    home = resources.home()
    path = reports.latest(home) if home else None
    if path is None:
        return _page("message.html", 404, title="No report yet", message=reports.ABSENT)
    return FileResponse(path, media_type="text/html; charset=utf-8", headers=reports.HEADERS)


def quality_facts(_request: Request) -> Response:
    """The newest report as JSON."""
    home = resources.home()
    path = reports.latest(home) if home else None
    if path is None or not path.with_suffix(".json").exists():
        return JSONResponse({"error": reports.ABSENT}, 404, headers=reports.HEADERS)
    return FileResponse(
        path.with_suffix(".json"), media_type="application/json", headers=reports.HEADERS
    )


def _asking(request: Request, purpose: Purpose, template: str) -> Response:
    token = request.query_params.get("token", "")

    def describe(engine: Engine, settings: Settings) -> Mapping[str, object]:
        found = subscriptions.describe_token(
            engine, settings, token, purpose=purpose, now=resources.now()
        )
        return {
            "address": found.address,
            "cities": found.cities,
            "alerts": subscriptions.ALERT_CHOICES[found.alerts_from],
            "token": token,
        }

    return _answer(template, describe)


def _acting(request: Request, act: Callable[..., object], template: str) -> Response:
    token = request.query_params.get("token", "")

    def do(engine: Engine, settings: Settings) -> Mapping[str, object]:
        act(engine, settings, token, now=resources.now())
        return {}

    return _answer(template, do)


def _answer(template: str, work: Callable[[Engine, Settings], Mapping[str, object]]) -> Response:
    try:
        shown = work(resources.engine(), resources.settings())
    except SubscriptionError as error:
        return _page("message.html", 400, title="This link does not work", message=str(error))
    except (DatabaseNotConfiguredError, SQLAlchemyError) as error:
        _log.warning("subscription route: %s", resources.reason(error))
        return _page("message.html", 503, title="Not now", message=_TRY_LATER)
    return _page(template, 200, **shown)


def _page(template: str, status: int, **shown: object) -> Response:
    return HTMLResponse(_PAGES.get_template(template).render(shown), status, HEADERS)


ROUTES = (
    Route("/confirm", confirm_page, methods=["GET"]),
    Route("/confirm", confirm, methods=["POST"]),
    Route("/unsubscribe", unsubscribe_page, methods=["GET"]),
    Route("/unsubscribe", unsubscribe, methods=["POST"]),
    Route("/healthz", health, methods=["GET"]),
    Route(reports.PATH, quality_report, methods=["GET"]),
    Route(reports.JSON_PATH, quality_facts, methods=["GET"]),
    Route(export.PATH, export.readings, methods=["GET"]),
)
