"""That Terraform's own events become progress and errors, with the real Terraform and no provider."""

import json
import os
from pathlib import Path

import pytest

from local_aws.demo.terraform_progress import Progress, Terraform
from local_aws.processes.commands import CommandFailed

STACK = {
    "resource": {"terraform_data": {"one": {"input": "x"}, "two": {"input": "y"}}},
    "output": {"name": {"value": "${terraform_data.one.output}"}},
}
REFUSING = {
    "lifecycle": {"precondition": {"condition": "${length(var.none) > 0}", "error_message": "None is given."}}
}


def terraform(folder: Path, stack: object) -> Terraform:
    """Terraform in a folder with that stack, initialized."""
    (folder / "main.tf.json").write_text(json.dumps(stack))
    made = Terraform(folder, {**os.environ, "CHECKPOINT_DISABLE": "1"})
    made.run("init", "-input=false")
    return made


def test_apply_and_destroy_count_every_resource(tmp_path: Path) -> None:
    """Total and done agree at the end, and the outputs are known."""
    stack = terraform(tmp_path, STACK)
    seen: list[str] = []
    applied = stack.change("apply", lambda progress: seen.append(str(progress)))
    destroyed = stack.change("destroy", lambda _: None)

    assert (applied.total, applied.done, applied.outputs, destroyed.done) == (2, 2, {"name": "x"}, 2)
    assert (seen[0], seen[-1]) == ("planning", "2/2")


def test_a_failed_apply_carries_terraforms_own_diagnostics(tmp_path: Path) -> None:
    """Summary, address and detail are in the error, colours are not."""
    stack = terraform(
        tmp_path,
        {"variable": {"none": {"default": ""}}, "resource": {"terraform_data": {"guarded": REFUSING}}},
    )

    with pytest.raises(CommandFailed, match=r"(?s)precondition failed.*guarded.*None is given\.") as failed:
        stack.change("apply", lambda _: None)
    assert "\x1b" not in str(failed.value)


def test_a_command_that_terraform_refuses_carries_what_it_said(tmp_path: Path) -> None:
    """A configuration that is no configuration fails at init with the place."""
    with pytest.raises(CommandFailed, match=r"(?s)`terraform init` failed.*main\.tf\.json"):
        terraform(tmp_path, {"resource": []})


def test_what_is_being_changed_is_named_shortly() -> None:
    """The oldest first, without provider and hash, and how many more there are."""
    progress = Progress(total=5)
    for name in ("aws_kinesis_stream.stream_39D8F53E", "aws_sqs_queue.q", "aws_s3_bucket.b"):
        hook = {"resource": {"addr": name}, "action": "create"}
        progress.take({"type": "apply_start", "hook": hook})

    assert str(progress) == "0/5  kinesis_stream.stream 0 s, sqs_queue.q 0 s and 1 more"


def test_reading_is_no_change() -> None:
    """Data sources are not counted among the resources."""
    progress = Progress()
    hook = {"resource": {"addr": "data.aws_caller_identity.c"}, "action": "read"}
    for kind in ("apply_start", "apply_complete"):
        progress.take({"type": kind, "hook": hook})

    assert (progress.total, progress.done, progress.active) == (0, 0, {})
