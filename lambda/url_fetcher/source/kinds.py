"""The base of every kind of authentication and pagination: a table of settings selected by ``kind``."""

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from url_fetcher.paths import PATTERN

# No braces in the host: a placeholder there would let a source choose whom to ask.
HttpUrl: TypeAlias = Annotated[
    str, Meta(max_length=8192, pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://[^{}/?#]+([/?#]|$)")
]
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
