"""What may go wrong when a weather service is asked.

    SourceError
    ├── KeyRefusedError          401, 403: the key is wrong, or not active yet
    ├── RequestRefusedError      400 and other 4xx: asking again the same way is no use
    │   └── UnknownPlaceError    404
    ├── CallLimitError           429: too many calls
    ├── UnavailableError         5xx, time-out, no connection, redirect: may pass
    └── UnreadableAnswerError    no JSON, cut off, too large, fields of the wrong kind
        └── NotCurrentError      an answer of another kind, such as a forecast

Messages never hold an address or a key.
"""


class SourceError(Exception):
    """A service gave no reading."""

    kind = "other"
    """The word for it in metrics."""


class KeyRefusedError(SourceError):
    """The service does not accept the key."""

    kind = "key refused"


class RequestRefusedError(SourceError):
    """The service does not accept the request."""

    kind = "request refused"


class UnknownPlaceError(RequestRefusedError):
    """The service does not know the place."""

    kind = "unknown place"


class CallLimitError(SourceError):
    """The service wants fewer calls."""

    kind = "call limit"

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """`retry_after`: seconds that the service asks to wait."""
        super().__init__(message)
        self.retry_after = retry_after


class UnavailableError(SourceError):
    """The service cannot be reached, or fails."""

    kind = "unavailable"


class UnreadableAnswerError(SourceError):
    """The service's answer makes no sense."""

    kind = "unreadable answer"


class NotCurrentError(UnreadableAnswerError):
    """The answer is well-formed, but no current reading."""

    kind = "not current"


def error_of_status(
    status: int, said: str = "", retry_after: float | None = None
) -> SourceError | None:
    """The error that an HTTP status (or OpenWeatherMap's `cod`) stands for; None for success."""
    message = f"HTTP {status}" + (f": {said}" if said else "")
    if status in (401, 403):
        return KeyRefusedError(message)
    if status == 404:  # noqa: PLR2004 - an HTTP status
        return UnknownPlaceError(message)
    if status == 429:  # noqa: PLR2004 - an HTTP status
        return CallLimitError(message, retry_after)
    if 400 <= status < 500:  # noqa: PLR2004 - an HTTP status
        return RequestRefusedError(message)
    if status == 200:  # noqa: PLR2004 - an HTTP status
        return None
    if 300 <= status < 400:  # noqa: PLR2004 - an HTTP status
        message += " (redirects are not followed)"
    return UnavailableError(message)
