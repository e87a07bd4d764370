"""Pagination by a cursor that each page gives for the next one."""

import json
import re
from functools import partial
from typing import Annotated, Any, ClassVar
from urllib.parse import unquote

from msgspec import Meta, field

from url_fetcher.errors import ConfigurationError, MalformedBody
from url_fetcher.paths import Fraction, described, integer
from url_fetcher.source.kinds import Parameter, Path
from url_fetcher.source.pages.followed_pages import FollowedPages, Sought, sought_at_path
from url_fetcher.source.pages.next_page_signs import find, json_value, text
from url_fetcher.source.pages.pagination_kind import Into, PageResult, Resume, Step, placed

_ENCODED = re.compile(r"([\w.~!*/:,-]|%[0-9A-Fa-f]{2})*", re.ASCII)


class CursorPagination(FollowedPages, frozen=True, tag="cursor"):
    """The next page's cursor is in the body at ``path``, in ``header``, or in the page's last record."""

    resumed_by: ClassVar[str] = "cursor"
    parameter: Parameter = "cursor"
    into: Into = "query"
    path: Path = "next_cursor"
    header: Annotated[str, Meta(max_length=128)] = ""
    last_record_path: Path = ""
    first_cursor: Annotated[str, Meta(max_length=512)] = field(name="first", default="")

    def __post_init__(self) -> None:
        """Checks keys against each other; msgspec turns a ValueError into its ValidationError."""
        if self.header and self.last_record_path:
            raise ValueError("`header` and `last_record_path` are both set: only one can have the cursor")
        if not self.path and not self.header and not self.last_record_path:
            raise ValueError(
                "`path`, `header` and `last_record_path` are empty: one of them must say where the cursor is"
            )

    @property
    def body_paths(self) -> tuple[str, ...]:
        """The cursor's parameter, if it is sent in the body."""
        return (self.parameter,) if self.into == "body" and self.parameter else ()

    @property
    def outside_settings(self) -> tuple[str, ...]:
        """As in every kind, but ``path`` is unused if the cursor is in a header or in the last record."""
        is_elsewhere = self.header or self.last_record_path
        return tuple(key for key in super().outside_settings if key != "path" or not is_elsewhere)

    @property
    def names_next(self) -> bool:
        """False if the cursor is a record's value: behind it there may be nothing."""
        return not self.last_record_path

    @property
    def response_header(self) -> str:
        """The header with the cursor; empty if it is elsewhere."""
        return self.header

    def _seek(self, result: PageResult) -> Sought:
        if self.header:
            return Sought(
                self._decoded(result.header) or None, f"in the header pagination.header = {self.header!r}"
            )
        if self.last_record_path:
            return self._in_last_record(result)
        read = partial(self._cursor, path=self.path, setting="pagination.path")
        sought = sought_at_path(result, self.path, read)
        return sought._replace(target=self._decoded(sought.target))

    def _decoded(self, cursor: object) -> object:
        """The cursor without the percent-encoding that some sources have already made for the query."""
        if self.into == "body" or not isinstance(cursor, str) or not _ENCODED.fullmatch(cursor):
            return cursor
        try:
            return unquote(cursor, errors="strict")
        except UnicodeDecodeError:
            return cursor

    def _in_last_record(self, result: PageResult) -> Sought:
        """Reads the cursor from the page's last record; an empty page ends the source."""
        path, setting = self.last_record_path, "pagination.last_record_path"
        place = f"at {setting} = {path!r}"
        if not result.records:
            return Sought(None, place, says_end=True)
        # The last record was too long to keep, so the cursor is lost; going on elsewhere would skip pages.
        if not result.last:
            raise MalformedBody(
                f"{setting} = {path!r} cannot be read: every record of the page is over `max_record_kib`"
            )
        try:
            record = json.loads(result.last, parse_int=integer, parse_float=Fraction)
        except (ValueError, RecursionError) as error:
            raise MalformedBody(
                f"{setting} = {path!r} cannot be read: the page's last record is not JSON"
            ) from error
        found = find(record, path, setting=setting, where="the page's last record")
        cursor = self._cursor(found.value, path=path, setting=setting)
        # An end here cannot be told from a misspelt path, and an empty page is the real end.
        if cursor is None:
            raise MalformedBody(
                f"{setting} = {path!r} is not there or is empty: the page's last record is "
                f"{described(record)}"
            )
        return Sought(cursor, place)

    def _cursor(self, value: object, *, path: str, setting: str) -> object:
        """Converts a cursor for sending: text in the query, any JSON value in the body."""
        if self.into == "body":
            return json_value(value, path, setting=setting)
        return text(value, path, setting=setting) or None

    def _follow(self, url: str, result: PageResult, target: object) -> Step:
        """The step to the page that the cursor leads to."""
        return self._after(url, target)

    def _first(self, url: str, resume: Resume) -> Step:
        if self.into == "query" and not isinstance(resume.cursor, str):
            raise ConfigurationError("the event's resume: cursor must be text for pagination.into = 'query'")
        return self._after(url, resume.cursor)

    def _after(self, url: str, cursor: Any) -> Step:
        """The step to a page by its cursor; empty for the first page, which may need one of its own."""
        sent = cursor if cursor != "" else self.first_cursor
        parameters = {self.parameter: sent} if sent != "" else {}
        values = {"cursor": sent if sent != "" else None}
        return placed(self.into, url, parameters, Resume(cursor=cursor), values)
