"""Where the next page is: one pure step from what a page said to the next request."""

import re
from typing import NamedTuple

import msgspec

from url_fetcher.errors import (
    ConfigurationError,
    MalformedBody,
)
from url_fetcher.http.urls import joined, with_query
from url_fetcher.source.schema import (
    CursorPagination,
    LinkHeaderPagination,
    NextUrlPagination,
    NoPagination,
    OffsetPagination,
    PagePagination,
    Pagination,
)

_LINK = re.compile(r"<([^<>]*)>((?:[^,\"]|\"(?:[^\"\\]|\\.)*\")*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,]+))", re.IGNORECASE)
_MOST_DIGITS = 18


class Resume(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where to go on, in the one form that the source's pagination uses; an event may carry it back."""

    url: str = ""
    page: int | None = None
    offset: int | None = None
    cursor: str = ""


class Step(NamedTuple):
    """One page's request, and how to come back to it."""

    url: str
    resume: Resume


class Outcome(NamedTuple):
    """What a page that was read to its end said."""

    url: str
    link_header: str
    cursor_header: str
    records: int
    outside: object
    digest: int


_RESUMED_BY: dict[type, str] = {
    NoPagination: "",
    LinkHeaderPagination: "url",
    NextUrlPagination: "url",
    PagePagination: "page",
    OffsetPagination: "offset",
    CursorPagination: "cursor",
}


def first_step(pagination: Pagination, url: str, resume: Resume | None) -> Step:
    """The first page's request, or the one at which to go on.

    Raises:
        ConfigurationError: When the resume is of another kind of pagination; not retryable.
    """
    resume = resume or Resume()
    allowed = _RESUMED_BY[type(pagination)]
    if strange := set(msgspec.to_builtins(resume)) - {allowed}:
        raise ConfigurationError(
            f"the event's resume: {', '.join(sorted(strange))} does not fit pagination.kind = "
            f"{pagination.__struct_config__.tag!r}, which goes on by {allowed or 'nothing'}"
        )
    if isinstance(pagination, PagePagination):
        return _page(pagination, url, pagination.first if resume.page is None else resume.page)
    if isinstance(pagination, OffsetPagination):
        return _offset(pagination, url, pagination.first if resume.offset is None else resume.offset)
    if isinstance(pagination, CursorPagination) and resume.cursor:
        return _cursor(pagination, url, resume.cursor)
    return Step(resume.url or url, resume)


def next_step(pagination: Pagination, url: str, step: Step, outcome: Outcome) -> Step | None:
    """The next page's request as the page says it, unchecked; None at the end.

    Raises:
        MalformedBody: When what should say where the next page is has the wrong type, or when there
            is nothing beside the records that could; not retryable.
        AddressRefused: When the next page's URL is none; not retryable.
    """
    if isinstance(pagination, LinkHeaderPagination):
        return _linked(outcome, _link(outcome.link_header, pagination.rel))
    if isinstance(pagination, NextUrlPagination):
        return _linked(outcome, _text(outcome, pagination.path))
    if isinstance(pagination, CursorPagination):
        cursor = outcome.cursor_header if pagination.header else _text(outcome, pagination.path)
        if not cursor or _says_no(outcome.outside, pagination.has_more_path):
            return None
        return _cursor(pagination, url, cursor)
    if isinstance(pagination, NoPagination) or not outcome.records:
        return None
    if _says_no(outcome.outside, pagination.has_more_path):
        return None
    if pagination.stop_on_short_page and outcome.records < pagination.size:
        return None
    if isinstance(pagination, PagePagination):
        following_page = (step.resume.page or 0) + 1
        last = _number(outcome.outside, pagination.total_pages_path)
        is_over = last is not None and following_page - pagination.first >= last
        return None if is_over else _page(pagination, url, following_page)
    # By what came, not by what was asked for: a source that caps its page size loses nothing.
    following_offset = (step.resume.offset or 0) + outcome.records
    total = _number(outcome.outside, pagination.total_path)
    is_over = total is not None and following_offset - pagination.first >= total
    return None if is_over else _offset(pagination, url, following_offset)


def _page(pagination: PagePagination, url: str, number: int) -> Step:
    size = {pagination.size_parameter: str(pagination.size)} if pagination.size_parameter else {}
    return Step(with_query(url, {pagination.parameter: str(number)} | size), Resume(page=number))


def _offset(pagination: OffsetPagination, url: str, offset: int) -> Step:
    size = {pagination.size_parameter: str(pagination.size)} if pagination.size_parameter else {}
    return Step(with_query(url, {pagination.parameter: str(offset)} | size), Resume(offset=offset))


def _cursor(pagination: CursorPagination, url: str, cursor: str) -> Step:
    return Step(with_query(url, {pagination.parameter: cursor}), Resume(cursor=cursor))


def _linked(outcome: Outcome, target: str) -> Step | None:
    """The step to a URL, which may be relative to the page's."""
    if not target:
        return None
    url = joined(outcome.url, target)
    return Step(url, Resume(url=url))


def _link(header: str, rel: str) -> str:
    """The target with that relation in a ``Link`` header (RFC 8288); empty without one."""
    for target, parameters in _LINK.findall(header):
        for quoted, plain in _REL.findall(parameters):
            if rel.lower() in (quoted or plain).lower().split():
                return str(target)
    return ""


def _at(outside: object, path: str) -> object:
    """What stands at a dotted path outside the records; None when it is not there."""
    for key in path.split("."):
        outside = outside.get(key) if isinstance(outside, dict) else None
    return outside


def _text(outcome: Outcome, path: str) -> str:
    """A URL or a cursor; numbers are cursors, too."""
    if outcome.records and outcome.outside is None:
        raise MalformedBody(
            f"pagination.path = {path!r} cannot be found: the body has nothing beside its records; "
            "set record_path to where in an object the records are, or choose another pagination.kind",
            offset=0,
        )
    value = _at(outcome.outside, path)
    if value is None or value is False:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise MalformedBody(
            f"pagination.path = {path!r} is {type(value).__name__}, not text or a number", offset=0
        )
    return str(value)


def _number(outside: object, path: str) -> int | None:
    """A total, as a number or as text; what is neither says nothing."""
    value = _at(outside, path) if path else None
    if isinstance(value, str) and len(value) <= _MOST_DIGITS and value.isdecimal():
        return int(value)
    return int(value) if isinstance(value, int | float) and abs(value) < 10.0**_MOST_DIGITS else None


def _says_no(outside: object, path: str) -> bool:
    """Whether the body says that there is no more; what it does not say is not a no."""
    return bool(path) and _at(outside, path) in (False, 0, "false")
