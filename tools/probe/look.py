"""Examines a source: requests it, finds the records and the next page, and proposes settings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from tools.probe.bodies import Page, Shape, page_of, shape_of
from tools.probe.client import BoundReached, Client
from tools.probe.pagination import Candidate, candidates, ends
from tools.probe.refusal import refusal
from url_fetcher.errors import IngestionError, SourceRejected
from url_fetcher.http.addresses import same_host
from url_fetcher.http.urls import from_header
from url_fetcher.intake.decoding import decode_settings
from url_fetcher.paths import value_at
from url_fetcher.source.identity import request_url
from url_fetcher.source.pages.pagination_kind import PageResult, Step
from url_fetcher.source.pages.windows import WindowWalk
from url_fetcher.source.schema import Source

_GOOD = {200, 201, 203}
_EMPTY = "the second page has no records"


@dataclass
class Look:
    """The findings.

    Attributes:
        settings: The proposed source.
        how: Its pagination, in words.
        is_verified: True if a second request brought other records.
        checks: Results for settings that are configured.
        is_broken: True if a check failed.
        doubts: Notes for the user on uncertain findings.
    """

    settings: dict[str, Any]
    shape: Shape
    first: Page
    second: Page | None = None
    how: str = "one page, as far as can be seen"
    is_verified: bool = False
    checks: list[str] = field(default_factory=list)
    is_broken: bool = False
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
    source = decode_settings(given, Source, where="the source")
    answer = client.ask(source, source.placed_pagination.first(_url(source), None))
    if answer.status not in _GOOD:
        raise SourceRejected(refusal(answer.status, answer.headers), status=answer.status)
    shape = shape_of(answer)
    proposed = _without_paging(given, shape)
    found = Look(proposed, shape, page_of(answer, _decoded(proposed)))
    found.doubts += shape.doubts
    if answer.is_cut:
        found.doubts.append(
            "the body is larger than a probe reads: what lies behind the records was not seen"
        )
    _check_records(found, given)
    try:
        if "pagination" in given and given["pagination"].get("kind") != "none":
            _check_pagination(found, given, client)
        else:
            _find_pagination(found, client)
    except BoundReached as error:
        found.doubts.append(f"pagination: not every possibility was tried: {error}")
    return found


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
    path, count = given.get("record_path"), len(found.first.records)
    if path:
        found.checks.append(f"record_path = {path!r}: {count} records in the first page")
    if not count:
        found.doubts.append("the first page has no record: ask for more, or set record_path")


def _check_pagination(found: Look, given: Mapping[str, Any], client: Client) -> None:
    """Checks that the configured pagination leads to a second page."""
    found.settings["pagination"] = given["pagination"]
    candidate = Candidate(given["pagination"], "configured")
    step, words = _step(found, candidate)
    if step is None:
        found.how = (
            f"{given['pagination']['kind']}: no second page: {words or 'the source says that it ends'}"
        )
        found.is_broken = found.is_broken or bool(words)
    else:
        problem = _try(found, candidate, step, client)
        found.is_verified = not problem
        # Numbered pages end with an empty one, so that is no fault.
        found.is_broken = found.is_broken or bool(problem and problem != _EMPTY)
        found.how = f"{given['pagination']['kind']}, as configured"
        found.checks.append(f"pagination: {problem or 'the second page has other records'}")


def _find_pagination(found: Look, client: Client) -> None:
    """Tries the candidates until one leads to the next page."""
    for candidate in candidates(found.first, _decoded(found.settings)):
        step, _ = _step(found, candidate)
        if step is None:
            continue
        problem = _try(found, candidate, step, client)
        if not problem:
            _accept(found, candidate, client)
            return
        found.doubts.append(
            f"pagination is not {_words(candidate.settings)}, though {candidate.why}: {problem}"
        )
    found.doubts.append(f"pagination: {_why_only_page(found.first)}")


def _why_only_page(page: Page) -> str:
    """The reason why no other page is known, and the setting to try on a longer list."""
    why = ends(page)
    if not why:
        return "no further page was found"
    words = f"the first page seems to be the only one ({why.words}); a longer list would show how it pages"
    return words + (f': maybe kind = "next_url" with path = "{why.path}"' if why.is_link else "")


def _step(found: Look, candidate: Candidate) -> tuple[Step | None, str]:
    """The second page's request, made by the function's own code; if there is none, the reason."""
    try:
        source = _decoded(_with(found.settings, candidate))
        pagination = source.placed_pagination
        url = _url(source)
        header = pagination.response_header
        answer = found.first.answer
        result = PageResult(
            url=answer.url,
            header=from_header(answer.headers.get(header, "")) if header else "",
            records=len(found.first.records),
            outside=found.first.outside,
            digest=answer.digest,
            last=found.first.records[-1] if found.first.records else b"",
        )
        step = pagination.next(url, pagination.first(url, None), result)
    except IngestionError as error:
        return None, str(error)
    if step is not None and not same_host(step.url, url):
        return None, "the next page is on another host: see pagination.allow_other_hosts"
    return step, ""


def _try(found: Look, candidate: Candidate, step: Step, client: Client) -> str:
    """Requests the second page; returns an empty text if it has other records, else the problem."""
    source = _decoded(_with(found.settings, candidate))
    try:
        answer = client.ask(source, step)
        if answer.status not in _GOOD:
            return f"the second page is answered with {answer.status}"
        page = page_of(answer, source)
    except IngestionError as error:
        return f"the second page cannot be read: {error}"
    known = set(found.first.records)
    if not page.records:
        return _EMPTY
    # A list that changes between two requests repeats some records; a page that repeats most is the same one.
    fresh = [each for each in page.records if each not in known]
    if 2 * len(fresh) < len(page.records):
        return "the second page has the same records again"
    if _is_other_link(page, candidate):
        return "the second page has another link at that place"
    found.second = page
    return ""


def _is_other_link(page: Page, candidate: Candidate) -> bool:
    """True if a link was found by its place in an array, where the second page has another link."""
    holder, _, name = candidate.settings.get("path", "").rpartition("/")
    return name == "href" and value_at(page.outside, f"{holder}/rel") not in (None, "next")


def _accept(found: Look, candidate: Candidate, client: Client) -> None:
    """Takes over a verified candidate, with the number of its first page or record."""
    second, first = found.second, found.first
    settings = dict(candidate.settings)
    found.is_verified = True
    if settings["kind"] == "offset" and second and second.records[0] == first.records[-1]:
        settings["first"] = 1
    candidate = candidate._replace(settings=settings)
    if settings["kind"] == "page" and "first" not in settings:
        settings |= _first_number(found, candidate, client)
    if settings.get("first") == 1 and settings["kind"] == "page":
        del settings["first"]
    found.settings = _with(found.settings, candidate)
    found.how = f"{_words(settings)}: {candidate.why}; a second request brought other records"
    if settings["kind"] in ("page", "offset"):
        found.doubts.append(
            "pagination: counted pages miss records that move during the walk: ask for a fixed order, oldest "
            "first"
        )


def _first_number(found: Look, candidate: Candidate, client: Client) -> dict[str, int]:
    """Finds whether page numbers begin with 0 or 1, by requesting page 1."""
    source = _decoded(_with(found.settings, candidate))
    try:
        answer = client.ask(source, source.pagination.first(_url(source), None))
        page = page_of(answer, source) if answer.status in _GOOD else None
    except (BoundReached, IngestionError):
        page = None
    if page is None:
        found.doubts.append("pagination.first: 1 is a guess, it was not asked for")
        return {}
    return {} if set(page.records) & set(found.first.records) else {"first": 0}


def _with(settings: Mapping[str, Any], candidate: Candidate) -> dict[str, Any]:
    """The settings with a pagination, and without the query parameters that it sets itself."""
    changed = {**settings, "pagination": candidate.settings}
    query = {key: each for key, each in settings.get("query", {}).items() if key not in candidate.query}
    if "query" in settings:
        changed["query"] = query
    return {key: value for key, value in changed.items() if key != "query" or value}


def _url(source: Source) -> str:
    """The source's URL, for the first window of time if it has windows."""
    walk = WindowWalk(source.windows, request_url(source), datetime.now(UTC))
    walk.begin(None)
    return walk.url


def _words(settings: Mapping[str, Any]) -> str:
    inner = ", ".join(f"{key} = {value!r}" for key, value in settings.items() if key != "kind")
    return f"{settings['kind']} ({inner})" if inner else str(settings["kind"])


def _decoded(settings: Mapping[str, Any]) -> Source:
    return decode_settings(dict(settings), Source, where="the source")


def name_of(url: str) -> str:
    """A source's name from its URL's path."""
    last = urlsplit(url).path.rstrip("/").rpartition("/")[2].partition(".")[0].lower()
    return re.sub(r"[^a-z0-9]+", "-", last).strip("-")[:63] or "source"
