"""Plans, deploys and destroys one environment: ``python -m tools.stack plan|deploy|destroy``.

The same as ``cdktf`` does, in Terraform's own words: synthesize, then ``terraform`` in the
stack's folder. ``AUTO_APPROVE=1`` asks no question, for CI; with ``CI`` set, ``plan`` takes only
the providers that are locked. ``plan`` leaves its summary in the stack's folder, and fails if data
would be lost, unless ``ALLOW_DATA_LOSS=1``. ``KEEP_DATA=1`` has ``destroy`` leave the lake's bucket as it
is; the next ``plan`` or ``deploy`` takes it back.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools import kept_data, plan_summary
from tools.aws import AwsError
from tools.switches import SwitchError, is_on
from tools.terraform import OUTPUT, TerraformError, environment, init, run, synthesize

PLAN, SUMMARY = "plan.tfplan", "plan.md"
ACTIONS = {"plan": "plan", "deploy": "apply", "destroy": "destroy"}


def act(action: str) -> int:
    """The exit code, after the environment in ``ENV`` was synthesized and planned, deployed or destroyed.

    Raises:
        TerraformError: When a setting cannot be used, the state's bucket is not set, or Terraform fails.
        AwsError: When a kept bucket is looked for, and AWS refuses or cannot be reached.
        SwitchError: When a switch is neither on nor off.
    """
    variables = environment()
    keeps_data = action == "destroy" and is_on("KEEP_DATA", variables)
    output = (
        kept_data.destruction_folder(variables) if keeps_data else Path(variables.get("CDKTF_OUTDIR", OUTPUT))
    )
    folder = synthesize(variables, output=output)
    stack = json.loads((folder / "cdk.tf.json").read_text(encoding="utf-8"))
    if not stack["terraform"]["backend"]["s3"].get("bucket"):
        raise TerraformError(
            "state.bucket is not set: give pipeline.toml's [state] table a bucket name, then `make bootstrap`"
        )
    approval = ["-auto-approve"] if is_on("AUTO_APPROVE", variables) else []
    if keeps_data:
        return _destroy_all_but_data(folder, variables, approval)
    if action == "destroy":
        _refuse_to_delete_data(stack, variables.get("ENV") or "dev")
    if action == "plan":
        return _plan(folder, variables)
    init(folder, variables)
    if action == "deploy":
        _reclaim(folder, variables)
    run([ACTIONS[action], *approval], folder, variables)
    return 0


def _plan(folder: Path, variables: Mapping[str, str]) -> int:
    """Show the plan and its summary; the exit code says whether it loses data."""
    allowed = is_on("ALLOW_DATA_LOSS", variables)
    init(folder, variables, *(["-lockfile=readonly"] if variables.get("CI") else []))
    _reclaim(folder, variables)
    run(["plan", "-input=false", f"-out={PLAN}"], folder, variables)
    changes = plan_summary.read(run(["show", "-json", PLAN], folder, variables, quiet=True))
    summary = plan_summary.markdown(changes)
    (folder / SUMMARY).write_text(summary, encoding="utf-8")
    if changes:
        print(f"\n{summary}", flush=True)
    reason = plan_summary.refusal(changes)
    if not reason or allowed:
        return 0
    print(f"plan: {reason}; if that is meant, set ALLOW_DATA_LOSS=1", file=sys.stderr)
    return plan_summary.LOSS


def _destroy_all_but_data(folder: Path, variables: Mapping[str, str], approval: Sequence[str]) -> int:
    """Destroy everything but the lake's bucket, which leaves the state."""
    init(folder, variables)
    print("Records that are not delivered yet, and messages in the queue, are lost.", flush=True)
    names = kept_data.release_buckets(folder, variables)
    run(["apply", *approval], folder, variables)
    print(f"Kept: {', '.join(names) or 'no bucket, for the state has none'}. `make deploy` takes it back.")
    return 0


def _reclaim(folder: Path, variables: Mapping[str, str]) -> None:
    """Have the next plan import the buckets that an earlier ``destroy`` kept."""
    for name in kept_data.reclaim_buckets(folder, variables):
        print(f"The bucket {name} was kept: it is imported.", flush=True)


def _refuse_to_delete_data(stack: dict[str, dict[str, dict[str, dict[str, object]]]], chosen: str) -> None:
    protected = [b for b in stack["resource"]["aws_s3_bucket"].values() if not b["force_destroy"]]
    if protected:
        raise TerraformError(
            f"the lake of {chosen} is kept. To stop every cost but its storage: `make destroy KEEP_DATA=1`. "
            f"To delete it with its data: set delete_with_stack = true in [environments.{chosen}.lake] of "
            f"pipeline.toml, add {chosen!r} to deletableEnvironments in cdktf.json, `make deploy`, then "
            "`make destroy` again"
        )


def main(action: str) -> None:
    """Run one action and exit with its result."""
    try:
        sys.exit(act(action))
    except (AwsError, SwitchError, TerraformError) as error:
        sys.exit(f"{action}: {error}")


if __name__ == "__main__":
    if sys.argv[1:] not in [[action] for action in ACTIONS]:
        sys.exit(f"usage: python -m {Path(__file__).parent.name}.stack {'|'.join(ACTIONS)}")
    main(sys.argv[1])
