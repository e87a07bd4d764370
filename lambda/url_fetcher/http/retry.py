"""When a request is tried again, and how long that waits."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_FIRST_DELAY_SECONDS = 0.5
_MAX_ASKED_SECONDS = 1e9  # longer than any deadline, and still a number in JSON
# 202 is an answer that is not ready; 408, 425 and 429 say themselves that later is better (RFC 9110, 6585).
_RETRIED = {202, 408, 425, 429}
_NEVER_CHANGES = {501, 505}
_SERVER_ERROR = 500


def is_retried(status: int) -> bool:
    """Whether the same request may be answered otherwise in a while."""
    return status in _RETRIED or (status >= _SERVER_ERROR and status not in _NEVER_CHANGES)


def retry_after_seconds(
    header: str | None, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> float | None:
    """Seconds that a ``Retry-After`` asks for, in either form (RFC 9110, 10.2.3); None without one."""
    if not header:
        return None
    if header.strip().isdecimal():
        return min(float(header), _MAX_ASKED_SECONDS)
    try:
        when = parsedate_to_datetime(header)
        return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - now()).total_seconds())
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def delay_seconds(
    failures: int,
    *,
    asked_seconds: float | None,
    max_delay_seconds: float,
    random_: Callable[[], float] = random.random,
) -> float:
    """Seconds before the next try: what the source asked for, else full jitter under a doubling cap.

    Args:
        failures: Tries that have failed so far, at least 1.
        asked_seconds: From ``Retry-After``; honoured even above the cap; the deadline bounds it.
        max_delay_seconds: The cap.
        random_: Gives a number in [0, 1).
    """
    if asked_seconds is not None:
        return asked_seconds
    return random_() * min(max_delay_seconds, _FIRST_DELAY_SECONDS * 2.0 ** min(failures - 1, 30))
