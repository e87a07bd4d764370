"""Where the next page is: one class for each kind of pagination, with its settings.

Each is pure: from what a page said to the next request. A new kind is a class here and a member of
``Pagination``.
"""

import re
from typing import Annotated, ClassVar, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta

from url_fetcher.errors import ConfigurationError, MalformedBody
from url_fetcher.http.urls import joined, with_query
from url_fetcher.source.kinds import Key, Kind, Path

_LINK = re.compile(r"<([^<>]*)>((?:[^,\"]|\"(?:[^\"\\]|\\.)*\")*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,]+))", re.IGNORECASE)
_MAX_DIGITS = 18


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
    """What a page that was read to its end said.

    ``header`` is the value of the response header that the pagination asked for.
    """

    url: str
    header: str
    records: int
    outside: object
    digest: int


class PaginationKind(Kind, frozen=True):
    """One kind of pagination."""

    resumed_by: ClassVar[str] = ""
    """The field of ``Resume`` that it goes on by."""

    @property
    def response_header(self) -> str:
        """The response header that it reads; empty for none."""
        return ""

    def first(self, url: str, resume: Resume | None) -> Step:
        """The first page's request, or the one at which to go on.

        Raises:
            ConfigurationError: When the resume is of another kind of pagination; not retryable.
        """
        resume = resume or Resume()
        if strange := set(msgspec.to_builtins(resume)) - {self.resumed_by}:
            raise ConfigurationError(
                f"the event's resume: {', '.join(sorted(strange))} does not fit pagination.kind = "
                f"{self.kind!r}, which goes on by {self.resumed_by or 'nothing'}"
            )
        return self._first(url, resume)

    def next(self, url: str, step: Step, outcome: Outcome) -> Step | None:
        """The next page's request as the page says it, unchecked; None at the end.

        Raises:
            MalformedBody: When what should say where the next page is has the wrong type, or when there
                is nothing beside the records that could; not retryable.
            AddressRefused: When the next page's URL is none; not retryable.
        """
        return None

    def _first(self, url: str, resume: Resume) -> Step:
        return Step(resume.url or url, resume)


class NoPagination(PaginationKind, frozen=True, tag="none"):
    """The source is one page."""


class Pages(PaginationKind, frozen=True):
    """What every kind of pagination with more than one page has."""

    max_pages: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    allow_other_hosts: bool = False


class LinkHeaderPagination(Pages, frozen=True, tag="link_header"):
    """The next page is in the ``Link`` header (RFC 8288); without one the source ends."""

    resumed_by: ClassVar[str] = "url"
    rel: Key = "next"

    @property
    def response_header(self) -> str:
        """Where the links are."""
        return "Link"

    def next(self, url: str, step: Step, outcome: Outcome) -> Step | None:
        """The link's target."""
        return _linked(outcome, _link(outcome.header, self.rel))


class NextUrlPagination(Pages, frozen=True, tag="next_url"):
    """The next page's URL is in the body at ``path``; missing, null or empty ends the source."""

    resumed_by: ClassVar[str] = "url"
    path: Annotated[str, Meta(min_length=1, max_length=512)] = "next"

    def next(self, url: str, step: Step, outcome: Outcome) -> Step | None:
        """The URL that the body has."""
        return _linked(outcome, _text(outcome, self.path))


class _NumberedPages(Pages, frozen=True):
    """What pages that are counted have in common: an empty page ends, or a flag in the body."""

    size_parameter: Annotated[str, Meta(max_length=128)] = ""
    size: Annotated[int, Meta(ge=1, le=1_000_000)] = 100
    stop_on_short_page: bool = False
    has_more_path: Path = ""

    def _is_last(self, outcome: Outcome) -> bool:
        is_short = self.stop_on_short_page and outcome.records < self.size
        return not outcome.records or _says_no(outcome.outside, self.has_more_path) or is_short

    def _numbered(self, url: str, parameter: str, number: int) -> str:
        size = {self.size_parameter: str(self.size)} if self.size_parameter else {}
        return with_query(url, {parameter: str(number)} | size)


class PagePagination(_NumberedPages, frozen=True, tag="page"):
    """Pages are numbered; an empty page, the last by ``total_pages_path`` or ``has_more_path`` ends."""

    resumed_by: ClassVar[str] = "page"
    parameter: Key = "page"
    first_page: Annotated[int, Meta(ge=0, le=2**53)] = msgspec.field(default=1, name="first")
    total_pages_path: Path = ""

    def next(self, url: str, step: Step, outcome: Outcome) -> Step | None:
        """The next number."""
        following = (step.resume.page or 0) + 1
        last = _number(outcome.outside, self.total_pages_path)
        is_over = last is not None and following - self.first_page >= last
        return None if is_over or self._is_last(outcome) else self._page(url, following)

    def _first(self, url: str, resume: Resume) -> Step:
        return self._page(url, self.first_page if resume.page is None else resume.page)

    def _page(self, url: str, number: int) -> Step:
        return Step(self._numbered(url, self.parameter, number), Resume(page=number))


class OffsetPagination(_NumberedPages, frozen=True, tag="offset"):
    """Pages start at a record's number; an empty page, ``total_path`` or ``has_more_path`` ends."""

    resumed_by: ClassVar[str] = "offset"
    parameter: Key = "offset"
    first_offset: Annotated[int, Meta(ge=0, le=2**53)] = msgspec.field(default=0, name="first")
    size_parameter: Annotated[str, Meta(max_length=128)] = "limit"
    total_path: Path = ""

    def next(self, url: str, step: Step, outcome: Outcome) -> Step | None:
        """The next record's number."""
        # By what came, not by what was asked for: a source that caps its page size loses nothing.
        following = (step.resume.offset or 0) + outcome.records
        total = _number(outcome.outside, self.total_path)
        is_over = total is not None and following - self.first_offset >= total
        return None if is_over or self._is_last(outcome) else self._offset(url, following)

    def _first(self, url: str, resume: Resume) -> Step:
        return self._offset(url, self.first_offset if resume.offset is None else resume.offset)

    def _offset(self, url: str, offset: int) -> Step:
        return Step(self._numbered(url, self.parameter, offset), Resume(offset=offset))


class CursorPagination(Pages, frozen=True, tag="cursor"):
    """The next page's cursor is in the body at ``path`` or in ``header``; without one the source ends."""

    resumed_by: ClassVar[str] = "cursor"
    parameter: Key = "cursor"
    path: Path = "next_cursor"
    header: Annotated[str, Meta(max_length=128)] = ""
    has_more_path: Path = ""

    @property
    def response_header(self) -> str:
        """Where the cursor is, if it is in a header."""
        return self.header

    def next(self, url: str, step: Step, outcome: Outcome) -> Step | None:
        """The page behind the cursor."""
        cursor = outcome.header if self.header else _text(outcome, self.path)
        if not cursor or _says_no(outcome.outside, self.has_more_path):
            return None
        return self._after(url, cursor)

    def _first(self, url: str, resume: Resume) -> Step:
        return self._after(url, resume.cursor) if resume.cursor else Step(url, resume)

    def _after(self, url: str, cursor: str) -> Step:
        return Step(with_query(url, {self.parameter: cursor}), Resume(cursor=cursor))


Pagination: TypeAlias = (
    NoPagination
    | LinkHeaderPagination
    | NextUrlPagination
    | PagePagination
    | OffsetPagination
    | CursorPagination
)


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
    if isinstance(value, str) and len(value) <= _MAX_DIGITS and value.isdecimal():
        return int(value)
    return int(value) if isinstance(value, int | float) and abs(value) < 10.0**_MAX_DIGITS else None


def _says_no(outside: object, path: str) -> bool:
    """Whether the body says that there is no more; what it does not say is not a no."""
    return bool(path) and _at(outside, path) in (False, 0, "false")
