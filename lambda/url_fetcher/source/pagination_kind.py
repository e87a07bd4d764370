"""What every kind of pagination is and needs."""

from typing import Annotated, ClassVar, NamedTuple

import msgspec
from msgspec import Meta

from url_fetcher.errors import ConfigurationError
from url_fetcher.source.kinds import Kind


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

    max_pages: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    allow_other_hosts: bool = False
