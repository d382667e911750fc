"""One address exactly; tokens that say no more and last no longer than they should."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from citywx.mail.addresses import AddressError, parse_address
from citywx.mail.smtp import SmtpServer
from citywx.mail.tokens import (
    Purpose,
    SecretKeyMissingError,
    Token,
    TokenError,
    link,
    read,
    sign,
)
from citywx.mail.transport import MailConfigurationError
from citywx.settings import Settings

NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)
TOKEN = Token(UUID(int=7), "nonce")


def settings(key: str | None = "first") -> Settings:
    return Settings(_env_file=None, secret_key=key, public_url="https://w.example/")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" ada@example.org ", "ada@example.org"),
        ("Ada.L+tag@EXAMPLE.Org", "Ada.L+tag@example.org"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
    ],
)
def test_an_address_keeps_its_name_and_gets_a_plain_domain(text: str, address: str) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "ada@localhost",
        "a@example.org,b@example.org",
        "a@example.org b@example.org",
        "Ada <ada@example.org>",
        '"a b"@example.org',
        "ada@[127.0.0.1]",
        "ada@example.org\r\nBcc: eve@example.org",
        "ada@example.org\n",
        "ädä@example.org",
        "ada\u200b@example.org",
        "a" * 65 + "@example.org",
        "ada@" + "a" * 400 + ".org",
        "<script>@example.org",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse_address(text)


def test_a_token_says_what_was_signed() -> None:
    text = sign(settings(), Purpose.CONFIRM, TOKEN, now=NOW)
    assert read(settings(), Purpose.CONFIRM, text, now=NOW) == TOKEN
    assert (
        link(settings(), Purpose.CONFIRM, TOKEN, now=NOW)
        == f"https://w.example/confirm?token={text}"
    )


def test_tokens_are_good_for_one_purpose_and_one_key() -> None:
    text = sign(settings(), Purpose.UNSUBSCRIBE, TOKEN, now=NOW)
    with pytest.raises(TokenError):
        read(settings(), Purpose.CONFIRM, text, now=NOW)
    with pytest.raises(TokenError):
        read(settings("other key"), Purpose.UNSUBSCRIBE, text, now=NOW)


def test_confirmations_expire_and_unsubscribing_never_does() -> None:
    later = NOW + timedelta(hours=48, seconds=1)
    confirming = sign(settings(), Purpose.CONFIRM, TOKEN, now=NOW)
    assert read(settings(), Purpose.CONFIRM, confirming, now=NOW + timedelta(hours=48)) == TOKEN
    with pytest.raises(TokenError, match="expired"):
        read(settings(), Purpose.CONFIRM, confirming, now=later)
    leaving = sign(settings(), Purpose.UNSUBSCRIBE, TOKEN, now=NOW)
    assert read(settings(), Purpose.UNSUBSCRIBE, leaving, now=NOW + timedelta(days=4000)) == TOKEN


@pytest.mark.parametrize("damage", ["", ".", "x" * 10_000, "ü.ü", "a.b.c"])
def test_damaged_tokens_are_refused(damage: str) -> None:
    with pytest.raises(TokenError):
        read(settings(), Purpose.CONFIRM, damage, now=NOW)


def test_a_token_with_one_changed_character_is_refused() -> None:
    text = sign(settings(), Purpose.CONFIRM, TOKEN, now=NOW)
    for place in range(0, len(text), 7):
        other = "A" if text[place] != "A" else "B"
        with pytest.raises(TokenError):
            read(settings(), Purpose.CONFIRM, text[:place] + other + text[place + 1 :], now=NOW)


def test_without_a_secret_key_nothing_is_signed() -> None:
    with pytest.raises(SecretKeyMissingError):
        sign(settings(None), Purpose.CONFIRM, TOKEN, now=NOW)


def test_an_smtp_url_is_decoded_and_its_port_follows_its_scheme() -> None:
    server = SmtpServer.parse("smtps://me%40example.org:p%40%3Ass@mail.example.org")
    assert server == SmtpServer("smtps", "mail.example.org", 465, "me@example.org", "p@:ss")
    assert "p@:ss" not in repr(server)
    assert SmtpServer.parse("smtp+starttls://mail.example.org").port == 587
    assert SmtpServer.parse("smtp://mailpit:1025").port == 1025


@pytest.mark.parametrize(
    "url",
    ["http://x", "smtp://", "smtp://h:port", "mail.example.org", "smtp://me:hidden@h.example"],
)
def test_a_malformed_or_unsafe_smtp_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(MailConfigurationError) as caught:
        SmtpServer.parse(url)
    assert "hidden" not in str(caught.value)
