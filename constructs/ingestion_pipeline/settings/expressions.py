"""Settings that only Terraform will know, and how constructs compute with them.

The module's variables are such settings. CDKTF carries an unknown string, number or list to its place
by itself, as a token; it cannot compute with one. These functions compute at once where the values are
known, and otherwise write the expression that Terraform computes.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, cast

T = TypeVar("T", str, int)
V = TypeVar("V")

# The operators from the loosest to the tightest; an operand without one is the tightest of all:
# https://developer.hashicorp.com/terraform/language/expressions/operators
CONDITIONAL, OR, AND, EQUALITY, COMPARISON, SUM, PRODUCT, UNARY, WHOLE = range(9)
OPERATORS = ("?", "||", "&&", "== !=", "< <= > >=", "+ -", "* / %", "!")
LEVELS = {sign: level for level, signs in enumerate(OPERATORS) for sign in signs.split()}
# A hyphen within a name is part of the name.
PARTS = re.compile(r'"(?:[^"\\]|\\.)*"|[([{]|[)\]}]|[A-Za-z_][\w-]*|\d+|\|\||&&|[=!<>]=|=>|[-?<>+*/%!]')


@dataclass(frozen=True)
class Unknown:
    """A condition, or a table, that only Terraform will know; as a Python condition it is true.

    Attributes:
        expression: Expression of Terraform's, such as ``var.function_tracing``.
    """

    expression: str


Condition = bool | Unknown

_expressions: dict[object, str] = {}


def unknown(kind: type, expression: str) -> Any:
    """A value of a type that only Terraform will know.

    Args:
        kind: ``bool``, ``int``, ``str``, ``tuple`` (a list of strings) or ``dict`` (for ``for_each``).
        expression: Expression of Terraform's.
    """
    from cdktf import Token

    if kind in (bool, dict):
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


def operand(expression: str, level: int) -> str:
    """The expression as an operand, in parentheses if an operator in it binds more loosely than ``level``.

    Example:
        >>> operand("var.a + 1", PRODUCT)
        '(var.a + 1)'
    """
    return expression if _loosest(expression) >= level else f"({expression})"


def _loosest(expression: str) -> int:
    """The level of the operator that is evaluated last; `WHOLE` without one."""
    depth, loosest, previous = 0, WHOLE, ""
    for part in PARTS.findall(expression):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(part, 0)
        if depth == 0 and part in LEVELS:
            # After another operator, or first, a minus is a sign.
            is_sign = part == "-" and (not previous or previous in LEVELS)
            loosest = min(loosest, UNARY if is_sign else LEVELS[part])
        previous = part
    return loosest


def chosen(condition: Condition, then: T, otherwise: T) -> T:
    """``then`` if the condition holds, else ``otherwise``."""
    if not isinstance(condition, Unknown):
        return then if condition else otherwise
    text = conditional(condition, _literal(then), _literal(otherwise))
    return cast("T", unknown(type(then), text))


def positive(number: int) -> Condition:
    """True if a number is above zero."""
    expression = expression_of(number)
    return Unknown(f"{operand(expression, SUM)} > 0") if expression else number > 0


def is_zero(number: int | None) -> Condition:
    """True if a number is zero; None is not."""
    expression = expression_of(number)
    return Unknown(f"{operand(expression, COMPARISON)} == 0") if expression else number == 0


def given(text: str) -> Condition:
    """True if a text is not empty."""
    expression = expression_of(text)
    return Unknown(f'{operand(expression, COMPARISON)} != ""') if expression else bool(text)


def equal(text: str, other: str) -> Condition:
    """True if a text equals another, which is known."""
    expression = expression_of(text)
    return Unknown(f"{operand(expression, COMPARISON)} == {_literal(other)}") if expression else text == other


def unequal(text: str, other: str) -> Condition:
    """True if a text differs from another, which is known."""
    expression = expression_of(text)
    return Unknown(f"{operand(expression, COMPARISON)} != {_literal(other)}") if expression else text != other


def starts_with(text: str, beginnings: Sequence[str]) -> Condition:
    """True if a text starts with one of the beginnings; a text with a reference is Terraform's to compare."""
    if "${" not in text:
        return text.startswith(tuple(beginnings))
    every = ", ".join(map(_literal, beginnings))
    return Unknown(f"anytrue([for start in [{every}] : startswith({_literal(text)}, start)])")


def part_of(text: str, sign: str, index: int) -> str:
    """One of the parts that a sign separates."""
    if "${" not in text:
        return text.split(sign)[index]
    # A part that is not made has no ARN.
    return str(unknown(str, f"try(split({_literal(sign)}, {_literal(text)})[{index}], null)"))


def not_empty(items: Sequence[str]) -> Condition:
    """True if a list is not empty."""
    expression = expression_of(tuple(items))
    return Unknown(f"length({expression}) > 0") if expression else bool(items)


def any_of(*conditions: Condition) -> Condition:
    """True if one of the conditions holds."""
    unknowns = [operand(each.expression, OR) for each in conditions if isinstance(each, Unknown)]
    if any(each is True for each in conditions) or not unknowns:
        return any(conditions)
    return Unknown(" || ".join(unknowns))


def all_of(*conditions: Condition) -> Condition:
    """True if all of the conditions hold."""
    unknowns = [operand(each.expression, AND) for each in conditions if isinstance(each, Unknown)]
    if any(each is False for each in conditions) or not unknowns:
        return all(conditions)
    return Unknown(" && ".join(unknowns))


def negated(condition: Condition) -> Condition:
    """True if the condition does not hold."""
    if not isinstance(condition, Unknown):
        return not condition
    return Unknown(f"!{operand(condition.expression, UNARY)}")


def either_or_none(condition: Condition, value: Any, default: Any = None) -> Any:
    """``value`` if the condition holds, else ``default``, which may be None: Terraform's null.

    Args:
        condition: Known or not.
        value: A string, or True.
        default: Value if the condition does not hold.
    """
    if not isinstance(condition, Unknown):
        return value if condition else default
    then, otherwise = (("null" if each is None else _literal(each)) for each in (value, default))
    text = f"${{{conditional(condition, then, otherwise)}}}"
    if not isinstance(value, bool):
        return text
    from cdktf import Token

    return Token.as_any(text)


def times(number: int, factor: int) -> int:
    """A number, multiplied."""
    if expression_of(number) or expression_of(factor):
        return int(unknown(int, f"{_number(number, PRODUCT)} * {_number(factor, PRODUCT)}"))
    return number * factor


def plus(number: int, more: int) -> int:
    """A number, increased."""
    expression = expression_of(number)
    return int(unknown(int, f"{operand(expression, SUM)} + {more}")) if expression else number + more


def minus(number: int, less: int) -> int:
    """A number, decreased."""
    if expression_of(number) or expression_of(less):
        return int(unknown(int, f"{_number(number, SUM)} - {_number(less, PRODUCT)}"))
    return number - less


def highest(*numbers: int) -> int:
    """The highest of some numbers."""
    if any(map(expression_of, numbers)):
        return int(unknown(int, f"max({', '.join(_number(each, CONDITIONAL) for each in numbers)})"))
    return max(numbers)


def _number(number: int, level: int) -> str:
    """A number as an operand."""
    expression = expression_of(number)
    return operand(expression, level) if expression else str(number)


class InTerraform(Protocol):
    """Whatever has values that `derived` declares."""

    @property
    def in_terraform(self) -> bool:
        """True if only Terraform knows what the values are computed from."""


class Derived(Generic[V]):
    """A property that Python computes, or Terraform where only it knows what from."""

    def __init__(self, compute: Callable[[Any], V], kind: type, expression: str) -> None:
        self.__doc__ = compute.__doc__
        self._compute, self._kind, self._expression = compute, kind, expression

    def __get__(self, owner: InTerraform, _: object = None) -> V:
        """The value, or what stands for it."""
        if owner.in_terraform:
            return cast("V", unknown(self._kind, self._expression))
        return self._compute(owner)


def derived(kind: type, expression: str) -> Callable[[Callable[[Any], V]], Derived[V]]:
    """Declares a computed value once, for Python and for Terraform.

    Args:
        kind: As for `unknown`.
        expression: How Terraform computes it.
    """
    return lambda compute: Derived(compute, kind, expression)


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
        {"for_each": f"${{{conditional(condition, '[1]', '[]')}}}", "content": content}
        for condition, content in blocks
        if isinstance(condition, Unknown)
    ]


def conditional(condition: Unknown, then: str, otherwise: str) -> str:
    """The expression of one of two expressions."""
    asked, first, second = (operand(each, OR) for each in (condition.expression, then, otherwise))
    return f"{asked} ? {first} : {second}"


def _literal(value: str | int) -> str:
    """A value within an expression; a text with references in it is a template, which stays as it is."""
    if expression := expression_of(value):
        return expression
    if isinstance(value, bool | int):
        return str(value).lower()
    if value.startswith("${TfToken["):
        # A reference, which CDKTF fills in without its braces where it follows a `${`.
        return f'"${{{value}}}"'
    if value.startswith("${") and value.endswith("}") and value.count("${") == 1:
        return value[2:-1]
    return f'"{value}"' if "${" in value else _quoted(value)


def _quoted(text: str) -> str:
    """A text as a string of Terraform's, in which nothing is a template."""
    for sign, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("%{", "%%{")):
        text = text.replace(sign, escaped)
    return f'"{text}"'
