"""The parameters of a source's request: those of its query, and the members of its body."""

import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from tools.probe.bodies import written
from tools.probe.signs import plain
from url_fetcher.source.schema import Source

_MAX_LEVELS = 4
_HOLDERS = {"page", "paging", "pagination", "options", "variables", "meta"}
_VARIABLE = re.compile(r"\$(\w+)\s*:")


class Parameter(NamedTuple):
    """A parameter of the request.

    Attributes:
        path: Its name in the query, or its path in the body.
        value: Its value as text; empty for null.
        into: Where it is.
        holder: The keys that lead to it in the body.
    """

    path: str
    value: str
    into: Literal["query", "body"] = "query"
    holder: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its plain name without those around it."""
        return plain(self.path if self.into == "query" else re.split(r"[./]", self.path)[-1])


def asked_of(source: Source) -> list[Parameter]:
    """The parameters of the query, then those of the body."""
    given = dict(parse_qsl(urlsplit(source.url).query, keep_blank_values=True))
    given |= {name: str(value) for name, value in source.query.items()}
    query = [Parameter(name, value) for name, value in given.items()]
    return [*query, *(_members(source.body, ()) if is_table(source) else ())]


def is_table(source: Source) -> bool:
    """True if the request has a body in which a pagination can set values."""
    return source.method == "POST" and isinstance(source.body, dict)


def holders(source: Source) -> list[tuple[str, ...]]:
    """The objects of the body in which parameters of pages belong, the likeliest first."""
    if not isinstance(source.body, dict):
        return []
    named = [
        (key,) for key, value in source.body.items() if plain(key) in _HOLDERS and isinstance(value, dict)
    ]
    return [*named, ()]


def cursor_variables(source: Source) -> list[str]:
    """The variables of a GraphQL query that may take a cursor."""
    query = source.body.get("query") if isinstance(source.body, dict) else None
    names = _VARIABLE.findall(query) if isinstance(query, str) else []
    return [name for name in dict.fromkeys(names) if re.search("after|cursor", name, re.IGNORECASE)]


def path_in(holder: tuple[str, ...], name: str) -> str:
    """The path of a name in an object of the body."""
    return written((*holder, name))


def _members(value: Any, keys: tuple[str, ...]) -> Iterator[Parameter]:
    if isinstance(value, dict) and len(keys) < _MAX_LEVELS:
        for key, each in value.items():
            yield from _members(each, (*keys, key))
    elif not isinstance(value, dict | list):
        text = "" if value is None else str(value)
        yield Parameter(written(keys), text, "body", keys[:-1])
