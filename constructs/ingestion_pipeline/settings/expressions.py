"""Settings that only Terraform will know, and how constructs compute with them.

The module's variables are such settings. CDKTF carries an unknown string, number or list to its place
by itself, as a token; it cannot compute with one. These functions compute at once where the values are
known, and otherwise write the expression that Terraform computes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

T = TypeVar("T", str, int)


@dataclass(frozen=True)
class Unknown:
    """A condition that only Terraform will know; as a Python condition it is true.

    Attributes:
        expression: What Terraform evaluates, such as ``var.function_tracing``.
    """

    expression: str


Condition = bool | Unknown

_expressions: dict[object, str] = {}


def unknown(kind: type, expression: str) -> Any:
    """A value of a type that only Terraform will know.

    Args:
        kind: ``bool``, ``int``, ``str`` or ``tuple`` (a list of strings).
        expression: What Terraform evaluates.
    """
    from cdktf import Token

    if kind is bool:
        return Unknown(expression)
    reference = f"${{{expression}}}"
    if kind is int:
        token: object = Token.as_number(reference)
    elif kind is tuple:
        token = tuple(Token.as_list(reference))
    else:
        token = Token.as_string(Token.as_any(reference))
    _expressions[token] = expression
    return token


def expression_of(value: object) -> str | None:
    """The expression behind a value that ``unknown`` made; None for any other value."""
    if isinstance(value, Unknown):
        return value.expression
    # Every object says that it is hashable; a table or a list is not.
    return None if isinstance(value, dict | list) else _expressions.get(value)


def chosen(condition: Condition, then: T, otherwise: T) -> T:
    """``then`` if the condition holds, else ``otherwise``."""
    if not isinstance(condition, Unknown):
        return then if condition else otherwise
    text = f"{condition.expression} ? {_literal(then)} : {_literal(otherwise)}"
    return cast("T", unknown(type(then), text))


def positive(number: int) -> Condition:
    """Whether a number is above zero."""
    expression = expression_of(number)
    return Unknown(f"{expression} > 0") if expression else number > 0


def is_zero(number: int | None) -> Condition:
    """Whether a number that may be left out is zero."""
    expression = expression_of(number)
    return Unknown(f"{expression} == 0") if expression else number == 0


def given(text: str) -> Condition:
    """Whether a text is not empty."""
    expression = expression_of(text)
    return Unknown(f'{expression} != ""') if expression else bool(text)


def equal(text: str, other: str) -> Condition:
    """Whether a text is the other one, which is known."""
    expression = expression_of(text)
    return Unknown(f'{expression} == "{other}"') if expression else text == other


def unequal(text: str, other: str) -> Condition:
    """Whether a text is not the other one, which is known."""
    expression = expression_of(text)
    return Unknown(f'{expression} != "{other}"') if expression else text != other


def not_empty(items: Sequence[str]) -> Condition:
    """Whether a list holds anything."""
    expression = expression_of(tuple(items))
    return Unknown(f"length({expression}) > 0") if expression else bool(items)


def any_of(*conditions: Condition) -> Condition:
    """Whether one of the conditions holds."""
    unknowns = [each.expression for each in conditions if isinstance(each, Unknown)]
    if any(each is True for each in conditions) or not unknowns:
        return any(conditions)
    return Unknown(f"({' || '.join(unknowns)})")


def all_of(*conditions: Condition) -> Condition:
    """Whether all of the conditions hold."""
    unknowns = [each.expression for each in conditions if isinstance(each, Unknown)]
    if any(each is False for each in conditions) or not unknowns:
        return all(conditions)
    return Unknown(" && ".join(unknowns))


def negated(condition: Condition) -> Condition:
    """Whether the condition does not hold."""
    return Unknown(f"!({condition.expression})") if isinstance(condition, Unknown) else not condition


def either_or_none(condition: Condition, value: Any, default: Any = None) -> Any:
    """``value`` if the condition holds, else ``default``, which may be None: Terraform's null.

    Args:
        condition: Known or not.
        value: A string, or True.
        default: What there is otherwise.
    """
    if not isinstance(condition, Unknown):
        return value if condition else default
    then, otherwise = (("null" if each is None else _literal(each)) for each in (value, default))
    text = f"${{{condition.expression} ? {then} : {otherwise}}}"
    if not isinstance(value, bool):
        return text
    from cdktf import Token

    return Token.as_any(text)


def times(number: int, factor: int) -> int:
    """A number, multiplied."""
    expression = expression_of(number)
    return int(unknown(int, f"{expression} * {factor}")) if expression else number * factor


def plus(number: int, more: int) -> int:
    """A number, increased."""
    expression = expression_of(number)
    return int(unknown(int, f"{expression} + {more}")) if expression else number + more


def as_argument(condition: Condition) -> Any:
    """A condition as the value of a resource's argument."""
    if not isinstance(condition, Unknown):
        return condition
    from cdktf import Token

    return Token.as_any(f"${{{condition.expression}}}")


def as_text(value: str | float | bool | Sequence[str] | Unknown) -> str:
    """A value as an environment variable has it: booleans in lower case, lists joined by commas."""
    expression = expression_of(value)
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return f'${{join(",", {expression})}}' if expression else ",".join(value)
    if expression:
        return f"${{tostring({expression})}}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def optional_blocks(blocks: Sequence[tuple[Condition, dict[str, Any]]]) -> list[dict[str, Any]]:
    """The ``dynamic`` blocks for those whose condition only Terraform will know.

    Args:
        blocks: Condition and content of each; for ``add_override(f"dynamic.{kind}", …)``.
    """
    return [
        {"for_each": f"${{{condition.expression} ? [1] : []}}", "content": content}
        for condition, content in blocks
        if isinstance(condition, Unknown)
    ]


def _literal(value: str | int) -> str:
    """A value within an expression."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if expression := expression_of(value):
        return expression
    if value.startswith("${TfToken["):
        # A reference, which CDKTF fills in without its braces where it follows a `${`.
        return f'"${{{value}}}"'
    whole = value.startswith("${") and value.endswith("}")
    return value[2:-1] if whole else f'"{value}"'
