"""The path to the records of XML, and the settings that XML does not support."""

import re
from collections.abc import Sequence
from typing import Final

PATTERN: Final = r"^[^0-9./\[\]][^./\[\]]*(\.[^0-9./\[\]][^./\[\]]*)*$"
"""Names joined by dots; none begins with a digit, so an index does not match."""

IN_WORDS: Final = (
    "the names of the elements that lead to a record, joined by dots, such as rss.channel.item; "
    "XML has no path with a leading / and no index"
)

NOTHING_OUTSIDE: Final = "XML has no values outside its records"


def refusal(record_path: str, outside_settings: Sequence[str]) -> str:
    """Returns the reason why XML cannot be read with these settings; empty if it can.

    Args:
        record_path: As in the source.
        outside_settings: The settings that read values outside the records.
    """
    if not re.match(PATTERN, record_path):
        is_there = f"is {record_path!r}" if record_path else "is empty"
        return f"`record_path` {is_there}; in XML it must be {IN_WORDS}"
    if outside_settings:
        return (
            f"{NOTHING_OUTSIDE}, but {' and '.join(f'`{each}`' for each in outside_settings)} would read them"
        )
    return ""
