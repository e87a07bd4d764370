"""Finds errors in answers with a successful status, by conditions on the values outside the records."""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from url_fetcher.errors import SourceRejected, SourceUnavailable
from url_fetcher.paths import NOT_KEPT, Fraction, described, value_at
from url_fetcher.source.kinds import NonEmptyPath, Path

Scalar: TypeAlias = str | int | float | bool
_MAX_MESSAGE_CHARACTERS = 300


class Condition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A test of the value at a path: exactly one of ``equals``, ``in`` and ``exists`` is set."""

    path: NonEmptyPath
    equals: Scalar | None = None
    any_of: Annotated[list[Scalar], Meta(max_length=100)] = msgspec.field(default_factory=list, name="in")
    exists: bool | None = None
    message_path: Path = ""

    def __post_init__(self) -> None:
        """Checks keys against each other; msgspec turns a ValueError into its ValidationError."""
        given = [self.equals is not None, bool(self.any_of), self.exists is not None]
        if sum(given) != 1:
            raise ValueError(f"{self.path!r} needs exactly one of `equals`, `in` and `exists`")

    def holds(self, outside: object) -> bool:
        """True if the condition holds for the body without its records; null counts as missing."""
        value = value_at(outside, self.path)
        if self.exists is not None:
            return (value is not None) is self.exists
        return any(_same(value, wanted) for wanted in (*self.any_of, self.equals) if wanted is not None)

    def finding(self, outside: object) -> str:
        """Describes the value that was found, followed by the source's own message."""
        found = f"{self.path!r} is {_shown(value_at(outside, self.path))}"
        message = value_at(outside, self.message_path)
        return f"{found}: {_shown(message)}" if message is not None else found


def refuse_failed(
    outside: object, *, retry_when: list[Condition], fail_when: list[Condition], url: str
) -> None:
    """Raises if a condition holds for the page; ``retry_when`` is checked before ``fail_when``.

    Raises:
        SourceUnavailable: When one of ``retry_when`` holds; retryable.
        SourceRejected: When one of ``fail_when`` holds; not retryable.
    """
    # An answer that matches both is retried: giving up early loses data, a retry only time.
    if finding := failure(outside, retry_when):
        raise SourceUnavailable(f"{url}: answers with an error, by `retry_when`: {finding}")
    if finding := failure(outside, fail_when):
        raise SourceRejected(f"{url}: answers with an error, by `fail_when`: {finding}")


def failure(outside: object, conditions: list[Condition]) -> str:
    """The finding of the first condition that holds; empty if none does."""
    return next((each.finding(outside) for each in conditions if each.holds(outside)), "")


def _same(value: object, wanted: Scalar) -> bool:
    # In Python True == 1, but `equals = 1` must not match true.
    return isinstance(value, bool) is isinstance(wanted, bool) and value == wanted


def _shown(value: object) -> str:
    """A value for a message: one line, cut to 300 characters; of an object only its keys.

    The source chooses the text, so what could break a log line or steer a terminal is replaced.
    """
    if isinstance(value, dict | list) or value is NOT_KEPT:
        return described(value)
    if isinstance(value, str):
        printable = "".join(char if char.isprintable() else " " for char in value[:_MAX_MESSAGE_CHARACTERS])
        return f"{printable!r}{'…' if len(value) > _MAX_MESSAGE_CHARACTERS else ''}"
    written = value.text if isinstance(value, Fraction) else msgspec.json.encode(value).decode()
    return written[:_MAX_MESSAGE_CHARACTERS]
