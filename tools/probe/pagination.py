"""Guesses a source's pagination from its first page, the likeliest settings first."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from tools.probe.asked import Parameter, asked_of, cursor_variables, holders, is_table, path_in
from tools.probe.bodies import Page
from tools.probe.signs import (
    Number,
    OutsideValue,
    cursor_headers,
    flags_of,
    link_of,
    outside_values,
    pages_of,
    plain,
    total_of,
)
from url_fetcher.source.schema import Source

_NEXT = re.compile(r"next|after_?url|follow", re.IGNORECASE)
_BACK = re.compile(r"prev|first|last(?!_?(app|id|key|evaluated))|self|before|start_?cursor$", re.IGNORECASE)
_CURSOR = re.compile(
    r"next|cursor|token|continu|^((search|starting)_?)?after$|^offset$|bookmark|scroll|marker|^last_?(app)?_?(id|key)$",
    re.IGNORECASE,
)
_PAGE = {"page", "currentpage", "pagenumber", "pagenum", "pageindex", "pageno", "p"}
_OFFSET = {
    "offset", "start", "skip", "startindex", "startat", "from", "first", "startposition", "resultoffset",
    "retstart", "startrow", "begin", "pageoffset", "firstresult", "sysparmoffset", "currentoffset",
}  # fmt: skip
_SIZE = {
    "limit", "perpage", "pagesize", "size", "rows", "top", "count", "maxresults", "resultsperpage", "rclimit",
    "resultrecordcount", "retmax", "length", "itemsperpage", "take", "hitsperpage", "pagelimit", "maxrecords",
    "sysparmlimit", "numberreturned", "max",
}  # fmt: skip
# The usual name of the offset beside a size.
_BESIDE = {
    "top": "skip", "take": "skip", "rows": "start", "maxresults": "startAt", "retmax": "retstart",
    "resultrecordcount": "resultOffset", "count": "startIndex", "sysparmlimit": "sysparm_offset",
    "maxrecords": "startPosition",
}  # fmt: skip
# Page sizes are round numbers: a page with another number of records is rarely full.
_ROUND = {5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 80, 100, 150, 200, 250, 500, 1_000, 2_000, 5_000, 10_000}
_MAX_PARAMETERS = 3
_MAX_DIGITS = 18


class Candidate(NamedTuple):
    """Settings that may lead to the next page, and the reason to try them.

    ``replaced`` names the parameters of the source's query that the settings replace, and ``headers`` are
    added to the source's own.
    """

    settings: dict[str, Any]
    why: str
    replaced: tuple[str, ...] = ()
    headers: Mapping[str, str] = MappingProxyType({})


def candidates(page: Page, source: Source) -> Iterator[Candidate]:
    """Yields settings that may lead from the first page to the next; the caller tries each."""
    flags, seen = flags_of(page), []
    for candidate in _signs(page, source):
        candidate = candidate._replace(settings=candidate.settings | flags)
        if candidate.settings not in seen:
            seen.append(candidate.settings)
            yield candidate


def full_by(page: Page, source: Source) -> str:
    """Why the page seems to be full: it has the size that was asked for; empty if none was, or it has not."""
    size = _size(asked_of(source), [], page, source)
    return f"{size.path} = {size.value}" if size and int(size.value) == len(page.records) else ""


def is_round(page: Page) -> bool:
    """True if the page has as many records as full pages usually have."""
    return len(page.records) in _ROUND


def _signs(page: Page, source: Source) -> Iterator[Candidate]:
    values = outside_values(page.outside)
    if re.search(r"rel=[\"']?next\b", page.headers.get("Link", "")):
        yield Candidate({"kind": "link_header"}, "the Link header has rel=next")
    for name in cursor_headers(page):
        if plain(name).endswith("after"):
            settings = {"kind": "cursor", "header": name}
            words = f"the header {name} comes and may go back"
            yield Candidate(settings, words, headers={name: "{cursor}"})
        for parameter in _parameters(re.sub(r"^(x-(ms-)?|cb-)?(next-)?", "", name.lower()), source)[:2]:
            settings = {"kind": "cursor", "parameter": parameter, "header": name}
            yield Candidate(settings, f"the header {name} has a value")
    # A link in the body of a POST is one for a GET: behind it is the same page again.
    yield from () if is_table(source) else _next_urls(page, values)
    for each in values:
        if each.name in ("continue", "query-continue") and isinstance(each.value, dict):
            yield Candidate({"kind": "parameters", "path": each.path}, f"the object {each.path}")
    yield from _cursors(source, values)
    yield from _last_records(page, source, values)
    yield from _numbered(page, source, values)


def _next_urls(page: Page, values: list[OutsideValue]) -> Iterator[Candidate]:
    for each in values:
        is_url = isinstance(each.value, str) and re.match(r"https?://|/[^/]|\?", each.value)
        named = each.keys[-2:] if each.name.lower() in ("href", "url") else each.keys[-1:]
        if is_url and any(_NEXT.search(key) for key in named):
            yield Candidate({"kind": "next_url", "path": each.path}, f"a URL is at {each.path}")
    if link := link_of(page):
        yield Candidate({"kind": "next_url", "path": link}, f"a link of {link} has the relation next")


def _cursors(source: Source, values: list[OutsideValue]) -> Iterator[Candidate]:
    for each in values:
        is_text = isinstance(each.value, str) and each.value and "://" not in each.value
        is_number = isinstance(each.value, int) and not isinstance(each.value, bool)
        is_number = is_number and bool(re.search("next|last", each.name))
        if not (is_text or is_number) or not _CURSOR.search(each.name) or _BACK.search(each.name):
            continue
        if isinstance(each.value, str) and each.value.startswith("/"):
            continue
        into = {"into": "body"} if is_table(source) else {}
        for parameter in _parameters(each.name, source):
            settings = {"kind": "cursor", "parameter": parameter, "path": each.path, **into}
            yield Candidate(settings, f"a cursor is at {each.path}")


def _parameters(name: str, source: Source) -> list[str]:
    """Possible names of the parameter for a cursor, by the cursor's name; in a body their paths."""
    bare = re.sub(r"^next[_-]?", "", name, flags=re.IGNORECASE)
    bare = bare[:1].lower() + bare[1:]
    names = [each for each in (bare, name, "cursor") if each]
    asked = asked_of(source)
    given = [one.path for one in asked if one.name in {plain(each) for each in names}]
    if not is_table(source):
        given += [one.path for one in asked if one.name in ("pagecursor", "pageafter", "cursormark")]
        beside = [f"page[{each}]" for each in names if any(one.path.startswith("page[") for one in asked)]
        return list(dict.fromkeys([*given, *beside, *names]))[:_MAX_PARAMETERS]
    variables = [path_in(("variables",), each) for each in cursor_variables(source)]
    # Beside the size of a page is where its cursor goes, too.
    places = dict.fromkeys([*(one.holder for one in asked if one.name in _SIZE), *holders(source)])
    first = ["start_cursor"] if bare == "cursor" else []
    held = [
        path_in(place, each)
        for place in places
        for each in (["cursor", bare] if place else [*first, bare, name, "cursor"])
    ]
    return list(dict.fromkeys([*variables, *given, *held]))[:_MAX_PARAMETERS]


def _last_records(page: Page, source: Source, values: list[OutsideValue]) -> Iterator[Candidate]:
    """Cursors from the last record: its id as at Stripe, or its sort values as in Elasticsearch."""
    last = page.values[-1] if page.records else None
    if not isinstance(last, dict):
        return
    if isinstance(source.body, dict) and "sort" in source.body and isinstance(last.get("sort"), list):
        settings = {"kind": "cursor", "into": "body", "parameter": "search_after", "last_record_path": "sort"}
        yield Candidate(settings, "each record has its sort values")
    has_more = any(plain(each.name) in ("hasmore", "more") and each.value is True for each in values)
    if has_more and isinstance(last.get("id"), str) and not is_table(source):
        settings = {"kind": "cursor", "parameter": "starting_after", "last_record_path": "id"}
        yield Candidate(settings, "there is more, and each record has an id")


class _Numbers(NamedTuple):
    """What a page and its request say about numbered pages.

    Attributes:
        asked: The request's parameters.
        total: The number of records.
        pages: The number of pages.
        page_at: The page's own number.
        offset_at: The number of its first record.
        size: The parameter of the page's size, with its value.
    """

    asked: list[Parameter]
    total: Number | None
    pages: Number | None
    page_at: OutsideValue | None
    offset_at: OutsideValue | None
    size: Parameter | None


def _numbered(page: Page, source: Source, values: list[OutsideValue]) -> Iterator[Candidate]:
    """Page numbers or offsets; without a sign of them, only after a page that seems to be full."""
    asked = asked_of(source)
    numbers = [one for one in values if _is_number(one.value)]
    pages = pages_of(page)
    page_at = next((one for one in numbers if plain(one.name) in _PAGE), None)
    if pages and page_at is None:
        page_at = next((one for one in numbers if plain(one.name) == "number"), None)
    offset_at = next((one for one in numbers if plain(one.name) in _OFFSET), None)
    found = _Numbers(asked, total_of(page), pages, page_at, offset_at, _size(asked, numbers, page, source))
    count = len(page.records)
    is_full = count in _ROUND or (found.size and count >= int(found.size.value))
    is_more = (pages and pages.value > 1) or (found.total and found.total.value > count) or flags_of(page)
    if not (is_full or is_more or page_at or offset_at):
        return
    by_page, by_offset = _by_page(found, source), list(_by_offset(found, source, page))
    names = {one.name for one in asked}
    is_offset = offset_at or names & _OFFSET or any(one.path.startswith("$") for one in asked)
    is_offset = is_offset or "exceededtransferlimit" in {plain(one.name) for one in values}
    is_offset = is_offset or (not pages and not page_at and bool(found.total or "limit" in names))
    yield from (*by_offset, by_page) if is_offset and not names & _PAGE else (by_page, *by_offset)


def _by_page(found: _Numbers, source: Source) -> Candidate:
    given = next((one for one in found.asked if one.name in _PAGE), None)
    name = "page[number]" if _is_bracketed(found) else "page"
    settings, replaced = _placed("page", given, name, found, source)
    if found.pages and found.pages.path:
        settings["total_pages_path"] = found.pages.path
    if (found.page_at and _whole(found.page_at.value) == 0) or (given and given.value == "0"):
        settings["first"] = 0
    words = f"{found.pages.words} has the number of pages" if found.pages else "the page may be full"
    return Candidate(settings, words, replaced)


def _by_offset(found: _Numbers, source: Source, page: Page) -> Iterator[Candidate]:
    given = next((one for one in found.asked if one.name in _OFFSET), None)
    beside = _BESIDE.get(found.size.name, "offset") if found.size else "offset"
    if any(plain(one.name) == "exceededtransferlimit" for one in outside_values(page.outside)):
        beside = "resultOffset"
    prefix = "$" if any(one.path.startswith("$") for one in found.asked) else ""
    own = [found.offset_at.name] if found.offset_at else []
    beside = "page[offset]" if _is_bracketed(found) else f"{prefix}{beside}"
    # CouchDB and others call it otherwise in the answer than in the request.
    others = [] if prefix else ["skip", "start"]
    for name in dict.fromkeys([*own, beside, *others]) if given is None else [""]:
        settings, replaced = _placed("offset", given, name, found, source)
        # Without a known size the source chooses it, and the next offset is counted by the records received.
        settings.setdefault("size_parameter", "")
        if found.offset_at and _whole(found.offset_at.value) == 1 and len(page.records) > 1:
            settings["first"] = 1
        if found.total and found.total.path:
            settings["total_path"] = found.total.path
        words = f"{found.total.words} has a total" if found.total else "the page may be full"
        yield Candidate(settings, words, replaced)


def _is_bracketed(found: _Numbers) -> bool:
    """True if the parameters are written as JSON:API writes them, such as ``page[size]``."""
    return any(one.path.startswith("page[") for one in found.asked)


def _placed(
    kind: str, given: Parameter | None, name: str, found: _Numbers, source: Source
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The settings of a numbered pagination's parameters, and those of the query that they replace."""
    size = found.size
    if given:
        parameter, into = given.path, given.into
    else:
        into = "body" if is_table(source) and not (size and size.into == "query") else "query"
        place = size.holder if size and size.into == "body" else next(iter(holders(source)), ())
        parameter = path_in(place, name) if into == "body" else name
    settings: dict[str, Any] = {"kind": kind, "parameter": parameter}
    if into == "body":
        settings["into"] = "body"
    if size and size.into == into:
        settings |= {"size_parameter": size.path, "size": int(size.value)}
    replaced = (parameter, *((size.path,) if size else ())) if into == "query" else ()
    return settings, replaced


def _size(
    asked: list[Parameter], numbers: list[OutsideValue], page: Page, source: Source
) -> Parameter | None:
    """The parameter of the page size with its value: as it was asked for, or as the body has it."""
    for one in asked:
        if one.name in _SIZE and one.value.isdecimal() and int(one.value):
            return one
    if is_table(source):
        return None
    for each in numbers:
        if plain(each.name) in _SIZE - {"count", "numberreturned"} and _whole(each.value) == len(
            page.records
        ):
            return Parameter(each.name, str(each.value)) if len(page.records) else None
    return None


def _is_number(value: object) -> bool:
    return _whole(value) is not None


def _whole(value: object) -> int | None:
    """The whole number that a value is, also as text; None for any other."""
    if isinstance(value, str) and value.isdecimal() and len(value) < _MAX_DIGITS:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def without(query: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """A query without some of its parameters."""
    return {name: value for name, value in query.items() if name not in names}
