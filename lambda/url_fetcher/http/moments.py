"""Reads the times and the spans of time in a source's headers, in every usual spelling."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)
MAX_SECONDS = 1e9
"""The longest wait: longer than any deadline, and still a number in JSON."""

_MAX_CHARACTERS = 100
# A smaller number is seconds from now: as an epoch it would be a time before 2001.
_LEAST_EPOCH, _LEAST_EPOCH_MS = 1e9, 1e12
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_SPAN = r"([0-9]{1,12}(?:\.[0-9]{1,9})?) ?(ms|[smhd])(?:ecs?|econds?|ins?|inutes?|ours?|ays?)?(?![a-z]) ?"
_ONE_SPAN, _SPANS = re.compile(_SPAN, re.ASCII), re.compile(f"(?:{_SPAN})+", re.ASCII)
# JavaScript writes "GMT+0200 (CEST)", and Go "+0200 CEST"; only the number counts.
_OFFSET = re.compile(r" *(?:gmt|utc)? *([+-][0-9]{2}:?[0-9]{2})( .*)?$", re.ASCII)
_ZERO_OFFSET = re.compile(r" *(?:utc|gmt|z)$")


def seconds_until(text: str, now: Callable[[], datetime]) -> float | None:
    """Returns the seconds from now that a header's text means; None if it means no time.

    It may be a number of seconds, an epoch in seconds or milliseconds, a span such as ``1m30s``, or a time as
    in HTTP (RFC 9110), RFC 3339 or JavaScript. A time without a zone is UTC. One that has passed gives 0.
    """
    text = text.strip().lower()
    if NUMBER.fullmatch(text):
        number = float(text)
        if number >= _LEAST_EPOCH:
            number /= 1000 if number >= _LEAST_EPOCH_MS else 1
            number -= now().timestamp()
        return min(max(0.0, number), MAX_SECONDS)
    if len(text) > _MAX_CHARACTERS:
        return None
    if _SPANS.fullmatch(text):
        seconds = sum(float(count) * _UNITS[unit] for count, unit in _ONE_SPAN.findall(text))
        return min(seconds, MAX_SECONDS)
    when = _time(text)
    if when is None:
        return None
    try:
        return min(max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - now()).total_seconds()), MAX_SECONDS)
    except OverflowError:
        return None


def _time(text: str) -> datetime | None:
    """The time that a text in lower case is; None for any other text."""
    iso = _ZERO_OFFSET.sub("+00:00", _OFFSET.sub(r"\1", text)).upper()
    try:
        return datetime.fromisoformat(iso)
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(_OFFSET.sub(r" \1", text))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
