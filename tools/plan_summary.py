"""Tells what a plan would do, as a Markdown table, and refuses one that loses data.

``terraform show -json FILE | python -m tools.plan_summary`` prints the table. A stream or bucket that
would be destroyed or replaced stands in bold and makes the exit code 3, unless ``--allow-data-loss``
is given. Values are never shown, only the names of what changes.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

DATA_STORES = {"aws_kinesis_stream", "aws_s3_bucket"}
LOSS = 3
"""Exit code of a plan that loses data; 1 is a failure, 2 a wrong argument."""

# By the actions of Terraform's plan: https://developer.hashicorp.com/terraform/internals/json-format#change-representation
ACTIONS = {
    ("create",): "add",
    ("update",): "change",
    ("delete",): "destroy",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("forget",): "forget",
    ("no-op",): "move",
}
COUNTED = ("add", "change", "replace", "destroy")


class PlanError(ValueError):
    """When the text is no plan as ``terraform show -json`` writes it; not worth a retry."""


@dataclass(frozen=True)
class Change:
    """What would become of one resource.

    Attributes:
        address: In Terraform.
        kind: Such as ``aws_s3_bucket``.
        action: A value of `ACTIONS`.
        details: Names of the arguments that change or force the replacement, or where it moves from.
    """

    address: str
    kind: str
    action: str
    details: tuple[str, ...] = ()

    @property
    def loses_data(self) -> bool:
        """Whether records are gone after it."""
        return self.kind in DATA_STORES and self.action in {"destroy", "replace"}


def read(text: str) -> list[Change]:
    """The changes of a plan, those that lose data first, then in the order of their addresses.

    Raises:
        PlanError: See there.
    """
    try:
        plan = json.loads(text)
        entries = plan.get("resource_changes", []) if plan["format_version"] else []
        changes = [change for entry in entries for change in _changes(entry)]
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise PlanError(
            f"this is no plan in JSON ({error}): write it by `terraform plan -out=FILE` and "
            "`terraform show -json FILE`"
        ) from error
    return sorted(changes, key=lambda change: (not change.loses_data, change.address))


def markdown(changes: list[Change]) -> str:
    """A heading line with the counts, and a table unless nothing changes."""
    if not changes:
        return "**No changes.**\n"
    counts = Counter(change.action for change in changes)
    said = [f"{counts[action]} to {action}" for action in COUNTED]
    lines = [f"**Plan: {', '.join(said)}.**", "", "| action | resource | what |", "|---|---|---|"]
    return "\n".join([*lines, *map(_row, changes)]) + "\n"


def refusal(changes: list[Change]) -> str:
    """Why the plan should not be applied, or nothing if it loses no data."""
    lost = ", ".join(f"{change.address} ({change.action})" for change in changes if change.loses_data)
    return f"this plan loses the data of {lost}" if lost else ""


def _changes(entry: Mapping[str, Any]) -> Iterator[Change]:
    change = entry["change"]
    actions, previous = tuple(change["actions"]), entry.get("previous_address")
    if entry.get("mode") == "data" or (actions == ("no-op",) and not previous):
        return
    action = ACTIONS.get(actions, "/".join(actions))
    details = [f"from `{previous}`"] if previous else []
    if action == "change":
        details += [f"`{name}`" for name in _changed(change)]
    if action == "replace":
        details += [f"because of `{'.'.join(map(str, path))}`" for path in change.get("replace_paths") or []]
    yield Change(entry["address"], entry["type"], action, tuple(details))


def _changed(change: Mapping[str, Any]) -> list[str]:
    before, after = change.get("before") or {}, change.get("after") or {}
    unknown = change.get("after_unknown") or {}
    return sorted(
        name
        for name in {*before, *after, *unknown}
        if before.get(name) != after.get(name) or (unknown.get(name) and name not in after)
    )


def _row(change: Change) -> str:
    cells = [change.action, f"`{change.address}`", ", ".join(change.details)]
    if change.loses_data:
        lost = ", ".join([*change.details, "its data is lost"])
        cells = [f"**{cell}**" for cell in (*cells[:2], lost)]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table of the plan on stdin, and exit with `LOSS` if it loses data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--allow-data-loss", action="store_true", help="streams and buckets may go")
    allowed = parser.parse_args().allow_data_loss
    try:
        changes = read(sys.stdin.read())
    except PlanError as error:
        sys.exit(f"plan_summary: {error}")
    print(markdown(changes), end="")
    reason = refusal(changes)
    if reason and not allowed:
        print(f"plan_summary: {reason}; --allow-data-loss allows it", file=sys.stderr)
        sys.exit(LOSS)


if __name__ == "__main__":
    main()
