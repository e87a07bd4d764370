"""Pages of which each names the next one: by a link, a URL, or several parameters."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from url_fetcher.errors import MalformedBody
from url_fetcher.http.urls import joined, with_query
from url_fetcher.paths import Found, described
from url_fetcher.source.kinds import Key, NonEmptyPath
from url_fetcher.source.pages.next_page_signs import find, raised_flag, text, unused_link
from url_fetcher.source.pages.pagination_kind import Outcome, Pages, Resume, Step

_LINK = re.compile(r"<([^<>]*)>((?:[^,\"]|\"(?:[^\"\\]|\\.)*\")*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,]+))", re.IGNORECASE)


class Sought(NamedTuple):
    """What stands where the next page should be named.

    ``target`` is a URL, a cursor or an object of parameters, None for none; ``place`` is where it was looked
    for, as a message says it. ``says_end`` tells whether null or an empty value stands there, and
    ``missing`` is what is not there on the way to it, with what is there.
    """

    target: object
    place: str
    says_end: bool = False
    missing: str = ""


class FollowedPages(Pages, frozen=True):
    """What pages have in common that name the next one: where none is named, the source ends."""

    def next(self, url: str, step: Step, outcome: Outcome) -> Step | None:
        """The page that is named."""
        says_more, words = self.flagged(outcome)
        if says_more is False:
            return None
        sought = self._seek(outcome)
        if sought.target is not None:
            return self._follow(url, outcome, sought.target)
        # Where no flag is set, one that is known by its name counts.
        if says_more is None and (key := raised_flag(outcome.outside)):
            words = f"the body's {key} is true"
        if words:
            raise MalformedBody(
                f"{words}, but there is no next page {sought.place}; check that setting", offset=0
            )
        return None

    def doubt(self, outcome: Outcome, *, is_full: bool) -> str:
        """What speaks for a wrong setting where a full page leads nowhere."""
        if not is_full or not outcome.records or self.flagged(outcome).says_more is False:
            return ""
        sought = self._seek(outcome)
        if sought.says_end:
            return ""
        if key := unused_link(outcome.outside):
            return f"there is no next page {sought.place}, but the body has {key!r}; check that setting"
        if sought.missing:
            return f"there is no next page {sought.place}: the body has no {sought.missing}"
        return ""

    def _seek(self, outcome: Outcome) -> Sought:
        raise NotImplementedError

    def _follow(self, url: str, outcome: Outcome, target: object) -> Step:
        """The step to a URL, which may be relative to the page's."""
        following = joined(outcome.url, str(target))
        return Step(following, Resume(url=following))


class LinkHeaderPagination(FollowedPages, frozen=True, tag="link_header"):
    """The next page is in the ``Link`` header (RFC 8288); without one the source ends."""

    resumed_by: ClassVar[str] = "url"
    rel: Key = "next"

    @property
    def response_header(self) -> str:
        """Where the links are."""
        return "Link"

    def _seek(self, outcome: Outcome) -> Sought:
        return Sought(
            _link(outcome.header, self.rel) or None, f"in the Link header with pagination.rel = {self.rel!r}"
        )


class NextUrlPagination(FollowedPages, frozen=True, tag="next_url"):
    """The next page's URL is in the body at ``path``; missing, null or empty ends the source."""

    resumed_by: ClassVar[str] = "url"
    path: NonEmptyPath = "next"

    def _seek(self, outcome: Outcome) -> Sought:
        found = found_at_path(outcome, self.path)
        return sought_at_path(
            found, self.path, text(found.value, self.path, setting="pagination.path") or None
        )


class ParametersPagination(FollowedPages, frozen=True, tag="parameters"):
    """The body has an object at ``path`` whose members are the next request's query parameters."""

    resumed_by: ClassVar[str] = "parameters"
    path: NonEmptyPath = "continue"

    def _seek(self, outcome: Outcome) -> Sought:
        found = found_at_path(outcome, self.path)
        setting = "pagination.path"
        if found.value in (None, False, "", [], {}):
            return sought_at_path(found, self.path, None)
        if not isinstance(found.value, dict):
            raise MalformedBody(
                f"{setting} = {self.path!r} is {described(found.value)}, not an object", offset=0
            )
        given = {
            name: text(str(value).lower() if isinstance(value, bool) else value, name, setting=setting)
            for name, value in found.value.items()
            if value is not None
        }
        return sought_at_path(found, self.path, given or None)

    def _follow(self, url: str, outcome: Outcome, target: Any) -> Step:
        """The source's own request with the parameters set."""
        return self._with(url, target)

    def _first(self, url: str, resume: Resume) -> Step:
        return self._with(url, resume.parameters)

    def _with(self, url: str, parameters: Mapping[str, str]) -> Step:
        return Step(with_query(url, parameters), Resume(parameters=dict(parameters)))


def _link(header: str, rel: str) -> str:
    """The target with that relation in a ``Link`` header (RFC 8288); empty without one."""
    for target, parameters in _LINK.findall(header):
        for quoted, plain in _REL.findall(parameters):
            if rel.lower() in (quoted or plain).lower().split():
                return str(target)
    return ""


def found_at_path(outcome: Outcome, path: str) -> Found:
    """What stands at ``pagination.path``.

    Raises:
        MalformedBody: When the path leads through no object, or nothing is beside the records; not retryable.
    """
    if outcome.records and outcome.outside is None:
        raise MalformedBody(
            f"pagination.path = {path!r} cannot be found: the body has nothing beside its records; "
            "set record_path to where in the body the records are, or choose another pagination.kind",
            offset=0,
        )
    return find(outcome.outside, path, setting="pagination.path")


def sought_at_path(found: Found, path: str, target: object) -> Sought:
    """What was found at ``pagination.path``, as a target or as none."""
    missing = ""
    if found.missing and found.missing != path:
        missing = f"{found.missing!r}, it is {described(found.holder)}"
    return Sought(target, f"at pagination.path = {path!r}", says_end=not found.missing, missing=missing)
