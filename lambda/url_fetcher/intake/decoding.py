"""Turns untyped settings into the schema's types, and msgspec's errors into ones that say what to do."""

import re
from collections.abc import Iterable
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from url_fetcher.errors import ConfigurationError
from url_fetcher.formats.csv_dialect import Csv
from url_fetcher.source.schema import Source
from url_fetcher.telling.redaction import public_url

T = TypeVar("T")
_AT = re.compile(r"^(?P<reason>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
# The values of these keys may be secret.
_HIDDEN = re.compile(r"\.(headers|query|body|secret_arn|ca_certificates)\b")
_MAX_LEVELS = 100
_PATH_IN_WORDS = (
    'must be keys joined by dots ("meta.next"), or a JSON Pointer ("/@odata.nextLink"), in which ~0 is ~ '
    "and ~1 is /"
)
_CSV_CHOICES = {("csv", "encoding"), ("csv", "types")}
_IN_WORDS = {
    **dict.fromkeys(
        (
            "record_path", "path", "last_record_path", "has_more_path", "total_path", "total_pages_path",
            "message_path", "parameter", "size_parameter",
        ),
        _PATH_IN_WORDS,
    ),
    "start": "must be a time in UTC such as 2024-01-31T00:00:00Z",
    "url": "must begin with https:// (or http://) and a host",
    "token_url": "must begin with https:// (or http://) and a host",
    "name": "must be letters, digits, hyphens and underscores",
    "secret_arn": "must be a secret's ARN, arn:aws:secretsmanager:<region>:<account>:secret:<name>",
    "ca_certificates": "must be certificates in PEM, -----BEGIN CERTIFICATE-----, and nothing else",
    "delimiter": "must be one ASCII character, such as ; or a tab, and no line end",
    "quote": "must be one ASCII character and no line end, or empty for none",
    "escape": "must be one ASCII character and no line end, or empty for none",
    "schedule": "must be such as rate(15 minutes) or cron(0 8 ? * MON-FRI *)",
    "time_zone": "must be a time zone's name such as Europe/Berlin",
    "KINESIS_STREAM_NAME": "must be letters, digits, dots, hyphens and underscores",
}  # fmt: skip


def decode_settings(settings: object, type_: type[T], *, where: str, from_text: bool = False) -> T:
    """Converts settings to ``type_``.

    Args:
        settings: Dicts, lists and scalars, as JSON or TOML gives them.
        type_: A type of the schema.
        where: The place of the settings, which begins each message, such as ``the event``.
        from_text: True if numbers and booleans may be text, as in environment variables.

    Raises:
        ConfigurationError: Naming the field, its value, what is allowed and the way out; not retryable.
    """
    _refuse_unencodable(settings, where)
    try:
        return msgspec.convert(settings, type_, strict=not from_text)
    except msgspec.ValidationError as error:
        match = _AT.match(str(error))
        reason, path = (match["reason"], match["path"] or "$") if match else (str(error), "$")
        if "regex" in reason:
            reason = _IN_WORDS.get(path.rpartition(".")[2], reason)
        raise ConfigurationError(
            f"{where}: {path.lstrip('$.') or 'the top level'}: {reason[:300]}"
            f"{_shown(settings, path)}{_choices(path)}; docs/sources.md leads to every key with its range",
            field=path,
        ) from error


def without_nulls(value: Any) -> Any:
    """Returns settings without nulls, which mean "not set"; a source's ``body`` keeps its nulls.

    Terraform leaves one for each optional attribute of a typed variable.
    """
    if isinstance(value, list):
        return [without_nulls(each) for each in value if each is not None]
    if isinstance(value, dict):
        return {
            key: each if key == "body" else without_nulls(each)
            for key, each in value.items()
            if each is not None
        }
    return value


def _refuse_unencodable(settings: object, where: str) -> None:
    """Refuses values that cannot be written as JSON in UTF-8, so neither be sent nor logged."""
    # Counted level by level: how deep recursion may go depends on who calls.
    level, levels = [settings], 0
    while level:
        if levels > _MAX_LEVELS:
            raise ConfigurationError(f"{where}: is nested too deeply; {_MAX_LEVELS} levels are allowed")
        level, levels = [inner for outer in level for inner in _children(outer)], levels + 1
    try:
        msgspec.json.encode(settings)
    except UnicodeEncodeError as error:
        raise ConfigurationError(
            f"{where}: has half of a surrogate pair, such as \\ud800 alone; write whole characters"
        ) from error
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{where}: is not JSON: {error}") from error


def _children(value: object) -> Iterable[object]:
    """The values directly in an object or a list."""
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _shown(settings: object, path: str) -> str:
    """The value of the field for the message, unless it is a table, a list or may be secret."""
    value = _value_at(settings, path)
    if path == "$" or isinstance(value, dict | list) or _HIDDEN.search(path):
        return ""
    text = public_url(value) if isinstance(value, str) and ":" in value else str(value)
    return f", it is {text[:80]!r}"


def _choices(path: str) -> str:
    """The allowed words, if only some words are allowed at a path."""
    name, _, tag = path.lstrip("$.0123456789[]").partition(".")
    kind = get_type_hints(Csv).get(tag) if name == "csv" else get_type_hints(Source).get(name)
    words = [c.__struct_config__.tag if tag == "kind" else c for c in get_args(kind)]
    has_choices = tag == "kind" or name in ("format", "method") or (name, tag) in _CSV_CHOICES
    return f", allowed are {', '.join(map(str, words))}" if has_choices else ""


def _value_at(settings: object, path: str) -> object:
    """The value at msgspec's path; None if it is missing."""
    value = settings
    for name, index in _STEP.findall(path):
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and index:
            value = value[int(index)]
        else:
            return None
    return value
