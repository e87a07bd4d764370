"""Where the next page is: one class for each kind of pagination, with its settings.

Each is pure: from what a page said to the next request. A new kind is a class here and a member of
``Pagination``.
"""

import re
from typing import Annotated, ClassVar, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta

from url_fetcher.errors import MalformedBody
from url_fetcher.http.urls import joined, with_query
from url_fetcher.source.beside import find, flag, raised_flag, text, total, unused_link
from url_fetcher.source.kinds import Key, Path
from url_fetcher.source.pagination_kind import NoPagination, Outcome, Pages, Resume, Step

_LINK = re.compile(r"<([^<>]*)>((?:[^,\"]|\"(?:[^\"\\]|\\.)*\")*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,]+))", re.IGNORECASE)


class _Sought(NamedTuple):
    """What stands where the next page should be named.

    ``target`` is a URL or a cursor, empty for none; ``place`` is where it was looked for, as a message
    says it. ``says_end`` tells whether null or an empty text stands there, and ``missing`` is what is not
    there on the way to it.
    """

    target: str
    place: str
    says_end: bool = False
    missing: str = ""


class _FollowedPages(Pages, frozen=True):
    """What pages have in common that name the next one: where none is named, the source ends."""

    def next(self, url: str, step: Step, outcome: Outcome) -> Step | None:
        """The page that is named."""
        says_more = self._says_more(outcome)
        if says_more is False:
            return None
        sought = self._seek(outcome)
        if sought.target:
            return self._follow(url, outcome, sought.target)
        # Where no flag is set, one that is known by its name counts.
        key = raised_flag(outcome.outside) if says_more is None else "value at has_more_path"
        if key:
            raise MalformedBody(
                f"the body's {key} is true, but there is no next page {sought.place}; check that setting",
                offset=0,
            )
        return None

    def doubt(self, outcome: Outcome, *, is_full: bool) -> str:
        """What speaks for a wrong setting where a full page leads nowhere."""
        if not is_full or not outcome.records or self._says_more(outcome) is False:
            return ""
        sought = self._seek(outcome)
        if sought.says_end:
            return ""
        if key := unused_link(outcome.outside):
            return f"there is no next page {sought.place}, but the body has {key!r}; check that setting"
        if sought.missing:
            return f"there is no next page {sought.place}: the body has no {sought.missing!r}"
        return ""

    def _seek(self, outcome: Outcome) -> _Sought:
        raise NotImplementedError

    def _says_more(self, outcome: Outcome) -> bool | None:
        """Whether a flag says that there is more; None when none does."""
        return None

    def _follow(self, url: str, outcome: Outcome, target: str) -> Step:
        """The step to a URL, which may be relative to the page's."""
        following = joined(outcome.url, target)
        return Step(following, Resume(url=following))


class LinkHeaderPagination(_FollowedPages, frozen=True, tag="link_header"):
    """The next page is in the ``Link`` header (RFC 8288); without one the source ends."""

    resumed_by: ClassVar[str] = "url"
    rel: Key = "next"

    @property
    def response_header(self) -> str:
        """Where the links are."""
        return "Link"

    def _seek(self, outcome: Outcome) -> _Sought:
        return _Sought(
            _link(outcome.header, self.rel), f"in the Link header with pagination.rel = {self.rel!r}"
        )


class NextUrlPagination(_FollowedPages, frozen=True, tag="next_url"):
    """The next page's URL is in the body at ``path``; missing, null or empty ends the source."""

    resumed_by: ClassVar[str] = "url"
    path: Annotated[str, Meta(min_length=1, max_length=512)] = "next"

    def _seek(self, outcome: Outcome) -> _Sought:
        return _at_path(outcome, self.path)


class CursorPagination(_FollowedPages, frozen=True, tag="cursor"):
    """The next page's cursor is in the body at ``path`` or in ``header``; without one the source ends."""

    resumed_by: ClassVar[str] = "cursor"
    parameter: Key = "cursor"
    path: Path = "next_cursor"
    header: Annotated[str, Meta(max_length=128)] = ""
    has_more_path: Path = ""

    def __post_init__(self) -> None:
        """Refuse what no range can say; msgspec turns a ValueError into its ValidationError."""
        if not self.path and not self.header:
            raise ValueError("`path` and `header` are both empty: one of them must say where the cursor is")

    @property
    def response_header(self) -> str:
        """Where the cursor is, if it is in a header."""
        return self.header

    def _seek(self, outcome: Outcome) -> _Sought:
        if self.header:
            return _Sought(outcome.header, f"in the header pagination.header = {self.header!r}")
        return _at_path(outcome, self.path)

    def _says_more(self, outcome: Outcome) -> bool | None:
        return flag(outcome.outside, self.has_more_path)

    def _follow(self, url: str, outcome: Outcome, target: str) -> Step:
        """The page behind the cursor."""
        return self._after(url, target)

    def _first(self, url: str, resume: Resume) -> Step:
        return self._after(url, resume.cursor) if resume.cursor else Step(url, resume)

    def _after(self, url: str, cursor: str) -> Step:
        return Step(with_query(url, {self.parameter: cursor}), Resume(cursor=cursor))


class _NumberedPages(Pages, frozen=True):
    """What pages that are counted have in common: an empty page ends, or a flag in the body."""

    size_parameter: Annotated[str, Meta(max_length=128)] = ""
    size: Annotated[int, Meta(ge=1, le=1_000_000)] = 100
    stop_on_short_page: bool = False
    has_more_path: Path = ""

    def doubt(self, outcome: Outcome, *, is_full: bool) -> str:
        """That the last page is empty although a flag says that there is more."""
        if not outcome.records and flag(outcome.outside, self.has_more_path):
            return f"the page is empty, but pagination.has_more_path = {self.has_more_path!r} is true"
        return ""

    def _is_last(self, outcome: Outcome, *, has_all: bool) -> bool:
        """Whether a page is the last: an empty one is, otherwise a flag counts more than a total."""
        says_more = flag(outcome.outside, self.has_more_path)
        is_short = self.stop_on_short_page and outcome.records < self.size
        is_over = has_all or is_short if says_more is None else not says_more
        return is_over or not outcome.records

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
        last = total(outcome.outside, self.total_pages_path)
        has_all = last is not None and following - self.first_page >= last
        return None if self._is_last(outcome, has_all=has_all) else self._page(url, following)

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
        last = total(outcome.outside, self.total_path)
        has_all = last is not None and following - self.first_offset >= last
        return None if self._is_last(outcome, has_all=has_all) else self._offset(url, following)

    def _first(self, url: str, resume: Resume) -> Step:
        return self._offset(url, self.first_offset if resume.offset is None else resume.offset)

    def _offset(self, url: str, offset: int) -> Step:
        return Step(self._numbered(url, self.parameter, offset), Resume(offset=offset))


Pagination: TypeAlias = (
    NoPagination
    | LinkHeaderPagination
    | NextUrlPagination
    | PagePagination
    | OffsetPagination
    | CursorPagination
)


def _link(header: str, rel: str) -> str:
    """The target with that relation in a ``Link`` header (RFC 8288); empty without one."""
    for target, parameters in _LINK.findall(header):
        for quoted, plain in _REL.findall(parameters):
            if rel.lower() in (quoted or plain).lower().split():
                return str(target)
    return ""


def _at_path(outcome: Outcome, path: str) -> _Sought:
    """What stands at ``pagination.path``.

    Raises:
        MalformedBody: When it has the wrong type, or nothing is beside the records; not retryable.
    """
    if outcome.records and outcome.outside is None:
        raise MalformedBody(
            f"pagination.path = {path!r} cannot be found: the body has nothing beside its records; "
            "set record_path to where in an object the records are, or choose another pagination.kind",
            offset=0,
        )
    found = find(outcome.outside, path, setting="pagination.path")
    target = text(found.value, path, setting="pagination.path")
    return _Sought(
        target,
        f"at pagination.path = {path!r}",
        says_end=not found.missing,
        missing=found.missing if found.missing != path else "",
    )
