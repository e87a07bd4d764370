"""The module's outputs: those of the stack, and what else a root module may need."""

from collections.abc import Mapping
from typing import Any

from ingestion_pipeline.resources.capability import capabilities
from tools.module.main_tf import all_short_names, made_expression
from tools.module.variables import in_variables


def outputs(config: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Description and expression of every output, sorted by name; all are null if nothing is made.

    Args:
        config: A stack's JSON, synthesized with references for settings.
    """
    names = all_short_names(config)
    stated = {
        name: {"description": in_variables(description), "value": value}
        for each in capabilities().values()
        for name, (description, value) in each.module_outputs.items()
    }
    for name, output in config["output"].items():
        value = made_expression(output["value"], names)
        stated[name] = {"description": in_variables(output["description"]), "value": value}
    return {name: {**stated[name], "value": _or_null(stated[name]["value"])} for name in sorted(stated)}


def _or_null(value: str) -> str:
    """``one(…)`` is already null when its list is empty."""
    return value if value.startswith("one(") else f"var.enabled ? {value} : null"
