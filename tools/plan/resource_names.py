"""The names of a stack's resources before Terraform runs: references within the stack are resolved."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from ingestion_pipeline.resources.capability import reads

REFERENCE = re.compile(r"\$\{(data\.)?(\w+)\.([\w-]+)\.(\w+)\}")
EACH_KEY = "${each.key}"
CONTENT_HASH = re.compile(r"\b[0-9a-f]{64}\b")
"""What changes in a name with the content; in the result ``*`` stands for it."""


class Unresolved(ValueError):
    """When a name depends on what only AWS knows, or a kind of resource is not known; not worth a retry."""


def names_of(stack: Mapping[str, Any], account: str) -> dict[str, list[str]]:
    """The names that the resources of a stack are read by, by kind, sorted.

    Args:
        stack: The synthesized Terraform JSON.
        account: Twelve digits, for the names that contain it.

    Raises:
        Unresolved: When a name depends on what only AWS knows, or a kind of resource is not known.
    """
    names: dict[str, set[str]] = defaultdict(set)
    for kind, resources in stack["resource"].items():
        for label, resource in resources.items():
            name = CONTENT_HASH.sub("*", _name(stack, account, kind, label))
            names[kind].update(name.replace(EACH_KEY, key) for key in resource.get("for_each", [""]))
    return {kind: sorted(found) for kind, found in sorted(names.items())}


def _name(stack: Mapping[str, Any], account: str, kind: str, label: str) -> str:
    if kind not in reads():
        raise Unresolved(f"{kind}.{label}: no capability says which calls read this resource type")

    def value(reference: re.Match[str]) -> str:
        is_data, other, of, attribute = reference.groups()
        if not is_data and other in reads():
            return _name(stack, account, other, of)
        if (other, attribute) == ("aws_caller_identity", "account_id"):
            return account
        raise Unresolved(f"{kind}.{label}: {reference[0]} is only known to AWS")

    return REFERENCE.sub(value, reads()[kind].name.format(**stack["resource"][kind][label]))
