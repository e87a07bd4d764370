"""Whether a good status carries a bad answer: conditions on what stands beside the records."""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from url_fetcher.errors import SourceRejected, SourceUnavailable
from url_fetcher.paths import NOT_KEPT, described, value_at
from url_fetcher.source.kinds import NonEmptyPath, Path

Scalar: TypeAlias = str | int | float | bool
_MAX_MESSAGE_CHARACTERS = 300


class Condition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the value at a path must be for the condition to hold; exactly one of the tests is set."""

    path: NonEmptyPath
    equals: Scalar | None = None
    any_of: Annotated[list[Scalar], Meta(max_length=100)] = msgspec.field(default_factory=list, name="in")
    exists: bool | None = None
    message_path: Path = ""

    def __post_init__(self) -> None:
        """Refuse what no range can say; msgspec turns a ValueError into its ValidationError."""
        given = [self.equals is not None, bool(self.any_of), self.exists is not None]
        if sum(given) != 1:
            raise ValueError(f"{self.path!r} needs exactly one of `equals`, `in` and `exists`")

    def holds(self, outside: object) -> bool:
        """Whether what stands beside the records is so; null is taken for nothing."""
        value = value_at(outside, self.path)
        if self.exists is not None:
            return (value is not None) is self.exists
        return any(_same(value, wanted) for wanted in (*self.any_of, self.equals) if wanted is not None)

    def told(self, outside: object) -> str:
        """The condition with the value that was found, and the source's own message."""
        found = f"{self.path!r} is {_shown(value_at(outside, self.path))}"
        message = value_at(outside, self.message_path)
        return f"{found}: {_shown(message)}" if message is not None else found


def refuse_failed(
    outside: object, *, retry_when: list[Condition], fail_when: list[Condition], url: str
) -> None:
    """Refuse a page that says beside its records that it failed; ``retry_when`` comes before ``fail_when``.

    Raises:
        SourceUnavailable: When it may be answered otherwise in a while; retryable.
        SourceRejected: When it will be the same; not retryable.
    """
    if told := failure(outside, retry_when):
        raise SourceUnavailable(f"{url}: answers with an error, by `retry_when`: {told}")
    if told := failure(outside, fail_when):
        raise SourceRejected(f"{url}: answers with an error, by `fail_when`: {told}")


def failure(outside: object, conditions: list[Condition]) -> str:
    """What the first condition that holds says; empty when none does."""
    return next((each.told(outside) for each in conditions if each.holds(outside)), "")


def _same(value: object, wanted: Scalar) -> bool:
    # Python takes true for 1.
    return isinstance(value, bool) is isinstance(wanted, bool) and value == wanted


def _shown(value: object) -> str:
    """A value for a message: on one line, cut, and of an object its keys only."""
    if isinstance(value, dict | list) or value is NOT_KEPT:
        return described(value)
    if isinstance(value, str):
        printable = "".join(char if char.isprintable() else " " for char in value[:_MAX_MESSAGE_CHARACTERS])
        return f"{printable!r}{'…' if len(value) > _MAX_MESSAGE_CHARACTERS else ''}"
    return msgspec.json.encode(value).decode()[:_MAX_MESSAGE_CHARACTERS]
