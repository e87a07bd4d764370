"""Keeps secrets out of log lines, errors, answers and records."""

import base64
import json
import re
from urllib.parse import quote, quote_plus, unquote, urlsplit, urlunsplit

HIDDEN = "REDACTED"
_SECRET_PARAMETER = re.compile(
    r"api[-_]?key|^key$|token|secret|password|passwd|^pwd$|signature|^sig$|^auth|credential|^code$|session",
    re.IGNORECASE,
)
_PLACE_PARAMETER = re.compile(r"page|next|cursor|continu|sync|start|after", re.IGNORECASE)
_MIN_SECRET_CHARACTERS = 4  # A shorter value would blot out ordinary words.


def public_url(url: str, *, hidden_parameters: frozenset[str] = frozenset()) -> str:
    """The URL without user, password and fragment, and with secret query values replaced.

    Args:
        url: Any URL; one that cannot be split is hidden as a whole.
        hidden_parameters: Query parameters to hide beside those whose names give them away.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return HIDDEN
    pairs = (
        f"{name}{equals}{HIDDEN}"
        if value and (_is_secret(name) or unquote(name) in hidden_parameters)
        else pair
        for pair in parts.query.split("&")
        for name, equals, value in [pair.partition("=")]
    )
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "&".join(pairs), ""))


def _is_secret(parameter: str) -> bool:
    """Whether a query parameter's name says that its value is a secret; a page's token is none."""
    name = unquote(parameter)
    return _SECRET_PARAMETER.search(name) is not None and _PLACE_PARAMETER.search(name) is None


class Redactor:
    """Replaces every secret value that it has been told, in each form in which it may be echoed."""

    def __init__(self) -> None:
        self._forms: set[str] = set()

    def learn(self, *secrets: str) -> None:
        """Hide these values from now on: plain, percent-encoded, JSON-escaped and in base64."""
        for secret in secrets:
            if len(secret) >= _MIN_SECRET_CHARACTERS:
                encoded = base64.b64encode(secret.encode()).decode()
                escaped = json.dumps(secret, ensure_ascii=False)[1:-1]
                self._forms |= {
                    secret,
                    quote(secret, safe=""),
                    quote(secret),
                    quote_plus(secret),
                    encoded,
                    escaped,
                }

    def clean(self, text: str) -> str:
        """The text with every known secret replaced, the longest first."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, HIDDEN)
        return text
