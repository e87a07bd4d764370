"""Pagination by numbers: of pages, or of the first record on a page."""

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from url_fetcher.source.kinds import OptionalParameter, Parameter, Path
from url_fetcher.source.pages.more_signs import known_pages, next_in_header
from url_fetcher.source.pages.next_page_signs import total
from url_fetcher.source.pages.pagination_kind import Into, PageResult, Pages, Resume, Step, placed
from url_fetcher.source.pages.walk import Walk


class NumberedPages(Pages, frozen=True):
    """The base of both kinds: an empty page ends the source, or a flag in the body does."""

    parameter: Parameter = "page"
    into: Into = "query"
    size_parameter: OptionalParameter = ""
    size: Annotated[int, Meta(ge=1, le=1_000_000)] = 100
    stop_on_short_page: bool = False

    @property
    def body_paths(self) -> tuple[str, ...]:
        """The parameters of number and size, if they are sent in the body."""
        if self.into == "query":
            return ()
        return tuple(filter(None, (self.parameter, self.size_parameter)))

    def doubt(self, step: Step, result: PageResult, walk: Walk, *, is_full: bool) -> str:
        """As every kind; a short page may also name the next one."""
        if more := self.more(step, result, walk):
            return more if result.records else f"the page is empty, but {more}"
        is_short = self.stop_on_short_page and 0 < result.records < self.size
        if is_short and self.any_flag(result).says_more is None and next_in_header(result.headers):
            return "the page is short, but the Link header has a next page; check stop_on_short_page"
        return ""

    def _after(
        self, url: str, result: PageResult, number: int, *, first: int, total_path: str
    ) -> Step | None:
        """The page with a number; None if the page before it was the last one.

        An empty page is always the last. Otherwise a flag outranks a total and a short page, because totals
        are often estimates and some sources cap the page size.
        """
        says_more, _ = self.flagged(result)
        last = total(result.outside, total_path)
        has_all = last is not None and number - first >= last
        is_short = self.stop_on_short_page and result.records < self.size
        is_over = has_all or is_short if says_more is None else not says_more
        return None if is_over or not result.records else self._numbered(url, number)

    def _numbered(self, url: str, number: int) -> Step:
        size = {self.size_parameter: self.size} if self.size_parameter else {}
        place: dict[str, Any] = {self.resumed_by: number}
        return placed(self.into, url, {self.parameter: number} | size, Resume(**place), place)


class PagePagination(NumberedPages, frozen=True, tag="page"):
    """Pages have numbers; an empty page, ``total_pages_path`` or ``has_more_path`` is the end."""

    resumed_by: ClassVar[str] = "page"
    first_page: Annotated[int, Meta(ge=0, le=2**53)] = msgspec.field(default=1, name="first")
    total_pages_path: Path = ""

    def next(self, url: str, step: Step, result: PageResult) -> Step | None:
        """The next number."""
        following = (step.resume.page or 0) + 1
        return self._after(url, result, following, first=self.first_page, total_path=self.total_pages_path)

    def more(self, step: Step, result: PageResult, walk: Walk) -> str:
        """As every kind, also by a number of pages."""
        if (more := super().more(step, result, walk)) or self.any_flag(result).says_more is False:
            return more
        pages = total(result.outside, self.total_pages_path)
        if not self.total_pages_path and (found := known_pages(result.outside)):
            pages = found.number
        number = (step.resume.page or 0) - self.first_page + 1
        # An empty page is no page that was read.
        is_before_last = pages is not None and (number < pages or (number == pages and not result.records))
        return f"this is page {number} of {pages}" if is_before_last else ""

    def _first(self, url: str, resume: Resume) -> Step:
        return self._numbered(url, self.first_page if resume.page is None else resume.page)


class OffsetPagination(NumberedPages, frozen=True, tag="offset"):
    """Pages start at a record's number; an empty page, ``total_path`` or ``has_more_path`` is the end."""

    resumed_by: ClassVar[str] = "offset"
    parameter: Parameter = "offset"
    first_offset: Annotated[int, Meta(ge=0, le=2**53)] = msgspec.field(default=0, name="first")
    size_parameter: OptionalParameter = "limit"
    total_path: Path = ""

    def next(self, url: str, step: Step, result: PageResult) -> Step | None:
        """The next record's number."""
        # Counted by the records received, not by the size requested: a source may cap its page size.
        following = (step.resume.offset or 0) + result.records
        return self._after(url, result, following, first=self.first_offset, total_path=self.total_path)

    def total(self, result: PageResult) -> int | None:
        """The number at ``total_path``, or by its usual name."""
        return total(result.outside, self.total_path) if self.total_path else super().total(result)

    def _first(self, url: str, resume: Resume) -> Step:
        return self._numbered(url, self.first_offset if resume.offset is None else resume.offset)
