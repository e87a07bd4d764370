"""The base of every kind of pagination, and its inputs and results."""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta

from url_fetcher.errors import ConfigurationError
from url_fetcher.http.urls import with_query
from url_fetcher.source.kinds import Kind, Path
from url_fetcher.source.pages.more_signs import (
    Flagged,
    known_flag,
    known_pages,
    known_total,
    next_in_body,
    next_in_header,
)
from url_fetcher.source.pages.next_page_signs import flag
from url_fetcher.source.pages.walk import Walk
from url_fetcher.source.placeholders import Values, filled_url

_MAX_OBJECT_BYTES = 65_536
_MAY_NAME_NEXT = re.compile(rb"([Nn]ext|[Mm]ore|[Tt]runcated|TransferLimit)[^\"\\]{0,20}\"\s*:")
_LATER_PAGE = re.compile(
    r"[?&](p|page([-_]?(no|num|number|index))?|offset|skip|start([-_]?(at|index))?)=0*([2-9]|1[0-9])[0-9]*(&|$)",
    re.IGNORECASE,
)
_URL = re.compile(r"https?://|[/?]", re.IGNORECASE)
_OUTSIDE_SETTINGS = ("path", "has_more_path", "is_last_path", "total_path", "total_pages_path")


class Resume(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A page from which a later run can continue; an event may carry it.

    Only the field that the source's pagination uses is set. ``window`` is the span of time that was being
    read, from and to, if the source has windows. ``parents`` are those of the page whose children were
    read: how many, and their digest.
    """

    url: str = ""
    page: int | None = None
    offset: int | None = None
    cursor: str | int | float | list[Any] | dict[str, Any] = ""
    parameters: dict[str, str] = {}
    window: tuple[str, str] | None = None
    parents: tuple[Annotated[int, Meta(ge=1)], str] | None = None


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
    ``response_header``, ``outside`` the decoded body without its records, and ``last`` the last record that
    is not over a limit, empty if there is none. ``digest`` is that of the records, 0 if it is not known;
    ``headers`` are the answer's.
    """

    url: str
    header: str
    records: int
    outside: object
    digest: int
    last: bytes = b""
    headers: Mapping[str, str] = MappingProxyType({})


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

    def total(self, result: PageResult) -> int | None:
        """Returns the number of all records by this page; None if it does not give one."""
        sign = known_total(result.outside, result.headers)
        return sign.number if sign else None

    def more(self, step: Step, result: PageResult, walk: Walk) -> str:
        """Returns a reason why there are more records behind a page; empty if it does not say so.

        Args:
            step: That of the page.
            result: That of the page.
            walk: The pages so far, with this one.
        """
        return ""

    def doubt(self, step: Step, result: PageResult, walk: Walk, *, is_full: bool) -> str:
        """Returns a reason to suspect more pages although ``next`` returned None; empty if there is none.

        Args:
            step: That of the last page.
            result: That of the last page.
            walk: All pages, with the last one.
            is_full: True if it had as many records as any page before it; the first page counts as full.
        """
        return self.more(step, result, walk)

    def _first(self, url: str, resume: Resume) -> Step:
        return Step(resume.url or url, resume)


class NoPagination(PaginationKind, frozen=True, tag="none"):
    """The source is one page."""

    @property
    def outside_settings(self) -> tuple[str, ...]:
        """As every kind; it has none."""
        return ()

    def more(self, step: Step, result: PageResult, walk: Walk) -> str:
        """As every kind, with the setting that reads the next page."""
        outside = result.outside if result.outside is not None else _single_object(result)
        # Most pages: nothing stands beside the records.
        if outside is None and not walk.is_short and not result.headers.get("Link"):
            return ""
        flagged = known_flag(outside)
        # Who asks for a later page by its number, as in a list of URLs, asks for the others as well.
        if flagged.says_more is False or _LATER_PAGE.search(result.url):
            return ""
        sign, setting = _next_sign(outside, result)
        if not sign and flagged.says_more:
            sign, setting = flagged.words, "a kind with `has_more_path` or `is_last_path`"
        if not sign and walk.is_short:
            sign, setting = walk.missing, 'kind = "page" or "offset"'
        if not sign and (pages := known_pages(outside)) and pages.number > 1:
            sign, setting = f"the body's {pages.path} is {pages.number}", 'kind = "page"'
        return f"{sign}, but `pagination` is not set: set {setting}" if sign else ""


class Pages(PaginationKind, frozen=True):
    """The base of every kind with more than one page."""

    has_more_path: Path = ""
    is_last_path: Path = ""
    max_pages: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    allow_other_hosts: bool = False

    def flagged(self, result: PageResult) -> Flagged:
        """Reads the configured flag, ``has_more_path`` first."""
        if not self.has_more_path and not self.is_last_path:
            return Flagged(None, "")
        says_more = flag(result.outside, self.has_more_path)
        if says_more is not None:
            return Flagged(says_more, f"the body's value at has_more_path is {str(says_more).lower()}")
        is_last = flag(result.outside, self.is_last_path)
        if is_last is not None:
            return Flagged(not is_last, f"the body's value at is_last_path is {str(is_last).lower()}")
        return Flagged(None, "")

    def more(self, step: Step, result: PageResult, walk: Walk) -> str:
        """As every kind: by a flag, or else by a total."""
        flagged = self.any_flag(result)
        # A flag outranks a total, which is often an estimate.
        return "" if flagged.says_more is False else flagged.words or walk.missing

    def any_flag(self, result: PageResult) -> Flagged:
        """Reads the configured flag, or else one with a name such as has_more."""
        flagged = self.flagged(result)
        return known_flag(result.outside) if flagged.says_more is None else flagged


def _single_object(result: PageResult) -> object:
    """The body, if it is one object that became a record and may name a next page; else None."""
    if result.records != 1 or len(result.last) > _MAX_OBJECT_BYTES or not _MAY_NAME_NEXT.search(result.last):
        return None
    try:
        return json.loads(result.last)
    except (ValueError, RecursionError):
        return None


def _next_sign(outside: object, result: PageResult) -> tuple[str, str]:
    """Describes a link or a cursor to the next page, and the setting that follows it; empty without one."""
    if next_in_header(result.headers):
        return "the Link header has a next page", 'kind = "link_header"'
    if not (found := next_in_body(outside)):
        return "", ""
    is_url = isinstance(found.value, str) and _URL.match(found.value)
    kind = "next_url" if is_url else "cursor"
    return f"the body's {found.path} leads to a next page", f'kind = "{kind}" and path = "{found.path}"'
