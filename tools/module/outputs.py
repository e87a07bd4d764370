"""The module's outputs: those of the stack, and what else a root module may need."""

from collections.abc import Mapping
from typing import Any

from tools.module.main_tf import all_short_names, made_expression

FURTHER = {
    "function_log_group_name": ("Log group of the function.", "local.function_log_group.name"),
    "delivery_log_group_name": ("Log group of Firehose's errors.", "local.delivery_log_group.name"),
    "function_policy_json": (
        "What the function's role has to permit, for a role that you bring.",
        "local.function_policy",
    ),
    "delivery_policy_json": (
        "What Firehose's role has to permit, for a role that you bring.",
        "local.delivery_policy",
    ),
}
"""Description and expression of what the stack has no output for, by name."""


def outputs(config: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Description and expression of every output, sorted by name; all are null if nothing is made.

    Args:
        config: A stack's JSON, synthesized with references for settings.
    """
    names = all_short_names(config)
    stated = {name: {"description": said, "value": value} for name, (said, value) in FURTHER.items()}
    for name, output in config["output"].items():
        value = made_expression(output["value"], names)
        stated[name] = {"description": output["description"], "value": value}
    return {name: {**stated[name], "value": _or_null(stated[name]["value"])} for name in sorted(stated)}


def _or_null(value: str) -> str:
    """``one(…)`` is already null when its list is empty."""
    return value if value.startswith("one(") else f"var.enabled ? {value} : null"
