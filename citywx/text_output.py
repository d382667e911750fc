"""Text from outside, made safe to print on a terminal or a page."""


def printable(raw: bytes) -> str:
    r"""A line from outside as text in which nothing acts.

    >>> printable(b"Oslo,\x00\xff")
    'Oslo,\\x00\\xff'
    """
    text = bytes(raw).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
