"""Conditions of the JSON schema on which keys go together; the tables check the same when they are decoded.

Each ``$comment`` is the reason with which the error message ends.
"""

from typing import Any

from url_fetcher.formats import xml_path
from url_fetcher.source.placeholders import NAMES, pattern_of

Schema = dict[str, Any]

# JSON schema applies minLength and minItems only to values of the right type, so each needs its own type.
_GIVEN: Schema = {"minLength": 1}
_FILLED: Schema = {"type": "array", "minItems": 1}
_TABLE: Schema = {"type": "object"}
_VERDICTS = ("fail_when", "retry_when", "empty_when")
_UNSET: Schema = {"equals": None, "in": [], "exists": None}
_FIRST_ERROR = 300
# A condition on every good answer, not on a status.
_OF_GOOD_ANSWERS: Schema = {"not": {"required": ["status"]}}
_OF_A_REQUEST = ("url", "query", "headers", "body")
_OF_WINDOWS = ("since", "until")


def conditions(
    csv_formats: tuple[str, ...], verdict_formats: tuple[str, ...], of_a_schedule: tuple[str, ...]
) -> dict[str, list[Schema]]:
    """Returns the conditions by the name of the table that they belong to.

    Args:
        csv_formats: The values of `format` with which `csv` may be set.
        verdict_formats: The values of `format` with which `fail_when` and `retry_when` may be set.
        of_a_schedule: The keys that are allowed only together with `schedule`.
    """
    of_a_request = _of_a_request(csv_formats, verdict_formats)
    return {
        "Source": [
            *of_a_request,
            *_placeholders(*_OF_WINDOWS),
            {
                "if": _with(windows=_TABLE) | {"not": {"anyOf": [_using(name) for name in _OF_WINDOWS]}},
                "then": _needing(
                    "the request has no `{since}`",
                    windows=_with(from_parameter=_GIVEN, to_parameter=_GIVEN),
                ),
            },
            {"if": _with(schedule=_GIVEN), "then": _needing("`schedule` is set", name=_GIVEN)},
            *(
                {"if": {"required": [key]}, "then": _needing(f"`{key}` is set", schedule=_GIVEN)}
                for key in of_a_schedule
            ),
        ],
        "Children": of_a_request,
        "Windows": [
            {"oneOf": [{"required": ["days"]}, {"required": ["seconds"]}]},
            {
                "if": _with(format={"const": "date"}),
                "then": {
                    "properties": {
                        "seconds": {"type": "null", "$comment": 'because `format` is "date": set `days`'}
                    }
                },
            },
        ],
        "CursorPagination": [{"not": _with(header=_GIVEN, last_record_path=_GIVEN)}],
        "Condition": [
            {
                "if": _with(path=_GIVEN),
                "then": {
                    "oneOf": [_with(**{test: {"not": {"const": unset}}}) for test, unset in _UNSET.items()]
                },
                "else": _of_a_status_alone(),
            }
        ],
    }


def _of_a_request(csv_formats: tuple[str, ...], verdict_formats: tuple[str, ...]) -> list[Schema]:
    """The conditions on the keys of a request and of its answer, which child requests have, too."""
    is_csv = {"enum": list(csv_formats), "$comment": "because `csv` is set"}
    return [
        {"if": {"required": ["csv"]}, "then": {"properties": {"format": is_csv}}},
        {"if": _with(format={"const": "xml"}), "then": _xml()},
        *(
            {
                "if": _with(**{key: _FILLED | {"contains": _OF_GOOD_ANSWERS}})
                | {"not": _with(format={"const": "xml"})},
                "then": {
                    "properties": {
                        "format": {"enum": list(verdict_formats), "$comment": f"because `{key}` is set"}
                    }
                },
            }
            for key in _VERDICTS
        ),
        {
            "if": _with(records_optional={"const": True}),
            "then": _needing("`records_optional` is true", record_path=_GIVEN),
        },
        {
            "if": _with(pagination=_TABLE | _with(into={"const": "body"})),
            "then": _needing('`pagination.into` is "body"', body=_TABLE, method={"const": "POST"}),
        },
        {
            "if": _with(
                body={"anyOf": [{"type": "string", **_GIVEN}, {"type": "object", "minProperties": 1}]}
            ),
            "then": _needing("`body` is set", method={"const": "POST"}),
        },
        *_placeholders(*(name for name in NAMES if name not in _OF_WINDOWS)),
        {
            "if": _with(url={"type": "string", "pattern": f"^[^?]*{pattern_of('cursor')}"}),
            "then": _needing("`url` has `{cursor}` in its path", pagination=_with(first=_GIVEN)),
        },
    ]


def texts() -> dict[str, Schema]:
    """For each placeholder the schema of a text with it, and of a table or a list with such a text."""
    found: dict[str, Schema] = {}
    for name in NAMES:
        has = {"$ref": f"#/texts/{name}"}
        found[name] = {
            "anyOf": [
                {"type": "string", "pattern": pattern_of(name)},
                {"type": "object", "not": {"additionalProperties": {"not": has}}},
                {"type": "array", "contains": has},
            ]
        }
    return found


def _placeholders(*names: str) -> list[Schema]:
    return [{"if": _using(name), "then": _needing(_reason(name), **_value_of(name))} for name in names]


def _using(name: str) -> Schema:
    """The schema of a source whose request has this placeholder."""
    return {"anyOf": [_with(**{key: {"$ref": f"#/texts/{name}"}}) for key in _OF_A_REQUEST]}


def _value_of(name: str) -> dict[str, Schema]:
    """The key that gives a placeholder its value."""
    if name in _OF_WINDOWS:
        return {"windows": _TABLE}
    return {"pagination": _with(kind={"const": name, "$comment": f"because {_reason(name)}"})}


def _reason(name: str) -> str:
    return f"`{{{name}}}` stands in the request; write `{{{{{name}}}` if these characters are meant"


def _with(**properties: Schema) -> Schema:
    """The schema of a table that has these keys, each with a matching value."""
    return {"properties": properties, "required": list(properties)}


def _needing(condition: str, **properties: Schema) -> Schema:
    """The same, with the condition as the reason for each of the keys."""
    because = {"$comment": f"because {condition}"}
    return _with(**{key: schema | because for key, schema in properties.items()}) | because


def _of_a_status_alone() -> Schema:
    because = {"$comment": "because `path` is not set"}
    tests = {test: {"const": value} | because for test, value in _UNSET.items()}
    return {"properties": {"status": {"type": "integer"} | because} | tests, "required": ["status"]} | because


def _xml() -> Schema:
    because = {"$comment": 'because `format` is "xml"'}
    reason = {"$comment": f'because `format` is "xml", and {xml_path.NOTHING_OUTSIDE}'}
    path = {"pattern": xml_path.PATTERN, "description": xml_path.IN_WORDS} | because
    paths = ("has_more_path", "is_last_path", "total_path", "total_pages_path")
    kinds = ["none", "link_header", "page", "offset", "cursor"]
    pagination = {
        "properties": {"kind": {"enum": kinds} | reason} | {key: {"const": ""} | reason for key in paths},
        "if": _with(kind={"const": "cursor"}) | {"not": _with(header=_GIVEN)},
        "then": _with(last_record_path=_GIVEN | reason) | reason,
    }
    error = _with(status={"minimum": _FIRST_ERROR} | reason) | reason
    verdicts: Schema = {key: {"items": {"if": _with(path=_GIVEN), "then": error}} for key in _VERDICTS}
    return {
        "properties": {"record_path": path, "pagination": pagination} | verdicts,
        "required": ["record_path"],
    } | because
