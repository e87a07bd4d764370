"""What a token server's answer grants, read with suspicion."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from url_fetcher.errors import MalformedBody, SourceError
from url_fetcher.http.body import Body
from url_fetcher.http.transport import Response

if TYPE_CHECKING:
    from url_fetcher.source.auth.secrets import SecretCache

_TOKEN = re.compile(r"[\x21-\x7e]+")
# RFC 6749, 5.2 and RFC 8707, 2; others could be anything.
_ERRORS = (
    "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
    "invalid_scope", "invalid_target",
)  # fmt: skip
_MAX_TOKEN_ANSWER_BYTES = 64 * 1024
# What a server does not tell is taken as five minutes: short enough for most, renewed on 401 otherwise.
_DEFAULT_LIFETIME_SECONDS = 300.0
_MAX_LIFETIME_SECONDS = 86_400.0 * 365


class _Token(msgspec.Struct):
    """A token server's answer (RFC 6749, 5.1)."""

    access_token: object = None
    refresh_token: object = None
    expires_in: object = None
    error: object = None


@dataclass(frozen=True, repr=False)
class Granted:
    """What a token server answered; a token is empty where there is none that can be sent."""

    access_token: str = ""
    refresh_token: str = ""
    lifetime_seconds: float = _DEFAULT_LIFETIME_SECONDS
    reason: str = ""

    @classmethod
    def of(cls, answer: bytes, secrets: "SecretCache") -> "Granted":
        """The answer read, its tokens hidden; an answer that is something else grants nothing."""
        try:
            token = msgspec.json.decode(answer, type=_Token)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return cls()
        access, refresh = _usable(token.access_token), _usable(token.refresh_token)
        for each in filter(None, (access, refresh)):
            secrets.hide(each)
        return cls(
            access_token=access,
            refresh_token=refresh,
            lifetime_seconds=_lifetime_seconds(token.expires_in),
            reason=f" ({token.error})" if token.error in _ERRORS else "",
        )


def _usable(token: object) -> str:
    """A token that fits into a header and a form."""
    return token if isinstance(token, str) and _TOKEN.fullmatch(token) else ""


def refusal_of(response: Response) -> bytes:
    """What a refusal says, as far as it can be read."""
    try:
        return answer_of(response, "")
    except SourceError:
        return b""


def answer_of(response: Response, url: str) -> bytes:
    """The answer, decompressed, up to 64 KiB."""
    body = Body(
        response.read,
        content_encoding=response.headers.get("Content-Encoding", ""),
        content_type=response.headers.get("Content-Type", ""),
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
    """How long a token is valid, by ``expires_in``, which servers also give as text or null."""
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float | str):
        return _DEFAULT_LIFETIME_SECONDS
    try:
        seconds = float(expires_in)
    except (ValueError, OverflowError):
        return _DEFAULT_LIFETIME_SECONDS
    return seconds if 0 <= seconds <= _MAX_LIFETIME_SECONDS else _DEFAULT_LIFETIME_SECONDS
