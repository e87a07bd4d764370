"""Tells what a plan would do, as a Markdown table, and refuses one that loses data.

``terraform show -json FILE | python -m tools.plan.summary`` prints the table. What holds data and would be
destroyed or replaced stands in bold and makes the exit code 3, unless ``--allow-data-loss`` is given.
A plan that Terraform could not finish makes it 1. Values are never shown, only the names of what changes,
except for the number of a stream's shards.
"""

import argparse
import sys
from collections import Counter

from tools.ground.ending import reported
from tools.ground.text import count
from tools.plan.plan_json import Change, Plan, PlanError, code, read
from tools.plan.shard_steps import shard_advice

LOSS = 3
"""Exit code of a plan that loses data; 1 is a failure, 2 a wrong argument."""

ALWAYS_COUNTED = ("add", "change", "replace", "destroy")
COUNTED = {"import": "to import", "move": "to move", "forget": "to forget", "defer": "deferred"}
DELIVERY_STREAM = "aws_kinesis_firehose_delivery_stream"
FAILED = "**Terraform failed while it planned: this cannot be applied, and may not be all.**"
INCOMPLETE = "This plan is not complete: plan again when it is applied (`-target`, or deferred changes)."
UNKNOWN_CHANGES = "**Plan: it can be applied, but what it changes is not known here: `terraform show FILE`.**"
PACKING_ADVICE = (
    "A change of `fetch.packing` loses nothing in two deployments: the first with "
    "`delivery.keep_former = true`, the second without it, once everything on the former stream is "
    "delivered (docs/packing.md)."
)


def markdown(plan: Plan) -> str:
    """A heading line with the counts, a table unless nothing changes, and advice."""
    lines = _heading(plan)
    if plan.changes:
        lines += ["", "| action | resource | what |", "|---|---|---|", *map(_row, plan.changes)]
    if plan.outputs:
        said = [f"{action} {', '.join(map(code, names))}" for action, names in plan.outputs.items()]
        lines += ["", f"Outputs: {'; '.join(said)}."]
    if not plan.complete and not plan.errored:
        lines += ["", INCOMPLETE]
    for change in plan.changes:
        if len(change.shard_steps) > 1:
            lines += ["", shard_advice(code(change.address), change.shard_steps)]
    if any(change.kind == DELIVERY_STREAM and change.actions == ("destroy",) for change in plan.changes):
        lines += ["", PACKING_ADVICE]
    return "\n".join(lines) + "\n"


def refusal(plan: Plan) -> str:
    """Why the plan should not be applied, or nothing if it loses no data."""
    lost = ", ".join(f"{change.address} ({_actions(change)})" for change in plan.changes if change.loss)
    return f"this plan loses the data of {lost}" if lost else ""


def _heading(plan: Plan) -> list[str]:
    failed = [FAILED, ""] if plan.errored else []
    if not plan.changes and not plan.outputs:
        return failed[:1] or [UNKNOWN_CHANGES if plan.applyable else "**No changes.**"]
    counts = Counter(action for change in plan.changes for action in change.actions)
    said = [f"{counts[action]} to {action}" for action in ALWAYS_COUNTED]
    said += [f"{counts[action]} {words}" for action, words in COUNTED.items() if counts[action]]
    if counts["drift"]:
        said.append(f"{counts['drift']} changed outside of Terraform")
    if outputs := sum(map(len, plan.outputs.values())):
        said.append(count(outputs, "output"))
    return [*failed, f"**Plan: {', '.join(said)}.**"]


def _row(change: Change) -> str:
    cells = [_actions(change), code(change.address), ", ".join(change.details)]
    if change.loss:
        lost = ", ".join([*change.details, change.loss])
        cells = [f"**{cell}**" for cell in (*cells[:2], lost)]
    return "| " + " | ".join(cells) + " |"


def _actions(change: Change) -> str:
    return ", ".join(change.actions)


def main() -> None:
    """Print the table of the plan on stdin, and exit with `LOSS` if it loses data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--allow-data-loss", action="store_true", help="exit with 0 though data is lost")
    allowed = parser.parse_args().allow_data_loss
    with reported("plan_summary", PlanError):
        plan = read(sys.stdin.buffer.read())
    print(markdown(plan), end="")
    if plan.errored:
        sys.exit("plan_summary: Terraform failed while it planned; its message is in the output of the plan")
    reason = refusal(plan)
    if reason and not allowed:
        print(f"plan_summary: {reason}; --allow-data-loss allows it", file=sys.stderr)
        sys.exit(LOSS)


if __name__ == "__main__":
    main()
