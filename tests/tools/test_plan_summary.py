import json
import subprocess
import sys
from typing import Any

import pytest

from tools.plan_summary import PlanError, markdown, read, refusal
from tools.terraform import ROOT


def entry(address: str, *actions: str, **change: Any) -> dict[str, Any]:
    """A resource's change as ``terraform show -json`` writes it."""
    previous = change.pop("previous_address", None)
    found = {
        "address": address,
        "mode": "managed",
        "type": address.split(".")[-2],
        "change": {"actions": list(actions), **change},
    }
    return {**found, "previous_address": previous} if previous else found


def plan(*entries: dict[str, Any]) -> str:
    """A plan in JSON."""
    return json.dumps({"format_version": "1.2", "resource_changes": list(entries)})


def rows(*entries: dict[str, Any]) -> list[str]:
    """The lines of the table."""
    return markdown(read(plan(*entries))).splitlines()[4:]


def test_nothing_to_do_is_one_line() -> None:
    """A plan of which every resource stays as it is has no table."""
    assert markdown(read(plan(entry("aws_s3_bucket.a", "no-op")))) == "**No changes.**\n"


def test_counts_come_first() -> None:
    """The first line counts what is added, changed, replaced and destroyed."""
    text = markdown(
        read(
            plan(
                entry("aws_sqs_queue.a", "create"),
                entry("aws_sqs_queue.b", "create"),
                entry("aws_sqs_queue.c", "update"),
                entry("aws_sqs_queue.d", "delete", "create"),
                entry("aws_sqs_queue.e", "delete"),
            )
        )
    )

    assert text.splitlines()[0] == "**Plan: 2 to add, 1 to change, 1 to replace, 1 to destroy.**"


@pytest.mark.parametrize(
    ("change", "row"),
    [
        (entry("aws_sqs_queue.a", "create"), "| add | `aws_sqs_queue.a` |  |"),
        (
            entry("aws_sqs_queue.a", "update", before={"x": 1, "y": 1}, after={"x": 2, "y": 1}),
            "| change | `aws_sqs_queue.a` | `x` |",
        ),
        (
            entry("aws_sqs_queue.a", "update", before={"x": 1}, after={}, after_unknown={"x": True}),
            "| change | `aws_sqs_queue.a` | `x` |",
        ),
        (
            entry("aws_sqs_queue.a", "create", "delete", replace_paths=[["name"]]),
            "| replace | `aws_sqs_queue.a` | because of `name` |",
        ),
        (
            entry("aws_kinesis_stream.b", "no-op", previous_address="aws_kinesis_stream.a"),
            "| move | `aws_kinesis_stream.b` | from `aws_kinesis_stream.a` |",
        ),
        (entry("aws_s3_bucket.a", "forget"), "| forget | `aws_s3_bucket.a` |  |"),
        (
            entry("module.m.aws_s3_bucket.a", "delete"),
            "| **destroy** | **`module.m.aws_s3_bucket.a`** | **its data is lost** |",
        ),
        (
            entry("aws_kinesis_stream.a", "delete", "create", replace_paths=[["name"]]),
            "| **replace** | **`aws_kinesis_stream.a`** | **because of `name`, its data is lost** |",
        ),
    ],
)
def test_each_change_is_a_row(change: dict[str, Any], row: str) -> None:
    """The action, the address, and what changes or forces it; what loses data is in bold."""
    assert rows(change) == [row]


def test_lost_data_comes_first() -> None:
    """Nobody has to scroll for what matters."""
    table = rows(entry("aws_a.a", "create"), entry("aws_s3_bucket.z", "delete"))

    assert "aws_s3_bucket.z" in table[0]


def test_no_value_is_shown() -> None:
    """Names only: a value may be a secret."""
    change = entry("aws_a.a", "update", before={"password": "hunter2"}, after={"password": "swordfish"})

    assert not {"hunter2", "swordfish"} & set(markdown(read(plan(change))).replace("`", " ").split())


def test_what_is_only_read_is_left_out() -> None:
    """A data source that is read while applying changes nothing."""
    assert read(plan({**entry("aws_a.a", "read"), "mode": "data"})) == []


def test_a_plan_that_keeps_data_is_not_refused() -> None:
    """A queue may go; its events have another day."""
    assert refusal(read(plan(entry("aws_sqs_queue.a", "delete"), entry("aws_s3_bucket.a", "create")))) == ""


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "No changes.", '{"format_version": "1.2", "resource_changes": [{}]}']
)
def test_what_is_no_plan_is_refused(text: str) -> None:
    """A summary of nothing must not read as "no changes"."""
    with pytest.raises(PlanError, match="terraform show -json"):
        read(text)


@pytest.mark.parametrize(
    ("options", "code"),
    [([], 3), (["--allow-data-loss"], 0)],
)
def test_the_command_fails_if_data_is_lost(options: list[str], code: int) -> None:
    """The table is printed in any case; the exit code says whether to go on."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.plan_summary", *options],
        input=plan(entry("aws_s3_bucket.a", "delete")),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, "its data is lost" in done.stdout) == (code, True)
