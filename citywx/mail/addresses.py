"""What counts as one mail address."""

from email_validator import EmailNotValidError, validate_email

_LONGEST = 254  # RFC 5321: a path of 256 octets with its brackets


class AddressError(ValueError):
    """The text is not one mail address that mails can be sent to; the message is for people."""


def parse_address(text: str) -> str:
    """Return the one address that `text` is: domain in lower case and ASCII (IDNA).

    No DNS is asked. Raises AddressError for anything else: two addresses, a display name, quotes,
    control characters, a part before the @ that only some servers take.

    >>> parse_address(" Ada@Bücher.example ")
    'Ada@xn--bcher-kva.example'
    """
    text = text.strip(" ")
    if not text:
        message = "Please give a mail address."
        raise AddressError(message)
    if len(text) > _LONGEST:
        message = f"A mail address has at most {_LONGEST} characters."
        raise AddressError(message)
    try:
        address = validate_email(
            text, check_deliverability=False, allow_smtputf8=False, strict=True
        ).ascii_email
    except EmailNotValidError as error:
        message = f"That is no mail address we can write to: {error}"
        raise AddressError(message) from None
    if address is None:
        message = "That is no mail address we can write to."
        raise AddressError(message)
    return address


def masked(address: str) -> str:
    """Enough of an address for its owner to recognise it, for pages and logs.

    >>> masked("ada@example.org")
    'a…@example.org'
    """
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"
