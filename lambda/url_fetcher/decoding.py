"""Turns untyped settings into the schema's types, and msgspec's errors into ones that say what to do."""

import re
from typing import TypeVar, get_args, get_type_hints

import msgspec

from url_fetcher.errors import ConfigurationError
from url_fetcher.schema import Source

T = TypeVar("T")
_AT = re.compile(r"^(?P<reason>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_SHOWN = re.compile(r"\$(\[\d+\])?\.(?!headers|query|body|url)[A-Za-z_.]+$")


def decode_settings(settings: object, type_: type[T], *, where: str, from_text: bool = False) -> T:
    """The settings as ``type_``.

    Args:
        settings: Dicts, lists and scalars, as JSON or TOML gives them.
        type_: A type of the schema.
        where: What holds the settings, to begin the message: ``the event``, ``SOURCES``.
        from_text: Whether numbers and booleans may be written as text, as in environment variables.

    Raises:
        ConfigurationError: Naming the field, its value, what is allowed and the way out; not retryable.
    """
    try:
        return msgspec.convert(settings, type_, strict=not from_text)
    except msgspec.ValidationError as error:
        match = _AT.match(str(error))
        reason, path = (match["reason"], match["path"] or "$") if match else (str(error), "$")
        value = _value_at(settings, path)
        shown = f", it is {str(value)[:80]!r}" if _SHOWN.match(path) and not isinstance(value, dict) else ""
        raise ConfigurationError(
            f"{where}: {path.lstrip('$.') or 'the top level'}: {reason[:300]}{shown}{_choices(path)}; "
            "docs/sources.md has every key with its range",
            field=path,
        ) from error


def _choices(path: str) -> str:
    """The words that are allowed at a path where only some are."""
    name, _, tag = path.lstrip("$.0123456789[]").partition(".")
    kind = get_type_hints(Source).get(name)
    words = [c.__struct_config__.tag if tag == "kind" else c for c in get_args(kind)]
    return (
        f", allowed are {', '.join(map(str, words))}" if tag == "kind" or name in ("format", "method") else ""
    )


def _value_at(settings: object, path: str) -> object:
    """What stands at msgspec's path; None when it is not there."""
    value = settings
    for name, index in _STEP.findall(path):
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and index:
            value = value[int(index)]
        else:
            return None
    return value
