from collections.abc import Sequence
from dataclasses import replace

import pytest

from ingestion_pipeline.resources import policies
from ingestion_pipeline.resources.policies import Statement
from ingestion_pipeline.settings.references import BucketReference, QueueReference, StreamReference

ARN = "${aws_any.thing.arn}"
STREAM = StreamReference(name="theirs", arn="${aws_kinesis_stream.theirs.arn}", kms_key=ARN)
OTHER = "${aws_any.thing.arn}/other"
ROTATED = replace(STREAM, other_kms_keys=(OTHER,))
BUCKET = BucketReference(name="theirs", arn="${aws_s3_bucket.theirs.arn}", kms_key=ARN)

OF_STREAM = {"kms:EncryptionContext:aws:kinesis:arn": STREAM.arn}
QUEUE = QueueReference(arn=f"{ARN}/queue", kms_key=ARN, other_kms_keys=(OTHER,))

PERMISSIONS = {
    "write_stream": (policies.write_stream(ARN), [Statement("PutRecords", ["kinesis:PutRecords"], [ARN])]),
    "read_stream": (
        policies.read_stream(ARN),
        [
            Statement(
                "ReadStream",
                [
                    "kinesis:DescribeStream",
                    "kinesis:GetRecords",
                    "kinesis:GetShardIterator",
                    "kinesis:ListShards",
                ],
                [ARN],
            )
        ],
    ),
    "write_with_key": (
        policies.write_with_key(ROTATED),
        [
            Statement("EncryptRecords", ["kms:GenerateDataKey"], [ARN]),
            Statement("EncryptWithOtherKeys", ["kms:GenerateDataKey"], (OTHER,)),
        ],
    ),
    "read_with_key": (
        policies.read_with_key(ROTATED),
        [
            Statement("DecryptRecords", ["kms:Decrypt"], [ARN], conditions=OF_STREAM),
            Statement("DecryptWithOtherKeys", ["kms:Decrypt"], (OTHER,), conditions=OF_STREAM),
        ],
    ),
    "write_log": (
        policies.write_log(ARN),
        [Statement("WriteLog", ["logs:CreateLogStream", "logs:PutLogEvents"], [f"{ARN}:*"])],
    ),
    "write_log_stream": (
        policies.write_log_stream(ARN),
        [Statement("WriteErrorLog", ["logs:PutLogEvents"], [ARN])],
    ),
    "write_objects": (
        policies.write_objects(ARN, ["data/", "errors/"]),
        [
            Statement(
                "UseBucket",
                ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
                [ARN],
            ),
            Statement(
                "WriteObjects",
                ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
                [f"{ARN}/data/*", f"{ARN}/errors/*"],
            ),
        ],
    ),
    "write_dead_letters": (
        policies.write_dead_letters(ARN, "dead-letters/"),
        [Statement("WriteDeadLetters", ["s3:PutObject"], [f"{ARN}/dead-letters/*"])],
    ),
    "put_records": (
        policies.put_records(ARN),
        [Statement("PutRecords", ["kinesis:PutRecord", "kinesis:PutRecords"], [ARN])],
    ),
    "read_objects": (
        policies.read_objects(ARN, "data/"),
        [
            Statement("ListBucket", ["s3:GetBucketLocation", "s3:ListBucket"], [ARN]),
            Statement("ReadObjects", ["s3:GetObject"], [f"{ARN}/data/*"]),
        ],
    ),
    "encrypt_objects": (
        policies.encrypt_objects(BUCKET),
        [Statement("EncryptObjects", ["kms:GenerateDataKey"], [ARN])],
    ),
    "decrypt_objects": (
        policies.decrypt_objects(BUCKET),
        [Statement("DecryptObjects", ["kms:Decrypt"], [ARN])],
    ),
    "send_failures": (
        policies.send_failures(QueueReference(arn=ARN)),
        [Statement("SendFailures", ["sqs:SendMessage"], [ARN])],
    ),
    "send_events": (
        policies.send_events(QUEUE),
        [
            Statement("SendEvents", ["sqs:SendMessage"], [QUEUE.arn]),
            Statement("EncryptEvents", ["kms:Decrypt", "kms:GenerateDataKey"], [ARN]),
            Statement("UseOtherEventKeys", ["kms:Decrypt", "kms:GenerateDataKey"], (OTHER,)),
        ],
    ),
    "consume_events": (
        policies.consume_events(ARN),
        [
            Statement(
                "ConsumeEvents",
                [
                    "sqs:ChangeMessageVisibility",
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:ReceiveMessage",
                ],
                [ARN],
            )
        ],
    ),
    "invoke_url": (
        policies.invoke_url(ARN),
        [
            Statement(
                "InvokeUrl",
                ["lambda:InvokeFunctionUrl"],
                [ARN],
                conditions={"lambda:FunctionUrlAuthType": "AWS_IAM"},
            ),
            Statement(
                "InvokeByUrl",
                ["lambda:InvokeFunction"],
                [ARN],
                conditions={"lambda:InvokedViaFunctionUrl": "true"},
            ),
        ],
    ),
    "read_lists": (
        policies.read_lists(ARN, "lists/"),
        [Statement("ReadLists", ["s3:GetObject"], [f"{ARN}/lists/*"])],
    ),
    "read_secrets": (
        policies.read_secrets([ARN]),
        [Statement("ReadSecrets", ["secretsmanager:GetSecretValue"], [ARN])],
    ),
    "read_configuration": (
        policies.read_configuration(ARN, "config/"),
        [Statement("ReadConfiguration", ["s3:GetObject"], [f"{ARN}/config/*"])],
    ),
    "send_with_key": (
        policies.send_with_key(QUEUE),
        [
            Statement("EncryptFailures", ["kms:Decrypt", "kms:GenerateDataKey"], [ARN]),
            Statement("UseOtherFailureKeys", ["kms:Decrypt", "kms:GenerateDataKey"], (OTHER,)),
        ],
    ),
    "use_by_sources": (
        policies.use_by_sources([("execute-api:Invoke", [ARN], True)]),
        [Statement("ExecuteApiInvoke", ["execute-api:Invoke"], [ARN])],
    ),
    "decrypt_secrets": (
        policies.decrypt_secrets([ARN]),
        [Statement("DecryptSecrets", ["kms:Decrypt"], [ARN])],
    ),
}
"""What each function makes, and what it should."""


@pytest.mark.parametrize(("made", "expected"), PERMISSIONS.values(), ids=PERMISSIONS)
def test_allows_these_actions_on_the_resource(made: list[Statement], expected: list[Statement]) -> None:
    """An action that is missing fails in production, and one too many is never noticed."""
    assert made == expected


@pytest.mark.parametrize("statements", [made for made, _ in PERMISSIONS.values()], ids=PERMISSIONS)
def test_allows_exact_actions_only(statements: Sequence[Statement]) -> None:
    """Every permission names its actions in full and begins at the ARN that was given."""
    wide = [
        statement
        for statement in statements
        if any("*" in action for action in statement.actions)
        or not all(resource.startswith(ARN) for resource in statement.resources)
        or not (statement.allowed and statement.actions and statement.resources)
    ]

    assert wide == []


def test_every_function_is_held_to_that() -> None:
    """No permission is missing above: what is left either trusts, denies, or has no resource of its own."""
    made = {name for name, value in vars(policies).items() if callable(value) and not name.startswith("_")}

    assert made - set(PERMISSIONS) == {
        "BucketReference",
        "Callable",
        "Capability",
        "Form",
        "Forms",
        "Mapping",
        "QueueReference",
        "Sequence",
        "Statement",
        "StreamReference",
        "all_of",
        "dataclass",
        "field",
        "of_each_form",
        "replace",
        "trust",
        "read_metrics",
        "require_tls",
        "send_traces",
        "use_network",
    }


def test_aws_own_key_needs_no_permission() -> None:
    """Who may use the stream may use AWS's key for it."""
    stream = StreamReference(name="theirs", arn=STREAM.arn)
    bucket = BucketReference(name="theirs", arn=BUCKET.arn)
    statements = [
        *policies.write_with_key(stream),
        *policies.read_with_key(stream),
        *policies.encrypt_objects(bucket),
        *policies.decrypt_objects(bucket),
    ]

    assert [statement.when for statement in statements] == [False] * 6


def test_a_key_of_the_users_needs_one_permission() -> None:
    """Who puts and who reads may use the key that was given; others only if the stream has had others."""
    statements = [*policies.write_with_key(STREAM), *policies.read_with_key(STREAM)]

    assert [each.sid for each in statements if each.when] == ["EncryptRecords", "DecryptRecords"]


@pytest.mark.parametrize(
    "statements",
    [
        policies.read_secrets([ARN], when=False),
        policies.decrypt_secrets([ARN], when=False),
        policies.use_by_sources([("kms:GenerateDataKey", [], False)]),
        policies.send_traces(when=False),
        policies.use_network(when=False),
        policies.send_with_key(QueueReference(arn=ARN)),
    ],
    ids=["read_secrets", "decrypt_secrets", "use_by_sources", "send_traces", "use_network", "send_with_key"],
)
def test_what_is_not_needed_is_not_allowed(statements: Sequence[Statement]) -> None:
    """Without secrets, keys, traces or a network the statement is no part of its document."""
    assert {statement.when for statement in statements} == {False}


@pytest.mark.parametrize(
    ("made", "actions", "resources"),
    [
        (policies.require_tls("s3", ARN, f"{ARN}/*"), ["s3:*"], [ARN, f"{ARN}/*"]),
        (policies.require_tls("sqs", ARN), ["sqs:*"], [ARN]),
    ],
    ids=["bucket", "queue"],
)
def test_denies_what_comes_without_tls(
    made: list[Statement], actions: list[str], resources: list[str]
) -> None:
    """A request without TLS is denied, whatever it asks for, on all of the resource."""
    without_tls = {"aws:SecureTransport": "false"}

    assert made == [Statement("RequireTls", actions, resources, conditions=without_tls, allowed=False)]


def test_trust_is_for_one_service() -> None:
    """The service may assume the role under the conditions, written with two underscores for a colon."""
    made = policies.trust("a.amazonaws.com", sts__ExternalId="123456789012")
    conditions = {"sts:ExternalId": "123456789012"}

    assert made == [
        Statement("Trust", ["sts:AssumeRole"], services=["a.amazonaws.com"], conditions=conditions)
    ]


def test_traces_have_no_resource() -> None:
    """X-Ray's actions know no resource, so they are permitted on everything."""
    actions = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]

    assert policies.send_traces() == [Statement("SendTraces", actions, ["*"])]


def test_network_interfaces_have_no_resource_yet() -> None:
    """Lambda makes the interfaces, so their ids are known to nobody beforehand."""
    actions = [
        *("ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"),
        *("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"),
    ]

    assert policies.use_network() == [Statement("UseNetwork", actions, ["*"])]


def test_a_statement_permits_by_default() -> None:
    """Who writes a statement writes a permission, unless it says that it denies."""
    statement = Statement("ReadStream", ["kinesis:GetRecords"])

    assert (statement.allowed, statement.when, statement.resources, statement.services) == (
        True,
        True,
        (),
        (),
    )
