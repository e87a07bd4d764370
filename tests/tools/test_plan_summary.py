import json
import subprocess
import sys
from typing import Any

import pytest

from tools.plan_summary import PlanError, markdown, read, refusal, shard_steps
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
            entry("aws_iam_role.a", "create", "delete", replace_paths=[["name"]]),
            "| replace | `aws_iam_role.a` | because of `name` |",
        ),
        (
            entry("aws_kinesis_stream.b", "no-op", previous_address="aws_kinesis_stream.a"),
            "| move | `aws_kinesis_stream.b` | from `aws_kinesis_stream.a` |",
        ),
        (
            entry("aws_s3_bucket.a", "no-op", importing={"id": "a"}),
            "| import | `aws_s3_bucket.a` | imported |",
        ),
        (
            entry("aws_s3_bucket.a", "update", importing={"id": "a"}, before={"x": 1}, after={"x": 2}),
            "| change | `aws_s3_bucket.a` | imported, `x` |",
        ),
        (entry("aws_s3_bucket.a", "forget"), "| forget | `aws_s3_bucket.a` |  |"),
        (
            entry("module.m.aws_s3_bucket.a", "delete"),
            "| **destroy** | **`module.m.aws_s3_bucket.a`** | **its objects are lost** |",
        ),
        (
            entry("aws_kinesis_stream.a", "delete", "create", replace_paths=[["name"]]),
            "| **replace** | **`aws_kinesis_stream.a`** | **because of `name`, its records are lost** |",
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


@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        ("aws_kinesis_stream", "its records are lost"),
        ("aws_kinesis_firehose_delivery_stream", "records that it has not delivered are lost"),
        ("aws_s3_bucket", "its objects are lost"),
        ("aws_sqs_queue", "its messages are lost"),
        ("aws_dynamodb_table", "its items are lost"),
    ],
)
@pytest.mark.parametrize("actions", [("delete",), ("delete", "create"), ("create", "delete")])
def test_whatever_holds_data_is_guarded(kind: str, loss: str, actions: tuple[str, ...]) -> None:
    """Destroying or replacing a stream, delivery stream, bucket, queue or table loses data; which is said."""
    changes = read(plan(entry(f"{kind}.a", *actions)))

    assert (f"{kind}.a" in refusal(changes), loss in markdown(changes)) == (True, True)


@pytest.mark.parametrize(
    "change",
    [
        entry("aws_s3_object.sources", "delete", "create"),
        entry("aws_iam_role.a", "delete"),
        entry("aws_s3_bucket.a", "create"),
        entry("aws_s3_bucket.a", "forget"),
        entry("aws_sqs_queue.a", "update"),
    ],
)
def test_a_plan_that_keeps_data_is_not_refused(change: dict[str, Any]) -> None:
    """What holds none may go, as may what only leaves the state; an object of S3 is configuration."""
    assert refusal(read(plan(change))) == ""


@pytest.mark.parametrize(
    ("present", "wanted", "steps"),
    [
        (2, 2, ()),
        (2, 4, (4,)),
        (2, 9, (4, 8, 9)),
        (1, 3, (2, 3)),
        (4, 2, (2,)),
        (9, 2, (5, 3, 2)),
        (3, 1, (2, 1)),
        (1, 20_000, (*(2**power for power in range(1, 15)), 20_000)),
    ],
)
def test_shards_change_by_a_factor_of_two_at_most(present: int, wanted: int, steps: tuple[int, ...]) -> None:
    """Each step is at most double and at least half of the one before; the last is what is wanted."""
    assert shard_steps(present, wanted) == steps


def resharded(before: int | None, after: int | None) -> str:
    """The summary of a stream's change of shards."""
    change = entry(
        "aws_kinesis_stream.a", "update", before={"shard_count": before}, after={"shard_count": after}
    )
    return markdown(read(plan(change)))


def test_shard_steps_that_aws_demands_are_named() -> None:
    """The summary says in which steps to reach a number of shards that AWS refuses in one."""
    assert resharded(2, 9).splitlines()[-1] == (
        "`aws_kinesis_stream.a`: AWS refuses to more than double the shards of a stream, and to go below "
        "half of them. Apply `shard_count` = 4, 8, 9 one after the other."
    )


@pytest.mark.parametrize(("before", "after"), [(2, 4), (4, 2), (None, 2), (2, None)])
def test_shards_that_aws_changes_in_one_step_need_no_advice(before: int | None, after: int | None) -> None:
    """Nothing is said of a step that AWS takes, nor of a stream whose shards are AWS's own affair."""
    assert "AWS refuses" not in resharded(before, after)


def test_shard_steps_that_take_more_than_a_day_say_so() -> None:
    """AWS allows ten changes in 24 hours."""
    assert resharded(1, 2_000).endswith("AWS allows 10 such changes in 24 hours.\n")


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

    assert (done.returncode, "its objects are lost" in done.stdout) == (code, True)
