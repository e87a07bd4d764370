"""What is refused before Terraform runs; the rest is deployed for real in tests/e2e."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import Checkout
from tools.deploy import kept_data, stack
from tools.ground.switches import is_on
from tools.ground.terraform import TerraformError
from tools.plan import summary as plan_summary

pytestmark = pytest.mark.terraform


@pytest.fixture
def with_state(checkout: Checkout, tmp_path: Path) -> str:
    """The project's settings with a bucket for the state."""
    file = tmp_path / "pipeline.toml"
    settings = (checkout.root / "pipeline.toml").read_text(encoding="utf-8")
    file.write_text(settings.replace('bucket = ""', 'bucket = "our-state"'), encoding="utf-8")
    return str(file)


class TestGuarded:
    def test_no_deploy_without_a_place_for_the_state(self, checkout: Checkout) -> None:
        """A state that would be lost is not begun; the message says what to set and to run."""
        done = checkout.run(sys.executable, "-m", "tools.deploy.stack", "deploy")

        assert done.returncode == 1
        assert done.stderr == (
            "deploy: state.bucket is not set: give pipeline.toml's [state] table a bucket name, "
            "then `make bootstrap`\n"
        )

    def test_no_destroy_of_data(self, checkout: Checkout, with_state: str) -> None:
        """A lake that is kept stops `destroy` before anything is gone; the message names both keys."""
        done = checkout.run(sys.executable, "-m", "tools.deploy.stack", "destroy", PIPELINE_TOML=with_state)

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("destroy: the lake of dev is kept. ")
        assert "`make destroy KEEP_DATA=1`" in done.stderr
        assert "[environments.dev.lake]" in done.stderr
        assert "add 'dev' to deletableEnvironments in cdktf.json" in done.stderr

    @pytest.mark.parametrize("arguments", [[], ["apply"], ["plan", "now"]])
    def test_usage(self, checkout: Checkout, arguments: list[str]) -> None:
        """What is no action is answered with those that are."""
        done = checkout.run(sys.executable, "-m", "tools.deploy.stack", *arguments)

        assert (done.returncode, done.stderr) == (
            1,
            "usage: python -m tools.deploy.stack plan|deploy|destroy\n",
        )

    def test_bad_settings(self, checkout: Checkout, tmp_path: Path) -> None:
        """What main.py refuses, no action gets past."""
        file = tmp_path / "pipeline.toml"
        file.write_text("[environments.dev.stream]\nshard_count = 0\n", encoding="utf-8")
        done = checkout.run(sys.executable, "-m", "tools.deploy.stack", "plan", PIPELINE_TOML=str(file))

        assert done.returncode == 1
        assert "stream.shard_count = 0: must be a whole number from 1 to 20,000" in done.stderr
        assert done.stderr.endswith("plan: main.py failed; its message is above\n")


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have Terraform plan the destruction of a bucket, and fail after it if it is told so."""
    change = {"actions": ["delete"]}
    entry = {"address": "aws_s3_bucket.a", "mode": "managed", "type": "aws_s3_bucket", "change": change}

    def plan(*, errored: bool = False, writes: bool = True) -> None:
        shown = {
            "format_version": "1.2",
            "planned_values": {},
            "resource_changes": [entry],
            "errored": errored,
        }

        def run(arguments: Sequence[str], folder: Path, *_: object, **__: object) -> str:
            if arguments[0] == "show":
                return json.dumps(shown)
            if writes:
                (folder / stack.PLAN).touch()
            if errored:
                raise TerraformError("`terraform plan` failed")
            return ""

        monkeypatch.setattr(stack, "run", run)
        monkeypatch.setattr(stack, "init", lambda *_: None)
        monkeypatch.setattr(kept_data, "reclaim_buckets", lambda *_: [])

    return plan


def with_bucket(*, deletable: bool) -> dict[str, Any]:
    """A stack of one bucket."""
    return {"resource": {"aws_s3_bucket": {"a": {"force_destroy": deletable}}}}


class TestDataLoss:
    @pytest.mark.parametrize(
        ("value", "code"),
        [("", plan_summary.LOSS), ("0", plan_summary.LOSS), ("false", plan_summary.LOSS), ("1", 0)],
    )
    def test_is_allowed_only_by_a_switch_that_is_on(
        self, planned: Callable[..., None], tmp_path: Path, value: str, code: int
    ) -> None:
        """ALLOW_DATA_LOSS=0 and =false forbid what =1 allows."""
        planned()
        allowed = is_on("ALLOW_DATA_LOSS", {"ALLOW_DATA_LOSS": value})

        assert stack._plan(tmp_path, with_bucket(deletable=True), {}, allowed=allowed) == code

    @pytest.mark.parametrize("allowed", [False, True])
    def test_of_a_protected_bucket_names_both_settings(
        self, planned: Callable[..., None], tmp_path: Path, allowed: bool
    ) -> None:
        """Terraform refuses it whatever is allowed; the message says what to set and deploy first."""
        planned(errored=True)

        with pytest.raises(TerraformError) as refused:
            stack._plan(tmp_path, with_bucket(deletable=False), {"ENV": "prod"}, allowed=allowed)

        assert str(refused.value) == (
            "this plan would destroy aws_s3_bucket.a, the lake of prod, which is protected; "
            "ALLOW_DATA_LOSS=1 does not change that. To lose its data: set delete_with_stack = true in "
            "[environments.prod.lake] of pipeline.toml, add 'prod' to deletableEnvironments in cdktf.json, "
            "`make deploy` with nothing else changed, then plan this again"
        )

    def test_is_not_the_reason_of_every_failure(self, planned: Callable[..., None], tmp_path: Path) -> None:
        """What Terraform failed for otherwise is not explained by the bucket; its plan is told as failed."""
        planned(errored=True)

        with pytest.raises(TerraformError, match=r"^`terraform plan` failed$"):
            stack._plan(tmp_path, with_bucket(deletable=True), {}, allowed=False)
        assert (tmp_path / stack.SUMMARY).read_text(encoding="utf-8").startswith("**Terraform failed")

    def test_a_failure_without_a_plan_is_terraforms_own(
        self, planned: Callable[..., None], tmp_path: Path
    ) -> None:
        """Where Terraform did not come to planning, there is nothing to summarize."""
        planned(errored=True, writes=False)

        with pytest.raises(TerraformError, match=r"^`terraform plan` failed$"):
            stack._plan(tmp_path, with_bucket(deletable=False), {}, allowed=False)
        assert not (tmp_path / stack.SUMMARY).exists()

    def test_an_earlier_plan_does_not_survive_a_failure(self, checkout: Checkout, tmp_path: Path) -> None:
        """Neither plan nor summary of this environment is left to be taken for the one that failed."""
        kept, gone = [tmp_path / "out" / "stacks" / f"orders-{name}" for name in ("prod", "dev")]
        for folder in (kept, gone):
            folder.mkdir(parents=True)
            (folder / "plan.md").touch()
            (folder / "plan.tfplan").touch()
        settings = tmp_path / "pipeline.toml"
        settings.write_text("[environments.dev.stream]\nshard_count = 0\n", encoding="utf-8")
        done = checkout.run(
            *(sys.executable, "-m", "tools.deploy.stack", "plan"),
            PIPELINE_TOML=str(settings),
            CDKTF_OUTDIR=str(tmp_path / "out"),
        )

        assert done.returncode == 1
        assert {file.parent.name for file in tmp_path.rglob("plan.*")} == {"orders-prod"}

    def test_a_switch_of_another_value_stops_the_plan(self, checkout: Checkout, with_state: str) -> None:
        """A typing error is told, with the values that there are."""
        done = checkout.run(
            sys.executable,
            "-m",
            "tools.deploy.stack",
            "plan",
            PIPELINE_TOML=with_state,
            ALLOW_DATA_LOSS="maybe",
        )

        assert (done.returncode, done.stderr) == (1, "plan: ALLOW_DATA_LOSS = 'maybe': must be 1 or 0\n")
