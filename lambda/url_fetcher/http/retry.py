"""Decides whether a request is retried, and how long to wait before."""

import random
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from url_fetcher.http.moments import MAX_SECONDS, NUMBER, seconds_until

_FIRST_DELAY_SECONDS = 0.5
# 202 means that the answer is not ready yet; 408, 425 and 429 ask for another attempt (RFC 9110, 8470, 6585).
_RETRIED = {202, 408, 425, 429}
_NEVER_CHANGES = {501, 505}
_SERVER_ERROR = 500
MAY_BE_A_LIMIT = {400, 403, 409, 420, 423}
"""Statuses that are permanent by themselves, but that some APIs, such as GitHub's, answer instead of 429."""

# 200: GitHub's GraphQL tells by it, in a body that `retry_when` refuses, that a limit is used up.
_WITH_RESETS = {200, *MAY_BE_A_LIMIT, 429, 503}
_OF_LIMIT = re.compile(r"rate-?limit", re.IGNORECASE)
_PARAMETER = re.compile(r";\s*([rt])\s*=\s*([0-9]{1,15})(?![0-9.])", re.ASCII)
_OLD_NAMES = ("remaining", "reset")
_OLD_PARAMETER = re.compile(r"(?<![\w-])(remaining|reset)\s*=\s*([0-9]{1,15})(?![0-9.])", re.ASCII)
_MAX_HEADER_CHARACTERS = 4_096


class _Limit(NamedTuple):
    """What an answer's headers say of one rate limit; None for what they do not say."""

    left: float | None
    reset_seconds: float | None


def _utc_now() -> datetime:
    return datetime.now(UTC)


def is_retried(status: int, headers: Mapping[str, str] = MappingProxyType({})) -> bool:
    """True if the same request may succeed later.

    A status of ``MAY_BE_A_LIMIT`` counts only if the answer asks for a wait or says that a limit is used up.
    """
    if status in MAY_BE_A_LIMIT:
        has_wait = seconds_until(headers.get("Retry-After", ""), _utc_now) is not None
        return has_wait or any(limit.left == 0 for limit in _limits(headers, _utc_now))
    return status in _RETRIED or (status >= _SERVER_ERROR and status not in _NEVER_CHANGES)


def asked_seconds(
    status: int, headers: Mapping[str, str], *, now: Callable[[], datetime] = _utc_now
) -> float | None:
    """The wait that an answer asks for: by ``Retry-After``, else until the reset of a used up rate limit.

    None if it asks for none, or for one that is over.
    """
    asked = seconds_until(headers.get("Retry-After", ""), now)
    if asked or status not in _WITH_RESETS:
        return asked or None
    limits = _limits(headers, now)
    left = [limit.left for limit in limits if limit.left is not None]
    if left and min(left) > 0:
        return None
    waits = [limit.reset_seconds or 0.0 for limit in limits if not limit.left]
    return min(max(waits, default=0.0), MAX_SECONDS) or None


def _limits(headers: Mapping[str, str], now: Callable[[], datetime]) -> list[_Limit]:
    """Each rate limit that the headers name.

    APIs have their own names, such as ``X-RateLimit-Reset`` or ``anthropic-ratelimit-tokens-reset``. The name
    without ``reset`` or ``remaining`` tells which of them belong together.
    """
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for name, text in headers.items():
        if not _OF_LIMIT.search(name):
            continue
        family = name.lower().removeprefix("x-").replace("-", "")
        if "remaining" in family and NUMBER.fullmatch(text.strip()):
            found[family.replace("remaining", "")]["left"].append(float(text))
        elif "reset" in family and (seconds := seconds_until(text, now)) is not None:
            found[family.replace("reset", "")]["reset"].append(seconds)
    named = [_Limit(min(of["left"], default=None), max(of["reset"], default=None)) for of in found.values()]
    return [*named, *_structured(headers.get("RateLimit", "")[:_MAX_HEADER_CHARACTERS])]


def _structured(header: str) -> list[_Limit]:
    """Each policy in ``RateLimit``, of which the IETF's drafts have two forms.

    They are ``"default";r=0;t=30``, and ``limit=100, remaining=0, reset=30``.
    """
    if old := dict(_OLD_PARAMETER.findall(header)):
        return [_Limit(float(old["remaining"]), float(old["reset"]))] if len(old) == len(_OLD_NAMES) else []
    policies = [dict(_PARAMETER.findall(policy)) for policy in header.split(",")]
    return [_Limit(float(each["r"]), float(each["t"])) for each in policies if len(each) > 1]


def delay_seconds(
    failures: int,
    *,
    asked_seconds: float | None,
    max_delay_seconds: float,
    random_: Callable[[], float] = random.random,
) -> float:
    """Seconds before the next attempt: exponential with full jitter, or the longer wait asked for.

    Args:
        failures: Attempts that have failed so far, at least 1.
        asked_seconds: The wait that the source asked for; honoured above the maximum, up to the deadline.
        max_delay_seconds: Maximum of a wait that the source did not ask for.
        random_: Returns a number in [0, 1).
    """
    # Full jitter spreads parallel runs that failed together; 2**30 keeps the float finite.
    backoff = random_() * min(max_delay_seconds, _FIRST_DELAY_SECONDS * 2.0 ** min(failures - 1, 30))
    return max(asked_seconds or 0.0, backoff)
