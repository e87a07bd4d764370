"""Pages that are counted: by their number, or by their first record's."""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from url_fetcher.source.kinds import OptionalParameter, Parameter, Path
from url_fetcher.source.pages.next_page_signs import total
from url_fetcher.source.pages.pagination_kind import Into, Outcome, Pages, Resume, Step, placed


class NumberedPages(Pages, frozen=True):
    """What pages that are counted have in common: an empty page ends, or a flag in the body."""

    parameter: Parameter = "page"
    into: Into = "query"
    size_parameter: OptionalParameter = ""
    size: Annotated[int, Meta(ge=1, le=1_000_000)] = 100
    stop_on_short_page: bool = False

    @property
    def body_paths(self) -> tuple[str, ...]:
        """The parameter and the size, if they go into the body."""
        if self.into == "query":
            return ()
        return (self.parameter, self.size_parameter) if self.size_parameter else (self.parameter,)

    def doubt(self, outcome: Outcome, *, is_full: bool) -> str:
        """That the last page is empty although a flag says that there is more."""
        says_more, words = self.flagged(outcome)
        return f"the page is empty, but {words}" if says_more and not outcome.records else ""

    def _is_last(self, outcome: Outcome, *, has_all: bool) -> bool:
        """Whether a page is the last: an empty one is, otherwise a flag counts more than a total."""
        says_more, _ = self.flagged(outcome)
        is_short = self.stop_on_short_page and outcome.records < self.size
        is_over = has_all or is_short if says_more is None else not says_more
        return is_over or not outcome.records

    def _numbered(self, url: str, number: int, resume: Resume) -> Step:
        size = {self.size_parameter: self.size} if self.size_parameter else {}
        return placed(self.into, url, {self.parameter: number} | size, resume)


class PagePagination(NumberedPages, frozen=True, tag="page"):
    """Pages are numbered; an empty page, the last by ``total_pages_path`` or ``has_more_path`` ends."""

    resumed_by: ClassVar[str] = "page"
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
        return self._numbered(url, number, Resume(page=number))


class OffsetPagination(NumberedPages, frozen=True, tag="offset"):
    """Pages start at a record's number; an empty page, ``total_path`` or ``has_more_path`` ends."""

    resumed_by: ClassVar[str] = "offset"
    parameter: Parameter = "offset"
    first_offset: Annotated[int, Meta(ge=0, le=2**53)] = msgspec.field(default=0, name="first")
    size_parameter: OptionalParameter = "limit"
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
        return self._numbered(url, offset, Resume(offset=offset))
