"""Paths into JSON: keys joined by dots, or a JSON Pointer (RFC 6901) that reaches every key and index."""

import re
from collections.abc import Sequence
from itertools import islice
from typing import Final, NamedTuple, Self

PATTERN: Final = r"^([^/][\s\S]*|(/([^/~]|~[01])*)*)$"
"""Keys with dots between, or a ``/`` before each key, in which ``~1`` is a slash and ``~0`` a tilde."""

MISSING: Final = object()
"""Stands for a key or an index that is missing."""

NOT_KEPT: Final = object()
"""Stands for a value that was too large or too deep to be kept."""

_INDEX = re.compile(r"0|[1-9][0-9]{0,511}", re.ASCII)
_SHOWN_KEY = re.compile(r"[A-Za-z_@$][\w@$.:-]{0,39}", re.ASCII)
_MAX_SHOWN_KEYS = 8
_MAX_DIGITS = 4_300
_JSON_NAMES = {str: "text", bool: "true or false", type(None): "null"}


class JsonPath(NamedTuple):
    """A parsed path.

    Args:
        text: The path as it was written.
        keys: Its keys, the outermost first.
        is_pointer: True for a JSON Pointer, in which an index reaches into an array.
    """

    text: str
    keys: tuple[str, ...]
    is_pointer: bool

    def beginning(self, depth: int) -> str:
        """The first keys, written as in the path."""
        if self.is_pointer:
            return "/".join(self.text.split("/")[: depth + 1])
        return ".".join(self.keys[:depth])

    def index_of(self, key: str) -> int | None:
        """The key as an index in an array; None if it is none."""
        return int(key) if self.is_pointer and _INDEX.fullmatch(key) else None


class Found(NamedTuple):
    """The value at a path, or the first part of the path that is missing.

    ``holder`` is the value without the missing key.
    """

    value: object
    missing: str = ""
    holder: object = None


class NoWayThrough(Exception):
    """When a path leads into a value without such members; the message names the key and the value's kind."""


def parse_path(text: str) -> JsonPath:
    """Parses a path that matches ``PATTERN``; an empty path has no keys.

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
    """Finds the value at a path; None if it, or a value on the way to it, is null.

    Raises:
        NoWayThrough: When the path leads through a value without such members.
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
    """Returns the value at a path, also ``NOT_KEPT``; None if it is missing or the path is empty."""
    if not path:
        return None
    parsed = parse_path(path)
    try:
        for key in parsed.keys:
            value = _step(value, key, parsed)
    except NoWayThrough:
        return None
    return None if value is MISSING else value


class Fraction(float):
    """A number of JSON with a fraction or an exponent, which keeps the text that it was written as."""

    text: str

    def __new__(cls, text: str) -> Self:
        """The number that the text says."""
        number = super().__new__(cls, text)
        number.text = text
        return number


def integer(digits: str) -> int | str:
    """Parses the digits of an integer in JSON; returns them as text if they are too many."""
    # Python refuses more digits, because their conversion takes quadratic time.
    return int(digits) if len(digits) <= _MAX_DIGITS else digits


def described(value: object) -> str:
    """Describes a decoded value: its kind, with some of an object's keys or an array's length."""
    if isinstance(value, dict):
        return f"an object with {shown_keys(list(islice(value, 2 * _MAX_SHOWN_KEYS)), len(value))}"
    if isinstance(value, list):
        return f"an array of {len(value)} elements"
    if value is NOT_KEPT:
        return "over 64 KiB or 500 levels deep, and was not kept"
    return _JSON_NAMES.get(type(value), "a number")


def shown_keys(keys: Sequence[str], count: int) -> str:
    """Some of an object's ``count`` keys, for a message; those that look like data are only counted."""
    # A key may be data itself, such as an email address or a token.
    names = (key for key in keys if _SHOWN_KEY.fullmatch(key) and "@" not in key[1:])
    shown = [repr(key) for key in islice(names, _MAX_SHOWN_KEYS)]
    if not shown:
        return f"{count} keys" if count else "no keys"
    rest = count - len(shown)
    return f"the keys {', '.join(shown)}{f' and {rest} more' if rest else ''}"


def _step(value: object, key: str, path: JsonPath) -> object:
    if isinstance(value, dict):
        return value.get(key, MISSING)
    if isinstance(value, list) and (index := path.index_of(key)) is not None:
        return value[index] if index < len(value) else MISSING
    hint = ""
    if isinstance(value, list) and not path.is_pointer:
        hint = "; a JSON Pointer such as /data/0 reaches into an array"
    raise NoWayThrough(f"{key!r} lies in {'what is ' if value is NOT_KEPT else ''}{described(value)}{hint}")
