from collections.abc import Sequence

import pytest

from ingestion_pipeline.resources import policies
from ingestion_pipeline.resources.policies import Statement

ARN = "arn:partition:service:region:123456789012:thing"

PERMISSIONS = {
    "write_stream": policies.write_stream(ARN),
    "read_stream": policies.read_stream(ARN),
    "write_with_key": policies.write_with_key(ARN),
    "read_with_key": policies.read_with_key(ARN, "arn:of:a:stream"),
    "write_log": policies.write_log(ARN),
    "write_log_stream": policies.write_log_stream(ARN),
    "write_objects": policies.write_objects(ARN, ["data/", "errors/"]),
    "write_dead_letters": policies.write_dead_letters(ARN, "dead-letters/"),
    "put_records": policies.put_records(ARN),
    "read_objects": policies.read_objects(ARN, "data/"),
    "encrypt_objects": policies.encrypt_objects(ARN),
    "decrypt_objects": policies.decrypt_objects(ARN),
    "send_failures": policies.send_failures(ARN),
    "read_secrets": policies.read_secrets([ARN]),
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
    """No permission is missing above: what is left either trusts, denies, or is X-Ray's."""
    made = {name for name, value in vars(policies).items() if callable(value) and not name.startswith("_")}

    assert made - set(PERMISSIONS) == {
        "Statement",
        "Mapping",
        "Sequence",
        "dataclass",
        "field",
        "trust",
        "is_own_key",
        "require_tls",
        "require_tls_to_queue",
        "send_traces",
    }


@pytest.mark.parametrize("key_of_aws", ["alias/aws/kinesis"])
def test_aws_own_key_needs_no_permission(key_of_aws: str) -> None:
    """Who may use the stream may use AWS's key for it."""
    assert [*policies.write_with_key(key_of_aws), *policies.read_with_key(key_of_aws, ARN)] == []


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


def test_no_secrets_no_permission() -> None:
    """Without secrets there is no statement, for an empty list of resources would be refused by IAM."""
    assert policies.read_secrets([]) == []


def test_trust_takes_conditions() -> None:
    """A condition's key is written with two underscores for the colon."""
    (statement,) = policies.trust("a.amazonaws.com", sts__ExternalId="123456789012")

    assert statement.conditions == {"sts:ExternalId": "123456789012"}


def test_traces_have_no_resource() -> None:
    """X-Ray's actions know no resource, so this is the one permission on everything."""
    (statement,) = policies.send_traces()

    assert (statement.actions, statement.resources) == (
        ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
        ["*"],
    )
