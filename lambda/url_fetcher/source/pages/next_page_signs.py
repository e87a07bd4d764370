"""Reads the values outside a page's records: those at paths, and signs that there is another page."""

import json
import re
from collections.abc import Callable, Iterator

import msgspec

from url_fetcher import paths
from url_fetcher.errors import MalformedBody
from url_fetcher.paths import Found, NoWayThrough, described, parse_path, value_at

_MAX_DIGITS = 18
_MAX_SHOWN_CHARACTERS = 60
_FLAG = re.compile(r"has[-_]?(more|next)([-_]?(page|items|results))?|is[-_]?truncated", re.IGNORECASE)
_LINK = re.compile(r"next|continuation", re.IGNORECASE)
_NO_LINK = re.compile(r"sync|delta|prev", re.IGNORECASE)  # last pages have them, for the next run


def find(outside: object, path: str, *, setting: str, where: str = "the body") -> Found:
    """Finds the value at a path in the body, or in ``where``; its value is None if it or its holder is null.

    Raises:
        MalformedBody: When the path leads through a value without members; not retryable.
    """
    parsed = parse_path(path)
    if not parsed.is_pointer and "." in path and isinstance(outside, dict) and outside.get(path):
        pointer = "/" + path.replace("~", "~0").replace("/", "~1")
        raise MalformedBody(
            f"{setting} = {path!r}: {where} has a key with a dot in its name, but a path takes dots for "
            f"steps into objects; write it as a JSON Pointer, {pointer!r}"
        )
    try:
        return paths.find(outside, parsed)
    except NoWayThrough as error:
        raise MalformedBody(f"{setting} = {path!r}: {error}") from error


def text(value: object, path: str, *, setting: str) -> str:
    """Returns a URL or a cursor as text; empty for null, false and empty text.

    Raises:
        MalformedBody: When it is of another type; not retryable.
    """
    if value is None or value is False:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise MalformedBody(f"{setting} = {path!r} is {described(value)}, not text or a whole number")
    return str(value)


def json_value(value: object, path: str, *, setting: str) -> object:
    """Returns a cursor of any type except true; None for null, false and empty values.

    Raises:
        MalformedBody: When it cannot be sent back as JSON; not retryable.
    """
    if value is None or value is False or value in ("", [], {}):
        return None
    if value is True:
        raise MalformedBody(f"{setting} = {path!r} is true, which is no cursor")
    try:
        # json refuses NaN, msgspec refuses half of a surrogate pair.
        json.dumps(value, allow_nan=False)
        msgspec.json.encode(value)
    except (ValueError, OverflowError, RecursionError) as error:
        raise MalformedBody(
            f"{setting} = {path!r} has a value that cannot be sent back: NaN, half of a surrogate pair, "
            "or one that is nested too deep"
        ) from error
    return value


def total(outside: object, path: str) -> int | None:
    """Returns a whole number above zero, also if it is written as text; None for anything else."""
    value = value_at(outside, path)
    # Some APIs send totals as text. 18 digits fit 64 bits and keep int() cheap on hostile input.
    if isinstance(value, str) and len(value) <= _MAX_DIGITS and value.isdecimal():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 < value < 10**_MAX_DIGITS else None


def flag(outside: object, path: str) -> bool | None:
    """Returns the flag at a path as a boolean; None if there is none."""
    value = value_at(outside, path)
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return bool(value) if isinstance(value, int | float) else None


def raised_flag(outside: object) -> str:
    """The key of a true flag with a name such as has_more; empty if there is none."""
    return _first_key(outside, _FLAG.fullmatch, lambda value: value is True)


def unused_link(outside: object) -> str:
    """The key of a value whose name suggests a link to the next page; empty if there is none."""
    return _first_key(
        outside, lambda key: _LINK.search(key) and not _NO_LINK.search(key), lambda value: _may_lead_on(value)
    )


def _first_key(outside: object, is_named: Callable[[str], object], is_meant: Callable[[object], bool]) -> str:
    found = (key for key, value in _members(outside) if is_named(key) and is_meant(value))
    return next(found, "")[:_MAX_SHOWN_CHARACTERS]


def _members(outside: object) -> Iterator[tuple[str, object]]:
    """Yields the members of an object and of the objects in it, or of the objects in an array."""
    if isinstance(outside, list):
        outside = {str(index): value for index, value in enumerate(outside) if isinstance(value, dict)}
    if isinstance(outside, dict):
        yield from outside.items()
        for value in outside.values():
            if isinstance(value, dict):
                yield from value.items()


def _may_lead_on(value: object) -> bool:
    """True if a value may be a link, a cursor or a page number, or an object with one."""
    return value not in (None, "", "0", 0, False, True) and isinstance(value, str | int | dict)
