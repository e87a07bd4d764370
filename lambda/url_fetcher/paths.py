"""Paths into JSON: keys joined by dots, or a JSON Pointer (RFC 6901) that reaches every key and index."""

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final, NamedTuple

PATTERN: Final = r"^([^/][\s\S]*|(/([^/~]|~[01])*)*)$"
"""Keys with dots between, or a ``/`` before each key, in which ``~1`` is a slash and ``~0`` a tilde."""

MISSING: Final = object()
"""What ``step`` gives where a key or an index is not there."""

NOT_KEPT: Final = object()
"""In the place of a value that was too large or too deep to be kept."""

_INDEX = re.compile(r"0|[1-9][0-9]{0,511}", re.ASCII)
_SHOWN_KEY = re.compile(r"[A-Za-z_@$][\w@$.:-]{0,39}", re.ASCII)
_MAX_SHOWN_KEYS = 8
_MAX_DIGITS = 4_300
_JSON_NAMES = {str: "text", bool: "true or false", type(None): "null"}


class JsonPath(NamedTuple):
    """A path, parsed.

    Args:
        text: As it was written.
        keys: What to step into, from the outside.
        is_pointer: Whether a key that is an index also reaches into an array.
    """

    text: str
    keys: tuple[str, ...]
    is_pointer: bool

    def beginning(self, depth: int) -> str:
        """The path's first keys, in the path's own form."""
        if self.is_pointer:
            return "/".join(self.text.split("/")[: depth + 1])
        return ".".join(self.keys[:depth])

    def index_of(self, key: str) -> int | None:
        """The index in an array that one of the keys is; None for none."""
        return int(key) if self.is_pointer and _INDEX.fullmatch(key) else None


class Found(NamedTuple):
    """The value at a path, or how much of the path, from its start, is not there.

    ``holder`` is what the missing key was looked for in.
    """

    value: object
    missing: str = ""
    holder: object = None


class NoWayThrough(Exception):
    """When a path leads into what has no such members; its text says which key and what is there."""


def parse_path(text: str) -> JsonPath:
    """A path that matches ``PATTERN``; an empty one has no keys.

    Example:
        >>> parse_path("/@odata.nextLink").keys, parse_path("meta.next").keys
        (('@odata.nextLink',), ('meta', 'next'))
    """
    if not text.startswith("/"):
        return JsonPath(text, tuple(text.split(".")) if text else (), is_pointer=False)
    # In this order, so that ~01 is the key ~1.
    keys = (key.replace("~1", "/").replace("~0", "~") for key in text[1:].split("/"))
    return JsonPath(text, tuple(keys), is_pointer=True)


def find(value: object, path: JsonPath) -> Found:
    """What is at a path; None where it, or anything on the way to it, is null.

    Raises:
        NoWayThrough: When the path leads through something that has no such members.
    """
    for depth, key in enumerate(path.keys, 1):
        if value is None:
            return Found(None)
        inner = _step(value, key, path)
        if inner is MISSING:
            return Found(None, path.beginning(depth), value)
        value = inner
    if value is NOT_KEPT:
        raise NoWayThrough(f"it is {described(value)}")
    return Found(value)


def value_at(value: object, path: str) -> object:
    """What is at a path, be it ``NOT_KEPT``; None where it is not there or the path is empty."""
    if not path:
        return None
    parsed = parse_path(path)
    try:
        for key in parsed.keys:
            value = _step(value, key, parsed)
    except NoWayThrough:
        return None
    return None if value is MISSING else value


def integer(digits: str) -> int | str:
    """The number that a decoder of JSON found, or its text where it is too long."""
    # The interpreter refuses longer ones, because their conversion takes quadratic time.
    return int(digits) if len(digits) <= _MAX_DIGITS else digits


def described(value: object) -> str:
    """What a decoded value is: its kind, with some of an object's keys or an array's length."""
    if isinstance(value, dict):
        return f"an object with {shown_keys(list(islice(value, 2 * _MAX_SHOWN_KEYS)), len(value))}"
    if isinstance(value, list):
        return f"an array of {len(value)} elements"
    if value is NOT_KEPT:
        return "over 64 KiB or 500 levels deep, and was not kept"
    return _JSON_NAMES.get(type(value), "a number")


def shown_keys(keys: Sequence[str], count: int) -> str:
    """Some of an object's ``count`` keys, for a message; those that look like data are only counted."""
    shown = [repr(key) for key in _names(keys)][:_MAX_SHOWN_KEYS]
    if not shown:
        return f"{count} keys" if count else "no keys"
    rest = count - len(shown)
    return f"the keys {', '.join(shown)}{f' and {rest} more' if rest else ''}"


def _names(keys: Iterable[str]) -> Iterable[str]:
    # An address of mail or a token may be a key, too.
    return (key for key in keys if _SHOWN_KEY.fullmatch(key) and "@" not in key[1:])


def _step(value: object, key: str, path: JsonPath) -> object:
    if isinstance(value, dict):
        return value.get(key, MISSING)
    if isinstance(value, list) and (index := path.index_of(key)) is not None:
        return value[index] if index < len(value) else MISSING
    hint = ""
    if isinstance(value, list) and not path.is_pointer:
        hint = "; a JSON Pointer such as /data/0 reaches into an array"
    raise NoWayThrough(f"{key!r} lies in {'what is ' if value is NOT_KEPT else ''}{described(value)}{hint}")
