"""Plans, deploys and destroys one environment: ``python -m tools.stack plan|deploy|destroy``.

The same as ``cdktf`` does, in Terraform's own words: synthesize, then ``terraform`` in the
stack's folder. ``AUTO_APPROVE=1`` asks no question, for CI.
"""

import json
import os
import sys
from pathlib import Path

from tools.terraform import TerraformError, environment, init, run, synthesize

ACTIONS = {"plan": "plan", "deploy": "apply", "destroy": "destroy"}


def act(action: str) -> None:
    """Synthesize the environment in ``ENV`` and plan, deploy or destroy it.

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
    init(folder, variables)
    approval = ["-auto-approve"] if os.environ.get("AUTO_APPROVE") and action != "plan" else []
    run([ACTIONS[action], *approval], folder, variables)


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
        act(action)
    except TerraformError as error:
        sys.exit(f"{action}: {error}")


if __name__ == "__main__":
    if sys.argv[1:] not in [[action] for action in ACTIONS]:
        sys.exit(f"usage: python -m {Path(__file__).parent.name}.stack {'|'.join(ACTIONS)}")
    main(sys.argv[1])
