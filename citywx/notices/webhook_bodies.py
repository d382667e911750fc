"""A notice in the form that a webhook's receiver expects. Pure; how it is sent: `webhook`.

Everything that stands in a body was shortened and escaped for its receiver: names of cities and
messages come from files and services.
"""

import json
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit, urlunsplit

from citywx.notices.content import Content
from citywx.notices.content_json import encode
from citywx.notices.routes import Template
from citywx.notices.words import closing, facts, headline, opening, plain_text, title

_COLOURS = {"info": 0x3B82F6, "warning": 0xF59E0B, "severe": 0xDC2626}
_OVER_COLOUR = 0x16A34A
_NTFY_PRIORITIES = {"info": 3, "warning": 4, "severe": 5}
_NTFY_OVER = 2
# What the services take at most, with room for an ellipsis.
_SLACK_HEADER, _SLACK_SECTION, _SLACK_BLOCKS = 149, 2_990, 48
_DISCORD_TITLE, _DISCORD_DESCRIPTION = 250, 4_000
_NTFY_TITLE, _NTFY_BYTES = 250, 3_900


def body(template: Template, content: Content, *, url: str, page: str) -> bytes:
    """The JSON that is posted; `url`: the receiver's, `page`: where the dashboard is."""
    made = _BODIES[template](content, url, page)
    return json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode()


def target(template: Template, url: str) -> str:
    """Where the body is posted: ntfy takes JSON at its root and the topic in it.

    >>> target(Template.NTFY, "https://ntfy.example.org/weather")
    'https://ntfy.example.org/'
    """
    if template is not Template.NTFY:
        return url
    parts = urlsplit(url)
    root = parts.path.rstrip("/").rpartition("/")[0]
    return urlunsplit(parts._replace(path=f"{root}/"))


def _generic(content: Content, url: str, page: str) -> Mapping[str, object]:
    del url
    return {
        "v": 1,
        "title": title(content),
        "text": plain_text(content),
        "more": content.more,
        "page": page,
        **encode(content),
    }


def _slack(content: Content, url: str, page: str) -> Mapping[str, object]:
    del url
    sections = [_escaped(line) for line in opening(content)]
    for alert in content.alerts:
        told = "\n".join(map(_escaped, facts(alert)))
        sections.append(f"*{_escaped(headline(alert))}* ({alert.severity})\n{told}")
    sections += [_escaped(line) for line in closing(content)]
    sections = [*sections[: _SLACK_BLOCKS - 1], f"<{page}|Open the dashboard>"]
    header = {"type": "plain_text", "text": _short(title(content), _SLACK_HEADER)}
    return {
        "text": _escaped(title(content)),
        "blocks": [
            {"type": "header", "text": header},
            *(
                {"type": "section", "text": {"type": "mrkdwn", "text": _short(s, _SLACK_SECTION)}}
                for s in sections
            ),
        ],
    }


def _discord(content: Content, url: str, page: str) -> Mapping[str, object]:
    del url
    colour = _COLOURS[content.severity] if content.firing else _OVER_COLOUR
    embed = {
        "title": _short(title(content), _DISCORD_TITLE),
        "description": _short(plain_text(content), _DISCORD_DESCRIPTION),
        "color": colour,
        "url": page,
        "timestamp": content.made_at.isoformat(),
    }
    # Nobody is pinged by what stands in a text.
    return {"username": "citywx", "embeds": [embed], "allowed_mentions": {"parse": []}}


def _ntfy(content: Content, url: str, page: str) -> Mapping[str, object]:
    priority = _NTFY_PRIORITIES[content.severity] if content.firing else _NTFY_OVER
    return {
        "topic": urlsplit(url).path.rstrip("/").rpartition("/")[2],
        "title": _short(title(content), _NTFY_TITLE),
        "message": _short_bytes(plain_text(content), _NTFY_BYTES),
        "priority": priority,
        "tags": [content.severity if content.firing else "over"],
        "click": page,
    }


_BODIES: Mapping[Template, Callable[[Content, str, str], Mapping[str, object]]] = {
    Template.JSON: _generic,
    Template.SLACK: _slack,
    Template.DISCORD: _discord,
    Template.NTFY: _ntfy,
}


def _escaped(text: str) -> str:
    """For Slack's markup, in which three characters have a meaning."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _short_bytes(text: str, most: int) -> str:
    data = text.encode()
    return text if len(data) <= most else f"{data[:most].decode(errors='ignore')}…"
