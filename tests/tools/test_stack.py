"""What is refused before Terraform runs; the rest is deployed for real in tests/e2e."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.checkout import Checkout
from tools import kept_data, plan_summary, stack

pytestmark = [pytest.mark.xdist_group("synth"), pytest.mark.terraform]


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
        done = checkout.run(sys.executable, "-m", "tools.stack", "deploy")

        assert done.returncode == 1
        assert done.stderr == (
            "deploy: state.bucket is not set: give pipeline.toml's [state] table a bucket name, "
            "then `make bootstrap`\n"
        )

    def test_no_destroy_of_data(self, checkout: Checkout, with_state: str) -> None:
        """A lake that is kept stops `destroy` before anything is gone; the message names both keys."""
        done = checkout.run(sys.executable, "-m", "tools.stack", "destroy", PIPELINE_TOML=with_state)

        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("destroy: the lake of dev is kept. ")
        assert "`make destroy KEEP_DATA=1`" in done.stderr
        assert "[environments.dev.lake]" in done.stderr
        assert "add 'dev' to deletableEnvironments in cdktf.json" in done.stderr

    @pytest.mark.parametrize("arguments", [[], ["apply"], ["plan", "now"]])
    def test_usage(self, checkout: Checkout, arguments: list[str]) -> None:
        """What is no action is answered with those that are."""
        done = checkout.run(sys.executable, "-m", "tools.stack", *arguments)

        assert (done.returncode, done.stderr) == (1, "usage: python -m tools.stack plan|deploy|destroy\n")

    def test_bad_settings(self, checkout: Checkout, tmp_path: Path) -> None:
        """What main.py refuses, no action gets past."""
        file = tmp_path / "pipeline.toml"
        file.write_text("[environments.dev.stream]\nshard_count = 0\n", encoding="utf-8")
        done = checkout.run(sys.executable, "-m", "tools.stack", "plan", PIPELINE_TOML=str(file))

        assert done.returncode == 1
        assert "stream.shard_count = 0: must be a whole number from 1 to 20,000" in done.stderr
        assert done.stderr.endswith("plan: main.py failed; its message is above\n")


class TestDataLoss:
    @pytest.mark.parametrize(
        ("value", "code"),
        [("", plan_summary.LOSS), ("0", plan_summary.LOSS), ("false", plan_summary.LOSS), ("1", 0)],
    )
    def test_is_allowed_only_by_a_switch_that_is_on(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str, code: int
    ) -> None:
        """ALLOW_DATA_LOSS=0 and =false forbid what =1 allows."""
        change = {"address": "aws_s3_bucket.a", "type": "aws_s3_bucket", "change": {"actions": ["delete"]}}
        shown = json.dumps({"format_version": "1.2", "resource_changes": [change]})

        def run(arguments: Sequence[str], *_: object, **__: object) -> str:
            return shown if arguments[0] == "show" else ""

        monkeypatch.setattr(stack, "run", run)
        monkeypatch.setattr(stack, "init", lambda *_: None)
        monkeypatch.setattr(kept_data, "reclaim_buckets", lambda *_: [])

        assert stack._plan(tmp_path, {"ALLOW_DATA_LOSS": value}) == code

    def test_a_switch_of_another_value_stops_the_plan(self, checkout: Checkout, with_state: str) -> None:
        """A typing error is told, with the values that there are."""
        done = checkout.run(
            sys.executable, "-m", "tools.stack", "plan", PIPELINE_TOML=with_state, ALLOW_DATA_LOSS="maybe"
        )

        assert (done.returncode, done.stderr) == (1, "plan: ALLOW_DATA_LOSS = 'maybe': must be 1 or 0\n")
