"""The names of a stack's resources before Terraform runs: references within the stack are resolved."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from tools.plan_reads import READS

REFERENCE = re.compile(r"\$\{(data\.)?(\w+)\.([\w-]+)\.(\w+)\}")


class Unresolved(ValueError):
    """When a name depends on what only AWS knows, or a kind of resource is not known; not worth a retry."""


def names_of(stack: Mapping[str, Any], account: str) -> dict[str, list[str]]:
    """The name that each resource of a stack is read by, by kind, sorted.

    Args:
        stack: The synthesized Terraform JSON.
        account: Twelve digits, for the names that contain it.

    Raises:
        Unresolved: See there.
    """
    names: dict[str, set[str]] = defaultdict(set)
    for kind, resources in stack["resource"].items():
        for name in resources:
            names[kind].add(_name(stack, account, kind, name))
    return {kind: sorted(found) for kind, found in sorted(names.items())}


def _name(stack: Mapping[str, Any], account: str, kind: str, name: str) -> str:
    if kind not in READS:
        raise Unresolved(f"{kind}.{name}: tools/plan_reads.py does not say which calls read this kind")

    def value(reference: re.Match[str]) -> str:
        is_data, other, label, attribute = reference.groups()
        if not is_data and other in READS:
            return _name(stack, account, other, label)
        if (other, attribute) == ("aws_caller_identity", "account_id"):
            return account
        raise Unresolved(f"{kind}.{name}: {reference[0]} is only known to AWS")

    return REFERENCE.sub(value, str(stack["resource"][kind][name][READS[kind].argument]))
