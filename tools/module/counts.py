"""The ``count`` or ``for_each`` of each resource of the module.

A resource exists if three things hold: the module is enabled, the user does not bring its part
(``local.create.<part>``), and the condition of its construct holds (`resources/conditions.py`).
"""

import re
from collections.abc import Mapping
from typing import Any

from ingestion_pipeline.settings.expressions import AND, Unknown, conditional, operand
from tools.module.checks.existing_parts import without_form
from tools.module.synthesis import Synthesis
from tools.module.variables import local_name

OWN_COUNT = re.compile(r"\$\{(.*) \? 1 : 0\}")
"""A condition, as `exist_only_if` writes it."""


def how_many(synthesis: Synthesis, path: str, body: Mapping[str, Any]) -> dict[str, str]:
    """The meta-argument of one resource.

    Args:
        synthesis: The constructs, with references for settings.
        path: The resource's in the construct tree.
        body: The resource in the stack's JSON.
    """
    condition = _condition(synthesis, path, body)
    for_each = body.get("for_each")
    if not for_each:
        return {"count": f"${{{conditional(Unknown(condition), '1', '0')}}}"}
    every = for_each.removeprefix("${").removesuffix("}")
    return {"for_each": f"${{{{ for key, value in {every} : key => value if {condition} }}}}"}


def _condition(synthesis: Synthesis, path: str, body: Mapping[str, Any]) -> str:
    parts = [part for part, paths in synthesis.parts.items() if path in paths]
    own = OWN_COUNT.fullmatch(body.get("count", ""))
    made = f"local.create.{local_name(without_form(parts[-1]))}" if parts else "var.enabled"
    return f"{made} && {operand(own[1], AND)}" if own else made
