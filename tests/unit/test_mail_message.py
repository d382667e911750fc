"""Messages: their headers are legal, and nobody can add one."""

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from citywx.mail.message import HeaderError, Letter, build_message
from citywx.mail.transport import MailConfigurationError

DATE = datetime(2026, 3, 10, 9, tzinfo=UTC)
SENDER = "citywx <citywx@example.org>"
LINK = "https://weather.example.org/unsubscribe?token=" + "x" * 150
LETTER = Letter("ada@example.org", "Cairo: 24 °C", "plain ü", "<p>rich ü</p>", "daily.1", LINK)


def sent(letter: Letter) -> tuple[bytes, EmailMessage]:
    content = build_message(letter, sender=SENDER, date=DATE).as_bytes()
    return content, message_from_bytes(content, _class=EmailMessage, policy=default)


def test_a_message_has_all_headers_and_both_bodies() -> None:
    _, message = sent(LETTER)
    assert message["From"] == "citywx <citywx@example.org>"
    assert message["Subject"] == "Cairo: 24 °C"
    assert message["Message-ID"] == "<daily.1@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == DATE
    assert [part.get_content_type() for part in message.iter_parts()] == [
        "text/plain",
        "text/html",
    ]
    assert [part.get_content().strip() for part in message.iter_parts()] == [
        "plain ü",
        "<p>rich ü</p>",
    ]


def test_the_unsubscribe_link_stands_in_its_header_as_it_is() -> None:
    content, message = sent(LETTER)
    assert f"\r\nList-Unsubscribe: <{LINK}>\r\n".encode() in content
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-ID"] == "Daily weather summary <daily-summary.citywx.example.org>"


def test_mails_that_are_no_list_have_no_list_headers() -> None:
    _, message = sent(replace(LETTER, unsubscribe_url=None))
    assert not [name for name in message if name.startswith("List-")]


def test_the_same_mail_made_again_has_the_same_id() -> None:
    assert sent(LETTER)[1]["Message-ID"] == sent(replace(LETTER, text="new"))[1]["Message-ID"]


def test_all_lines_are_ascii_and_short_enough_for_smtp() -> None:
    content, _ = sent(replace(LETTER, text="ü" * 5000, html="<p>" + "ü" * 5000))
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 998


@pytest.mark.parametrize("evil", ["\r\nBcc: eve@example.org", "\n", "\r", "\x00", "\u2028", "\x85"])
@pytest.mark.parametrize("field", ["recipient", "subject", "key", "unsubscribe_url"])
def test_line_ends_and_control_characters_are_refused(field: str, evil: str) -> None:
    value = getattr(LETTER, field) + evil
    with pytest.raises(HeaderError):
        sent(replace(LETTER, **{field: value}))


@pytest.mark.parametrize(
    "recipient", ["a@example.org, b@example.org", "ada", "", "a@example.org)b@evil.example", "@x"]
)
def test_a_recipient_is_exactly_one_address(recipient: str) -> None:
    with pytest.raises(HeaderError):
        sent(replace(LETTER, recipient=recipient))


def test_a_malformed_sender_is_our_own_mistake() -> None:
    with pytest.raises(MailConfigurationError, match="MAIL_FROM"):
        build_message(LETTER, sender="nobody", date=DATE)
