"""Child requests: one for each record of a source, whose values stand in the request as ``{parent.id}``."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

from msgspec import Meta, Struct, field
from msgspec.json import Encoder

from url_fetcher.formats.csv_dialect import Csv
from url_fetcher.http.headers import Headers
from url_fetcher.paths import described, integer, value_at
from url_fetcher.source.kinds import HttpUrl, NonEmptyPath, Path
from url_fetcher.source.pages.pagination import Pagination
from url_fetcher.source.pages.pagination_kind import NoPagination
from url_fetcher.source.placeholders import PARENT, names_in
from url_fetcher.source.verdict import Condition

_MAX_CHARACTERS = 1_024
_MAX_FIELDS_BYTES = 4_096
# The digits of a number with a fraction stay as they are.
_FIELDS = Encoder(decimal_format="number")
Conditions: TypeAlias = Annotated[list[Condition], Meta(max_length=20)]


class NoChild(ValueError):
    """When there is no child request for a record; the message says why."""


class Parent(NamedTuple):
    """A record for which a child request is made.

    ``values`` are those of the placeholders, by name; ``fields`` is the JSON that its children carry.
    """

    values: Mapping[str, object]
    fields: bytes


class Children(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request for each record of the source, the parent; its records carry the parent's fields."""

    url: HttpUrl
    method: Literal["GET", "POST"] = "GET"
    headers: Headers = {}
    query: dict[str, str | int | float | bool] = {}
    body: str | dict[str, Any] = ""
    format: Literal["auto", "json", "ndjson", "json_seq", "csv", "xml"] = "auto"
    csv: Csv = field(default_factory=Csv)
    record_path: Path = ""
    records_optional: bool = False
    pagination: Pagination = field(default_factory=NoPagination)
    fail_when: Conditions = field(default_factory=list)
    retry_when: Conditions = field(default_factory=list)
    empty_when: Conditions = field(default_factory=list)
    fields: Annotated[list[NonEmptyPath], Meta(max_length=50)] = field(default_factory=list)
    deliver_parents: bool = True
    max_parents: Annotated[int, Meta(ge=1, le=100_000)] = 10_000

    def __post_init__(self) -> None:
        """Checks keys against each other; msgspec turns a ValueError into its ValidationError."""
        if not self._names:
            raise ValueError(
                "`children` has no placeholder of its parent, so each request would be the same: write one "
                "such as `{parent.id}` into its `url`, `query`, `headers` or `body`"
            )

    @property
    def _names(self) -> list[str]:
        """The placeholders of the parent in the request."""
        names = names_in([self.url, self.query, self.headers, self.body])
        return sorted(name for name in names if name.startswith(PARENT))

    def parent_of(self, record: bytes) -> Parent:
        """Returns what the child request needs of a record.

        Raises:
            NoChild: When a value is missing, or is no text or whole number that can stand in a request.
        """
        try:
            decoded = json.loads(
                bytes(record), parse_int=integer, parse_float=Decimal, parse_constant=_refuse_constant
            )
        except (ValueError, ArithmeticError, RecursionError) as error:
            raise NoChild("no child request: the record is no JSON that can be decoded") from error
        values = {name: _value(decoded, name) for name in self._names}
        fields: dict[str, object] = {_path(name): value for name, value in values.items()}
        fields |= {path: value_at(decoded, path) for path in self.fields}
        try:
            data = _FIELDS.encode(fields.get("", fields))
        except (ValueError, RecursionError) as error:
            raise NoChild(
                "no child request: a field of the parent cannot be written as JSON again"
            ) from error
        if len(data) > _MAX_FIELDS_BYTES:
            raise NoChild(
                f"no child request: the parent's fields take {len(data)} bytes, over {_MAX_FIELDS_BYTES}: "
                "name smaller ones in `children.fields`"
            )
        return Parent(values, data)


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def _path(name: str) -> str:
    """The path in a placeholder's name; none in ``parent`` alone, which is the record itself."""
    return name.removeprefix(PARENT).removeprefix(".")


def _value(record: object, name: str) -> object:
    path = _path(name)
    value = value_at(record, path) if path else record
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        kind = "empty" if value == "" else "missing or null" if value is None else described(value)
        raise NoChild(f"no child request: `{{{name}}}` is {kind}, not text or a whole number")
    if len(str(value)) > _MAX_CHARACTERS:
        raise NoChild(f"no child request: `{{{name}}}` has over {_MAX_CHARACTERS} characters")
    return value
