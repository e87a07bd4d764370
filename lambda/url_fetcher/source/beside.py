"""What stands beside a page's records: values at dotted paths, and signs that there is another page."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from url_fetcher.errors import MalformedBody

_MAX_DIGITS = 18
_MAX_SHOWN_CHARACTERS = 60
_FLAG = re.compile(r"has[-_]?(more|next)([-_]?(page|items|results))?|is[-_]?truncated", re.IGNORECASE)
_LINK = re.compile(r"next|continuation", re.IGNORECASE)
_NO_LINK = re.compile(r"sync|delta|prev", re.IGNORECASE)  # a last page has them: where the next run begins
_JSON_NAMES = {dict: "an object", list: "an array", str: "text", bool: "true or false"}


class Found(NamedTuple):
    """The value at a path, or how much of the path, from its start, is not there."""

    value: object
    missing: str = ""


def find(outside: object, path: str, *, setting: str) -> Found:
    """The value at a dotted path; None where it, or anything on the way to it, is null.

    Raises:
        MalformedBody: When the path leads through something that is not an object; not retryable.
    """
    if "." in path and isinstance(outside, dict) and outside.get(path):
        raise MalformedBody(
            f"{setting} = {path!r}: the body's key has a dot in its name, but a path takes dots for steps "
            "into objects; choose another pagination.kind",
            offset=0,
        )
    value = outside
    keys = path.split(".")
    for depth, key in enumerate(keys, 1):
        if value is None:
            return Found(None)
        if not isinstance(value, dict):
            raise MalformedBody(f"{setting} = {path!r}: {key!r} lies in {_name(value)}", offset=0)
        if key not in value:
            return Found(None, missing=".".join(keys[:depth]))
        value = value[key]
    return Found(value)


def text(value: object, path: str, *, setting: str) -> str:
    """A URL or a cursor, as text or as a number; empty for null, false and empty text.

    Raises:
        MalformedBody: When it is of another type; not retryable.
    """
    if value is None or value is False:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise MalformedBody(f"{setting} = {path!r} is {_name(value)}, not text or a whole number", offset=0)
    return str(value)


def total(outside: object, path: str) -> int | None:
    """A whole number above zero, also as text; anything else says nothing."""
    value = _at(outside, path)
    if isinstance(value, str) and len(value) <= _MAX_DIGITS and value.isdecimal():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 < value < 10**_MAX_DIGITS else None


def flag(outside: object, path: str) -> bool | None:
    """Whether the body says that there is more; None when it does not say."""
    value = _at(outside, path)
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return bool(value) if isinstance(value, int | float) else None


def raised_flag(outside: object) -> str:
    """The key of a flag that is true and by its name says that there is more; empty without one."""
    return _first_key(outside, _FLAG.fullmatch, lambda value: value is True)


def unused_link(outside: object) -> str:
    """The key of a value that by its name leads to the next page; empty without one."""
    return _first_key(
        outside, lambda key: _LINK.search(key) and not _NO_LINK.search(key), lambda value: _may_lead_on(value)
    )


def _first_key(outside: object, is_named: Callable[[str], object], is_meant: Callable[[object], bool]) -> str:
    found = (key for key, value in _members(outside) if is_named(key) and is_meant(value))
    return next(found, "")[:_MAX_SHOWN_CHARACTERS]


def _members(outside: object) -> Iterator[tuple[str, object]]:
    """The members of an object and of the objects in it."""
    if isinstance(outside, dict):
        yield from outside.items()
        for value in outside.values():
            if isinstance(value, dict):
                yield from value.items()


def _may_lead_on(value: object) -> bool:
    """Whether a value may be a link, a cursor or a page's number, or an object with one."""
    return value not in (None, "", "0", 0, False, True) and isinstance(value, str | int | dict)


def _at(outside: object, path: str) -> object:
    """What stands at a dotted path; None when it is not there or the path is empty."""
    for key in path.split("."):
        outside = outside.get(key) if isinstance(outside, dict) else None
    return outside


def _name(value: object) -> str:
    return _JSON_NAMES.get(type(value), "a number")
