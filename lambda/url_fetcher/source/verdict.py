"""Finds errors, and pages without records, by conditions on an answer's status and the values in its body."""

import json
from collections.abc import Callable, Sequence
from typing import Annotated, Final, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta, Struct

from url_fetcher.errors import SourceRejected, SourceUnavailable
from url_fetcher.formats.splitter import AN_OBJECT, LINES
from url_fetcher.paths import NOT_KEPT, Fraction, described, integer, value_at
from url_fetcher.source.kinds import Path

Scalar: TypeAlias = str | int | float | bool
UNREAD: Final = object()
"""Stands for a body that is not read yet."""

_MAX_MESSAGE_CHARACTERS = 300
_SUCCESS = range(200, 300)


class Answer(NamedTuple):
    """An answer as conditions see it.

    ``body`` is the decoded body without its records, or ``UNREAD``; ``message`` are the source's own words.
    """

    status: int
    body: object
    message: str = ""


class Condition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A test of an answer's ``status``, of the value at a ``path`` in its body, or of both.

    With ``path`` exactly one of ``equals``, ``in`` and ``exists`` is set. Without ``status`` all good answers
    are tested.
    """

    status: Annotated[int, Meta(ge=200, le=999)] | None = None
    path: Path = ""
    equals: Scalar | None = None
    any_of: Annotated[list[Scalar], Meta(max_length=100)] = msgspec.field(default_factory=list, name="in")
    exists: bool | None = None
    message_path: Path = ""

    def __post_init__(self) -> None:
        """Checks keys against each other; msgspec turns a ValueError into its ValidationError."""
        given = [self.equals is not None, bool(self.any_of), self.exists is not None]
        if not self.path and self.status is None:
            raise ValueError("a condition needs `status`, `path` or both")
        if sum(given) != bool(self.path):
            raise ValueError(
                f"{self.path!r} needs exactly one of `equals`, `in` and `exists`"
                if self.path
                else "`equals`, `in` and `exists` test the value at `path`: set it"
            )

    @property
    def reads_page(self) -> bool:
        """True if it reads values beside the records of a page."""
        return bool(self.path) and (self.status is None or self.status in _SUCCESS)

    def holds(self, answer: Answer) -> bool:
        """True if the condition holds; null counts as missing."""
        if answer.status != self.status if self.status is not None else answer.status not in _SUCCESS:
            return False
        if not self.path or answer.body is UNREAD:
            return not self.path
        value = value_at(answer.body, self.path)
        if self.exists is not None:
            return (value is not None) is self.exists
        return any(_same(value, wanted) for wanted in (*self.any_of, self.equals) if wanted is not None)

    def finding(self, answer: Answer, clean: Callable[[str], str]) -> str:
        """Describes what was found, followed by the source's own message."""
        found = [] if self.status is None else [f"the status is {answer.status}"]
        if self.path:
            found.append(f"{self.path!r} is {shown(value_at(answer.body, self.path), clean)}")
        message = value_at(answer.body, self.message_path) if self.message_path else answer.message or None
        return " and ".join(found) + (f": {shown(message, clean)}" if message is not None else "")


def refuse_failed(
    answer: Answer,
    *,
    retry_when: Sequence[Condition],
    fail_when: Sequence[Condition],
    url: str,
    clean: Callable[[str], str] = str,
) -> None:
    """Raises if a condition holds for the answer; ``retry_when`` is checked before ``fail_when``.

    Args:
        answer: The answer.
        retry_when: Conditions for errors that may pass.
        fail_when: Conditions for errors that will not.
        url: The URL for the message.
        clean: Removes secrets from a text.

    Raises:
        SourceUnavailable: When one of ``retry_when`` holds; retryable.
        SourceRejected: When one of ``fail_when`` holds; not retryable.
    """
    # An answer that matches both is retried: giving up early loses data, a retry only time.
    if finding := found(answer, retry_when, clean):
        raise SourceUnavailable(f"{url}: answers with an error, by `retry_when`: {finding}")
    if finding := found(answer, fail_when, clean):
        raise SourceRejected(f"{url}: answers with an error, by `fail_when`: {finding}")


def one_object(shape: str, records: Sequence[bytes]) -> object:
    """The decoded body where it is one object instead of records; None for any other body.

    Args:
        shape: The splitter's.
        records: The body's records, or the first two.
    """
    if shape not in (AN_OBJECT, LINES) or len(records) != 1 or not records[0].startswith(b"{"):
        return None
    return json.loads(records[0], parse_int=integer)


def found(answer: Answer, conditions: Sequence[Condition], clean: Callable[[str], str] = str) -> str:
    """The finding of the first condition that holds; empty if none does."""
    return next((each.finding(answer, clean) for each in conditions if each.holds(answer)), "")


def shown(value: object, clean: Callable[[str], str]) -> str:
    """A value for a message: one line without secrets, cut to 300 characters; of an object only its keys.

    The source chooses the text, so what could break a log line or steer a terminal is replaced.
    """
    if isinstance(value, dict | list) or value is NOT_KEPT:
        return described(value)
    if isinstance(value, str):
        # Cut last: the rest of a secret that is cut would not be found any more.
        text = clean(value)
        printable = "".join(char if char.isprintable() else " " for char in text[:_MAX_MESSAGE_CHARACTERS])
        return f"{printable!r}{'…' if len(text) > _MAX_MESSAGE_CHARACTERS else ''}"
    written = value.text if isinstance(value, Fraction) else msgspec.json.encode(value).decode()
    return written[:_MAX_MESSAGE_CHARACTERS]


def _same(value: object, wanted: Scalar) -> bool:
    # In Python True == 1, but `equals = 1` must not match true.
    return isinstance(value, bool) is isinstance(wanted, bool) and value == wanted
