"""Text for a terminal: a number with its noun, and one line that is safe to print."""

import re

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def count(number: int, thing: str) -> str:
    """``1 object``, ``2 objects``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def size_of(number: int) -> str:
    """``0.4 KiB``, ``12.3 MiB``."""
    return f"{number / 1024:.1f} KiB" if number < 1024 * 1024 else f"{number / 1024 / 1024:,.1f} MiB"


def one_line(text: str) -> str:
    """The text without line ends and whatever else a terminal obeys: it may come from a source."""
    return CONTROL.sub(" ", text)
