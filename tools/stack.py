"""Plans, deploys and destroys one environment: ``python -m tools.stack plan|deploy|destroy``.

The same as ``cdktf`` does, in Terraform's own words: synthesize, then ``terraform`` in the
stack's folder. ``AUTO_APPROVE=1`` asks no question, for CI; with ``CI`` set, ``plan`` takes only
the providers that are locked. ``plan`` leaves its summary in the stack's folder, and fails if data
would be lost, unless ``ALLOW_DATA_LOSS=1``.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from tools import plan_summary
from tools.switches import SwitchError, is_on
from tools.terraform import TerraformError, environment, init, run, synthesize

PLAN, SUMMARY = "plan.tfplan", "plan.md"
ACTIONS = {"plan": "plan", "deploy": "apply", "destroy": "destroy"}


def act(action: str) -> int:
    """The exit code, after the environment in ``ENV`` was synthesized and planned, deployed or destroyed.

    Raises:
        TerraformError: When a setting cannot be used, the state's bucket is not set, or Terraform fails.
    """
    variables = environment()
    folder = synthesize(variables)
    stack = json.loads((folder / "cdk.tf.json").read_text(encoding="utf-8"))
    if not stack["terraform"]["backend"]["s3"].get("bucket"):
        raise TerraformError(
            "state.bucket is not set: give pipeline.toml's [state] table a bucket name, then `make bootstrap`"
        )
    if action == "destroy":
        _refuse_to_delete_data(stack, variables.get("ENV") or "dev")
    if action == "plan":
        return _plan(folder, variables)
    init(folder, variables)
    approval = ["-auto-approve"] if is_on("AUTO_APPROVE", variables) else []
    run([ACTIONS[action], *approval], folder, variables)
    return 0


def _plan(folder: Path, variables: Mapping[str, str]) -> int:
    """Show the plan and its summary; the exit code says whether it loses data."""
    allowed = is_on("ALLOW_DATA_LOSS", variables)
    init(folder, variables, *(["-lockfile=readonly"] if variables.get("CI") else []))
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


def _refuse_to_delete_data(stack: dict[str, dict[str, dict[str, dict[str, object]]]], chosen: str) -> None:
    protected = [b for b in stack["resource"]["aws_s3_bucket"].values() if not b["force_destroy"]]
    if protected:
        raise TerraformError(
            f"the lake of {chosen} is kept. To delete it with its data: set delete_with_stack = true in "
            f"[environments.{chosen}.lake] of pipeline.toml, add {chosen!r} to deletableEnvironments in "
            "cdktf.json, `make deploy`, then `make destroy` again"
        )


def main(action: str) -> None:
    """Run one action and exit with its result."""
    try:
        sys.exit(act(action))
    except (TerraformError, SwitchError) as error:
        sys.exit(f"{action}: {error}")


if __name__ == "__main__":
    if sys.argv[1:] not in [[action] for action in ACTIONS]:
        sys.exit(f"usage: python -m {Path(__file__).parent.name}.stack {'|'.join(ACTIONS)}")
    main(sys.argv[1])
