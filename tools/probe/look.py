"""Examines a source: requests it, finds the records and the next page, and proposes settings."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tools.probe.bodies import Page, Shape, cut_page, shape_of
from tools.probe.client import Answer, BoundReached, Client
from tools.probe.ends import Ends, ends_of
from tools.probe.pagination import Candidate, candidates, full_by, is_round, without
from tools.probe.refusal import refusal
from tools.probe.signs import more_after, only_page
from tools.probe.walk import Walk, walk
from url_fetcher.errors import ConfigurationError, SourceRejected
from url_fetcher.intake.decoding import decode_settings
from url_fetcher.source.refusal import sign_of_error
from url_fetcher.source.schema import Source

_GOOD = {200, 201, 203}
_PAGES = 3
_EMPTY = "the second page has no records"


@dataclass
class Look:
    """The findings.

    Attributes:
        settings: The proposed source.
        answer: The first answer.
        first: The first page.
        pages: Every page that the proposed source was seen to read, in order.
        how: Its pagination, in words.
        is_verified: True if a second page has other records.
        checks: Results for settings that are configured, and for the end of the pages.
        is_broken: True if a check failed.
        more: Why the source is known to have more than the block reads; empty if it is not.
        is_sure: False if it may have no more all the same.
        doubts: Notes for the user on uncertain findings.
    """

    settings: dict[str, Any]
    shape: Shape
    answer: Answer
    first: Page
    pages: list[Page] = field(default_factory=list)
    how: str = "one page, as far as can be seen"
    is_verified: bool = False
    checks: list[str] = field(default_factory=list)
    is_broken: bool = False
    more: str = ""
    is_sure: bool = True
    doubts: list[str] = field(default_factory=list)


def look(settings: Mapping[str, Any], client: Client) -> Look:
    """Examines a source with a few requests.

    Args:
        settings: Those of the source; ``record_path`` and ``pagination`` are checked if they are set, and
            searched for if not.
        client: Sends the requests.

    Raises:
        IngestionError: When there is no successful answer, or its body cannot be read.
    """
    given = dict(settings)
    answer = _first_answer(given, client)
    if answer.status not in _GOOD:
        raise SourceRejected(refusal(answer.status, answer.headers), status=answer.status)
    shape = shape_of(answer)
    proposed = _without_paging(given, shape)
    paging = {"pagination": given["pagination"]} if "pagination" in given else {}
    found = Look(proposed, shape, answer, _first_page(answer, proposed | paging, client))
    found.doubts += shape.doubts
    _check_records(found, given)
    if answer.is_cut:
        found.doubts.append(
            "the body is larger than a probe reads: what lies behind the records was not seen"
        )
    try:
        if "pagination" in given and given["pagination"].get("kind") != "none":
            _check_pagination(found, given, client)
        else:
            _find_pagination(found, client)
    except BoundReached as error:
        found.doubts.append(f"pagination: not every possibility was tried: {error}")
    if not found.is_verified and not found.is_broken:
        _check_one_page(found)
    _note_rejected(found)
    return found


def _check_one_page(found: Look) -> None:
    """Notes why there may be more than the one page that the block reads."""
    found.more = found.more or more_after(found.first, len(found.first.records))
    why = only_page(found.first)
    if found.more or why:
        return
    if size := full_by(found.first, _decoded(found.settings)):
        found.is_sure = False
        found.more = (
            f"the first page is as full as was asked for ({size}), and no way to a second one was found"
        )
    elif is_round(found.first):
        count = len(found.first.records)
        found.doubts.append(f"pagination: {count} records may be a full page: more may be behind it")


def _first_answer(settings: Mapping[str, Any], client: Client) -> Answer:
    """The answer to the function's first request, whatever it is.

    Raises:
        IngestionError: When there is none, or its body cannot be decompressed.
        BoundReached: When there is none within the limits.
    """
    error: Exception | None
    try:
        error = walk(_decoded(settings), client, pages=1).error
    except BoundReached as reached:
        error = reached
    answer = client.answer
    if answer is None:
        raise error or SourceRejected("the source was not asked")
    return answer


def _first_page(answer: Answer, settings: Mapping[str, Any], client: Client) -> Page:
    """The first page as the function reads it, from the answer that is there already.

    Raises:
        IngestionError: When it cannot be read, or is an error by the source's conditions.
    """
    if answer.is_cut:
        return cut_page(answer, _decoded(settings))
    read = walk(_decoded(settings), client, pages=1)
    if read.error and not any(page.is_whole for page in read.pages):
        raise read.error
    return read.pages[0]


def _without_paging(given: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """The source with the body's format, and with the place of the records if none is set."""
    settings = {key: value for key, value in given.items() if key != "pagination"}
    if shape.format != "json" and settings.get("format", "auto") == "auto":
        settings["format"] = shape.format
    if shape.csv and "csv" not in settings:
        settings["csv"] = shape.csv
    if shape.record_path and not settings.get("record_path"):
        settings["record_path"] = shape.record_path
    return settings


def _check_records(found: Look, given: Mapping[str, Any]) -> None:
    if not found.settings.get("record_path") and (key := sign_of_error(found.shape.whole)):
        condition = f'[{{ path = "{key}", exists = true }}]'
        found.doubts.append(f"the only record looks like an error: if it is one, set fail_when = {condition}")
    path, count = given.get("record_path"), len(found.first.records)
    if path:
        found.checks.append(f"record_path = {path!r}: {count} records in the first page")
    if not count:
        found.doubts.append("the first page has no record: ask for more, or set record_path")


def _note_rejected(found: Look) -> None:
    """Notes how many of the records that were seen the function could not deliver."""
    pages = found.pages or [found.first]
    reasons = Counter(reason for page in pages for reason in page.rejected)
    seen = sum(len(page.records) + len(page.rejected) for page in pages)
    for reason, count in reasons.most_common(3):
        found.doubts.append(f"dead letters: {count} of {seen} records, each {reason}")


def _check_pagination(found: Look, given: Mapping[str, Any], client: Client) -> None:
    """Checks that the configured pagination leads to a second page, and ends where the source does."""
    found.settings["pagination"] = given["pagination"]
    source = _decoded(found.settings)
    begun = walk(source, client, pages=_PAGES)
    kind = given["pagination"]["kind"]
    if len(begun.pages) < 2:
        found.how = f"{kind}: no second page: {begun.problem or 'the source says that it ends'}"
        found.is_broken = bool(begun.problem)
        if not found.is_broken:
            _note_end(found, begun, ends_of(begun, source, client))
        return
    problem = _problem(begun)
    found.is_verified = not problem
    # Numbered pages end with an empty one, so that is no fault.
    found.is_broken = bool(problem and problem != _EMPTY)
    found.how = f"{kind}, as configured"
    found.checks.append(f"pagination: {problem or 'the second page has other records'}")
    if not begun.problem:
        _note_end(found, begun, ends_of(begun, source, client))


def _find_pagination(found: Look, client: Client) -> None:
    """Tries the candidates until one leads to the next page."""
    for candidate in [] if found.answer.is_cut else candidates(found.first, _decoded(found.settings)):
        begun, candidate = _begun(found, candidate, client)
        if len(begun.pages) < 2 and not begun.problem:
            continue
        problem = _problem(begun) or _other_beginning(begun, found.first)
        problem = problem or _accept(found, candidate, begun, client)
        if not problem:
            return
        found.doubts.append(
            f"pagination is not {_words(candidate.settings)}, though {candidate.why}: {problem}"
        )
    found.doubts.append(f"pagination: {_why_only_page(found.first)}")


def _begun(found: Look, candidate: Candidate, client: Client) -> tuple[Walk, Candidate]:
    """The candidate's first pages, counted from 0 or 1 as the source counts them."""
    begun = _walked(found, candidate, client)
    kind, pages = candidate.settings["kind"], begun.pages
    other: int | None = None
    if kind == "page" and begun.pages and _other_beginning(begun, found.first):
        other = 0 if candidate.settings.get("first", 1) else 1
    repeats = len(pages) > 1 and pages[1].records[:1] == pages[0].records[-1:] != []
    if kind == "offset" and (repeats or not pages):
        other = 1
    if other is None or found.first.records == []:
        return begun, candidate
    corrected = candidate._replace(settings=candidate.settings | {"first": other})
    again = _walked(found, corrected, client)
    is_better = again.pages and not _problem(again) and not _other_beginning(again, found.first)
    return (again, corrected) if is_better else (begun, candidate)


def _walked(found: Look, candidate: Candidate, client: Client) -> Walk:
    """The candidate's first pages."""
    try:
        source = _decoded(_with(found.settings, candidate))
    except ConfigurationError as error:
        # The settings come from the source: a path or a size may be over a limit.
        return Walk(error=error)
    return walk(source, client, pages=_PAGES)


def _problem(begun: Walk) -> str:
    """Why the pages that were read are not the source's; empty if the second one has other records."""
    if len(begun.pages) < 2 or not begun.pages[1].is_whole:
        return f"the second page cannot be read: {begun.problem}"
    first, second = begun.pages[:2]
    if not second.records and not second.is_repeat:
        return _EMPTY
    # A list that changes between two requests repeats some records; a page that repeats most is the same one.
    fresh = [each for each in second.records if each not in set(first.records)]
    if 2 * len(fresh) < len(second.records) or second.is_repeat:
        return "the second page has the same records again"
    # Without records it may be the end.
    return f"a page after the second cannot be read: {begun.problem}" if begun.error else ""


def _other_beginning(begun: Walk, first: Page) -> str:
    """Says that the pages do not begin with the page that the URL leads to; empty if they do."""
    known = set(first.records)
    if begun.pages and first.records and not known & set(begun.pages[0].records):
        return "its first page has other records than the URL"
    return ""


def _why_only_page(page: Page) -> str:
    """The reason why no other page is known, and the setting to try on a longer list."""
    why = only_page(page)
    if not why:
        return "no further page was found"
    words = f"the first page seems to be the only one ({why.words}); a longer list would show how it pages"
    return words + (f': maybe kind = "next_url" with path = "{why.path}"' if why.is_link else "")


def _accept(found: Look, candidate: Candidate, begun: Walk, client: Client) -> str:
    """Tries where a candidate's pages end, and takes it over if they do; returns the problem if not."""
    settings = dict(candidate.settings)
    if settings.get("first") == (1 if settings["kind"] == "page" else 0):
        del settings["first"]
    proposed = _with(found.settings, candidate._replace(settings=settings))
    ends = ends_of(begun, _decoded(proposed), client)
    if ends.wrong:
        return ends.wrong
    found.is_verified = True
    found.settings = proposed
    found.how = f"{_words(settings)}: {candidate.why}; a second request brought other records"
    if settings["kind"] in ("page", "offset"):
        found.doubts.append(
            "pagination: counted pages miss records that move during the walk: ask for a fixed order, oldest "
            "first"
        )
    _note_end(found, begun, ends)
    found.settings |= ends.beside
    if ends.settings:
        found.settings["pagination"] = settings | ends.settings
    return ""


def _note_end(found: Look, begun: Walk, ends: Ends) -> None:
    """Notes where the source's pages end."""
    found.pages = begun.pages
    found.more = ends.more or ends.wrong
    found.doubts += begun.warnings
    if ends.was_seen:
        found.checks += [f"end: {note}" for note in ends.notes]
    else:
        found.doubts += [f"pagination: {note}" for note in ends.notes]


def _with(settings: Mapping[str, Any], candidate: Candidate) -> dict[str, Any]:
    """The settings with a pagination, and without the query parameters that it sets itself."""
    changed = {**settings, "pagination": candidate.settings}
    if "query" in settings:
        changed["query"] = without(settings["query"], candidate.replaced)
    if candidate.headers:
        changed["headers"] = {**settings.get("headers", {}), **candidate.headers}
    return {key: value for key, value in changed.items() if key != "query" or value}


def _words(settings: Mapping[str, Any]) -> str:
    inner = ", ".join(f"{key} = {value!r}" for key, value in settings.items() if key != "kind")
    return f"{settings['kind']} ({inner})" if inner else str(settings["kind"])


def _decoded(settings: Mapping[str, Any]) -> Source:
    return decode_settings(dict(settings), Source, where="the source")


def name_of(url: str) -> str:
    """A source's name from its URL's path."""
    last = urlsplit(url).path.rstrip("/").rpartition("/")[2].partition(".")[0].lower()
    return re.sub(r"[^a-z0-9]+", "-", last).strip("-")[:63] or "source"
