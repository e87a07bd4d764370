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

KIND = "aws_cloudwatch_log_group"
BASE = {
    "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": "5.100.0"}}},
    "provider": {"aws": [{"region": "us-east-1"}]},
}
KEYED = {"for_each": {"x|y": "keyed"}, "name": "${each.value}", "tags": {"a": "b"}}
GROUPS: dict[str, Any] = {"kept": {"name": "kept"}, "old": {"name": "old"}, "gone": {"name": "gone"}}
OUTPUTS = {"changed": {"value": "1"}, "removed": {"value": "1"}}


class Workspace:
    """A folder in which Terraform plans.

    Args:
        folder: Its configuration and local state.
        emulator: Where it applies.
    """

    def __init__(self, folder: Path, emulator: Emulator) -> None:
        self._folder = folder
        self._variables = terraform.environment(emulator.environment)

    def configure(self, groups: dict[str, Any], outputs: dict[str, Any], **blocks: Any) -> None:
        """Replace the configuration."""
        content = {**BASE, "resource": {KIND: groups}, "output": outputs, **blocks}
        (self._folder / "main.tf.json").write_text(json.dumps(content), encoding="utf-8")

    def run(self, *arguments: str) -> str:
        """What ``terraform`` printed."""
        return terraform.run(arguments, self._folder, self._variables, quiet=True)

    def summary(self, *options: str) -> list[str]:
        """The lines of a plan's summary."""
        self.run("plan", "-input=false", "-out=plan", *options)
        return plan_summary.markdown(read(self.run("show", "-json", "plan"))).splitlines()


@pytest.fixture(scope="module")
def workspace(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Applied log groups; since then somebody has changed one and made another."""
    logs = emulator.client("logs")
    workspace = Workspace(tmp_path_factory.mktemp("plans"), emulator)
    workspace.configure({**GROUPS, "keyed": KEYED}, OUTPUTS)
    workspace.run("init", "-input=false")
    workspace.run("apply", "-input=false", "-auto-approve")
    workspace.run("apply", "-input=false", "-auto-approve", "-refresh-only")
    logs.put_retention_policy(logGroupName="kept", retentionInDays=7)
    logs.create_log_group(logGroupName="found")
    return workspace


@pytest.fixture
def restructured(workspace: Workspace) -> list[str]:
    """The summary of a plan that moves, imports and forgets, and changes outputs."""
    groups = {
        "kept": {"name": "kept", "retention_in_days": 7},
        "new": {"name": "old"},
        "found": {"name": "found"},
        "keyed": {**KEYED, "tags": {"a": "c"}},
    }
    workspace.configure(
        groups,
        {"changed": {"value": "2"}, "added": {"value": "1"}},
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
        f"| change | {keyed} | `tags`, `tags_all` |",
        f"| move | `{KIND}.new` | from `{KIND}.old` |",
        "",
        "Outputs: add `added`; change `changed`; destroy `removed`.",
    ]


def test_a_plan_of_outputs_alone_is_not_without_changes(workspace: Workspace) -> None:
    """What others may rely on is named though no resource changes."""
    workspace.configure({**GROUPS, "keyed": KEYED}, {**OUTPUTS, "changed": {"value": "2"}})

    assert workspace.summary("-refresh=false") == [
        "**Plan: 0 to add, 0 to change, 0 to replace, 0 to destroy, 1 output.**",
        "",
        "Outputs: change `changed`.",
    ]


def test_a_plan_that_only_refreshes_names_the_drift(workspace: Workspace) -> None:
    """What it would take into the state was changed by somebody else."""
    workspace.configure({**GROUPS, "keyed": KEYED}, OUTPUTS)

    assert workspace.summary("-refresh-only") == [
        "**Plan: 0 to add, 0 to change, 0 to replace, 0 to destroy, 1 changed outside of Terraform.**",
        "",
        "| action | resource | what |",
        "|---|---|---|",
        f"| drift | `{KIND}.kept` | `retention_in_days` |",
    ]


def test_a_targeted_plan_is_not_complete(workspace: Workspace) -> None:
    """After it is applied, another plan may have more to do."""
    workspace.configure({**GROUPS, "keyed": KEYED}, OUTPUTS)

    assert workspace.summary("-refresh=false", f"-target={KIND}.gone") == [
        "**No changes.**",
        "",
        "This plan is not complete: plan again when it is applied (`-target`, or deferred changes).",
    ]


def test_a_state_is_not_taken_for_a_plan(workspace: Workspace) -> None:
    """``terraform show -json`` without a file writes the state, in which nothing changes."""
    with pytest.raises(PlanError, match=r"^this is no plan in JSON \(a state\): write it by "):
        read(workspace.run("show", "-json"))
