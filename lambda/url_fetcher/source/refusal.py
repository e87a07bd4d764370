"""Reads the body of an error: the reason why the source refuses, and whether that may pass."""

import re
from collections.abc import Mapping
from functools import cached_property

import msgspec

from url_fetcher.formats.splitter import ERROR_KEYS

_REASONS = ("error_description", "message", "detail", "error_message", "errormessage", "msg", "description")
_HOLDERS = ("error", "errors", "fault", "errormessages", "title", "reason", "status", "code")
_MAX_DEPTH = 4
_TAGGED = re.compile(
    r"<(?:message|detail|faultstring|title|h1)\b[^<>]{0,200}>\s*([^<>]{1,2000}?)\s*</", re.IGNORECASE
)
# Reasons in codes and in prose, such as userRateLimitExceeded (Google), ThrottlingException (AWS),
# "(#17) User request limit reached" (Meta) or "You have exceeded a secondary rate limit" (GitHub).
_LIMIT = re.compile(
    r"rate[ _-]?limit(ed|ing|[ _-]?(exceeded|reached|hit|error))|:\s*\"rate_?limit\""
    r"|(exceeded|reached|over|hit) [^<>{}\"]{0,40}rate[ _-]?limit"
    r"|(request|call|api|concurren\w{1,4})s?[ _-]?limit[ _-]?(exceeded|reached|hit)"
    r"|too[ _-]?many[ _-]?(api[ _-]?)?(requests|calls)|(rate|throughput)[ _-]?exceeded"
    r"|throttl|slow[ _-]?down",
    re.IGNORECASE,
)
# Another attempt within minutes does not help.
_LONG_LIMIT = re.compile(
    r"daily|monthly|per[ _-]?(day|month)|24[ -]?hour|\"quotaExceeded\"|TotalRequests|billing", re.IGNORECASE
)
_ERROR = re.compile(
    r"errors?(code|message|msg|type|name|description|details?|info|status|reason|text)?"
    r"|fault(code|string)?|exceptions?"
)
_WORDS = ("message", "msg", "detail", "reason")
_RESULTS = ("code", "status", "statuscode", "httpstatus", "success", "ok", "result")
_ABOUT = {
    *(*_WORDS, *_RESULTS, "statustext", "type", "title", "description", "details", "path", "instance"),
    *("timestamp", "time", "requestid", "traceid", "correlationid"),
    *("documentationurl", "documentation", "moreinfo", "help", "link"),
}
_GOOD = {"0", "200", "201", "true", "ok", "success", "succeeded", "successful"}
_KEY = re.compile(r"\w{1,40}", re.ASCII)


class Refusal:
    """The body of an answer with the status of an error.

    Args:
        body: Its first bytes, decompressed.
    """

    def __init__(self, body: bytes) -> None:
        self._text = body.decode("utf-8", "replace").strip("\ufeff \t\r\n\x00")

    @cached_property
    def value(self) -> object:
        """The decoded body; None if it is not JSON."""
        try:
            return msgspec.json.decode(self._text)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None

    @cached_property
    def message(self) -> str:
        """The source's own words; empty if there are none."""
        if isinstance(self.value, dict | list):
            return _message_in(self.value, _MAX_DEPTH)
        if self._text.startswith("<"):
            tagged = _TAGGED.search(self._text)
            return tagged[1] if tagged else ""
        return self._text.partition("\n")[0].strip()

    @property
    def is_of_a_limit(self) -> bool:
        """True if it says that a rate limit is used up which is full again within minutes."""
        return bool(_LIMIT.search(self._text)) and not _LONG_LIMIT.search(self._text)


def sign_of_error(value: object) -> str:
    """The key by which a decoded body looks like an error; empty if it looks like a record.

    An error has a message or an ``error``, no sign of success, and no members but those that errors have.
    """
    if not isinstance(value, dict):
        return ""
    keys = {key.replace("_", "").lower(): key for key in value if _KEY.fullmatch(key)}
    told = {name: value[key] for name, key in keys.items() if value[key] not in (None, "", [], {})}
    errors = [name for name in keys if _ERROR.fullmatch(name)]
    is_good = any(str(told.get(name)).lower() in _GOOD for name in (*_RESULTS, *_WORDS))
    if is_good or len(keys) < len(value) or (errors and not any(map(told.get, errors))):
        return ""
    for name, each in told.items():
        is_count = name.endswith("s") and isinstance(each, int | float)
        is_usual = name in _ABOUT and (name == "details" or not isinstance(each, dict | list))
        if is_count if name in errors else not is_usual:
            return ""
    return next((keys[name] for name in (*errors, *_WORDS) if told.get(name)), "")


def error_beside(outside: object) -> tuple[str, object] | None:
    """The key of an error beside a page's records, and its message or value; None if there is none."""
    for key, value in outside.items() if isinstance(outside, dict) else ():
        is_none = value in (None, "", [], {}, 0) or str(value).lower() in _GOOD
        if key.lower() in ERROR_KEYS and not is_none:
            return key, _message_in(value, _MAX_DEPTH) or value
    return None


def _message_in(value: object, depth: int) -> str:
    """The first text that may be a message."""
    if isinstance(value, str) or not depth:
        return value.strip() if isinstance(value, str) else ""
    if isinstance(value, list):
        return next(filter(None, (_message_in(each, depth - 1) for each in value[:3])), "")
    if not isinstance(value, Mapping):
        return ""
    lowered = {str(key).lower(): each for key, each in value.items()}
    texts = (lowered[key] for key in _REASONS if isinstance(lowered.get(key), str))
    if found := next(filter(None, map(str.strip, texts)), ""):
        return found
    # The keys of an object of errors are often those of the request.
    keys = _HOLDERS if depth == _MAX_DEPTH or lowered.keys() & set(_HOLDERS) else list(lowered)[:3]
    holders = (_message_in(lowered[key], depth - 1) for key in keys if key in lowered)
    return next(filter(None, holders), "")
