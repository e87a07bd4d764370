"""Guesses a source's pagination from its first page, the likeliest settings first."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from tools.probe.bodies import Page, written
from url_fetcher.source.schema import Source

_NEXT = re.compile(r"next|after_?url|follow", re.IGNORECASE)
_NEXT_HEADER = re.compile(r"(?:x-)?next-(page|cursor|token|offset)", re.IGNORECASE)
_BACK = re.compile(r"prev|first|last|self|before", re.IGNORECASE)
_CURSOR = re.compile(r"next|cursor|token|continu|^after$|^offset$|^bookmark$|scroll", re.IGNORECASE)
_MORE = re.compile(r"^(has_?more|has_?next(_?page)?|more|more_?results)$", re.IGNORECASE)
_LAST = re.compile(r"^(is_?last(_?page)?|last|done|end_of_stream|complete)$", re.IGNORECASE)
_TOTAL_PAGES = re.compile(r"^(total_?pages|pages|page_?count|last_?page|num_?pages)$", re.IGNORECASE)
_TOTAL = re.compile(r"^(total(_?(results|count|records|items|size))?|number_?matched)$", re.IGNORECASE)
_PAGE = re.compile(r"^(page|current_?page|page_?(number|num|index|no)|p)$", re.IGNORECASE)
_OFFSET = re.compile(r"^\$?(offset|start|skip|start_?(index|at)|from|first)$", re.IGNORECASE)
_SIZE = re.compile(
    r"^\$?(limit|per_?page|page_?size|size|rows|top|count|max_?results|results_?per_?page|rclimit)$",
    re.IGNORECASE,
)
# Page sizes are round numbers: a page with another number of records is rarely full.
_ROUND = {5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 80, 100, 150, 200, 250, 500, 1_000, 2_000, 5_000, 10_000}
_MAX_LEVELS = 6
_MAX_PARAMETERS = 3


class OutsideValue(NamedTuple):
    """A value outside the records."""

    keys: tuple[str, ...]
    path: str
    value: Any

    @property
    def name(self) -> str:
        """Its last key."""
        return self.keys[-1] if self.keys else ""


class Candidate(NamedTuple):
    """Settings that may lead to the next page, and the reason to try them.

    ``query`` names the parameters of the source's query that the settings replace.
    """

    settings: dict[str, Any]
    why: str
    query: tuple[str, ...] = ()


class End(NamedTuple):
    """A sign that there is no other page; ``is_link`` if a link or a cursor would be at its path."""

    path: str
    words: str
    is_link: bool = False


def outside_values(outside: object) -> list[OutsideValue]:
    """Returns every value outside the records, including arrays and objects."""
    return list(_values(outside, (), is_pointer=False))


def candidates(page: Page, source: Source) -> Iterator[Candidate]:
    """Yields settings that may lead from the first page to the next; the caller tries each."""
    values = outside_values(page.outside)
    flags = _flags(values)
    for candidate in _signs(page, source, values):
        yield candidate._replace(settings=candidate.settings | flags)


def ends(page: Page) -> End | None:
    """Returns a sign that the first page is the only one; None if there is none."""
    for each in outside_values(page.outside):
        if (_MORE.match(each.name) and each.value is False) or (
            _LAST.match(each.name) and each.value is True
        ):
            return End(each.path, f"{each.path} is {str(each.value).lower()}")
        if _NEXT.search(each.name) and each.value in (None, ""):
            return End(each.path, f"{each.path} is empty", is_link=True)
        if _TOTAL.match(each.name) and each.value == len(page.records):
            return End(each.path, f"{each.path} is the number of records in the page")
    return None


def _signs(page: Page, source: Source, values: list[OutsideValue]) -> Iterator[Candidate]:
    if re.search(r'rel="?next\b', page.answer.headers.get("Link", "")):
        yield Candidate({"kind": "link_header"}, "the Link header has rel=next")
    for name, value in page.answer.headers.items():
        if value and (found := _NEXT_HEADER.fullmatch(name)):
            settings = {"kind": "cursor", "parameter": found[1].lower(), "header": name}
            yield Candidate(settings, f"the header {name} has a value")
    yield from _next_urls(values)
    for each in values:
        if each.name in ("continue", "query-continue") and isinstance(each.value, dict):
            yield Candidate({"kind": "parameters", "path": each.path}, f"the object {each.path}")
    yield from _cursors(source, values)
    yield from _last_records(page, source, values)
    yield from _numbered(page, source, values)


def _next_urls(values: list[OutsideValue]) -> Iterator[Candidate]:
    for each in values:
        is_url = isinstance(each.value, str) and re.match(r"https?://|/[^/]|\?", each.value)
        named = each.keys[-2:] if each.name.lower() in ("href", "url") else each.keys[-1:]
        if is_url and any(_NEXT.search(key) for key in named):
            yield Candidate({"kind": "next_url", "path": each.path}, f"a URL is at {each.path}")
        if isinstance(each.value, dict) and each.value.get("rel") == "next":
            path = next((one.path for one in values if one.keys == (*each.keys, "href")), "")
            if path:
                yield Candidate({"kind": "next_url", "path": path}, f"a link with rel = next is at {path}")


def _cursors(source: Source, values: list[OutsideValue]) -> Iterator[Candidate]:
    for each in values:
        is_text = isinstance(each.value, str) and each.value and "://" not in each.value
        is_number = isinstance(each.value, int) and not isinstance(each.value, bool) and "next" in each.name
        if not (is_text or is_number) or not _CURSOR.search(each.name) or _BACK.search(each.name):
            continue
        if each.value.__class__ is str and each.value.startswith("/"):
            continue
        into = "body" if isinstance(source.body, dict) and source.method == "POST" else "query"
        for parameter in _parameters(each.name, source, into):
            settings = {"kind": "cursor", "parameter": parameter, "path": each.path}
            if into == "body":
                settings["into"] = "body"
            yield Candidate(settings, f"a cursor is at {each.path}")


def _parameters(name: str, source: Source, into: str) -> list[str]:
    """Possible names of the parameter for a cursor, by the cursor's name."""
    bare = re.sub(r"^next_?", "", name, flags=re.IGNORECASE)
    bare = bare[:1].lower() + bare[1:]
    first = ["start_cursor"] if into == "body" and bare == "cursor" else []
    given = {key for key, _ in parse_qsl(urlsplit(source.url).query)} | set(source.query)
    names = [*first, *(each for each in (bare, name) if each), "cursor"]
    return sorted(dict.fromkeys(names), key=lambda each: each not in given)[:_MAX_PARAMETERS]


def _last_records(page: Page, source: Source, values: list[OutsideValue]) -> Iterator[Candidate]:
    """Cursors from the last record: its id as at Stripe, or its sort values as in Elasticsearch."""
    last = page.values[-1] if page.records else None
    if not isinstance(last, dict):
        return
    if isinstance(source.body, dict) and "sort" in source.body and isinstance(last.get("sort"), list):
        settings = {"kind": "cursor", "into": "body", "parameter": "search_after", "last_record_path": "sort"}
        yield Candidate(settings, "each record has its sort values")
    has_more = any(_MORE.match(each.name) and each.value is True for each in values)
    if has_more and isinstance(last.get("id"), str):
        settings = {"kind": "cursor", "parameter": "starting_after", "last_record_path": "id"}
        yield Candidate(settings, "there is more, and each record has an id")


def _numbered(page: Page, source: Source, values: list[OutsideValue]) -> Iterator[Candidate]:
    """Page numbers or offsets; without a sign of them, only after a page that seems to be full."""
    asked = _asked(source)
    numbers = [one for one in values if isinstance(one.value, int) and not isinstance(one.value, bool)]
    pages = next((one for one in numbers if _TOTAL_PAGES.match(one.name)), None)
    total = next((one for one in numbers if _TOTAL.match(one.name) and one.value >= len(page.records)), None)
    page_at = next((one for one in numbers if _PAGE.match(one.name)), None)
    offset_at = next((one for one in numbers if _OFFSET.match(one.name)), None)
    size = _size(asked, numbers, page)
    is_full = len(page.records) in _ROUND or (size and len(page.records) >= size[1])
    is_more = (pages and pages.value > 1) or (total and total.value > len(page.records))
    if not (is_full or is_more or page_at or offset_at):
        return
    sized = {"size_parameter": size[0], "size": size[1]} if size else {}
    taken = (size[0],) if size else ()
    by_page = _by_page(asked, pages, page_at, sized)
    by_offset = _by_offset(asked, total, offset_at, sized, page)
    by_page, by_offset = (
        one._replace(query=(*taken, one.settings["parameter"])) for one in (by_page, by_offset)
    )
    is_offset = offset_at or any(map(_OFFSET.match, asked)) or any(key.startswith("$") for key in asked)
    is_offset = is_offset or (not pages and not page_at and bool(total or "limit" in asked))
    yield from (by_offset, by_page) if is_offset else (by_page, by_offset)


def _by_page(
    asked: Mapping[str, str],
    pages: OutsideValue | None,
    page_at: OutsideValue | None,
    sized: Mapping[str, Any],
) -> Candidate:
    parameter = next(filter(_PAGE.match, asked), "page")
    settings = {"kind": "page", "parameter": parameter, **sized}
    if pages:
        settings["total_pages_path"] = pages.path
    if page_at and page_at.value == 0:
        settings["first"] = 0
    words = f"{pages.path} has the number of pages" if pages else "the page may be full"
    return Candidate(settings, words)


def _by_offset(
    asked: Mapping[str, str],
    total: OutsideValue | None,
    offset_at: OutsideValue | None,
    sized: Mapping[str, Any],
    page: Page,
) -> Candidate:
    prefix = "$" if any(key.startswith("$") for key in asked) else ""
    named = offset_at.name if offset_at else f"{prefix}offset"
    parameter = next(filter(_OFFSET.match, asked), named)
    # Without a known size the source chooses it, and the next offset is counted by the records received.
    settings = {"kind": "offset", "parameter": parameter, "size_parameter": "", **sized}
    if offset_at and offset_at.value == 1 and len(page.records) > 1:
        settings["first"] = 1
    if total:
        settings["total_path"] = total.path
    return Candidate(settings, f"{total.path} has a total" if total else "the page may be full")


def _size(asked: Mapping[str, str], numbers: list[OutsideValue], page: Page) -> tuple[str, int] | None:
    """The parameter of the page size and its value: from the query, or from the body."""
    for name, value in asked.items():
        if _SIZE.match(name) and value.isdecimal() and int(value):
            return name, int(value)
    for each in numbers:
        if _SIZE.match(each.name) and each.value == len(page.records) and each.name.lower() != "count":
            return each.name, each.value
    return None


def _asked(source: Source) -> dict[str, str]:
    given = dict(parse_qsl(urlsplit(source.url).query, keep_blank_values=True))
    return given | {name: str(value) for name, value in source.query.items()}


def _flags(values: list[OutsideValue]) -> dict[str, str]:
    """Settings for a has-more flag, if the body has one with the value of a first page."""
    for each in values:
        if _MORE.match(each.name) and each.value is True:
            return {"has_more_path": each.path}
        if _LAST.match(each.name) and each.value is False:
            return {"is_last_path": each.path}
    return {}


def _values(value: object, keys: tuple[str, ...], *, is_pointer: bool) -> Iterator[OutsideValue]:
    if keys:
        yield OutsideValue(keys, written(keys, is_pointer=is_pointer), value)
    if len(keys) >= _MAX_LEVELS:
        return
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _values(each, (*keys, key), is_pointer=is_pointer)
    elif isinstance(value, list):
        for index, each in enumerate(value[:20]):
            yield from _values(each, (*keys, str(index)), is_pointer=True)
