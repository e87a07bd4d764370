"""Pagination where each page names the next one: by a link, a URL, or several parameters."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, NamedTuple

from msgspec import Meta

from url_fetcher.errors import MalformedBody
from url_fetcher.http.urls import joined, with_query, with_scheme_of
from url_fetcher.paths import described
from url_fetcher.source.kinds import Key, NonEmptyPath
from url_fetcher.source.pages.links import links
from url_fetcher.source.pages.more_signs import known_flag, next_in_header, unused_link
from url_fetcher.source.pages.next_page_signs import find, text
from url_fetcher.source.pages.pagination_kind import PageResult, Pages, Resume, Step
from url_fetcher.source.pages.walk import Walk


class Sought(NamedTuple):
    """The result of looking for the next page.

    ``target`` is a URL, a cursor or an object of parameters; None if there is none. ``place`` describes where
    it was looked for. ``says_end`` is True if null or an empty value is there, which is a clear end.
    ``missing`` describes a key that is missing on the way to that place, which may be a wrong setting.
    """

    target: object
    place: str
    says_end: bool = False
    missing: str = ""


class FollowedPages(Pages, frozen=True):
    """The base of kinds where each page names the next one; the source ends at a page that names none."""

    max_empty_pages: Annotated[int, Meta(ge=1, le=1_000_000)] = 20

    @property
    def names_next(self) -> bool:
        """True if the source itself names the next page, so that there must be an answer."""
        return True

    def next(self, url: str, step: Step, result: PageResult) -> Step | None:
        """The page that this one names."""
        says_more, words = self.flagged(result)
        if says_more is False:
            return None
        sought = self._seek(result)
        if sought.target is not None:
            return self._follow(url, result, sought.target)
        # Without a configured flag, a well-known one such as has_more guards against an end that is none.
        if says_more is None and (found := known_flag(result.outside, is_near=True)).says_more:
            words = found.words
        # Ending here silently would lose the rest of the source.
        if words:
            raise MalformedBody(f"{words}, but there is no next page {sought.place}; check that setting")
        return None

    def doubt(self, step: Step, result: PageResult, walk: Walk, *, is_full: bool) -> str:
        """As every kind; a full page that names no next page may also have it at another place."""
        if more := self.more(step, result, walk):
            return more
        # A short page is what a last page looks like, so only a full one raises doubts.
        if not is_full or not result.records or self.flagged(result).says_more is False:
            return ""
        sought = self._seek(result)
        if sought.says_end:
            return ""
        if key := unused_link(result.outside):
            return f"there is no next page {sought.place}, but the body has {key!r}; check that setting"
        if sought.missing:
            return f"there is no next page {sought.place}: the body has no {sought.missing}"
        if self.response_header != "Link" and next_in_header(result.headers):
            return f"there is no next page {sought.place}, but the Link header has one; check that setting"
        return ""

    def _seek(self, result: PageResult) -> Sought:
        raise NotImplementedError

    def _follow(self, url: str, result: PageResult, target: object) -> Step:
        """The step to a URL, which may be relative to that of the page."""
        following = with_scheme_of(result.url, joined(result.url, str(target)))
        return Step(following, Resume(url=following))


class LinkHeaderPagination(FollowedPages, frozen=True, tag="link_header"):
    """The next page is in the ``Link`` header (RFC 8288); without one the source ends."""

    resumed_by: ClassVar[str] = "url"
    rel: Key = "next"

    @property
    def response_header(self) -> str:
        """The header with the links."""
        return "Link"

    def doubt(self, step: Step, result: PageResult, walk: Walk, *, is_full: bool) -> str:
        """As every kind; also if a part of the header cannot be read."""
        if not links(result.header).is_whole and self.flagged(result).says_more is not False:
            return "a part of the Link header cannot be read, and the rest has no next page"
        return super().doubt(step, result, walk, is_full=is_full)

    def _seek(self, result: PageResult) -> Sought:
        target = links(result.header).targets.get(self.rel.lower())
        return Sought(target or None, f"in the Link header with pagination.rel = {self.rel!r}")


class NextUrlPagination(FollowedPages, frozen=True, tag="next_url"):
    """The next page's URL is in the body at ``path``, or is the next one among the links there."""

    resumed_by: ClassVar[str] = "url"
    path: NonEmptyPath = "next"

    def _seek(self, result: PageResult) -> Sought:
        return sought_at_path(result, self.path, self._url)

    def _url(self, value: object) -> str | None:
        if isinstance(value, list) and all(isinstance(each, dict) for each in value):
            value = next((url for link in value for url in _urls(link, "next")), None)
        return text(value, self.path, setting="pagination.path") or None


class ParametersPagination(FollowedPages, frozen=True, tag="parameters"):
    """The body has an object at ``path`` whose members are the next request's query parameters."""

    resumed_by: ClassVar[str] = "parameters"
    path: NonEmptyPath = "continue"

    def _seek(self, result: PageResult) -> Sought:
        return sought_at_path(result, self.path, self._parameters)

    def _parameters(self, found: object) -> dict[str, str] | None:
        setting = "pagination.path"
        if found in (None, False, "", [], {}):
            return None
        if not isinstance(found, dict):
            raise MalformedBody(f"{setting} = {self.path!r} is {described(found)}, not an object")
        # Booleans are sent as JSON writes them: Python's True would be another value.
        given = {
            name: text(str(value).lower() if isinstance(value, bool) else value, name, setting=setting)
            for name, value in found.items()
            if value is not None
        }
        return given or None

    def _follow(self, url: str, result: PageResult, target: Any) -> Step:
        """The source's own request with these parameters set."""
        return self._with(url, target)

    def _first(self, url: str, resume: Resume) -> Step:
        return self._with(url, resume.parameters)

    def _with(self, url: str, parameters: Mapping[str, str]) -> Step:
        return Step(with_query(url, parameters), Resume(parameters=dict(parameters)))


def _urls(link: Mapping[str, object], rel: str) -> Iterator[object]:
    """Yields the URL of a link with this relation, by the names of OGC and STAC, and by those of FHIR."""
    for relation, url in (("rel", "href"), ("relation", "url")):
        given = link.get(relation)
        if url in link and rel in (given if isinstance(given, list) else str(given).lower().split()):
            yield link[url]


def sought_at_path(result: PageResult, path: str, read: Callable[[object], object]) -> Sought:
    """Looks for the next page at ``pagination.path``.

    Args:
        result: That of the page.
        path: The setting.
        read: Returns the target for the value there; None if the value names no page.

    Raises:
        MalformedBody: When the path leads through a value that is no object, or the body has nothing outside
            its records; not retryable.
    """
    if result.records and result.outside is None:
        raise MalformedBody(
            f"pagination.path = {path!r} cannot be found: the body has nothing outside its records; "
            "set record_path to where in the body the records are, or choose another pagination.kind"
        )
    found = find(result.outside, path, setting="pagination.path")
    missing = ""
    if found.missing and found.missing != path:
        missing = f"{found.missing!r}, it is {described(found.holder)}"
    place = f"at pagination.path = {path!r}"
    return Sought(read(found.value), place, says_end=not found.missing, missing=missing)
