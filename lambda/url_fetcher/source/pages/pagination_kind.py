"""What every kind of pagination is and needs."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta

from url_fetcher.errors import ConfigurationError
from url_fetcher.http.urls import with_query
from url_fetcher.source.kinds import Kind, Path
from url_fetcher.source.pages.next_page_signs import flag

_BESIDE = ("path", "has_more_path", "is_last_path", "total_path", "total_pages_path")


class Resume(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where to go on, in the one form that the source's pagination uses; an event may carry it back.

    ``window`` is the span of time that was being read, if the source has windows: from and to.
    """

    url: str = ""
    page: int | None = None
    offset: int | None = None
    cursor: str | int | float | list[Any] | dict[str, Any] = ""
    parameters: dict[str, str] = {}
    window: tuple[str, str] | None = None


class Step(NamedTuple):
    """One page's request, and how to come back to it.

    ``members`` are values to set in the body, each at its path.
    """

    url: str
    resume: Resume
    members: Mapping[str, object] = MappingProxyType({})


class Outcome(NamedTuple):
    """What a page that was read to its end said.

    ``header`` is the value of the response header that the pagination asked for, ``last`` is the page's
    last record that the stream can take, empty without one.
    """

    url: str
    header: str
    records: int
    outside: object
    digest: int
    last: bytes = b""


class Flagged(NamedTuple):
    """Whether a flag says that there is more, None when none does; and the words for what it says."""

    says_more: bool | None
    words: str


Into: TypeAlias = Literal["query", "body"]
"""Where a page's number, offset or cursor goes."""


def placed(into: Into, url: str, values: Mapping[str, object], resume: Resume) -> Step:
    """The step to a page that is asked for with these values."""
    if into == "body":
        return Step(url, resume, values)
    return Step(with_query(url, {name: str(value) for name, value in values.items()}), resume)


class PaginationKind(Kind, frozen=True):
    """One kind of pagination."""

    resumed_by: ClassVar[str] = ""
    """The field of ``Resume`` that it goes on by."""

    @property
    def body_paths(self) -> tuple[str, ...]:
        """The paths in the request's body that it sets."""
        return ()

    @property
    def beside(self) -> tuple[str, ...]:
        """Its settings that look at what stands beside the records."""
        return tuple(key for key in _BESIDE if getattr(self, key, ""))

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
            MalformedBody: When what should say where the next page is has the wrong type or is not there
                although there is more, or when nothing beside the records could say it; not retryable.
            AddressRefused: When the next page's URL is none; not retryable.
        """
        return None

    def doubt(self, outcome: Outcome, *, is_full: bool) -> str:
        """Why there may be more pages although ``next`` gave none; empty when nothing speaks for it.

        Args:
            outcome: What the last page said.
            is_full: Whether it had as many records as any page before it; the first page is full.
        """
        return ""

    def _first(self, url: str, resume: Resume) -> Step:
        return Step(resume.url or url, resume)


class NoPagination(PaginationKind, frozen=True, tag="none"):
    """The source is one page."""


class Pages(PaginationKind, frozen=True):
    """What every kind of pagination with more than one page has."""

    has_more_path: Path = ""
    is_last_path: Path = ""
    max_pages: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    allow_other_hosts: bool = False

    def flagged(self, outcome: Outcome) -> Flagged:
        """Whether a flag of the settings says that there is another page."""
        says_more = flag(outcome.outside, self.has_more_path)
        if says_more is not None:
            return Flagged(says_more, f"the body's value at has_more_path is {str(says_more).lower()}")
        is_last = flag(outcome.outside, self.is_last_path)
        if is_last is not None:
            return Flagged(not is_last, f"the body's value at is_last_path is {str(is_last).lower()}")
        return Flagged(None, "")
