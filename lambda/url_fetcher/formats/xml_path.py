"""The path to the records of XML, and what XML cannot be asked for."""

import re
from collections.abc import Sequence
from typing import Final

PATTERN: Final = r"^[^0-9./\[\]][^./\[\]]*(\.[^0-9./\[\]][^./\[\]]*)*$"
"""Names with dots between; no name begins with a digit, so an index is none."""

IN_WORDS: Final = (
    "the names of the elements that lead to a record, joined by dots, such as rss.channel.item; "
    "XML has no path with a leading / and no index"
)

NOTHING_BESIDE: Final = "nothing stands beside the records of XML"


def element_names(record_path: str) -> tuple[str, ...]:
    """The names from the root to a record.

    Example:
        >>> element_names("rss.channel.item")
        ('rss', 'channel', 'item')
    """
    return tuple(record_path.split("."))


def refusal(record_path: str, beside: Sequence[str]) -> str:
    """Why XML cannot be read with these settings; empty if it can.

    Args:
        record_path: As in the source.
        beside: The settings that look at what stands beside the records.
    """
    if not re.match(PATTERN, record_path):
        is_there = f"is {record_path!r}" if record_path else "is empty"
        return f"`record_path` {is_there}; in XML it must be {IN_WORDS}"
    if beside:
        return f"{NOTHING_BESIDE}, but {' and '.join(f'`{each}`' for each in beside)} would look there"
    return ""
