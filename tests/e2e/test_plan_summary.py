"""The summary of plans that Terraform made: what it does beside adding, changing and destroying."""

import json
from pathlib import Path
from typing import Any

import pytest

from local_aws.emulator.instance import Emulator
from tools.ground import terraform
from tools.plan import summary as plan_summary
from tools.plan.plan_json import PlanError, read

pytestmark = pytest.mark.e2e

KIND = "terraform_data"
KEYED = {"for_each": {"x|y": "keyed"}, "input": "a"}
DATA: dict[str, Any] = {"kept": {}, "old": {}, "gone": {}}
OUTPUTS = {"changed": {"value": "1"}, "removed": {"value": "1"}}
AWS = {
    "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": "5.100.0"}}},
    "provider": {"aws": [{"region": "us-east-1"}]},
    "resource": {"aws_cloudwatch_log_group": {"kept": {"name": "kept"}}},
}


class Workspace:
    """A folder in which Terraform plans.

    Args:
        folder: Its configuration and local state.
        variables: On top of those of the environment.
    """

    def __init__(self, folder: Path, variables: dict[str, str] | None = None) -> None:
        self._folder = folder
        self._variables = terraform.environment(variables or {})

    def configure(self, **blocks: Any) -> None:
        """Replace the configuration."""
        (self._folder / "main.tf.json").write_text(json.dumps(blocks), encoding="utf-8")

    def apply(self) -> None:
        """Create what is configured."""
        self.run("init", "-input=false")
        self.run("apply", "-input=false", "-auto-approve")

    def run(self, *arguments: str) -> str:
        """What ``terraform`` printed."""
        return terraform.run(arguments, self._folder, self._variables, quiet=True)

    def summary(self, *options: str) -> list[str]:
        """The lines of a plan's summary."""
        self.run("plan", "-input=false", "-out=plan", *options)
        return plan_summary.markdown(read(self.run("show", "-json", "plan"))).splitlines()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Resources of Terraform's own, and outputs, applied."""
    workspace = Workspace(tmp_path_factory.mktemp("plans"))
    workspace.configure(resource={KIND: {**DATA, "keyed": KEYED}}, output=OUTPUTS)
    workspace.apply()
    return workspace


@pytest.fixture
def restructured(workspace: Workspace) -> list[str]:
    """The summary of a plan that moves, imports and forgets, and changes outputs."""
    data = {"kept": {}, "new": {}, "found": {}, "keyed": {**KEYED, "input": "b"}}
    workspace.configure(
        resource={KIND: data},
        output={"changed": {"value": "2"}, "added": {"value": "1"}},
        moved=[{"from": f"{KIND}.old", "to": f"{KIND}.new"}],
        removed=[{"from": f"{KIND}.gone", "lifecycle": {"destroy": False}}],
        **{"import": [{"to": f"{KIND}.found", "id": "found"}]},
    )
    return workspace.summary()


def test_moves_imports_and_what_is_forgotten_are_named_and_counted(restructured: list[str]) -> None:
    """A reviewer reads that nothing is destroyed, and what happens to the state; a key may have any sign."""
    keyed = f"<code>{KIND.replace('_', '&#95;')}.keyed&#91;&#34;x&#124;y&#34;&#93;</code>"

    assert restructured == [
        "**Plan: 0 to add, 1 to change, 0 to replace, 0 to destroy, 1 to import, 1 to move, 1 to forget, "
        "3 outputs.**",
        "",
        "| action | resource | what |",
        "|---|---|---|",
        f"| import | `{KIND}.found` |  |",
        f"| forget | `{KIND}.gone` | no longer configured, leaves the state and is not deleted |",
        f"| change | {keyed} | `input`, `output` |",
        f"| move | `{KIND}.new` | from `{KIND}.old` |",
        "",
        "Outputs: add `added`; change `changed`; destroy `removed`.",
    ]


def test_a_plan_of_outputs_alone_is_not_without_changes(workspace: Workspace) -> None:
    """What others may rely on is named though no resource changes."""
    changed = {**OUTPUTS, "changed": {"value": "2"}}
    workspace.configure(resource={KIND: {**DATA, "keyed": KEYED}}, output=changed)

    assert workspace.summary() == [
        "**Plan: 0 to add, 0 to change, 0 to replace, 0 to destroy, 1 output.**",
        "",
        "Outputs: change `changed`.",
    ]


def test_a_plan_that_only_refreshes_names_the_drift(emulator: Emulator, tmp_path: Path) -> None:
    """What it would take into the state was changed by somebody else."""
    workspace = Workspace(tmp_path, emulator.environment)
    workspace.configure(**AWS)
    workspace.apply()
    # Takes what the provider reads otherwise than it wrote it, such as no tags.
    workspace.run("apply", "-input=false", "-auto-approve", "-refresh-only")
    emulator.client("logs").put_retention_policy(logGroupName="kept", retentionInDays=7)

    assert workspace.summary("-refresh-only") == [
        "**Plan: 0 to add, 0 to change, 0 to replace, 0 to destroy, 1 changed outside of Terraform.**",
        "",
        "| action | resource | what |",
        "|---|---|---|",
        "| drift | `aws_cloudwatch_log_group.kept` | `retention_in_days` |",
    ]


def test_a_targeted_plan_is_not_complete(workspace: Workspace) -> None:
    """After it is applied, another plan may have more to do."""
    workspace.configure(resource={KIND: {**DATA, "keyed": KEYED}}, output=OUTPUTS)

    assert workspace.summary(f"-target={KIND}.gone") == [
        "**No changes.**",
        "",
        "This plan is not complete: plan again when it is applied (`-target`, or deferred changes).",
    ]


def test_a_state_is_not_taken_for_a_plan(workspace: Workspace) -> None:
    """``terraform show -json`` without a file writes the state, in which nothing changes."""
    with pytest.raises(PlanError, match=r"^this is no plan in JSON \(a state\): write it by "):
        read(workspace.run("show", "-json"))
