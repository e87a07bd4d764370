"""What one key asks of another, as conditions of a JSON schema; the tables themselves check it, too.

Each ``$comment`` is the reason, which ends the message.
"""

from typing import Any

from url_fetcher.formats import xml_path

Schema = dict[str, Any]

# A value of another type fulfils every limit but that of its type.
_GIVEN: Schema = {"minLength": 1}
_FILLED: Schema = {"type": "array", "minItems": 1}
_TABLE: Schema = {"type": "object"}
_VERDICTS = ("fail_when", "retry_when")


def conditions(csv_formats: tuple[str, ...], of_a_schedule: tuple[str, ...]) -> dict[str, list[Schema]]:
    """The conditions of each table that has some, by the table's name.

    Args:
        csv_formats: The formats with which `csv` may be set.
        of_a_schedule: The keys that go with `schedule`.
    """
    is_csv = {"enum": list(csv_formats), "$comment": "because `csv` is set"}
    return {
        "Source": [
            {"if": {"required": ["csv"]}, "then": {"properties": {"format": is_csv}}},
            {"if": _with(format={"const": "xml"}), "then": _xml()},
            *({"if": _with(**{key: _FILLED}), "then": _with_record_path(key)} for key in _VERDICTS),
            {"if": _with(pagination=_TABLE | _with(into={"const": "body"})), "then": _with_table()},
            {"if": _with(schedule=_GIVEN), "then": _with_name()},
            *({"if": {"required": [key]}, "then": _with_schedule(key)} for key in of_a_schedule),
        ],
        "CursorPagination": [{"not": _with(header=_GIVEN, last_record_path=_GIVEN)}],
        "Condition": [{"oneOf": [{"required": [test]} for test in ("equals", "in", "exists")]}],
    }


def _with(**properties: Schema) -> Schema:
    """A table that has these keys, with such values."""
    return {"properties": properties, "required": list(properties)}


def _with_record_path(key: str) -> Schema:
    because = {"$comment": f"because `{key}` is set"}
    return _with(record_path=_GIVEN | because) | because


def _with_table() -> Schema:
    because = {"$comment": 'because `pagination.into` is "body"'}
    return _with(body={"type": "object"} | because, method={"const": "POST"} | because) | because


def _with_name() -> Schema:
    because = {"$comment": "because `schedule` is set"}
    return _with(name=_GIVEN | because) | because


def _with_schedule(key: str) -> Schema:
    because = {"$comment": f"because `{key}` is set"}
    return _with(schedule=_GIVEN | because) | because


def _xml() -> Schema:
    because = {"$comment": 'because `format` is "xml"'}
    beside = {"$comment": f'because `format` is "xml", and {xml_path.NOTHING_BESIDE}'}
    path = {"pattern": xml_path.PATTERN, "description": xml_path.IN_WORDS} | because
    paths = ("has_more_path", "is_last_path", "total_path", "total_pages_path")
    kinds = ["none", "link_header", "page", "offset", "cursor"]
    pagination = {
        "properties": {"kind": {"enum": kinds} | beside} | {key: {"const": ""} | beside for key in paths},
        "if": _with(kind={"const": "cursor"}) | {"not": _with(header=_GIVEN)},
        "then": _with(last_record_path=_GIVEN | beside) | beside,
    }
    verdicts: Schema = {key: {"const": []} | beside for key in _VERDICTS}
    return {
        "properties": {"record_path": path, "pagination": pagination} | verdicts,
        "required": ["record_path"],
    } | because
