"""Tells what a plan would do, as a Markdown table, and refuses one that loses data.

``terraform show -json FILE | python -m tools.plan_summary`` prints the table. What holds data and would be
destroyed or replaced stands in bold and makes the exit code 3, unless ``--allow-data-loss`` is given.
Values are never shown, only the names of what changes, except for the number of a stream's shards.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# What is lost when a resource of the kind is destroyed or replaced. An aws_s3_object is not listed: those
# of this project are configuration, and Terraform writes them again.
LOSSES = {
    "aws_dynamodb_table": "its items are lost",
    # A new one starts at its creation time: https://docs.aws.amazon.com/firehose/latest/dev/writing-with-kinesis-streams.html
    "aws_kinesis_firehose_delivery_stream": "records that it has not delivered are lost",
    "aws_kinesis_stream": "its records are lost",
    "aws_s3_bucket": "its objects are lost",
    "aws_sqs_queue": "its messages are lost",
}
# https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html
MAX_SHARD_FACTOR = 2
MAX_SHARD_CHANGES_A_DAY = 10
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
        shard_steps: Numbers of shards to apply one after the other, if AWS refuses to take one step.
    """

    address: str
    kind: str
    action: str
    details: tuple[str, ...] = ()
    shard_steps: tuple[int, ...] = ()

    @property
    def loss(self) -> str:
        """What is lost by it; empty if nothing is."""
        return LOSSES.get(self.kind, "") if self.action in {"destroy", "replace"} else ""


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
    return sorted(changes, key=lambda change: (not change.loss, change.address))


def markdown(changes: list[Change]) -> str:
    """A heading line with the counts, a table unless nothing changes, and what AWS would refuse."""
    if not changes:
        return "**No changes.**\n"
    counts = Counter(change.action for change in changes)
    said = [f"{counts[action]} to {action}" for action in COUNTED]
    lines = [f"**Plan: {', '.join(said)}.**", "", "| action | resource | what |", "|---|---|---|"]
    refused = [_shard_advice(change) for change in changes if len(change.shard_steps) > 1]
    return "\n".join([*lines, *map(_row, changes), *refused]) + "\n"


def refusal(changes: list[Change]) -> str:
    """Why the plan should not be applied, or nothing if it loses no data."""
    lost = ", ".join(f"{change.address} ({change.action})" for change in changes if change.loss)
    return f"this plan loses the data of {lost}" if lost else ""


def shard_steps(present: int, wanted: int) -> tuple[int, ...]:
    """The numbers of shards to apply one after the other, the last being ``wanted``.

    AWS refuses to more than double the shards of a stream, and to go below half of them.

    Args:
        present: Shards of the stream, from 1.
        wanted: Shards that it is to have, from 1.

    Example:
        >>> shard_steps(2, 9)
        (4, 8, 9)
    """
    steps: list[int] = []
    while present != wanted:
        fewest = -(-present // MAX_SHARD_FACTOR)
        present = min(max(wanted, fewest), present * MAX_SHARD_FACTOR)
        steps.append(present)
    return tuple(steps)


def _changes(entry: Mapping[str, Any]) -> Iterator[Change]:
    change = entry["change"]
    actions, previous = tuple(change["actions"]), entry.get("previous_address")
    imported = "importing" in change
    if entry.get("mode") == "data" or (actions == ("no-op",) and not previous and not imported):
        return
    action = ACTIONS.get(actions, "/".join(actions))
    if imported and action == "move":
        action = "import"
    details = [f"from `{previous}`"] if previous else ["imported"] if imported else []
    if action == "change":
        details += [f"`{name}`" for name in _changed(change)]
    if action == "replace":
        details += [f"because of `{'.'.join(map(str, path))}`" for path in change.get("replace_paths") or []]
    steps = _shard_steps(change) if (entry["type"], action) == ("aws_kinesis_stream", "change") else ()
    yield Change(entry["address"], entry["type"], action, tuple(details), steps)


def _shard_steps(change: Mapping[str, Any]) -> tuple[int, ...]:
    """The steps of a stream's change; none if its number of shards stays or is AWS's own affair."""
    present, wanted = (
        (change.get(side) or {}).get("shard_count") or 0  # absent from an on-demand stream
        for side in ("before", "after")
    )
    return shard_steps(present, wanted) if present and wanted else ()


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
    if change.loss:
        lost = ", ".join([*change.details, change.loss])
        cells = [f"**{cell}**" for cell in (*cells[:2], lost)]
    return "| " + " | ".join(cells) + " |"


def _shard_advice(change: Change) -> str:
    """A paragraph that says how to reach a number of shards that AWS refuses in one step."""
    steps = ", ".join(map(str, change.shard_steps))
    advice = (
        f"\n`{change.address}`: AWS refuses to more than double the shards of a stream, and to go below half "
        f"of them. Apply `shard_count` = {steps} one after the other."
    )
    if len(change.shard_steps) > MAX_SHARD_CHANGES_A_DAY:
        advice += f" AWS allows {MAX_SHARD_CHANGES_A_DAY} such changes in 24 hours."
    return advice


def main() -> None:
    """Print the table of the plan on stdin, and exit with `LOSS` if it loses data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--allow-data-loss", action="store_true", help="exit with 0 though data is lost")
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
