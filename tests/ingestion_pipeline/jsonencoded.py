"""Reads what a construct has Terraform encode: ``${jsonencode(…)}`` with objects, lists and strings in it."""

import json
import re
from typing import Any

LEXEME = re.compile(r'"(?:\$\{[^}]*\}|\\.|[^"\\])*"|[\w.*-]+(?:\[[^]]*\])?|[{}\[\]=,]')
START, END = "${jsonencode(", ")}"


def decoded(expression: str) -> Any:
    """The value, with ``${…}`` around what only Terraform will know.

    Args:
        expression: Without function calls and conditions.
    """
    assert expression.startswith(START), expression
    assert expression.endswith(END), expression
    lexemes = LEXEME.findall(expression[len(START) : -len(END)])
    lexemes.reverse()
    value = _value(lexemes)
    assert lexemes == [], lexemes
    return value


def _value(lexemes: list[str]) -> Any:
    first = lexemes.pop()
    if first == "{":
        return _object(lexemes)
    if first == "[":
        return _list(lexemes)
    return json.loads(first) if first.startswith('"') or first.isdigit() else f"${{{first}}}"


def _object(lexemes: list[str]) -> dict[str, Any]:
    made = {}
    while (name := lexemes.pop()) != "}":
        if name != ",":
            assert lexemes.pop() == "=", name
            made[name.strip('"')] = _value(lexemes)
    return made


def _list(lexemes: list[str]) -> list[Any]:
    made = []
    while lexemes[-1] != "]":
        made.append(_value(lexemes))
        if lexemes[-1] == ",":
            lexemes.pop()
    lexemes.pop()
    return made
