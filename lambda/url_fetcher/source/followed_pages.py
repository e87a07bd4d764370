"""Pages of which each names the next one: by a link, a URL, a cursor, or several parameters."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, NamedTuple

from msgspec import Meta

from url_fetcher.errors import ConfigurationError, MalformedBody
from url_fetcher.http.urls import joined, with_query
from url_fetcher.paths import Found, described, integer
from url_fetcher.source.beside import find, json_value, raised_flag, text, unused_link
from url_fetcher.source.kinds import Key, NonEmptyPath, Parameter, Path
from url_fetcher.source.pagination_kind import Into, Outcome, Pages, Resume, Step, placed

_LINK = re.compile(r"<([^<>]*)>((?:[^,\"]|\"(?:[^\"\\]|\\.)*\")*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,]+))", re.IGNORECASE)


class _Sought(NamedTuple):
    """What stands where the next page should be named.

    ``target`` is a URL, a cursor or an object of parameters, None for none; ``place`` is where it was looked
    for, as a message says it. ``says_end`` tells whether null or an empty value stands there, and
    ``missing`` is what is not there on the way to it, with what is there.
    """

    target: object
    place: str
    says_end: bool = False
    missing: str = ""


class _FollowedPages(Pages, frozen=True):
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

    def _seek(self, outcome: Outcome) -> _Sought:
        raise NotImplementedError

    def _follow(self, url: str, outcome: Outcome, target: object) -> Step:
        """The step to a URL, which may be relative to the page's."""
        following = joined(outcome.url, str(target))
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
            _link(outcome.header, self.rel) or None, f"in the Link header with pagination.rel = {self.rel!r}"
        )


class NextUrlPagination(_FollowedPages, frozen=True, tag="next_url"):
    """The next page's URL is in the body at ``path``; missing, null or empty ends the source."""

    resumed_by: ClassVar[str] = "url"
    path: NonEmptyPath = "next"

    def _seek(self, outcome: Outcome) -> _Sought:
        found = _found(outcome, self.path)
        return _sought(found, self.path, text(found.value, self.path, setting="pagination.path") or None)


class CursorPagination(_FollowedPages, frozen=True, tag="cursor"):
    """The next page's cursor is in the body at ``path``, in ``header``, or in the page's last record."""

    resumed_by: ClassVar[str] = "cursor"
    parameter: Parameter = "cursor"
    into: Into = "query"
    path: Path = "next_cursor"
    header: Annotated[str, Meta(max_length=128)] = ""
    last_record_path: Path = ""

    def __post_init__(self) -> None:
        """Refuse what no range can say; msgspec turns a ValueError into its ValidationError."""
        if self.header and self.last_record_path:
            raise ValueError("`header` and `last_record_path` are both set: only one can have the cursor")
        if not self.path and not self.header and not self.last_record_path:
            raise ValueError(
                "`path`, `header` and `last_record_path` are empty: one of them must say where the cursor is"
            )

    @property
    def body_paths(self) -> tuple[str, ...]:
        """The parameter, if it goes into the body."""
        return (self.parameter,) if self.into == "body" else ()

    @property
    def response_header(self) -> str:
        """Where the cursor is, if it is in a header."""
        return self.header

    def _seek(self, outcome: Outcome) -> _Sought:
        if self.header:
            return _Sought(outcome.header or None, f"in the header pagination.header = {self.header!r}")
        if self.last_record_path:
            return self._in_last_record(outcome)
        found = _found(outcome, self.path)
        return _sought(found, self.path, self._cursor(found.value, self.path, setting="pagination.path"))

    def _in_last_record(self, outcome: Outcome) -> _Sought:
        """The cursor in the page's last record; an empty page has none."""
        path, setting = self.last_record_path, "pagination.last_record_path"
        place = f"at {setting} = {path!r}"
        if not outcome.records:
            return _Sought(None, place, says_end=True)
        if not outcome.last:
            raise MalformedBody(
                f"{setting} = {path!r} cannot be read: every record of the page is over `max_record_kib`",
                offset=0,
            )
        try:
            record = json.loads(outcome.last, parse_int=integer)
        except (ValueError, RecursionError) as error:
            raise MalformedBody(
                f"{setting} = {path!r} cannot be read: the page's last record is not JSON", offset=0
            ) from error
        found = find(record, path, setting=setting, where="the page's last record")
        cursor = self._cursor(found.value, path, setting=setting)
        if cursor is None:
            raise MalformedBody(
                f"{setting} = {path!r} is not there or is empty: the page's last record is "
                f"{described(record)}",
                offset=0,
            )
        return _Sought(cursor, place)

    def _cursor(self, value: object, path: str, *, setting: str) -> object:
        """A cursor as it is sent back: as text in the query, as any JSON value in the body."""
        if self.into == "body":
            return json_value(value, path, setting=setting)
        return text(value, path, setting=setting) or None

    def _follow(self, url: str, outcome: Outcome, target: object) -> Step:
        """The page behind the cursor."""
        return self._after(url, target)

    def _first(self, url: str, resume: Resume) -> Step:
        if self.into == "query" and not isinstance(resume.cursor, str):
            raise ConfigurationError("the event's resume: cursor must be text for pagination.into = 'query'")
        return Step(url, resume) if resume.cursor == "" else self._after(url, resume.cursor)

    def _after(self, url: str, cursor: Any) -> Step:
        return placed(self.into, url, {self.parameter: cursor}, Resume(cursor=cursor))


class ParametersPagination(_FollowedPages, frozen=True, tag="parameters"):
    """The body has an object at ``path`` whose members are the next request's query parameters."""

    resumed_by: ClassVar[str] = "parameters"
    path: NonEmptyPath = "continue"

    def _seek(self, outcome: Outcome) -> _Sought:
        found = _found(outcome, self.path)
        setting = "pagination.path"
        if found.value in (None, False, "", [], {}):
            return _sought(found, self.path, None)
        if not isinstance(found.value, dict):
            raise MalformedBody(
                f"{setting} = {self.path!r} is {described(found.value)}, not an object", offset=0
            )
        given = {
            name: text(str(value).lower() if isinstance(value, bool) else value, name, setting=setting)
            for name, value in found.value.items()
            if value is not None
        }
        return _sought(found, self.path, given or None)

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


def _found(outcome: Outcome, path: str) -> Found:
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


def _sought(found: Found, path: str, target: object) -> _Sought:
    """What was found at ``pagination.path``, as a target or as none."""
    missing = ""
    if found.missing and found.missing != path:
        missing = f"{found.missing!r}, it is {described(found.holder)}"
    return _Sought(target, f"at pagination.path = {path!r}", says_end=not found.missing, missing=missing)
