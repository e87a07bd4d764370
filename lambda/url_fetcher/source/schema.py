"""The one schema of a source, the same in ``pipeline.toml``, in the environment and in an event.

Every key but ``url`` may be left out; the defaults and the allowed ranges below are the table.
``docs/sources.md`` explains each key with an example.
"""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct, field, json

from url_fetcher.http.headers import refuse_bad_headers

HttpUrl: TypeAlias = Annotated[str, Meta(max_length=8192, pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://.")]
Name: TypeAlias = Annotated[str, Meta(pattern=r"^([a-z0-9][a-z0-9_-]{0,62})?$")]
Key: TypeAlias = Annotated[str, Meta(min_length=1, max_length=128)]
Path: TypeAlias = Annotated[str, Meta(max_length=512)]
SecretArn: TypeAlias = Annotated[
    str, Meta(max_length=2048, pattern=r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:\S+$")
]


class _Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """A table of settings in which a key that is not known is an error."""


class NoAuth(_Table, frozen=True, tag="none"):
    """The source asks for nothing."""


class BearerAuth(_Table, frozen=True, tag="bearer"):
    """``Authorization: Bearer`` with a token from a secret: plain text, or JSON with ``secret_key``."""

    secret_arn: SecretArn
    secret_key: Key = "token"  # noqa: S105 (a name inside the secret)


class BasicAuth(_Table, frozen=True, tag="basic"):
    """``Authorization: Basic`` with a user and a password from a JSON secret."""

    secret_arn: SecretArn
    username_key: Key = "username"
    password_key: Key = "password"  # noqa: S105 (a name inside the secret)


class ApiKeyAuth(_Table, frozen=True, tag="api_key"):
    """A key from a secret (plain text, or JSON with ``secret_key``) in a header or a query parameter."""

    secret_arn: SecretArn
    secret_key: Key = "api_key"  # noqa: S105 (a name inside the secret)
    location: Literal["header", "query"] = "header"
    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.~-]{1,128}$")] = "X-Api-Key"


class OAuth2Auth(_Table, frozen=True, tag="oauth2_client_credentials"):
    """A token got from ``token_url`` (RFC 6749, 4.4) with a client's id and secret from a JSON secret."""

    secret_arn: SecretArn
    token_url: HttpUrl
    client_id_key: Key = "client_id"
    client_secret_key: Key = "client_secret"  # noqa: S105 (a name inside the secret)
    client_credentials_in: Literal["basic", "body"] = "basic"
    scope: Annotated[str, Meta(max_length=2048)] = ""
    audience: Annotated[str, Meta(max_length=2048)] = ""


Auth: TypeAlias = NoAuth | BearerAuth | BasicAuth | ApiKeyAuth | OAuth2Auth


class _Pages(_Table, frozen=True):
    """What every kind of pagination has."""

    max_pages: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000
    allow_other_hosts: bool = False


class NoPagination(_Table, frozen=True, tag="none"):
    """The source is one page."""


class LinkHeaderPagination(_Pages, frozen=True, tag="link_header"):
    """The next page is in the ``Link`` header (RFC 8288); without one the source ends."""

    rel: Key = "next"


class NextUrlPagination(_Pages, frozen=True, tag="next_url"):
    """The next page's URL is in the body at ``path``; missing, null or empty ends the source."""

    path: Annotated[str, Meta(min_length=1, max_length=512)] = "next"


class PagePagination(_Pages, frozen=True, tag="page"):
    """Pages are numbered; an empty page, the last by ``total_pages_path`` or ``has_more_path`` ends."""

    parameter: Key = "page"
    first: Annotated[int, Meta(ge=0, le=2**53)] = 1
    size_parameter: Annotated[str, Meta(max_length=128)] = ""
    size: Annotated[int, Meta(ge=1, le=1_000_000)] = 100
    stop_on_short_page: bool = False
    total_pages_path: Path = ""
    has_more_path: Path = ""


class OffsetPagination(_Pages, frozen=True, tag="offset"):
    """Pages start at a record's number; an empty page, ``total_path`` or ``has_more_path`` ends."""

    parameter: Key = "offset"
    first: Annotated[int, Meta(ge=0, le=2**53)] = 0
    size_parameter: Annotated[str, Meta(max_length=128)] = "limit"
    size: Annotated[int, Meta(ge=1, le=1_000_000)] = 100
    stop_on_short_page: bool = False
    total_path: Path = ""
    has_more_path: Path = ""


class CursorPagination(_Pages, frozen=True, tag="cursor"):
    """The next page's cursor is in the body at ``path`` or in ``header``; without one the source ends."""

    parameter: Key = "cursor"
    path: Path = "next_cursor"
    header: Annotated[str, Meta(max_length=128)] = ""
    has_more_path: Path = ""


Pagination: TypeAlias = (
    NoPagination
    | LinkHeaderPagination
    | NextUrlPagination
    | PagePagination
    | OffsetPagination
    | CursorPagination
)


class Rate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often a source may be asked."""

    min_interval_seconds: Annotated[float, Meta(ge=0, le=60)] = 0.0


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a source may not exceed; the sizes are for one body, ``max_records`` for the whole source."""

    max_body_mib: Annotated[int, Meta(ge=1, le=10_240)] = 1_024
    max_decompressed_mib: Annotated[int, Meta(ge=1, le=102_400)] = 4_096
    # Firehose refuses a record over 1,000 KiB and the line around the data takes some of that.
    max_record_kib: Annotated[int, Meta(ge=1, le=1_000)] = 990
    max_records: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 100_000_000
    max_nesting: Annotated[int, Meta(ge=1, le=500)] = 100
    # Lambda ends a function after 900 s at the latest.
    timeout_seconds: Annotated[float, Meta(gt=0, le=900)] = 900.0
    connect_timeout_seconds: Annotated[float, Meta(gt=0, le=60)] = 5.0
    read_timeout_seconds: Annotated[float, Meta(gt=0, le=300)] = 30.0


class Retry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often one request is tried, and the longest wait between two tries."""

    max_attempts: Annotated[int, Meta(ge=1, le=20)] = 5
    max_delay_seconds: Annotated[float, Meta(ge=0, le=300)] = 20.0


class Source(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where records come from and how to read them."""

    url: HttpUrl
    name: Name = ""
    method: Literal["GET", "POST"] = "GET"
    headers: dict[str, str] = {}
    query: dict[str, str | int | float | bool] = {}
    body: str | dict[str, Any] = ""
    auth: Auth = field(default_factory=NoAuth)
    format: Literal["auto", "json", "ndjson", "csv"] = "auto"
    record_path: Path = ""
    pagination: Pagination = field(default_factory=NoPagination)
    rate: Rate = field(default_factory=Rate)
    limits: Limits = field(default_factory=Limits)
    retry: Retry = field(default_factory=Retry)

    def __post_init__(self) -> None:
        """Refuse what no range can say; msgspec turns a ValueError into its ValidationError."""
        refuse_bad_headers(self.headers)
        if self.body and self.method == "GET":
            raise ValueError('`body` is set although `method` is "GET": set method = "POST"')


def json_schema() -> dict[str, object]:
    """The JSON schema (2020-12) of one source, for the settings' contract test and for editors."""
    return json.schema(Source)
