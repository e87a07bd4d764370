"""Values of CloudWatch metrics for the patches of alarms and of GetMetricData, metric math among them.

A metric has exactly its dimensions: one with more of them is another metric.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import cloudwatch

from local_aws.emulator.patches import patch_point

CLOUDWATCH = patch_point.Private(
    cloudwatch, "calc_stats", "dims_from_list", "dims_key", "metrics", "stat_value"
)

Value = float | None
"""None: there is no data point."""

OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
AGGREGATES: dict[str, Callable[[list[float]], float]] = {"MAX": max, "MIN": min, "SUM": sum}


class Unsupported(ValueError):
    """When an expression has something that is not known here."""


def statistic(metric: Mapping[str, Any], stat: str, start: float, end: float) -> Value:
    """The statistic of a metric's points from ``start`` to before ``end``.

    Args:
        metric: ``Namespace``, ``MetricName`` and ``Dimensions``.
        stat: Such as ``Sum`` or ``p99``.
        start: Seconds since 1970.
        end: Likewise.
    """
    points = [each for each in points_of(metric) if start <= each["Timestamp"] < end]
    found: Value = CLOUDWATCH.stat_value(CLOUDWATCH.calc_stats(points), stat, points) if points else None
    return found


def points_of(metric: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every point of a metric."""
    dimensions = CLOUDWATCH.dims_from_list(metric.get("Dimensions") or [])
    key = (metric.get("Namespace"), metric.get("MetricName"), CLOUDWATCH.dims_key(dimensions))
    return list(CLOUDWATCH.metrics.get(key) or [])


def computed(expression: str, values: Mapping[str, Value]) -> Value:
    """The value of an expression of metric math at one time.

    Args:
        expression: Such as ``IF(m1 > 0 AND FILL(m2, 0) == 0, 1, 0)``.
        values: Of the other metrics, by their ids.

    Raises:
        Unsupported: When something in it is not known here.
    """
    text = re.sub(r"\bAND\b|&&", " and ", re.sub(r"\bOR\b|\|\|", " or ", expression))
    try:
        return _value(ast.parse(text.strip(), mode="eval").body, values)
    except SyntaxError as error:
        raise Unsupported(f"{expression!r}: {error}") from error


def _value(node: ast.AST, values: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.BinOp(left=left, op=op, right=right) | ast.Compare(left=left, ops=[op], comparators=[right]):
            return _combined(OPERATORS.get(type(op)), _value(left, values), _value(right, values))
        case ast.BoolOp(op=op, values=nodes):
            found = [bool(_value(each, values)) for each in nodes]
            return float(all(found) if isinstance(op, ast.And) else any(found))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _called(name, arguments, values)
    raise Unsupported(f"{ast.unparse(node)!r} is not known to the local AWS")


def _combined(function: Callable[[float, float], float] | None, left: Value, right: Value) -> Value:
    if function is None:
        raise Unsupported("an operator is not known to the local AWS")
    if left is None or right is None or (function is operator.truediv and right == 0):
        return None
    return float(function(left, right))


def _called(name: str, arguments: list[ast.expr], values: Mapping[str, Value]) -> Value:
    if name == "FILL":
        first = _value(arguments[0], values)
        return _value(arguments[1], values) if first is None else first
    if name == "IF":
        condition = _value(arguments[0], values)
        chosen = arguments[1:2] if condition else arguments[2:3]
        return _value(chosen[0], values) if chosen and condition is not None else None
    if name in AGGREGATES:
        parts = arguments[0].elts if isinstance(arguments[0], ast.List) else arguments
        found = [each for each in (_value(part, values) for part in parts) if each is not None]
        return AGGREGATES[name](found) if found else None
    raise Unsupported(f"{name} is not known to the local AWS")
