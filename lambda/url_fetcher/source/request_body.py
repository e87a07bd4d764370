"""The body of a request: the source's own, with what a page adds to it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from url_fetcher.errors import ConfigurationError
from url_fetcher.paths import described, parse_path


def encoded(body: str | dict[str, Any], members: Mapping[str, object]) -> bytes:
    """The bytes to send; a table becomes JSON, with each member at its path.

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
    """A copy of the body with values set at paths, in objects that are made where there are none.

    Raises:
        ValueError: When a path leads through something that is no object.
    """
    whole = dict(body)
    for path, value in members.items():
        *way, last = parse_path(path).keys
        table = whole
        for key in way:
            inner = table.get(key, {})
            if not isinstance(inner, dict):
                raise ValueError(f"`body` has {described(inner)} at {key!r}, on the way to {path!r}")
            table[key] = dict(inner)
            table = table[key]
        table[last] = value
    return whole
