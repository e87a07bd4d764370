"""Signs of more records, by the names that APIs give to flags, links and totals beside their records."""

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from url_fetcher.source.pages.links import links
from url_fetcher.source.pages.next_page_signs import whole_number

_MAX_MEMBERS = 1_000
_FLAG_DEPTH, _VALUE_DEPTH, _NEAR_DEPTH = 4, 3, 2
_MAX_SHOWN_CHARACTERS = 60

MORE = re.compile(
    r"has[-_]?(more|next)([-_]?(page|pages|items|results|records|data))?|is[-_]?truncated"
    r"|exceeded[-_]?transfer[-_]?limit|more[-_]?(pages|items|results|records|data)",
    re.IGNORECASE,
)
LAST = re.compile(r"(is[-_]?)?last([-_]?page)?|end[-_]?of[-_]?stream", re.IGNORECASE)
_LINK = re.compile(r"next|continuation", re.IGNORECASE)
_NO_LINK = re.compile(r"sync|delta|prev", re.IGNORECASE)  # last pages have them, for the next run
NEXT = re.compile(
    r"(@?odata\.)?next([-_]?(page|records|results))?([-_]?(cursor|token|link|url|uri|href|offset|start|marker|key))?"
    r"|(next[-_]?)?continuation[-_]?token|continue|after[-_]?(cursor|url)|last[-_]?evaluated[-_]?key",
    re.IGNORECASE,
)
TOTAL = re.compile(
    r"total([-_]?(count|results?|records?|items|hits|size|elements|entries|features|matches))?"
    r"|num(ber)?[-_]?(matched|found|of[-_]?results)|@?odata\.(total)?count",
    re.IGNORECASE,
)
TOTAL_PAGES = re.compile(r"total[-_]?pages|(num|number[-_]?of)[-_]?pages|page[-_]?count|last[-_]?page", re.I)
_TOTAL_HEADERS = ("X-Total-Count", "X-Total", "X-WP-Total")
_SIMPLE_KEY = re.compile(r"[\w@$:-]{1,60}", re.ASCII)
_NEXT_RELATION = ("rel", "relation")


class Flagged(NamedTuple):
    """The value of the has-more flag (None if the body has none), and how to phrase it in a message."""

    says_more: bool | None
    words: str


class Sign(NamedTuple):
    """A link or a cursor, and its path in the body."""

    path: str
    value: object


class Count(NamedTuple):
    """A number of records or pages, and its path in the body; empty if it is in a header."""

    path: str
    number: int


class _Member(NamedTuple):
    keys: tuple[str, ...]
    value: object


def known_flag(outside: object, *, is_near: bool = False) -> Flagged:
    """Reads flags with names such as has_more or isLast; one that says that there is more counts most.

    Args:
        outside: The decoded body without its records.
        is_near: True for flags that can belong to nothing but the records: none in an object in an object.
    """
    found = Flagged(None, "")
    for keys, value in _members(outside, _NEAR_DEPTH if is_near else _FLAG_DEPTH):
        if not isinstance(value, bool):
            continue
        is_last = LAST.fullmatch(keys[-1])
        if is_last or MORE.fullmatch(keys[-1]):
            found = Flagged(
                value is not bool(is_last), f"the body's {_written(keys)} is {str(value).lower()}"
            )
            if found.says_more:
                break
    return found


def unused_link(outside: object) -> str:
    """The key of a value whose name suggests a link to the next page; empty if there is none."""
    found = _first(outside, _NEAR_DEPTH, lambda key: bool(_LINK.search(key) and not _NO_LINK.search(key)))
    return found.keys[-1][:_MAX_SHOWN_CHARACTERS] if found else ""


def next_in_body(outside: object) -> Sign | None:
    """A link or a cursor to the next page, by its usual name or by its relation; None if there is none."""
    if found := _first(outside, _VALUE_DEPTH, lambda key: bool(NEXT.fullmatch(key))):
        keys, value = found
        inner = _first(value, 1, lambda _: True) if isinstance(value, dict) else None
        return Sign(_written(keys + inner.keys), inner.value) if inner else Sign(_written(keys), value)
    for keys, value in _members(outside, _VALUE_DEPTH):
        for each in value[:_MAX_SHOWN_CHARACTERS] if isinstance(value, list) else ():
            if isinstance(each, dict) and any(each.get(name) == "next" for name in _NEXT_RELATION):
                return Sign(_written(keys), each.get("href") or each.get("url"))
    return None


def next_in_header(headers: Mapping[str, str]) -> bool:
    """True if the ``Link`` header has a link to the next page."""
    return bool(links(headers.get("Link", "")).targets.get("next"))


def known_total(outside: object, headers: Mapping[str, str]) -> Count | None:
    """The number of all records, by its usual name in the body or in a header; None if there is none."""
    for keys, value in _members(outside, _VALUE_DEPTH):
        if TOTAL.fullmatch(keys[-1]):
            # Elasticsearch has an object there.
            value = value.get("value") if isinstance(value, dict) else value
            if number := whole_number(value):
                return Count(_written(keys), number)
    for name in _TOTAL_HEADERS:
        if (value := headers.get(name)) and (number := whole_number(value)):
            return Count("", number)
    return None


def known_pages(outside: object) -> Count | None:
    """The number of all pages, by its usual name; None if there is none."""
    for keys, value in _members(outside, _VALUE_DEPTH):
        if TOTAL_PAGES.fullmatch(keys[-1]) and (number := whole_number(value)):
            return Count(_written(keys), number)
    return None


def _first(outside: object, depth: int, is_named: Callable[[str], bool]) -> _Member | None:
    found = (each for each in _members(outside, depth) if is_named(each.keys[-1]) and leads_on(each.value))
    return next(found, None)


def _members(outside: object, depth: int) -> Iterator[_Member]:
    """Yields the members of an object and of those in it, or of an array's objects; the outer ones first."""
    if isinstance(outside, list):
        outside = {str(index): each for index, each in enumerate(outside[:8]) if isinstance(each, dict)}
        depth += 1
    if not outside:
        return
    waiting: deque[_Member] = deque([_Member((), outside)])
    count = 0
    while waiting:
        keys, holder = waiting.popleft()
        for key, value in holder.items() if isinstance(holder, dict) else ():
            if (count := count + 1) > _MAX_MEMBERS:
                return
            member = _Member((*keys, key), value)
            yield member
            if isinstance(value, dict) and len(member.keys) < depth:
                waiting.append(member)


def leads_on(value: object) -> bool:
    """True if a value may be a link, a cursor or a page number, or an object with one."""
    if isinstance(value, dict):
        return any(value.values())
    return value not in (None, "", "0", 0, False, True) and isinstance(value, str | int)


def _written(keys: tuple[str, ...]) -> str:
    """The path to a value, as settings take it; only the last key if the others may be data."""
    if not all(map(_SIMPLE_KEY.fullmatch, keys[:-1])):
        return keys[-1][:_MAX_SHOWN_CHARACTERS]
    if any("." in key for key in keys):
        return "/" + "/".join(keys)
    return ".".join(keys)[: 4 * _MAX_SHOWN_CHARACTERS]
