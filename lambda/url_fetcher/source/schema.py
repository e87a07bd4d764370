"""The schema of a source: the same in ``pipeline.toml``, in the source list and in an event.

Every key except ``url`` is optional; defaults and allowed ranges are those of the classes below.
``docs/sources.md``, and the pages that it leads to, explain each key with an example.
"""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct, field, json, structs

from url_fetcher.errors import AddressRefused
from url_fetcher.formats import xml_path
from url_fetcher.formats.csv_dialect import Csv
from url_fetcher.formats.splitter import MAX_NESTING
from url_fetcher.http.addresses import same_origin
from url_fetcher.http.certificates import Certificates, refuse_bad_certificates
from url_fetcher.http.headers import Headers, refuse_bad_headers
from url_fetcher.source.auth.auth import Auth, NoAuth
from url_fetcher.source.children import Children
from url_fetcher.source.kinds import HttpUrl, Path, Query, refuse_secret_parameters
from url_fetcher.source.pages.cursor_pages import CursorPagination
from url_fetcher.source.pages.numbered_pages import NumberedPages
from url_fetcher.source.pages.pagination import Pagination
from url_fetcher.source.pages.pagination_kind import NoPagination
from url_fetcher.source.pages.windows import Windows
from url_fetcher.source.placeholders import NAMES, PARENT, are_whole, names_in
from url_fetcher.source.request_body import with_members
from url_fetcher.source.verdict import Condition

Conditions: TypeAlias = Annotated[list[Condition], Meta(max_length=20)]
Name: TypeAlias = Annotated[str, Meta(pattern=r"^([a-z0-9][a-z0-9_-]{0,62})?$")]

_CSV_FORMATS = ("auto", "csv")
_VERDICT_FORMATS = ("auto", "json", "ndjson")

# EventBridge wants `?` in exactly one of the two day fields. Its other rules are checked when a pipeline is
# synthesized (ingestion_pipeline/settings/sources/schedules.py), because a pattern cannot express them.
_TIMES, _MONTHS = "[0-9*,/-]+", "[0-9A-Z*,/-]+"
_DAYS = rf"([0-9*,/LW-]+ {_MONTHS} \?|\? {_MONTHS} [0-9A-Z*,#-]+)"
_RATE = r"rate\((1 (minute|hour|day)|([2-9]|[1-9][0-9]{1,8}) (minutes|hours|days))\)"
_CRON = rf"cron\({_TIMES} {_TIMES} {_DAYS} {_TIMES}\)"
Schedule: TypeAlias = Annotated[str, Meta(pattern=rf"^({_RATE}|{_CRON})?(?!\n)$", max_length=256)]
TimeZone: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_+/-]{0,49}(?!\n)$")]

SCHEDULE_KEYS = ("schedule", "time_zone", "flexible_minutes", "enabled")
"""The keys that say when a source is fetched. An event is fetched at once, so it must not have them."""


_OF_PARENTS = ("fields", "deliver_parents", "max_parents")


class Rate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often requests may be sent to a source."""

    min_interval_seconds: Annotated[float, Meta(ge=0, le=60)] = 0.0


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Upper bounds: sizes are for one body, ``max_records`` and ``timeout_seconds`` for the whole source."""

    max_body_mib: Annotated[int, Meta(ge=1, le=10_240)] = 1_024
    max_decompressed_mib: Annotated[int, Meta(ge=1, le=102_400)] = 4_096
    # Firehose takes 1,000 KiB a record, and the default leaves 10 KiB for the other fields of the line.
    max_record_kib: Annotated[int, Meta(ge=1, le=1_000)] = 990
    max_records: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 100_000_000
    max_nesting: Annotated[int, Meta(ge=1, le=MAX_NESTING)] = 100
    # Lambda ends a function after 900 s at the latest.
    timeout_seconds: Annotated[float, Meta(gt=0, le=900)] = 900.0
    connect_timeout_seconds: Annotated[float, Meta(gt=0, le=60)] = 5.0
    read_timeout_seconds: Annotated[float, Meta(gt=0, le=300)] = 30.0


class Retry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Attempts for one request, and the longest wait between two of them."""

    max_attempts: Annotated[int, Meta(ge=1, le=20)] = 5
    max_delay_seconds: Annotated[float, Meta(ge=0, le=300)] = 20.0


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One source: where its records come from and how to read them."""

    url: HttpUrl
    name: Name = ""
    method: Literal["GET", "POST"] = "GET"
    headers: Headers = {}
    query: Query = {}
    body: str | dict[str, Any] = ""
    auth: Auth = field(default_factory=NoAuth)
    ca_certificates: Certificates = ""
    format: Literal["auto", "json", "ndjson", "json_seq", "csv", "xml"] = "auto"
    csv: Csv = field(default_factory=Csv)
    record_path: Path = ""
    records_optional: bool = False
    pagination: Pagination = field(default_factory=NoPagination)
    windows: Windows | None = None
    children: Children | None = None
    fail_when: Conditions = field(default_factory=list)
    retry_when: Conditions = field(default_factory=list)
    empty_when: Conditions = field(default_factory=list)
    rate: Rate = field(default_factory=Rate)
    limits: Limits = field(default_factory=Limits)
    retry: Retry = field(default_factory=Retry)
    schedule: Schedule = ""
    time_zone: TimeZone = "UTC"
    flexible_minutes: Annotated[int, Meta(ge=0, le=1_440)] = 0
    enabled: bool = True

    def __post_init__(self) -> None:
        """Checks keys against each other; msgspec turns a ValueError into its ValidationError."""
        refuse_bad_headers(self.headers)
        self._refuse_secrets()
        self._refuse_placeholder_without_value()
        if self.ca_certificates:
            refuse_bad_certificates(self.ca_certificates)
        if self.body and self.method == "GET":
            raise ValueError('`body` is set although `method` is "GET": set method = "POST"')
        self._refuse_unlike_format()
        if self.records_optional and not self.record_path:
            raise ValueError("`records_optional` is set: set `record_path`, which may then be missing")
        self._refuse_body_without_place()
        self._refuse_half_a_schedule()
        self._refuse_bad_children()

    @property
    def child(self) -> "ChildSource | None":
        """The source of each parent's children, with this one's settings for all that they share."""
        if self.children is None:
            return None
        inherited = {key: getattr(self, key) for key in ("name", "auth", "rate", "limits", "retry")}
        own = {
            key: getattr(self.children, key) for key in Children.__struct_fields__ if key not in _OF_PARENTS
        }
        return ChildSource(**inherited, **own)

    @property
    def outside_settings(self) -> tuple[str, ...]:
        """The settings that read values outside the records; XML has no such values."""
        paginations = tuple(f"pagination.{key}" for key in self.pagination.outside_settings)
        if not self._conditions:
            return paginations
        lists = {"fail_when": self.fail_when, "retry_when": self.retry_when, "empty_when": self.empty_when}
        verdicts = (key for key, conditions in lists.items() if any(each.reads_page for each in conditions))
        return (*verdicts, *paginations)

    @property
    def _conditions(self) -> tuple[Condition, ...]:
        return (*self.fail_when, *self.retry_when, *self.empty_when)

    @property
    def placed_pagination(self) -> Pagination:
        """The pagination, without its default parameter if a placeholder stands in its place."""
        pagination, name = self.pagination, self.pagination.resumed_by
        if not isinstance(pagination, NumberedPages | CursorPagination) or name not in self._placeholders:
            return pagination
        if pagination.parameter != type(pagination)().parameter:
            return pagination
        # A member of a body may be any JSON, a text anywhere else may not.
        is_member = are_whole(self.body, name) and name not in names_in([self.url, self.query, self.headers])
        into = "body" if isinstance(pagination, CursorPagination) and is_member else pagination.into
        return structs.replace(pagination, parameter="", into=into)

    @property
    def _of_a_parent(self) -> frozenset[str]:
        """The placeholders whose values a parent's record gives; only a child source has one."""
        return frozenset()

    @property
    def _placeholders(self) -> frozenset[str]:
        others = [each for each in (self.query, self.headers, self.body) if each]
        return names_in([self.url, *others]) if others else names_in(self.url)

    def _refuse_secrets(self) -> None:
        refuse_secret_parameters(self.query)

    def _refuse_placeholder_without_value(self) -> None:
        """Refuses placeholders for which there is no value, and windows that are never asked for."""
        used, windows = self._placeholders - self._of_a_parent, self.windows
        if not used and not windows:
            return
        known = {self.pagination.resumed_by, *(("since", "until") if self.windows else ())}
        for name in sorted(used - known):
            if name in ("since", "until") and isinstance(self, ChildSource):
                raise ValueError(f"`{{{name}}}` stands in the request, and `children` has no windows")
            needed = "windows" if name in ("since", "until") else f'pagination.kind = "{name}"'
            if name not in NAMES:
                needed = "it in `children`, which has a parent"
            raise ValueError(
                f"`{{{name}}}` stands in the request, and there is no value for it: set {needed}, or write "
                f"`{{{{{name}}}` if these characters are meant"
            )
        path = self.url.partition("?")[0]
        if "cursor" in names_in(path) and not getattr(self.pagination, "first_cursor", ""):
            raise ValueError("`url` has `{cursor}` in its path: set `pagination.first`, for the first page")
        has_parameters = windows and windows.from_parameter and windows.to_parameter
        if windows and not has_parameters and not used & {"since", "until"}:
            raise ValueError(
                "`windows` needs `from_parameter` and `to_parameter`, or `{since}` in the request"
            )

    def _refuse_unlike_format(self) -> None:
        """Refuses settings that the format cannot use."""
        if self.csv != Csv() and self.format not in _CSV_FORMATS:
            raise ValueError(f'`csv` is set although `format` is "{self.format}": set format = "csv"')
        reads_body = any(each.status is None for each in self._conditions)
        if reads_body and self.format not in (*_VERDICT_FORMATS, "xml"):
            raise ValueError(
                f'`fail_when`, `retry_when` and `empty_when` read JSON, but `format` is "{self.format}": set '
                f"it to one of {', '.join(_VERDICT_FORMATS)}, or the `status` of each condition"
            )
        if self.format == "xml" and (reason := xml_path.refusal(self.record_path, self.outside_settings)):
            raise ValueError(f'`format` is "xml": {reason}')

    def _refuse_body_without_place(self) -> None:
        """Refuses a body in which the pagination cannot set its parameters."""
        if not (paths := self.placed_pagination.body_paths):
            return
        if self.method != "POST" or not isinstance(self.body, dict):
            raise ValueError(
                '`pagination.into` is "body": set method = "POST", and `body` to a table, if only to {}'
            )
        # Raises for a path that cannot be set, so that the mistake shows before the first request.
        with_members(self.body, dict.fromkeys(paths, 0))

    def _refuse_bad_children(self) -> None:
        """Refuses child requests that could not be sent, or that would take a secret elsewhere."""
        if self.children is None:
            return
        try:
            if not same_origin(self.children.url, self.url):
                raise ValueError("`url` must have the origin (scheme, host and port) of the source's")
            _ = self.child
        except (ValueError, AddressRefused) as error:
            raise ValueError(f"children: {error}") from error

    def _refuse_half_a_schedule(self) -> None:
        """Refuses a schedule without a name, and settings of a schedule without a schedule."""
        if self.schedule:
            if not self.name:
                raise ValueError("`schedule` is set: set `name`, which the schedule asks for")
        elif (self.time_zone, self.flexible_minutes, self.enabled) != ("UTC", 0, True):
            raise ValueError("`time_zone`, `flexible_minutes` and `enabled` go with a `schedule`: set one")


class ChildSource(Source, frozen=True, kw_only=True):
    """The source of a parent's children: with placeholders whose values are the parent's."""

    def _refuse_secrets(self) -> None:
        """Refuses none: a parent may give each of its children a token."""

    @property
    def _of_a_parent(self) -> frozenset[str]:
        return frozenset(name for name in self._placeholders if name.startswith(PARENT))


def json_schema() -> dict[str, object]:
    """The JSON schema (2020-12) of one source: deploying checks sources by it, and editors can use it."""
    # Imported here: the function itself never needs the conditions.
    from url_fetcher.source.between_keys import conditions, texts

    schema = json.schema(Source)
    for table, needed in conditions(_CSV_FORMATS, _VERDICT_FORMATS, SCHEDULE_KEYS[1:]).items():
        schema["$defs"][table]["allOf"] = needed
    schema["texts"] = texts()
    return schema
