"""Reads the values at paths outside a page's records: cursors, links, totals and flags."""

import json

import msgspec

from url_fetcher import paths
from url_fetcher.errors import MalformedBody
from url_fetcher.paths import Found, Fraction, NoWayThrough, described, integer, parse_path, value_at

_MAX_DIGITS = 18


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
    if isinstance(value, Fraction):
        return value.text
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise MalformedBody(f"{setting} = {path!r} is {described(value)}, not text or a number")
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
        plain: object = json.loads(json.dumps(value, allow_nan=False), parse_int=integer)
        msgspec.json.encode(plain)
    except (ValueError, OverflowError, RecursionError) as error:
        raise MalformedBody(
            f"{setting} = {path!r} has a value that cannot be sent back: NaN, half of a surrogate pair, "
            "or one that is nested too deep"
        ) from error
    return plain


def total(outside: object, path: str) -> int | None:
    """Returns a whole number above zero, also if it is written as text; None for anything else."""
    return whole_number(value_at(outside, path))


def whole_number(value: object) -> int | None:
    """Returns a number above zero as an integer, also if it is written as text; None for anything else."""
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
