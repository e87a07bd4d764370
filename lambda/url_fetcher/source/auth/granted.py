"""Reads a token server's answer, which may be hostile."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from url_fetcher.errors import MalformedBody, SourceError
from url_fetcher.http.body import Body
from url_fetcher.http.transport import Response
from url_fetcher.paths import value_at

if TYPE_CHECKING:
    from url_fetcher.source.auth.secrets import SecretCache

_TOKEN = re.compile(r"[\x21-\x7e]+")
# RFC 6749, 5.2 and RFC 8707, 2. Only these are logged: another text could echo the client's secret.
_ERRORS = (
    "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
    "invalid_scope", "invalid_target",
)  # fmt: skip
_MAX_TOKEN_ANSWER_BYTES = 64 * 1024
# Without a usable expires_in: short enough for most servers, and a 401 renews the token anyway.
_DEFAULT_LIFETIME_SECONDS = 300.0
_MAX_LIFETIME_SECONDS = 86_400.0 * 365


class TokenPaths(NamedTuple):
    """The places of values in a token server's answer; the defaults are those of RFC 6749, 5.1."""

    token: str = "access_token"  # noqa: S105 (a name)
    expires_in: str = "expires_in"
    refresh_token: str = "refresh_token"  # noqa: S105 (a name)


@dataclass(frozen=True, repr=False)
class Granted:
    """The contents of a token server's answer; a token that is missing or cannot be sent is empty."""

    access_token: str = ""
    refresh_token: str = ""
    lifetime_seconds: float = _DEFAULT_LIFETIME_SECONDS
    reason: str = ""

    @classmethod
    def of(cls, answer: bytes, secrets: "SecretCache", paths: TokenPaths) -> "Granted":
        """Parses an answer and hides its tokens; an answer of any other form grants nothing."""
        try:
            given = msgspec.json.decode(answer)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return cls()
        access = _usable(value_at(given, paths.token))
        refresh = _usable(value_at(given, paths.refresh_token))
        error = value_at(given, "error")
        for each in filter(None, (access, refresh)):
            secrets.hide(each)
        return cls(
            access_token=access,
            refresh_token=refresh,
            lifetime_seconds=_lifetime_seconds(value_at(given, paths.expires_in)),
            reason=f" ({error})" if error in _ERRORS else "",
        )


def _usable(token: object) -> str:
    """The token if it fits into a header and a form, else an empty text."""
    return token if isinstance(token, str) and _TOKEN.fullmatch(token) else ""


def refusal_of(response: Response) -> bytes:
    """The body of a refusal; empty if it cannot be read."""
    try:
        return answer_of(response, "")
    except SourceError:
        return b""


def answer_of(response: Response, url: str) -> bytes:
    """The decompressed answer, cut to 64 KiB; some servers send JSON as text/html, so its type is ignored."""
    body = Body(
        response.read,
        content_encoding=response.headers.get("Content-Encoding", ""),
        max_body_mib=1,
        max_decompressed_mib=1,
    )
    answer = b""
    try:
        for chunk in body:
            answer += chunk
            if len(answer) > _MAX_TOKEN_ANSWER_BYTES:
                break
    except MalformedBody as error:
        raise MalformedBody(f"{url}: the token server's answer: {error}", offset=error.offset) from error
    return answer[:_MAX_TOKEN_ANSWER_BYTES]


def _lifetime_seconds(expires_in: object) -> float:
    """The lifetime by ``expires_in``, which some servers send as text or null."""
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float | str):
        return _DEFAULT_LIFETIME_SECONDS
    try:
        seconds = float(expires_in)
    except (ValueError, OverflowError):
        return _DEFAULT_LIFETIME_SECONDS
    return seconds if 0 <= seconds <= _MAX_LIFETIME_SECONDS else _DEFAULT_LIFETIME_SECONDS
