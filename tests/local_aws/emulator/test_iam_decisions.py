"""That decisions are written down; which ones AWS would make is not shown."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.emulator.instance import Emulator

SCHEDULER = "arn:aws:scheduler:us-east-1:000000000000"
UUID = "e0e761de-06de-448b-9775-e392dec4d22b"


@pytest.fixture(scope="module")
def nobodys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Emulator, Path]]:
    """A local AWS with a user who may do nothing, and the file of its decisions."""
    lines = tmp_path_factory.mktemp("nobody") / "decisions.jsonl"
    with Emulator(auth=True, iam_decisions=lines) as emulator:
        emulator.client("iam").create_user(UserName="nobody")
        yield emulator, lines


def test_each_decision_is_a_line_with_caller_action_resource_and_outcome(tmp_path: Path) -> None:
    """A user without a policy is denied, and the file says what it tried."""
    lines = tmp_path / "decisions.jsonl"
    with Emulator(auth=True, iam_decisions=lines) as emulator:
        iam = emulator.client("iam")
        iam.create_user(UserName="nobody")
        key = iam.create_access_key(UserName="nobody")["AccessKey"]
        nobody = emulator.client(
            "kinesis",
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )
        with pytest.raises(ClientError, match="AccessDenied"):
            nobody.describe_stream_summary(StreamName="s")
    last = json.loads(lines.read_text().splitlines()[-1])

    assert last == {
        "action": "kinesis:DescribeStreamSummary",
        "resource": "arn:aws:kinesis:us-east-1:000000000000:stream/s",
        "access_key_id": key["AccessKeyId"],
        "allowed": False,
    }


@pytest.mark.parametrize(
    ("operation", "arguments", "action", "resource"),
    [
        ("get_event_source_mapping", {"UUID": UUID}, "GetEventSourceMapping", f"event-source-mapping:{UUID}"),
        (
            "get_function_event_invoke_config",
            {"FunctionName": "f"},
            "GetFunctionEventInvokeConfig",
            "function:f",
        ),
        (
            "get_function_recursion_config",
            {"FunctionName": "f"},
            "GetFunctionRecursionConfig",
            "function:f",
        ),
        ("delete_function_url_config", {"FunctionName": "f"}, "DeleteFunctionUrlConfig", "function:f"),
        ("invoke", {"FunctionName": "f"}, "InvokeFunction", "function:f"),
    ],
)
def test_an_operation_of_lambda_is_decided_on_by_its_own_action(
    nobodys: tuple[Emulator, Path], operation: str, arguments: dict[str, str], action: str, resource: str
) -> None:
    """A policy that is exact passes here only if it is exact on AWS."""
    emulator, lines = nobodys
    key = emulator.client("iam").create_access_key(UserName="nobody")["AccessKey"]
    nobody = emulator.client(
        "lambda", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(nobody, operation)(**arguments)
    last = json.loads(lines.read_text().splitlines()[-1])

    assert (last["action"], last["resource"]) == (
        f"lambda:{action}",
        f"arn:aws:lambda:us-east-1:000000000000:{resource}",
    )


@pytest.mark.parametrize(
    ("operation", "entry", "action"),
    [
        ("send_message_batch", {"MessageBody": "{}"}, "SendMessage"),
        ("delete_message_batch", {"ReceiptHandle": "r"}, "DeleteMessage"),
        (
            "change_message_visibility_batch",
            {"ReceiptHandle": "r", "VisibilityTimeout": 0},
            "ChangeMessageVisibility",
        ),
    ],
)
def test_many_messages_are_decided_on_as_one(
    nobodys: tuple[Emulator, Path], operation: str, entry: dict[str, Any], action: str
) -> None:
    """AWS has no actions of its own for the batch operations of SQS."""
    emulator, lines = nobodys
    key = emulator.client("iam").create_access_key(UserName="nobody")["AccessKey"]
    emulator.client("sqs").create_queue(QueueName="q")
    nobody = emulator.client(
        "sqs", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(nobody, operation)(
            QueueUrl=f"{emulator.endpoint_url}/000000000000/q", Entries=[{"Id": "1", **entry}]
        )
    last = json.loads(lines.read_text().splitlines()[-1])

    assert (last["action"], last["resource"]) == (f"sqs:{action}", "arn:aws:sqs:us-east-1:000000000000:q")


@pytest.mark.parametrize(
    ("operation", "arguments", "resource"),
    [
        ("get_schedule", {"GroupName": "g", "Name": "s"}, "schedule/g/s"),
        ("delete_schedule", {"GroupName": "g", "Name": "s"}, "schedule/g/s"),
        (
            "create_schedule",
            {
                "GroupName": "g",
                "Name": "s",
                "ScheduleExpression": "rate(1 day)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {"Arn": "arn:aws:sqs:us-east-1:000000000000:q", "RoleArn": "arn:aws:iam::0:role/r"},
            },
            "schedule/g/s",
        ),
        ("get_schedule", {"Name": "s"}, "schedule/default/s"),
        ("list_tags_for_resource", {"ResourceArn": f"{SCHEDULER}:schedule-group/g"}, "schedule-group/g"),
    ],
)
def test_an_operation_of_scheduler_is_decided_on_for_its_group(
    nobodys: tuple[Emulator, Path], operation: str, arguments: dict[str, Any], resource: str
) -> None:
    """A schedule's ARN has the group in it, and tags are those of a group."""
    emulator, lines = nobodys
    key = emulator.client("iam").create_access_key(UserName="nobody")["AccessKey"]
    nobody = emulator.client(
        "scheduler", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(nobody, operation)(**arguments)

    assert json.loads(lines.read_text().splitlines()[-1])["resource"] == f"{SCHEDULER}:{resource}"
