"""Decides whether a request is retried, and how long to wait before."""

import random
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType

_FIRST_DELAY_SECONDS = 0.5
_MAX_ASKED_SECONDS = 1e9  # longer than any deadline, and still a number in JSON
# 202 means that the answer is not ready yet; 408, 425 and 429 ask for another attempt (RFC 9110, 8470, 6585).
_RETRIED = {202, 408, 425, 429}
_FORBIDDEN = 403
_OF_LIMITS = {_FORBIDDEN, 429, 503}
_RESETS = ("X-RateLimit-Reset", "X-Rate-Limit-Reset", "RateLimit-Reset")
_REMAINING = ("X-RateLimit-Remaining", "X-Rate-Limit-Remaining", "RateLimit-Remaining")
_NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,9})?", re.ASCII)
_PARAMETER = re.compile(r";\s*([rt])\s*=\s*([0-9]{1,15})(?![0-9.])", re.ASCII)
_OLD_NAMES = ("remaining", "reset")
_OLD_PARAMETER = re.compile(r"(?<![\w-])(remaining|reset)\s*=\s*([0-9]{1,15})(?![0-9.])", re.ASCII)
_MAX_HEADER_CHARACTERS = 4_096
# A smaller number is seconds from now: as an epoch it would be a time before 2001.
_LEAST_EPOCH, _LEAST_EPOCH_MS = 1e9, 1e12
_NEVER_CHANGES = {501, 505}
_SERVER_ERROR = 500


def is_retried(status: int, headers: Mapping[str, str] = MappingProxyType({})) -> bool:
    """True if the same request may succeed later; a 403 counts only if a rate limit is used up."""
    # GitHub and others answer 403 instead of 429 when a rate limit is used up.
    if status == _FORBIDDEN:
        has_wait = retry_after_seconds(headers.get("Retry-After")) is not None
        return has_wait or any(left == 0 for left in _left(headers))
    return status in _RETRIED or (status >= _SERVER_ERROR and status not in _NEVER_CHANGES)


def retry_after_seconds(
    header: str | None, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> float | None:
    """The wait that a ``Retry-After`` asks for, in either form (RFC 9110, 10.2.3); None without one.

    Fractions are accepted because Shopify sends ``2.0``.
    """
    if not header:
        return None
    if header.strip().isdecimal() or _NUMBER.fullmatch(header.strip()):
        return min(float(header), _MAX_ASKED_SECONDS)
    try:
        when = parsedate_to_datetime(header)
        return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - now()).total_seconds())
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def asked_seconds(
    status: int, headers: Mapping[str, str], *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> float | None:
    """The wait that an answer asks for: by ``Retry-After``, else until the reset of a used up rate limit."""
    asked = retry_after_seconds(headers.get("Retry-After"), now=now)
    left = _left(headers)
    if asked is not None or status not in _OF_LIMITS or (left and min(left) > 0):
        return asked
    waits = [_reset_seconds(headers.get(name, ""), now) for name in _RESETS]
    # A reset in the past is ignored (None): a wait of zero would use up all attempts at once.
    longest = max([*waits, *(seconds for left, seconds in _limits(headers) if left == 0)])
    return min(longest, _MAX_ASKED_SECONDS) or None


def _left(headers: Mapping[str, str]) -> list[float]:
    """The number of requests left, by each header that has one."""
    values = [headers.get(name, "").strip() for name in _REMAINING]
    return [*(float(each) for each in values if _NUMBER.fullmatch(each)), *(r for r, _ in _limits(headers))]


def _limits(headers: Mapping[str, str]) -> list[tuple[float, float]]:
    """The requests left and the seconds until the reset, for each policy in ``RateLimit``.

    Both forms of the IETF's drafts: ``"default";r=0;t=30``, and ``limit=100, remaining=0, reset=30``.
    """
    header = headers.get("RateLimit", "")[:_MAX_HEADER_CHARACTERS]
    if old := dict(_OLD_PARAMETER.findall(header)):
        return [(float(old["remaining"]), float(old["reset"]))] if len(old) == len(_OLD_NAMES) else []
    policies = [dict(_PARAMETER.findall(policy)) for policy in header.split(",")]
    return [(float(each["r"]), float(each["t"])) for each in policies if len(each) > 1]


def _reset_seconds(header: str, now: Callable[[], datetime]) -> float:
    """Seconds until a reset, which is given in seconds from now or as an epoch in s or ms; 0 for none."""
    if not _NUMBER.fullmatch(header.strip()):
        return 0.0
    number = float(header)
    if number >= _LEAST_EPOCH_MS:
        number /= 1000
    if number >= _LEAST_EPOCH:
        number -= now().timestamp()
    return max(0.0, number)


def delay_seconds(
    failures: int,
    *,
    asked_seconds: float | None,
    max_delay_seconds: float,
    random_: Callable[[], float] = random.random,
) -> float:
    """Seconds before the next attempt: those that the source asked for, else exponential with full jitter.

    Args:
        failures: Attempts that have failed so far, at least 1.
        asked_seconds: The wait that the source asked for; honoured above the maximum, up to the deadline.
        max_delay_seconds: Maximum of a wait that the source did not ask for.
        random_: Returns a number in [0, 1).
    """
    if asked_seconds is not None:
        return asked_seconds
    # Full jitter spreads parallel runs that failed together; 2**30 keeps the float finite.
    return random_() * min(max_delay_seconds, _FIRST_DELAY_SECONDS * 2.0 ** min(failures - 1, 30))
