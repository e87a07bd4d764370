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
        (
            entry("aws_a.a", "update", before={"x": 1, "y": 1}, after={"x": 1}, after_unknown={"z": True}),
            "| change | `aws_a.a` | `y`, `z` |",
        ),
        (
            entry("aws_a.a", "update", before={"x": 1}, after={"x": 2, "y": {}}, after_unknown={"y": {}}),
            "| change | `aws_a.a` | `x`, `y` |",
        ),
        (
            entry("aws_a.a", "update", before={"x": 1, "t": {"a": 1}}, after={"x": 2, "t": {"a": 1}})
            | {"previous_address": "aws_a.z"},
            "| change | `aws_a.a` | from `aws_a.z`, `x` |",
        ),
        (entry("aws_a.a", "update", before=None, after=None), "| change | `aws_a.a` |  |"),
        (
            entry("aws_a.a", "delete", "create", replace_paths=[["block", 0, "x"], ["y"]]),
            "| replace | `aws_a.a` | because of `block.0.x`, because of `y` |",
        ),
        (entry("aws_a.a", "delete", "create"), "| replace | `aws_a.a` |  |"),
        (entry("aws_a.a", "later", "on"), "| later/on | `aws_a.a` |  |"),
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


def test_lost_data_comes_first_and_addresses_are_sorted() -> None:
    """Nobody has to scroll for what matters, nor to search for the rest."""
    addresses = ["aws_a.b", "aws_a.a", "aws_s3_bucket.z", "aws_kinesis_stream.y", "aws_s3_bucket.kept"]
    actions = ["create", "create", "delete", "delete", "create"]
    changes = read(plan(*map(entry, addresses, actions)))

    assert [change.address for change in changes] == [
        *("aws_kinesis_stream.y", "aws_s3_bucket.z"),
        *("aws_a.a", "aws_a.b", "aws_s3_bucket.kept"),
    ]


def test_the_table_is_markdown() -> None:
    """A blank line, the columns and their rule stand between the counts and the rows."""
    text = markdown(read(plan(entry("aws_a.a", "create"), entry("aws_a.b", "delete"))))

    assert text == (
        "**Plan: 1 to add, 0 to change, 0 to replace, 1 to destroy.**\n"
        "\n"
        "| action | resource | what |\n"
        "|---|---|---|\n"
        "| add | `aws_a.a` |  |\n"
        "| destroy | `aws_a.b` |  |\n"
    )


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

    assert (f"{kind}.a" in refusal(changes), f"**{loss}**" in markdown(changes)) == (True, True)


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


def test_ten_shard_steps_fit_into_a_day() -> None:
    """The limit of a day is not mentioned where it does not count."""
    assert resharded(1, 1_024).endswith("512, 1024 one after the other.\n")


def test_shard_steps_that_take_more_than_a_day_say_so() -> None:
    """AWS allows ten changes in 24 hours."""
    assert resharded(1, 2_000).endswith("AWS allows 10 such changes in 24 hours.\n")


def test_a_refusal_names_what_would_be_lost() -> None:
    """What holds data is named with what becomes of it, and nothing else is."""
    changes = read(
        plan(
            entry("aws_s3_bucket.a", "delete"),
            entry("aws_kinesis_stream.b", "create", "delete"),
            entry("aws_s3_bucket.c", "update"),
            entry("aws_iam_role.d", "delete"),
        )
    )

    assert refusal(changes) == (
        "this plan loses the data of aws_kinesis_stream.b (replace), aws_s3_bucket.a (destroy)"
    )


def test_a_plan_of_outputs_alone_has_no_changes() -> None:
    """Such a plan has no list of resources at all."""
    assert read('{"format_version": "1.2"}') == []


@pytest.mark.parametrize(
    "text",
    [
        *("", "{}", "[]", "7", "No changes.", '{"resource_changes": []}'),
        '{"format_version": "1.2", "resource_changes": 7}',
        '{"format_version": "1.2", "resource_changes": ["x"]}',
        '{"format_version": "1.2", "resource_changes": [{}]}',
        '{"format_version": "1.2", "resource_changes": [{"change": []}]}',
    ],
)
def test_what_is_no_plan_is_refused(text: str) -> None:
    """A summary of nothing must not read as "no changes"."""
    with pytest.raises(
        PlanError, match=r"^this is no plan in JSON \(.*\): write it .* -out=FILE.*show -json FILE`$"
    ):
        read(text)


def summary(text: str, *options: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.plan_summary", *options],
        input=text,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


LOST = plan(entry("aws_s3_bucket.a", "delete"))
KEPT = plan(entry("aws_s3_bucket.a", "create"))
REFUSED = "plan_summary: this plan loses the data of aws_s3_bucket.a (destroy); --allow-data-loss allows it\n"


@pytest.mark.parametrize(
    ("text", "options", "code", "said"),
    [
        (LOST, [], 3, REFUSED),
        (LOST, ["--allow-data-loss"], 0, ""),
        (KEPT, [], 0, ""),
        (KEPT, ["--allow-data-loss"], 0, ""),
    ],
    ids=["lost", "lost and allowed", "kept", "kept and allowed"],
)
def test_the_command_fails_if_data_is_lost(text: str, options: list[str], code: int, said: str) -> None:
    """The table is printed in any case; the exit code says whether to go on."""
    assert summary(text, *options) == (code, markdown(read(text)), said)


def test_the_command_fails_without_a_plan() -> None:
    """Its message is one line on stderr, and its exit code is not the one of lost data."""
    code, table, said = summary("No changes.")

    assert (code, table, said.count("\n")) == (1, "", 1)
    assert said.startswith("plan_summary: this is no plan in JSON")


def test_the_command_explains_itself() -> None:
    """The help tells what the exit code means and what the option allows."""
    code, help_, _ = summary("", "--help")

    assert code == 0
    assert "makes the exit code 3" in " ".join(help_.split())
    assert "--allow-data-loss exit with 0 though data is lost" in " ".join(help_.split())
