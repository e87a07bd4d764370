"""The base of every kind of pagination, and its inputs and results."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta

from url_fetcher.errors import ConfigurationError
from url_fetcher.http.urls import with_query
from url_fetcher.source.kinds import Kind, Path
from url_fetcher.source.pages.next_page_signs import flag
from url_fetcher.source.placeholders import Values, filled_url

_OUTSIDE_SETTINGS = ("path", "has_more_path", "is_last_path", "total_path", "total_pages_path")


class Resume(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A page from which a later run can continue; an event may carry it.

    Only the field that the source's pagination uses is set. ``window`` is the span of time that was being
    read, from and to, if the source has windows.
    """

    url: str = ""
    page: int | None = None
    offset: int | None = None
    cursor: str | int | float | list[Any] | dict[str, Any] = ""
    parameters: dict[str, str] = {}
    window: tuple[str, str] | None = None


class Step(NamedTuple):
    """One page's request, and the resume that leads back to it.

    ``members`` are values to set in the request's body, by path; ``values`` those of its placeholders.
    """

    url: str
    resume: Resume
    members: Mapping[str, object] = MappingProxyType({})
    values: Values = MappingProxyType({})


class PageResult(NamedTuple):
    """The result of a page that was read to its end, by which the next page is found.

    ``url`` is that of the answer, after redirects. ``header`` is the value of the pagination's
    ``response_header``, ``outside`` the decoded body without its records, ``digest`` that of the body, and
    ``last`` the last record that is not over a limit, empty if there is none.
    """

    url: str
    header: str
    records: int
    outside: object
    digest: int
    last: bytes = b""


class Flagged(NamedTuple):
    """The value of the has-more flag (None if the body has none), and how to phrase it in a message."""

    says_more: bool | None
    words: str


Into: TypeAlias = Literal["query", "body"]
"""The part of the request that carries a page's number, offset or cursor."""


def placed(into: Into, url: str, parameters: Mapping[str, object], resume: Resume, values: Values) -> Step:
    """The step to a page whose request has these parameters in its query or body, and these placeholders.

    A parameter without a name is not sent: a placeholder stands in its place.
    """
    url = filled_url(url, values)
    named = {name: value for name, value in parameters.items() if name}
    if into == "body":
        return Step(url, resume, named, values)
    return Step(with_query(url, {name: str(value) for name, value in named.items()}), resume, values=values)


class PaginationKind(Kind, frozen=True):
    """One kind of pagination."""

    resumed_by: ClassVar[str] = ""
    """The field of ``Resume`` that this kind uses; empty if it cannot be resumed."""

    @property
    def body_paths(self) -> tuple[str, ...]:
        """The paths in the request's body that it sets; none by default."""
        return ()

    @property
    def outside_settings(self) -> tuple[str, ...]:
        """Its settings that read values outside the records."""
        return tuple(key for key in _OUTSIDE_SETTINGS if getattr(self, key, ""))

    @property
    def response_header(self) -> str:
        """The response header that it reads; empty if it reads none."""
        return ""

    def first(self, url: str, resume: Resume | None) -> Step:
        """Returns the first page's request, or that of ``resume``.

        Raises:
            ConfigurationError: When the resume is of another kind of pagination; not retryable.
        """
        resume = resume or Resume()
        # A resume of another kind would be ignored, and the whole source read again without notice.
        if strange := set(msgspec.to_builtins(resume)) - {self.resumed_by}:
            raise ConfigurationError(
                f"the event's resume: {', '.join(sorted(strange))} does not fit pagination.kind = "
                f"{self.kind!r}, which goes on by {self.resumed_by or 'nothing'}"
            )
        return self._first(url, resume)

    def next(self, url: str, step: Step, result: PageResult) -> Step | None:
        """Returns the next page's request, which the pager checks; None at the end.

        Raises:
            MalformedBody: When the value that names the next page has the wrong type, or is missing although
                there is more, or when the body has nothing outside its records; not retryable.
            AddressRefused: When the next page's URL is not a URL; not retryable.
        """
        return None

    def doubt(self, result: PageResult, *, is_full: bool) -> str:
        """Returns a reason to suspect more pages although ``next`` returned None; empty if there is none.

        Args:
            result: That of the last page.
            is_full: True if it had as many records as any page before it; the first page counts as full.
        """
        return ""

    def _first(self, url: str, resume: Resume) -> Step:
        return Step(resume.url or url, resume)


class NoPagination(PaginationKind, frozen=True, tag="none"):
    """The source is one page."""


class Pages(PaginationKind, frozen=True):
    """The base of every kind with more than one page."""

    has_more_path: Path = ""
    is_last_path: Path = ""
    max_pages: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    allow_other_hosts: bool = False

    def flagged(self, result: PageResult) -> Flagged:
        """Reads the configured flag, ``has_more_path`` first."""
        says_more = flag(result.outside, self.has_more_path)
        if says_more is not None:
            return Flagged(says_more, f"the body's value at has_more_path is {str(says_more).lower()}")
        is_last = flag(result.outside, self.is_last_path)
        if is_last is not None:
            return Flagged(not is_last, f"the body's value at is_last_path is {str(is_last).lower()}")
        return Flagged(None, "")
