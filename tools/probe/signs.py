"""Signs of further pages outside the records: totals, flags, cursors and links, in bodies and headers."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tools.probe.bodies import Page, written
from url_fetcher.http.urls import from_header
from url_fetcher.source.pages import more_signs
from url_fetcher.source.pages.next_page_signs import total

_MAX_LEVELS = 6

# Names beside those that the function knows: a person reads what a probe guesses. As ``plain`` gives them.
_MORE = {"more", "havemoreresults", "moreitemsincollection", "moreavailable", "truncated"}
_LAST = {"done", "endofrecords", "complete", "finished"}
_PAGES = {"totalpage", "pages", "nbpages", "maxpage", "xtotalpages", "xwptotalpages", "xpagecount"}
_TOTAL = {
    "totalrows", "totalfound", "nbhits", "recordcount", "resultcount", "hitcount", "recordstotal",
    "recordsfiltered", "odatacount", "opensearchtotalresults", "found", "count", "xtotalcount", "xtotal",
    "xwptotal", "xresultcount", "xpaginationtotalcount", "cmrhits",
}  # fmt: skip
_NEXT = re.compile(r"next|after_?url|follow", re.IGNORECASE)
# As a plain name; others with "next" in them may be dates or data.
_NEXT_PAGE = re.compile(
    r"(odata|hydra)?next(page|cursor|token|link|url|uri|href|offset|start|marker|key|records?|results?)*"
    r"|skiptoken"
)


class OutsideValue(NamedTuple):
    """A value outside the records."""

    keys: tuple[str, ...]
    path: str
    value: Any

    @property
    def name(self) -> str:
        """Its last key."""
        return self.keys[-1] if self.keys else ""


class Number(NamedTuple):
    """A number that a page gives.

    Attributes:
        value: The number.
        words: Where it is.
        path: Its path in the body; empty if it is in a header.
    """

    value: int
    words: str
    path: str = ""


class End(NamedTuple):
    """A sign that there is no other page; ``is_link`` if a link or a cursor would be at its path."""

    path: str
    words: str
    is_link: bool = False


def plain(name: str) -> str:
    """A name in lower case without separators, so that ``total_count`` and ``totalCount`` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def outside_values(outside: object) -> list[OutsideValue]:
    """Returns every value outside the records, including arrays and objects."""
    return list(_values(outside, (), is_pointer=False))


def total_of(page: Page) -> Number | None:
    """The number of records of the whole source, if the page gives one that is not too small."""
    at_least = len(page.records)
    found = _number(page, _is_total, _is_total_name, at_least)
    if found is None and (number := more_signs.ranged_total(page.headers)):
        found = Number(number, "the header Content-Range")
    return found if found and found.value >= at_least else None


def pages_of(page: Page) -> Number | None:
    """The number of pages of the whole source, if the page gives it."""
    return _number(page, lambda each: _is_pages(each.name), _is_pages)


def flags_of(page: Page) -> dict[str, str]:
    """Settings for a has-more flag, if the body has one that says that there is more."""
    for each in outside_values(page.outside):
        if _is_more(each.name) and each.value is True:
            return {"has_more_path": each.path}
        if _is_last(each.name) and each.value is False:
            return {"is_last_path": each.path}
    return {}


def link_of(page: Page) -> str:
    """The path of an array of links of which one has the relation ``next``; empty if there is none."""
    for each in outside_values(page.outside):
        links = each.value if isinstance(each.value, list) else ()
        if any(isinstance(one, dict) and "next" in (one.get("rel"), one.get("relation")) for one in links):
            return each.path
    return ""


def only_page(page: Page) -> End | None:
    """Returns a sign that the first page is the only one; None if there is none."""
    for each in outside_values(page.outside):
        if (_is_more(each.name) and each.value is False) or (_is_last(each.name) and each.value is True):
            return End(each.path, f"{each.path} is {str(each.value).lower()}")
        if _NEXT.search(each.name) and each.value in (None, ""):
            return End(each.path, f"{each.path} is empty", is_link=True)
        if _is_total(each) and each.value == len(page.records):
            return End(each.path, f"{each.path} is the number of records in the page")
    return None


def more_after(page: Page, read: int) -> str:
    """The reason to know that there is more after the last page; empty if there is no such sign.

    Args:
        page: The last page that the block reads.
        read: The number of records on it and on the pages before it.
    """
    if (whole := total_of(page)) and whole.value > read:
        return f"{whole.words} is {whole.value:,}"
    for each in outside_values(page.outside):
        if (_is_more(each.name) and each.value is True) or (_is_last(each.name) and each.value is False):
            return f"{each.path} is {str(each.value).lower()}"
        is_next = more_signs.NEXT.fullmatch(each.name) or _NEXT_PAGE.fullmatch(plain(each.name))
        if page.records and is_next and more_signs.leads_on(each.value):
            return f"{each.path} names a next page"
    if link_of(page):
        return "a link of the body has the relation next"
    if more_signs.next_in_header(page.headers):
        return "the Link header has rel=next"
    if name := next(cursor_headers(page), ""):
        return f"the header {name} has a value"
    return ""


def cursor_headers(page: Page) -> Iterator[str]:
    """The names of headers that seem to carry a cursor for the next page."""
    ends = (
        "nextpage",
        "nextcursor",
        "nexttoken",
        "nextoffset",
        "searchafter",
        "cbafter",
        "continuationtoken",
    )
    for name, value in page.headers.items():
        if value and plain(name).endswith(ends):
            yield name


def header(page: Page, name: str) -> str:
    """A header's value as the function reads it."""
    return from_header(page.headers.get(name, ""))


def _number(
    page: Page, is_meant: Callable[[OutsideValue], bool], is_header: Callable[[str], bool], at_least: int = 1
) -> Number | None:
    # A count may be that of the page, so it is the last to be believed.
    ordered = sorted(
        outside_values(page.outside), key=lambda one: (plain(one.name) == "count", len(one.keys))
    )
    for each in filter(is_meant, ordered):
        value = total({"": each.value}, "/")
        if value and value >= at_least + (plain(each.name) == "count"):
            return Number(value, each.path, each.path)
    for name, text in page.headers.items():
        if is_header(name) and (value := total({"": text}, "/")):
            return Number(value, f"the header {name}")
    return None


def _is_more(name: str) -> bool:
    return plain(name) in _MORE or more_signs.MORE.fullmatch(name) is not None


def _is_last(name: str) -> bool:
    return plain(name) in _LAST or more_signs.LAST.fullmatch(name) is not None


def _is_pages(name: str) -> bool:
    return plain(name) in _PAGES or more_signs.TOTAL_PAGES.fullmatch(name) is not None


def _is_total_name(name: str) -> bool:
    return plain(name) in _TOTAL or more_signs.TOTAL.fullmatch(name) is not None


def _is_total(each: OutsideValue) -> bool:
    return _is_total_name(each.name) or [plain(key) for key in each.keys][-2:] == ["total", "value"]


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
