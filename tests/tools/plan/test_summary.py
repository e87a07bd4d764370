import io
import json
import re
import sys
from collections.abc import Callable
from html import unescape
from typing import Any, TypeAlias

import pytest
from markdown_it import MarkdownIt

from tools.plan.plan_json import Plan, PlanError, read
from tools.plan.shard_steps import shard_steps
from tools.plan.summary import main, markdown, refusal


def entry(address: str, *actions: str, **change: Any) -> dict[str, Any]:
    """A resource's change as ``terraform show -json`` writes it."""
    beside: dict[str, Any] = {
        name: change.pop(name)
        for name in ("previous_address", "action_reason", "deposed", "type")
        if name in change
    }
    found: dict[str, Any] = {"address": address, "mode": "managed", "type": address.split(".")[-2]}
    return {**found, **beside, "change": {"actions": list(actions), **change}}


def plan(*entries: dict[str, Any], **others: Any) -> str:
    """A plan in JSON."""
    return json.dumps(
        {"format_version": "1.2", "planned_values": {}, "resource_changes": list(entries), **others}
    )


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
            "| import | `aws_s3_bucket.a` |  |",
        ),
        (
            entry("aws_s3_bucket.a", "update", importing={"id": "a"}, before={"x": 1}, after={"x": 2}),
            "| import, change | `aws_s3_bucket.a` | `x` |",
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
            "| move, change | `aws_a.a` | from `aws_a.z`, `x` |",
        ),
        (entry("aws_a.a", "update", before=None, after=None), "| change | `aws_a.a` |  |"),
        (
            entry("aws_a.a", "delete", "create", replace_paths=[["block", 0, "x"], ["y"]]),
            "| replace | `aws_a.a` | because of `block.0.x`, because of `y` |",
        ),
        (entry("aws_a.a", "delete", "create"), "| replace | `aws_a.a` |  |"),
        (entry("aws_a.a", "later", "on"), "| later/on | `aws_a.a` |  |"),
        (
            entry("aws_s3_bucket.a", "forget", action_reason="delete_because_no_resource_config"),
            "| forget | `aws_s3_bucket.a` | no longer configured, leaves the state and is not deleted |",
        ),
        (
            entry("aws_s3_bucket.a", "create", "forget", replace_paths=[["bucket"]]),
            "| replace | `aws_s3_bucket.a` | because of `bucket`, leaves the state and is not deleted |",
        ),
        (
            entry("aws_a.a", "delete", deposed="0a1b2c3d"),
            "| destroy | `aws_a.a` | deposed object `0a1b2c3d`, left by an earlier replacement |",
        ),
        (
            entry("aws_a.a", "delete", "create", action_reason="replace_because_tainted"),
            "| replace | `aws_a.a` | it is tainted |",
        ),
        (
            entry("aws_a.a[7]", "delete", action_reason="delete_because_count_index"),
            "| destroy | `aws_a.a[7]` | its index is beyond `count` |",
        ),
        (
            entry("aws_a.a", "delete", action_reason="delete_because_it_rains"),
            "| destroy | `aws_a.a` | delete because it rains |",
        ),
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
    found = read(plan(*map(entry, addresses, actions)))

    assert [change.address for change in found.changes] == [
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
    assert read(plan({**entry("aws_a.a", "read"), "mode": "data"})).changes == ()


DRIFT = entry("aws_a.a", "update", before={"x": 1, "y": 1}, after={"x": 2, "y": 2})
NEW = entry("aws_a.new", "create")


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        (plan(entry("aws_a.a", "no-op", importing={"id": "a"})), "1 to import"),
        (plan(entry("aws_a.a", "update", importing={"id": "a"}), NEW), "1 to import"),
        (plan(entry("aws_a.a", "no-op", previous_address="aws_a.b")), "1 to move"),
        (plan(entry("aws_a.a", "forget")), "1 to forget"),
        (plan(NEW, deferred_changes=[{"reason": "x", "resource_change": NEW}]), "1 deferred"),
        (plan(output_changes={"a": {"actions": ["create"]}}), "1 output"),
        (plan(output_changes={name: {"actions": ["update"]} for name in "ab"}), "2 outputs"),
    ],
)
def test_what_terraform_does_besides_is_counted(text: str, heading: str) -> None:
    """The first line also counts imports, moves, what leaves the state, what has to wait, and outputs."""
    assert markdown(read(text)).splitlines()[0].endswith(f", {heading}.**")


def test_outputs_are_named_by_what_becomes_of_them() -> None:
    """Others may rely on them: a plan of nothing but outputs is not without changes."""
    actions = {"c": ["create"], "b": ["create"], "a": ["update"], "z": ["delete"], "same": ["no-op"]}
    text = markdown(read(plan(output_changes={name: {"actions": each} for name, each in actions.items()})))

    assert text.splitlines()[1:] == ["", "Outputs: change `a`; add `b`, `c`; destroy `z`."]


def refresh_only(*drift: dict[str, Any]) -> str:
    """The plan of ``-refresh-only``: it has no list of what changes, only of what has changed."""
    whole = json.loads(plan(resource_drift=list(drift), applyable=True))
    return json.dumps({name: value for name, value in whole.items() if name != "resource_changes"})


@pytest.mark.parametrize(
    ("change", "row"),
    [
        (DRIFT, "| drift | `aws_a.a` | `x`, `y` |"),
        (entry("aws_a.a", "delete"), "| drift | `aws_a.a` | deleted outside of Terraform |"),
        (entry("aws_a.a", "no-op", previous_address="aws_a.b"), "| drift | `aws_a.a` | from `aws_a.b` |"),
    ],
)
def test_what_changed_outside_of_terraform_is_a_row(change: dict[str, Any], row: str) -> None:
    """A plan that only refreshes lists what it would write into the state."""
    lines = markdown(read(refresh_only(change))).splitlines()

    assert (lines[0].endswith(", 1 changed outside of Terraform.**"), lines[4]) == (True, row)


def test_drift_does_not_lose_data() -> None:
    """What is gone already cannot be lost by the plan that notices it."""
    assert refusal(read(refresh_only(entry("aws_s3_bucket.a", "delete")))) == ""


def test_drift_is_told_where_something_follows_from_it() -> None:
    """Of an ordinary plan, only those arguments are drift that it depends on, as Terraform has it."""
    relevant = [{"resource": "aws_a.a", "attribute": ["x", 0]}, {"resource": "aws_a.b", "attribute": ["y"]}]
    text = plan(NEW, resource_drift=[DRIFT], relevant_attributes=relevant)

    assert markdown(read(text)).splitlines()[4:] == [
        "| drift | `aws_a.a` | `x` |",
        "| add | `aws_a.new` |  |",
    ]


@pytest.mark.parametrize("relevant", [[], [{"resource": "aws_a.a", "attribute": ["x"]}]])
def test_drift_that_changes_nothing_is_no_change(relevant: list[object]) -> None:
    """An ordinary plan that does nothing about it says "No changes", as Terraform does."""
    text = plan(entry("aws_a.a", "no-op"), resource_drift=[DRIFT], relevant_attributes=relevant)

    assert markdown(read(text)) == "**No changes.**\n"


def test_what_has_to_wait_is_a_row() -> None:
    """A deferred change is named with its reason; it loses nothing yet."""
    deferred = {"reason": "instance_count_unknown", "resource_change": entry("aws_s3_bucket.a", "delete")}
    found = read(plan(deferred_changes=[deferred], complete=False))

    assert markdown(found).splitlines()[4:] == [
        "| defer | `aws_s3_bucket.a` | destroy: instance count unknown |",
        "",
        "This plan is not complete: plan again when it is applied (`-target`, or deferred changes).",
    ]
    assert refusal(found) == ""


def test_a_failed_plan_says_so_first() -> None:
    """What Terraform had planned until it failed may not be all, and cannot be applied."""
    lines = markdown(read(plan(NEW, errored=True, applyable=False, complete=False))).splitlines()

    assert lines[:3] == [
        "**Terraform failed while it planned: this cannot be applied, and may not be all.**",
        "",
        "**Plan: 1 to add, 0 to change, 0 to replace, 0 to destroy.**",
    ]
    assert len(lines) == 7


def test_a_failed_plan_is_not_without_changes() -> None:
    """Where Terraform had not planned anything yet, that is not called "No changes"."""
    text = markdown(read(plan(errored=True, complete=False)))

    assert text == "**Terraform failed while it planned: this cannot be applied, and may not be all.**\n"


def test_what_can_be_applied_is_not_without_changes() -> None:
    """A change of a kind that this summary does not know is not called "No changes"."""
    text = markdown(read(plan(entry("aws_a.a", "no-op"), applyable=True, action_invocations=[{}])))

    assert text.startswith("**Plan: it can be applied, but what it changes is not known here")


@pytest.mark.parametrize("key", ["a|b", "a`b", "`|*_<b>_*|`", "a\\|b", "a\nb", "[x](y)", "@somebody", "**"])
@pytest.mark.parametrize("action", ["create", "delete"])
def test_any_key_fits_into_the_table(key: str, action: str) -> None:
    """Rendered, a row has three cells and the address in full, as code, whatever the key is made of."""
    address = f'aws_s3_bucket.a["{key}"]'
    text = markdown(read(plan(entry(address, action, type="aws_s3_bucket"))))
    html = MarkdownIt("commonmark").enable("table").render(text)
    cells = re.findall(r"<td>(.*?)</td>", html, re.DOTALL)

    assert len(cells) == 3
    assert unescape(re.sub("</?(code|strong)>", "", cells[1])) == address.replace("\n", " ")
    assert "<code>" in cells[1]


@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        ("aws_kinesis_stream", "its records are lost"),
        ("aws_kinesis_firehose_delivery_stream", "records that it has not delivered are lost"),
        ("aws_s3_bucket", "its objects are lost"),
        ("aws_sqs_queue", "its messages are lost"),
    ],
)
@pytest.mark.parametrize("actions", [("delete",), ("delete", "create"), ("create", "delete")])
def test_whatever_holds_data_is_guarded(kind: str, loss: str, actions: tuple[str, ...]) -> None:
    """Destroying or replacing a stream, delivery stream, bucket or queue loses data; which is said."""
    changes = read(plan(entry(f"{kind}.a", *actions)))

    assert (f"{kind}.a" in refusal(changes), f"**{loss}**" in markdown(changes)) == (True, True)


@pytest.mark.parametrize(
    ("actions", "is_said"), [(("delete",), True), (("delete", "create"), False), (("create",), False)]
)
def test_a_delivery_stream_that_goes_is_told_of_the_change_of_packing(
    actions: tuple[str, ...], is_said: bool
) -> None:
    """Who changes `fetch.packing` at once reads how nothing is lost."""
    text = markdown(read(plan(entry("aws_kinesis_firehose_delivery_stream.a", *actions))))

    assert ("`delivery.keep_former = true`" in text) is is_said


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


def test_a_plan_of_nothing_has_no_changes() -> None:
    """A plan without resources has no list of them at all."""
    assert read('{"format_version": "1.2", "planned_values": {}}') == Plan()


@pytest.mark.parametrize(
    "change",
    [
        *(7, "x", [], {}, {"change": []}, {"change": {}}, {"change": {"actions": 7}}),
        {**entry("aws_a.a", "update"), "mode": None, "change": {"actions": ["update"], "before": ["x"]}},
        entry("aws_kinesis_stream.a", "update", before={"shard_count": 1}, after="x"),
        entry("aws_a.a", "delete", "create", replace_paths=7),
        {"address": "aws_a.a", "type": "aws_a", "change": {"actions": ["create"]}},
    ],
)
def test_a_change_of_another_form_is_refused(change: object) -> None:
    """A summary of what is not understood must not read as "no changes"."""
    with pytest.raises(PlanError, match=r"^this is no plan in JSON \("):
        read(json.dumps({"format_version": "1.2", "planned_values": {}, "resource_changes": [change]}))


def test_a_list_in_place_of_a_mapping_is_refused() -> None:
    """Python's AttributeError is an error of the plan, not of this program."""
    with pytest.raises(PlanError, match="AttributeError"):
        read('{"format_version": "1.2", "planned_values": {}, "output_changes": []}')


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("", "nothing was given"),
        (" \n", "nothing was given"),
        ('{"format_version": "1.0"}', "a state"),
        ('{"format_version": "1.0", "values": {"root_module": {}}}', "a state"),
        ('{"version": 4, "serial": 1, "lineage": "x", "resources": []}', "a state file"),
        ('{"@level":"info","type":"version"}\n{"@level":"info"}\n', "the log of `terraform plan -json`"),
        (b"PK\x03\x04\x14\x00\xff\xfe", "the file of `terraform plan -out` itself"),
        ("No changes.", "JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
        ("[]", "TypeError: list indices must be integers or slices, not str"),
        ('{"resource_changes": []}', "KeyError: 'format_version'"),
        ('{"format_version": "1.0", "provider_schemas": {}}', "ValueError: it has no planned_values"),
        (
            '{"format_version": "2.0", "planned_values": {}}',
            "ValueError: format_version = '2.0': must be 1.x, as Terraform 1.1 and newer write",
        ),
    ],
)
def test_what_is_no_plan_is_refused(text: str | bytes, given: str) -> None:
    """The message says what was given instead, and how to make a plan."""
    with pytest.raises(PlanError) as refused:
        read(text)

    assert str(refused.value) == (
        f"this is no plan in JSON ({given}): write it by `terraform plan -out=FILE` and "
        "`terraform show -json FILE`"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_plan_may_be_in_any_utf(encoding: str) -> None:
    """The ``>`` of some shells writes UTF-16."""
    assert read(plan(NEW).encode(encoding)) == read(plan(NEW))


Summary: TypeAlias = Callable[..., tuple[int, str, str]]


@pytest.fixture
def summary(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Summary:
    """Runs the command; gives its exit code, stdout and stderr."""

    def run(text: str, *options: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["plan_summary", *options])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        code: object = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        printed = capsys.readouterr()
        # As Python does with a text to exit with.
        told = f"{code}\n" if isinstance(code, str) else ""
        return (1 if told else int(str(code))), printed.out, printed.err + told

    return run


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
def test_the_command_fails_if_data_is_lost(
    summary: Summary, text: str, options: list[str], code: int, said: str
) -> None:
    """The table is printed in any case; the exit code says whether to go on."""
    assert summary(text, *options) == (code, markdown(read(text)), said)


def test_the_command_fails_if_terraform_has(summary: Summary) -> None:
    """A plan that is not whole is shown, and is not passed for one without loss."""
    code, table, said = summary(plan(NEW, errored=True))

    assert (code, table.count("| add |")) == (1, 1)
    assert said.startswith("plan_summary: Terraform failed while it planned")


def test_the_command_fails_without_a_plan(summary: Summary) -> None:
    """Its message is one line on stderr, and its exit code is not the one of lost data."""
    code, table, said = summary("No changes.")

    assert (code, table, said.count("\n")) == (1, "", 1)
    assert said.startswith("plan_summary: this is no plan in JSON")


def test_the_command_explains_itself(summary: Summary) -> None:
    """The help tells what the exit code means and what the option allows."""
    code, help_, _ = summary("", "--help")

    assert code == 0
    assert "makes the exit code 3" in " ".join(help_.split())
    assert "--allow-data-loss exit with 0 though data is lost" in " ".join(help_.split())


@pytest.mark.parametrize(
    ("actions", "before", "after", "told"),
    [
        (("update",), True, {"enabled": False}, True),
        (("delete",), True, None, True),
        (("delete", "create"), True, {"enabled": True}, False),
        (("update",), False, {"enabled": True}, False),
        (("delete",), False, None, False),
    ],
    ids=["switched off", "removed", "replaced", "switched on", "removed when off"],
)
def test_a_queue_that_is_no_longer_consumed_is_named(
    actions: tuple[str, ...], before: bool, after: dict[str, bool] | None, told: bool
) -> None:
    """Its messages expire, although Terraform destroys nothing that holds them.

    https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html
    """
    address = "aws_lambda_event_source_mapping.a"
    text = "\n".join(rows(entry(address, *actions, before={"enabled": before}, after=after)))

    assert ("messages that wait in it expire" in text) is told
