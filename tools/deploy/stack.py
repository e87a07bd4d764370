"""Plans, deploys and destroys one environment: ``python -m tools.deploy.stack plan|deploy|destroy``.

The same as ``cdktf`` does, in Terraform's own words: synthesize, then ``terraform`` in the
stack's folder. ``AUTO_APPROVE=1`` asks no question, for CI; with ``CI`` set, ``plan`` takes only
the providers that are locked. ``plan`` leaves its summary in the stack's folder, and fails if data
would be lost, unless ``ALLOW_DATA_LOSS=1``. ``KEEP_DATA=1`` has ``destroy`` leave the lake's bucket as it
is; the next ``plan`` or ``deploy`` takes it back. All refuse to take a renamed pipeline for a new one.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from glob import escape
from pathlib import Path
from typing import Any

from tools.deploy import kept_data, other_states, waiting
from tools.ground.aws import AwsError, client
from tools.ground.ending import reported
from tools.ground.paths import OUTPUT
from tools.ground.switches import SwitchError, in_ci, is_on
from tools.ground.terraform import TerraformError, environment, init, run, synthesize
from tools.plan import next_runs, plan_json
from tools.plan import summary as plan_summary

PLAN, SUMMARY = "plan.tfplan", "plan.md"
Stack = Mapping[str, Any]
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
    if action == "plan":
        _remove_plans(output, variables)
    folder = synthesize(variables, output=output)
    stack = json.loads((folder / "cdk.tf.json").read_text(encoding="utf-8"))
    if not stack["terraform"]["backend"]["s3"].get("bucket"):
        raise TerraformError(
            "state.bucket is not set: give pipeline.toml's [state] table a bucket name, then `make bootstrap`"
        )
    approval = ["-auto-approve"] if is_on("AUTO_APPROVE", variables) else []
    allowed = is_on("ALLOW_DATA_LOSS", variables)
    if action == "destroy" and not keeps_data:
        _refuse_to_delete_data(stack, variables)
    _refuse_second_pipeline(stack, variables, action)
    if keeps_data:
        return _destroy_all_but_data(folder, variables, approval)
    if action == "plan":
        return _plan(folder, stack, variables, allowed=allowed)
    init(folder, variables)
    if action == "deploy":
        _reclaim(folder, variables)
        _tell_what_waits(stack, variables)
    run([ACTIONS[action], *approval], folder, variables)
    return 0


def _plan(folder: Path, stack: Stack, variables: Mapping[str, str], *, allowed: bool) -> int:
    """Show the plan and its summary; the exit code says whether it loses data."""
    init(folder, variables, *(["-lockfile=readonly"] if in_ci(variables) else []))
    _reclaim(folder, variables)
    failure = None
    try:
        run(["plan", "-input=false", f"-out={PLAN}"], folder, variables)
    except TerraformError as error:
        if not (folder / PLAN).exists():
            raise
        failure = error
    plan = plan_json.read(run(["show", "-json", PLAN], folder, variables, quiet=True))
    summary = plan_summary.markdown(plan)
    (folder / SUMMARY).write_text(summary, encoding="utf-8")
    if failure:
        raise TerraformError(_protection(plan, stack, variables) or str(failure)) from failure
    if plan.changes or plan.outputs:
        print(f"\n{summary}", flush=True)
    if runs := next_runs.markdown(stack, datetime.now(UTC)):
        print(f"\n{runs}", flush=True)
    reason = plan_summary.refusal(plan)
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


def _tell_what_waits(stack: Stack, variables: Mapping[str, str]) -> None:
    """Say how many messages a queue has that the deployment leaves without a consumer."""
    for queue in waiting.switched_off(stack):
        try:
            told = waiting.left_waiting(
                queue, client("sqs", variables, stack["provider"]["aws"][0]["region"])
            )
        except AwsError as error:
            told = f"not known whether messages wait in {queue}, which is not consumed: {error}"
        if told:
            print(f"deploy: warning: {told}", file=sys.stderr, flush=True)


def _remove_plans(output: Path, variables: Mapping[str, str]) -> None:
    """Have nothing there that could be taken for the plan that is made now, if that fails."""
    for name in (PLAN, SUMMARY):
        for file in output.glob(f"stacks/*-{escape(_environment(variables))}/{name}"):
            file.unlink()


def _refuse_second_pipeline(stack: Stack, variables: Mapping[str, str], action: str) -> None:
    """Stop if another pipeline would be left running; what cannot be found out stops nothing."""
    try:
        problem = other_states.left_running(stack, variables)
    except AwsError as error:
        print(f"{action}: not looked for a state under another name: {error}", file=sys.stderr, flush=True)
        return
    if problem:
        raise TerraformError(problem)


def _refuse_to_delete_data(stack: Stack, variables: Mapping[str, str]) -> None:
    if _protected(stack):
        raise TerraformError(
            f"the lake of {_environment(variables)} is kept. To stop every cost but its storage: "
            f"`make destroy KEEP_DATA=1`. To delete it with its data: {_unprotect(variables)}, "
            "`make deploy`, then `make destroy` again"
        )


def _protection(plan: plan_json.Plan, stack: Stack, variables: Mapping[str, str]) -> str:
    """Why Terraform refused to plan, if it was for a bucket that it may not destroy."""
    lost = [
        change.address for change in plan.changes if change.deletes and change.address in _protected(stack)
    ]
    if not lost:
        return ""
    return (
        f"this plan would destroy {', '.join(lost)}, the lake of {_environment(variables)}, which is "
        f"protected; ALLOW_DATA_LOSS=1 does not change that. To lose its data: {_unprotect(variables)}, "
        "`make deploy` with nothing else changed, then plan this again"
    )


def _protected(stack: Stack) -> list[str]:
    """Addresses of the buckets that Terraform may not destroy."""
    buckets = stack["resource"]["aws_s3_bucket"]
    return [f"aws_s3_bucket.{name}" for name, bucket in buckets.items() if not bucket["force_destroy"]]


def _unprotect(variables: Mapping[str, str]) -> str:
    """The two settings that let the lake be destroyed."""
    chosen = _environment(variables)
    return (
        f"set delete_with_stack = true in [environments.{chosen}.lake] of pipeline.toml, add {chosen!r} to "
        "deletableEnvironments in cdktf.json"
    )


def _environment(variables: Mapping[str, str]) -> str:
    return variables.get("ENV") or "dev"


def main(action: str) -> None:
    """Run one action and exit with its result."""
    with reported(action, AwsError, SwitchError, TerraformError):
        sys.exit(act(action))


if __name__ == "__main__":
    if sys.argv[1:] not in [[action] for action in ACTIONS]:
        sys.exit(f"usage: python -m tools.deploy.stack {'|'.join(ACTIONS)}")
    main(sys.argv[1])
