from collections.abc import Sequence
from dataclasses import replace

import pytest

from ingestion_pipeline.resources import policies
from ingestion_pipeline.resources.policies import Statement
from ingestion_pipeline.settings.existing import BucketReference, QueueReference, StreamReference

ARN = "${aws_any.thing.arn}"
STREAM = StreamReference(name="theirs", arn="${aws_kinesis_stream.theirs.arn}", kms_key=ARN)
ROTATED = replace(STREAM, other_kms_keys=(ARN,))
BUCKET = BucketReference(name="theirs", arn="${aws_s3_bucket.theirs.arn}", kms_key=ARN)

PERMISSIONS = {
    "write_stream": policies.write_stream(ARN),
    "read_stream": policies.read_stream(ARN),
    "write_with_key": policies.write_with_key(ROTATED),
    "read_with_key": policies.read_with_key(ROTATED),
    "write_log": policies.write_log(ARN),
    "write_log_stream": policies.write_log_stream(ARN),
    "write_objects": policies.write_objects(ARN, ["data/", "errors/"]),
    "write_dead_letters": policies.write_dead_letters(ARN, "dead-letters/"),
    "put_records": policies.put_records(ARN),
    "read_objects": policies.read_objects(ARN, "data/"),
    "encrypt_objects": policies.encrypt_objects(BUCKET),
    "decrypt_objects": policies.decrypt_objects(BUCKET),
    "send_failures": policies.send_failures(QueueReference(arn=ARN)),
    "read_secrets": policies.read_secrets([ARN]),
    "read_configuration": policies.read_configuration(ARN, "config/"),
    "send_with_key": policies.send_with_key(QueueReference(arn="${aws_sqs_queue.theirs.arn}", kms_key=ARN)),
    "decrypt_secrets": policies.decrypt_secrets([ARN]),
}


@pytest.mark.parametrize("statements", PERMISSIONS.values(), ids=PERMISSIONS)
def test_allows_exact_actions_on_the_resource(statements: Sequence[Statement]) -> None:
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
        "Mapping",
        "QueueReference",
        "Sequence",
        "Statement",
        "StreamReference",
        "dataclass",
        "field",
        "trust",
        "require_tls",
        "require_tls_to_queue",
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


def test_a_key_of_the_users_needs_permission() -> None:
    """Who puts and who reads may use the key that was given."""
    statements = [*policies.write_with_key(STREAM), *policies.decrypt_objects(BUCKET)]
    permitted = [(each.when, each.resources) for each in statements if each.when]

    assert permitted == [(True, [ARN]), (True, [ARN])]


@pytest.mark.parametrize(
    ("statements", "resources"),
    [
        (policies.require_tls(ARN), [ARN, f"{ARN}/*"]),
        (policies.require_tls_to_queue(ARN), [ARN]),
    ],
    ids=["bucket", "queue"],
)
def test_denies_what_comes_without_tls(statements: Sequence[Statement], resources: list[str]) -> None:
    """A request without TLS is denied on all of the resource."""
    (statement,) = statements

    assert (statement.allowed, list(statement.resources), statement.conditions) == (
        False,
        resources,
        {"aws:SecureTransport": "false"},
    )


def test_trust_takes_conditions() -> None:
    """A condition's key is written with two underscores for the colon."""
    (statement,) = policies.trust("a.amazonaws.com", sts__ExternalId="123456789012")

    assert statement.conditions == {"sts:ExternalId": "123456789012"}


def test_traces_have_no_resource() -> None:
    """X-Ray's actions know no resource, so they are permitted on everything."""
    (statement,) = policies.send_traces()

    assert (statement.actions, statement.resources) == (
        ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
        ["*"],
    )


def test_network_interfaces_have_no_resource_yet() -> None:
    """Lambda makes the interfaces, so their ids are known to nobody beforehand."""
    (statement,) = policies.use_network()

    assert list(statement.resources) == ["*"]
