"""Tries whether a block's pages end where the source does: near its end, and after it."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tools.probe.bodies import Page
from tools.probe.client import BoundReached, Client
from tools.probe.signs import more_after, pages_of, total_of
from tools.probe.walk import Walk, walk
from url_fetcher.errors import IngestionError, MalformedBody
from url_fetcher.http.urls import with_query
from url_fetcher.paths import value_at
from url_fetcher.source.pages.numbered_pages import NumberedPages, OffsetPagination
from url_fetcher.source.pages.pagination_kind import Resume
from url_fetcher.source.refusal import Refusal
from url_fetcher.source.schema import Source
from url_fetcher.source.verdict import Condition

FAR_PAGES = 10_000
_PAGES = 3
_LONGER = "the end was not seen: there are records beyond what a probe can count"
_NOTHING = (400, 404, 410, 416, 422)
_REASONS = ("code", "error.code", "error.status", "error.message", "error", "message", "detail", "msg")
_STOPS = ("has_more_path", "is_last_path", "total_path", "total_pages_path")


@dataclass
class Ends:
    """The findings.

    Attributes:
        was_seen: True if the pages end where the source does.
        more: Why the source is known to have more than the block reads; empty if it is not.
        wrong: Why the block's pages would never end; empty if they are not known to.
        notes: What was tried, in words.
        settings: Changes to the pagination with which its pages end.
        beside: Other keys of the source with which they end.
    """

    was_seen: bool = False
    more: str = ""
    wrong: str = ""
    notes: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, Any] = field(default_factory=dict)


def ends_of(begun: Walk, source: Source, client: Client) -> Ends:
    """Tries the end of a source whose first pages were read.

    Args:
        begun: Its first pages.
        source: The source.
        client: Sends the requests.
    """
    found = Ends()
    try:
        if isinstance(source.pagination, NumberedPages):
            _numbered(found, begun, source, source.pagination, client)
        elif begun.has_ended:
            _judge(found, begun.pages[-1], begun.records, begun.warnings)
        else:
            _followed(found, begun, source, client)
    except BoundReached as error:
        found.notes.append(f"the end was not tried: {error}")
    return found


def _judge(found: Ends, last: Page, read: int, warnings: list[str]) -> None:
    """Notes whether a source that the function takes for ended has more."""
    found.was_seen = True
    whole = total_of(last)
    has_all = whole is not None and read >= whole.value
    found.more = more_after(last, read) or ("" if has_all else next(iter(warnings), ""))


def _followed(found: Ends, begun: Walk, source: Source, client: Client) -> None:
    """Jumps to the last page, if the next one's URL counts records or pages."""
    url, total, size = begun.resume.url, total_of(begun.pages[0]), len(begun.pages[0].records)
    pairs = parse_qsl(urlsplit(url).query)
    # Full pages would have so many records.
    by_record = next((name for name, value in pairs if value == str(size * len(begun.pages))), "")
    by_page = next((name for name, value in pairs if value == str(len(begun.pages) + 1)), "")
    if not total or not (by_record or by_page):
        found.notes.append("the last page was not seen: pages that name the next one are read in turn")
        return
    last = (total.value - 1) // size
    jump = {by_record: str(last * size)} if by_record else {by_page: str(last + 1)}
    ended = walk(source, client, pages=_PAGES, resume=Resume(url=with_query(url, jump)))
    if ended.error or (ended.pages and not ended.pages[0].records):
        found.notes.append(f"the last page could not be tried: {ended.problem or 'it has no records'}")
    elif not ended.has_ended and not ended.pages[-1].records:
        found.wrong = "behind the last page there are empty ones that name a next page without end"
    else:
        found.was_seen = ended.has_ended
        found.notes.append(
            "the last page was asked for, and names no next one" if ended.has_ended else _LONGER
        )


def _numbered(found: Ends, begun: Walk, source: Source, pagination: NumberedPages, client: Client) -> None:
    """Jumps to the last page, if it is known which that is, and asks for the page behind it."""
    first = begun.pages[0]
    if begun.has_ended:
        if begun.pages[-1].records:
            _after(found, begun, source, pagination, client, size=len(first.records))
        # Behind its last page there is nothing, whatever links and flags say.
        found.was_seen = True
        whole = total_of(first)
        if not found.more and whole and whole.value > begun.records:
            found.more = f"{whole.words} is {whole.value:,}, and {begun.records:,} records were read"
        return
    number = _last_number(pagination, first)
    if number is None:
        far = FAR_PAGES * (len(first.records) if isinstance(pagination, OffsetPagination) else 1)
        _far(found, begun, source, client, _at(pagination, far))
        return
    last = _read(found, source, client, _at(pagination, number))
    words = f"{pagination.parameter} = {number:,}"
    if last.problem and not last.pages:
        found.more = f"the last page ({words}) cannot be read: {last.problem}"
    elif not last.pages[0].records:
        found.more = f"{_total_words(first)}, but the last page of them ({words}) has no records"
    elif _same(last.pages[0], first):
        found.more = f"the last page ({words}) has the records of the first one again"
    else:
        found.notes.append(
            f"the last page ({words}) was asked for and has {len(last.pages[0].records)} records"
        )
        _after(found, last, source, pagination, client, size=len(first.records))


def _after(
    found: Ends, last: Walk, source: Source, pagination: NumberedPages, client: Client, *, size: int
) -> None:
    """Looks behind the last page, also if a total or a flag says that there is nothing."""
    page = last.pages[0] if len(last.pages) == 1 else last.pages[-2]
    if last.has_ended and len(last.pages[-1].records):
        page = last.pages[-1]
        following = _following(pagination, last.resume, len(page.records))
        blind = msgspec.structs.replace(pagination, **dict.fromkeys(set(_STOPS) & _fields(pagination), ""))
        behind = walk(msgspec.structs.replace(source, pagination=blind), client, pages=1, resume=following)
        if behind.pages and behind.pages[0].records and not _same(behind.pages[0], page):
            found.more = f"{_stop_words(pagination)}, but the page behind that has other records"
        else:
            found.was_seen = True
            found.notes.append("behind the last page there are no other records")
        return
    if last.problem:
        # The page behind the last one is an error, or repeats it: only a short page can be the end.
        found.notes.append(f"the page behind the last one cannot be read: {last.problem}")
        found.notes.append(
            f"so a page of less than {size} records ends the source; if its last page is full, it fails"
        )
        found.settings = {"stop_on_short_page": True, "size": size}
        return
    if last.pages[-1].records and len(last.pages) > 1:
        found.more = "the page behind the last one has records, too"
        return
    found.was_seen = True
    found.notes.append("the page behind the last one is empty")


def _far(found: Ends, begun: Walk, source: Source, client: Client, resume: Resume) -> None:
    """Asks for a page far behind any end, to see what a source answers there."""
    far = _read(found, source, client, resume)
    if far.problem and not far.pages:
        found.notes.append(f"a page far behind the end cannot be read: {far.problem}")
    elif any(_same(one, page) for one in far.pages for page in begun.pages) or far.problem:
        found.more = "a page far behind the end has known records again, so that the end cannot be told"
    elif far.pages[0].records:
        found.notes.append(_LONGER)
    else:
        found.was_seen = True
        found.notes.append("a page far behind the end is empty, which ends the source")


def _read(found: Ends, source: Source, client: Client, resume: Resume) -> Walk:
    """Reads two pages; an error behind the end becomes the end, if the source can be told by it."""
    pages = walk(source, client, pages=2, resume=resume)
    if pages.error and (beside := _telling(pages.error, source, client)):
        conditions = msgspec.convert(beside.get("empty_when", source.empty_when), list[Condition])
        told = msgspec.structs.replace(source, **{**beside, "empty_when": conditions})
        # The answers are kept: nothing is asked for twice.
        again = walk(told, client, pages=2, resume=resume)
        if not again.problem:
            found.beside = beside
            words = ", ".join(
                f"{key} is set, because behind the end comes: {pages.problem}" for key in beside
            )
            found.notes.append(words)
            return again
    return pages


def _telling(error: IngestionError, source: Source, client: Client) -> dict[str, Any]:
    """The keys of a source by which the last answer, an error, means that there are no records."""
    if isinstance(error, MalformedBody) and source.record_path and not source.records_optional:
        return {"records_optional": True}
    status, answer = error.details.get("status"), client.answer
    if status not in _NOTHING or answer is None or source.empty_when:
        return {}
    body = Refusal(answer.body).value
    for path in _REASONS:
        # A number in the reason may be the page's. The status alone would also hide a source that is gone.
        reason = value_at(body, path)
        if isinstance(reason, str) and reason and not re.search(r"\d", reason):
            return {"empty_when": [{"status": status, "path": path, "equals": reason}]}
    return {}


def _last_number(pagination: NumberedPages, first: Page) -> int | None:
    """The number of the last page, or of its first record; None if nothing tells."""
    total, size = total_of(first), len(first.records)
    if isinstance(pagination, OffsetPagination):
        return pagination.first_offset + (total.value - 1) // size * size if total and size else None
    start: int = getattr(pagination, "first_page", 1)
    if pages := pages_of(first):
        return start + pages.value - 1
    return start + (total.value - 1) // size if total and size else None


def _following(pagination: NumberedPages, resume: Resume, records: int) -> Resume:
    if isinstance(pagination, OffsetPagination):
        return Resume(offset=(resume.offset or 0) + records)
    return Resume(page=(resume.page or 0) + 1)


def _at(pagination: NumberedPages, number: int) -> Resume:
    return Resume(offset=number) if isinstance(pagination, OffsetPagination) else Resume(page=number)


def _fields(pagination: NumberedPages) -> set[str]:
    return set(pagination.__struct_fields__)


def _same(page: Page, other: Page) -> bool:
    """True if most records of a page are on another one."""
    known = set(other.records)
    return bool(page.records) and 2 * sum(each in known for each in page.records) > len(page.records)


def _total_words(page: Page) -> str:
    found = total_of(page) or pages_of(page)
    return f"{found.words} is {found.value:,}" if found else "there is a last page"


def _stop_words(pagination: NumberedPages) -> str:
    given = [f"{name} = {path!r}" for name in _STOPS if (path := getattr(pagination, name, ""))]
    return f"the block ends by {' or '.join(given) or 'a short page'}"
