"""What was found of one part of a pipeline, and whether that is good."""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from tools.ground.aws import EXPIRED, WRONG, AwsError
from tools.operate.log_search import NotSearched


class State(Enum):
    """How a part is; the value is its mark on the screen.

    ``UNKNOWN`` is what has no measurement, ``UNSEEN`` what could not be read: a check that lost its
    permission must not pass for a good one.
    """

    GOOD = " "
    UNKNOWN = "?"
    UNSEEN = "?!"
    BAD = "!"


UNHEALTHY = {State.UNSEEN, State.BAD}


class Finding(NamedTuple):
    """One line of the screen.

    Attributes:
        name: Of the part.
        text: What was found.
        state: How that is.
        command: What to type to see more or to mend it; empty for nothing.
    """

    name: str
    text: str
    state: State = State.GOOD
    command: str = ""


def seen(name: str, look: Callable[[], Finding]) -> Finding:
    """What a look finds, or why nothing could be seen.

    Raises:
        AwsError: When the credentials are of no use, or AWS cannot be reached.
    """
    try:
        return look()
    except NotSearched as error:
        return Finding(name, f"unknown: {error}", State.UNKNOWN)
    except AwsError as error:
        if not error.code or error.code in EXPIRED | WRONG:
            raise
        return Finding(name, f"cannot be seen: {error}", State.UNSEEN)


def span(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3 h``, ``2 days``: the largest unit that fits."""
    for unit, size in (("day", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {unit}{'s' if unit == 'day' and number != 1 else ''}"
    return f"{int(seconds)} s"
