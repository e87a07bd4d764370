"""The base of every kind of authentication and pagination: a table of settings selected by ``kind``."""

import re
from collections.abc import Mapping
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from url_fetcher.paths import PATTERN

_LOW_PORT = (
    "0*([0-9]|[1-7][0-9]|8[1-9]|9[0-9]|[1-35-9][0-9]{2}|4[0-35-9][0-9]|44[0-24-9]|10[01][0-9]|102[0-3])"
)
# What no deployment asks for: a user or a password, a space or a control, a port of other services.
_NEVER_ASKED = rf"^[^/]*//[^/?#]*@|[\x00-\x20\x7f\\]|^[^/]*//[^/?#]*:{_LOW_PORT}([/?#]|$)"
# No braces in the host: a placeholder there would let a source choose whom to ask.
HttpUrl: TypeAlias = Annotated[
    str,
    Meta(
        max_length=8192,
        pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://[^{}/?#]+([/?#]|$)",
        extra_json_schema={"not": {"type": "string", "pattern": _NEVER_ASKED}},
    ),
]
# Only names that mean nothing else: a page's `token` or a `key` to sort by is no secret. The underscore or
# hyphen before them may be missing, as in `apikey`.
_SECRET_PARAMETER = "(?i:^(.*[-_.])?({})$)".format(
    "(api|access|subscription)[-_]?key|(access|auth|private)[-_]?token|(api|app|client)[-_]?secret|secret|password|passwd|pwd"
)
# Here only for the schema, which synth and plan check: the function's own check below never shows a value.
Query: TypeAlias = dict[
    Annotated[str, Meta(extra_json_schema={"not": {"pattern": _SECRET_PARAMETER}})],
    str | int | float | bool,
]
"""The query of a source."""
Key: TypeAlias = Annotated[str, Meta(min_length=1, max_length=128)]
OptionalKey: TypeAlias = Annotated[str, Meta(max_length=128)]
Path: TypeAlias = Annotated[str, Meta(max_length=512, pattern=PATTERN)]
NonEmptyPath: TypeAlias = Annotated[str, Meta(min_length=1, max_length=512, pattern=PATTERN)]
Parameter: TypeAlias = Annotated[str, Meta(min_length=1, max_length=128, pattern=PATTERN)]
"""A query parameter, or a path into the body."""
OptionalParameter: TypeAlias = Annotated[str, Meta(max_length=128, pattern=PATTERN)]


class Kind(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """A table of settings that implements its ``kind``; unknown keys are errors."""

    @property
    def kind(self) -> str:
        """The value of ``kind`` that selects this class, such as ``bearer``."""
        return str(self.__struct_config__.tag)


def refuse_secret_parameters(query: Mapping[str, object]) -> None:
    """Refuses a secret in plain text, which would stand in Terraform's state.

    Raises:
        ValueError: For the first parameter whose name says that it is one; the message never has its value.
    """
    for name in query:
        if re.search(_SECRET_PARAMETER, name):
            raise ValueError(
                f"`query.{name}` may hold a secret: keep it in Secrets Manager, and set auth = {{ kind = "
                f'"api_key", location = "query", name = "{name}", … }}'
            )
