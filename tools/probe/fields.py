"""Describes the records: the types of their fields, and the fields that only grow or fall."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
_ID = re.compile(r"(^|[._:])(_?id|key|number|guid|uuid|seq|offset)$|(?<=[a-z])Id$", re.IGNORECASE)
_DATED = re.compile(r"date|year|month|period", re.IGNORECASE)
_YEAR = re.compile(r"(19|20)\d\d(-\d\d)?")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_EPOCHS = (1e9, 2.2e9)
_MAX_LEVELS = 2


class Field(NamedTuple):
    """A field of the records."""

    path: str
    types: tuple[str, ...]
    present: int


class Course(NamedTuple):
    """A field whose values only grow, or only fall."""

    path: str
    kind: str
    direction: str


def fields_of(records: Sequence[Any]) -> list[Field]:
    """Returns every field down to the second level, with the types of its values."""
    types: dict[str, dict[str, None]] = defaultdict(dict)
    present: dict[str, int] = defaultdict(int)
    for record in records:
        for path, value in _flat(record):
            types[path][type_of(value)] = None
            present[path] += 1
    return [Field(path, tuple(found), present[path]) for path, found in types.items()]


def courses_of(records: Sequence[Any]) -> list[Course]:
    """Returns the times and ids that only grow, or only fall, over all records."""
    rows = [dict(_flat(record)) for record in records]
    # Two records always grow or fall, which proves nothing.
    if len(rows) < 3:
        return []
    found = []
    for path in rows[0]:
        values = [row.get(path) for row in rows]
        numbers = _as_numbers(values)
        kind = _kind(path, values) or _kind(path, numbers)
        if kind and (direction := _direction(numbers)):
            found.append(Course(path, kind, direction))
    return sorted(found, key=lambda course: course.kind != "time")


def type_of(value: object) -> str:
    """The JSON type of a value; a text that is a time counts as a type of its own."""
    if isinstance(value, str):
        return "time" if _TIME.fullmatch(value) else "text"
    names = {
        bool: "boolean",
        int: "integer",
        float: "number",
        type(None): "null",
        dict: "object",
        list: "array",
    }
    return names[type(value)]


def _as_numbers(values: Sequence[Any]) -> Sequence[Any]:
    """The values as numbers if all are whole numbers written as text, as in a CSV: there 9 is before 10."""
    if all(isinstance(each, str) and _WHOLE.fullmatch(each) for each in values):
        return list(map(int, values))
    return values


def _kind(path: str, values: Sequence[Any]) -> str:
    first = type(values[0])
    if first not in (str, int, float) or any(type(each) is not first for each in values):
        return ""
    if first is str and all(_TIME.fullmatch(each) for each in values):
        return "time"
    if first is str and _DATED.search(path) and all(_YEAR.fullmatch(each) for each in values):
        return "time"
    if first is not str and all(_is_epoch(each) for each in values):
        return "time"
    return "id" if _ID.search(path) else ""


def _is_epoch(value: float) -> bool:
    low, high = _EPOCHS
    return low <= value <= high or low * 1000 <= value <= high * 1000


def _direction(values: Sequence[Any]) -> str:
    if values[0] == values[-1]:
        return ""
    if all(one <= other for one, other in pairwise(values)):
        return "ascending"
    return "descending" if all(one >= other for one, other in pairwise(values)) else ""


def _flat(record: object, prefix: str = "", level: int = 1) -> Iterator[tuple[str, Any]]:
    if not isinstance(record, dict):
        yield prefix.rstrip(".") or "(the record)", record
        return
    for key, value in record.items():
        if isinstance(value, dict) and value and level < _MAX_LEVELS:
            yield from _flat(value, f"{prefix}{key}.", level + 1)
        else:
            yield f"{prefix}{key}", value
