"""The rules of the settings in Terraform's words: a condition and a message for each variable."""

import json
from dataclasses import dataclass

from ingestion_pipeline.settings.rules import Rule


@dataclass(frozen=True)
class Validation:
    """One check of a variable.

    Attributes:
        condition: An expression of Terraform that is true for what is allowed.
        message: Text for the user; may refer to variables as ``${var.name}``.
    """

    condition: str
    message: str


class UnknownPattern(ValueError):
    """When a rule's pattern says something that Terraform's regular expressions cannot."""


def validation(name: str, rule: Rule, *, optional: bool = False) -> Validation | None:
    """The check of a variable by a setting's rule, or None if every value of its type is allowed.

    Args:
        name: The variable's.
        rule: Rule of the setting; its own words refuse a value.
        optional: True if null is allowed too.
    """
    condition = _condition(f"var.{name}", rule)
    if not condition:
        return None
    refused = rule.problem(name, object())
    advice = refused.advice if refused else ""
    # `||` would evaluate both sides in Terraform before 1.12.
    return Validation(
        f"var.{name} == null ? true : {condition}" if optional else condition, f"{name} {advice}"
    )


def matches(value: str, pattern: str) -> str:
    """An expression: whether the whole of the string ``value`` has the form ``pattern``.

    RE2, which Terraform uses, knows no ``(?!…)``: one at the beginning becomes a check of its own.

    Raises:
        UnknownPattern: When the pattern has such a part anywhere else.
    """
    if pattern.startswith("(") and pattern.endswith(")?") and _closing(pattern) == len(pattern) - 2:
        return f'({value} == "" || {matches(value, pattern[1:-2])})'
    checks = []
    while pattern.startswith("(?!"):
        end = _closing(pattern)
        checks.append(f"!{_found(value, pattern[3:end], '')}")
        pattern = pattern[end + 1 :]
    if "(?" in pattern:
        raise UnknownPattern(f"{pattern!r}: Terraform's regular expressions have no such group")
    checks.insert(0, _found(value, pattern, "$"))
    return checks[0] if len(checks) == 1 else f"({' && '.join(checks)})"


def _found(value: str, pattern: str, end: str) -> str:
    return f"can(regex({json.dumps(f'^({pattern}){end}')}, {value}))"


def _condition(value: str, rule: Rule) -> str:
    if rule.choices:
        return f"contains({json.dumps(list(rule.choices))}, {value})"
    if rule.kind is int:
        within = f"{value} >= {rule.minimum} && {value} <= {rule.maximum}"
        return f"({within} && floor({value}) == {value})"
    if rule.kind is tuple:
        return f"alltrue([for item in {value} : {matches('item', rule.pattern)}])"
    if rule.kind is dict and rule.pattern:
        return f"alltrue([for item in values({value}) : {matches('item', rule.pattern)}])"
    if rule.kind is str and rule.pattern:
        return matches(value, rule.pattern)
    if rule.kind is str and rule.minimum is not None:
        return f"(length({value}) >= {rule.minimum} && length({value}) <= {rule.maximum})"
    return ""


def _closing(pattern: str) -> int:
    """The position where the group closes that opens at the beginning."""
    depth = 0
    for place, character in enumerate(pattern):
        if pattern[place - 1 : place] == "\\":
            continue
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return place
    raise UnknownPattern(f"{pattern!r}: has a group that never closes")
