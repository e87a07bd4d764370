"""The body of a request: the source's own, with the values that pagination sets in it."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import msgspec

from url_fetcher.errors import ConfigurationError
from url_fetcher.paths import JsonPath, described, parse_path


def encoded(body: str | dict[str, Any], members: Mapping[str, object]) -> bytes:
    """Returns the bytes to send; a table becomes JSON, with each of ``members`` set at its path.

    Raises:
        ConfigurationError: When the body is not Unicode text; not retryable.
    """
    try:
        if isinstance(body, str):
            return body.encode()
        return msgspec.json.encode(with_members(body, members))
    except UnicodeEncodeError as error:
        raise ConfigurationError("`body` has half of a surrogate pair: write the whole character") from error


def with_members(body: dict[str, Any], members: Mapping[str, object]) -> dict[str, Any]:
    """Returns a copy of the body with values set at paths; missing objects on the way are created.

    An index in a JSON Pointer must be that of an existing element.

    Raises:
        ValueError: When a path leads through a value that is neither an object nor such an array.
    """
    whole = dict(body)
    for text, value in members.items():
        path = parse_path(text)
        holder: Any = whole
        for key, following in pairwise(path.keys):
            place = _place(holder, key)
            inner = holder.get(place, {}) if isinstance(holder, dict) else holder[place]
            if not _leads_to(inner, following, path):
                raise ValueError(f"`body` has {described(inner)} at {key!r}, on the way to {text!r}")
            # Copied one level at a time: the source's own body must stay as it is for the next page.
            holder[place] = inner.copy()
            holder = holder[place]
        holder[_place(holder, path.keys[-1])] = value
    return whole


def _leads_to(value: object, key: str, path: JsonPath) -> bool:
    """True if the key may be set in the value: any key of an object, an existing index of an array."""
    if not isinstance(value, list):
        return isinstance(value, dict)
    index = path.index_of(key)
    return index is not None and index < len(value)


def _place(holder: dict[str, Any] | list[Any], key: str) -> Any:
    return key if isinstance(holder, dict) else int(key)
