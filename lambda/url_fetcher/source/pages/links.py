"""Reads the ``Link`` header (RFC 8288), also in the forms that some servers send instead."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_TARGET = re.compile(r"[\s,]*<([^<>]*)>")
_PARAMETER = re.compile(
    r"\s*;\s*([^\s=;,<>\"']*)\s*"
    r"(?:=\s*(?:\"((?:[^\"\\]|\\.)*)\"|'([^']*)'|([^\s;,<>\"']*)))?"
)
_END = re.compile(r"\s*(?:,|$)")
_NOTHING = re.compile(r"[\s,]*$")


class Links(NamedTuple):
    """The links of a header: targets by relation, in lower case. Not ``is_whole`` if a part is unreadable."""

    targets: dict[str, str]
    is_whole: bool


def links(header: str) -> Links:
    """Returns the links of a ``Link`` header; of two with the same relation the first."""
    targets: dict[str, str] = {}
    is_whole, position = True, 0
    while not _NOTHING.match(header, position):
        if not (begin := _TARGET.match(header, position)):
            is_whole = False
            if (position := header.find("<", position + 1)) < 0:
                break
            continue
        parameters: dict[str, str] = {}
        position = begin.end()
        while found := _PARAMETER.match(header, position):
            name, *values = found.groups()
            parameters.setdefault(name.lower(), next(filter(None, values), "").lower())
            position = found.end()
        if not (end := _END.match(header, position)):
            is_whole = False
        position = end.end() if end else position
        for relation in _relations(parameters):
            targets.setdefault(relation, begin[1])
    return Links(targets, is_whole)


def _relations(parameters: dict[str, str]) -> Iterator[str]:
    # Sentry's last page has a next link, too, and says that nothing is behind it.
    if parameters.get("results") != "false":
        yield from parameters.get("rel", "").split()
