"""Policy documents, and other JSON, as expressions that Terraform encodes, from plain values.

No data source renders them. Terraform reads one only after the change of anything that it refers to, and
until then every policy of it is shown as changed.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from textwrap import indent
from typing import Any

from ingestion_pipeline.resources.policies import Statement
from ingestion_pipeline.settings.expressions import Unknown, expression_of

VERSION = "2012-10-17"
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html"""

BOOLEAN_KEYS = {"aws:SecureTransport", "lambda:InvokedViaFunctionUrl"}
"""Keys of conditions that are true or false."""

IDENTIFIER = re.compile(r"[A-Za-z_][\w-]*")
INTERPOLATION = re.compile(r"(\$\{[^{}]*\})")
TOKEN = re.compile(r"\$\{TfToken\[[^]]*\]\}")
LIST = "#{TfToken["
"""Start of a string that stands for a list which only Terraform knows."""


def policy_document(statements: Sequence[Statement]) -> str:
    """The statements as one ``${jsonencode(…)}``, formatted as ``terraform fmt`` does.

    Args:
        statements: One whose condition only Terraform will know is part of the document on that condition.

    Example:
        >>> print(policy_document([Statement("Read", ["s3:GetObject"], ["${aws_s3_bucket.a.arn}/*"])]))
        ${jsonencode({
          Version = "2012-10-17"
          Statement = [
            {
              Sid      = "Read"
              Effect   = "Allow"
              Action   = "s3:GetObject"
              Resource = "${aws_s3_bucket.a.arn}/*"
            },
          ]
        })}
    """
    certain = _list(_statement(each) for each in statements if each.when is True)
    conditional = [
        f"{each.when.expression} ? {_list([_statement(each)])} : []"
        for each in statements
        if isinstance(each.when, Unknown)
    ]
    every = _block("concat(", [f"{part}," for part in (certain, *conditional)], ")")
    document = _object({"Version": _text(VERSION), "Statement": every if conditional else certain})
    return f"${{jsonencode({document})}}"


def json_object(values: Mapping[str, Any]) -> str:
    """The values as one ``${jsonencode(…)}``.

    Args:
        values: Any of them may be one that only Terraform will know.
    """
    return f"${{jsonencode({expression(values)})}}"


def expression(value: Any) -> str:
    """A value as an expression of Terraform, with each attribute of an object on a line of its own.

    Args:
        value: As of JSON; any part of it may be one that only Terraform will know.
    """
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return _object({_key(name): expression(each) for name, each in value.items()})
    if isinstance(value, list):
        return _list(map(expression, value))
    return expression_of(value) or json.dumps(value)


def _key(name: str) -> str:
    return name if IDENTIFIER.fullmatch(name) else json.dumps(name)


def _statement(statement: Statement) -> str:
    values = {
        "Sid": _text(statement.sid),
        "Effect": _text("Allow" if statement.allowed else "Deny"),
        "Principal": _principal(statement),
        "Action": _one_or_more(statement.actions),
        "Resource": _one_or_more(statement.resources) if statement.resources else "",
        "Condition": _condition(statement.conditions),
    }
    return _object({key: value for key, value in values.items() if value})


def _principal(statement: Statement) -> str:
    if statement.services:
        return f"{{ Service = {_one_or_more(statement.services)} }}"
    return "" if statement.allowed else _text("*")


def _condition(conditions: Mapping[str, str]) -> str:
    """Each key with its value, by how they are compared."""
    tests: dict[str, list[str]] = {}
    for key, value in conditions.items():
        test = "Bool" if key in BOOLEAN_KEYS else "StringEquals"
        tests.setdefault(test, []).append(f"{_text(key)} = {_text(value)}")
    compared = [f"{test} = {{ {', '.join(pairs)} }}" for test, pairs in tests.items()]
    return f"{{ {', '.join(compared)} }}" if compared else ""


def _one_or_more(values: Sequence[str]) -> str:
    if expression := expression_of(tuple(values)):
        return expression
    if any(value.startswith(LIST) for value in values):
        from cdktf import Fn

        # CDKTF replaces a list only where it stands alone, a text anywhere.
        return f'split(",", {_text(Fn.join(",", list(values)))})'
    texts = [_text(value) for value in values]
    return texts[0] if len(texts) == 1 else _list(texts)


def _text(text: str) -> str:
    """A string whose ``${…}`` are Terraform's to fill in; if it is nothing else, the expression itself."""
    if INTERPOLATION.fullmatch(text) and (expression := _expression(text)):
        return expression
    parts = INTERPOLATION.split(text)
    parts[::2] = [json.dumps(part, ensure_ascii=False)[1:-1] for part in parts[::2]]
    # CDKTF leaves out the braces of a reference that follows a `${`, but has them on one that follows a `}`:
    # with braces of its own, each is right.
    parts[1::2] = [f"${{{_expression(part) or part}}}" for part in parts[1::2]]
    return f'"{"".join(parts)}"'


def _expression(interpolation: str) -> str | None:
    """The text between the braces; None if only CDKTF knows it."""
    if TOKEN.fullmatch(interpolation):
        return expression_of(interpolation)
    return interpolation.removeprefix("${").removesuffix("}")


def _list(values: Iterable[str]) -> str:
    return _block("[", [f"{value}," for value in values], "]")


def _object(values: Mapping[str, str]) -> str:
    """One attribute a line; ``terraform fmt`` aligns the equals signs of neighbours that take one line."""
    lines: list[str] = []
    for is_long, neighbours in groupby(values.items(), lambda item: "\n" in item[1]):
        entries = dict(neighbours)
        width = 0 if is_long else max(map(len, entries))
        lines += [f"{name.ljust(width)} = {value}" for name, value in entries.items()]
    return _block("{", lines, "}")


def _block(opening: str, lines: Sequence[str], closing: str) -> str:
    return "\n".join([opening, *(indent(line, "  ") for line in lines), closing])
