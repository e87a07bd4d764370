import json
from pathlib import Path
from typing import Any

import pytest

from ingestion_pipeline.settings.sources import permissions as source_permissions
from ingestion_pipeline.settings.sources.permissions import declared, permitted
from ingestion_pipeline.settings.sources.sources import (
    MAX_PERMITTED_CHARACTERS,
    ConfiguredSources,
    source_problems,
)

API = "arn:aws:execute-api:eu-west-1:123456789012:abc123/prod/GET/orders"
DOMAIN = "arn:aws:es:eu-west-1:123456789012:domain/logs/*"
COLLECTION = "arn:aws:aoss:eu-west-1:123456789012:collection/abc123"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:report"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:crm"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
REFRESHED = {
    "kind": "oauth2_refresh_token",
    "secret_arn": SECRET,
    "kms_key": KEY,
    "token_url": "https://a.test/token",
}


def signed(service: str, arn: str, **more: str) -> dict[str, Any]:
    """A source that signs for that resource."""
    auth = {"kind": "aws_sigv4", "service": service, "resource_arn": arn}
    return {"url": "https://a.test", "auth": auth, **more}


def needed(*sources: dict[str, Any]) -> dict[str, list[str]]:
    """What these sources are permitted, by action."""
    return {action: list(arns) for action, arns in permitted(sources).items() if arns}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (signed("execute-api", API), {"execute-api:Invoke": [API]}),
        (signed("es", DOMAIN), {"es:ESHttpGet": [DOMAIN]}),
        (signed("es", DOMAIN, method="POST"), {"es:ESHttpPost": [DOMAIN]}),
        (signed("aoss", COLLECTION), {"aoss:APIAccessAll": [COLLECTION]}),
        (
            signed("lambda", FUNCTION),
            {"lambda:InvokeFunctionUrl": [FUNCTION], "lambda:InvokeFunction": [FUNCTION]},
        ),
        (signed("es", ""), {}),
        (signed("es", "${TfToken[1]}"), {"es:ESHttpGet": ["${TfToken[1]}"]}),
        (
            {"url": "https://a.test", "auth": REFRESHED},
            {"secretsmanager:PutSecretValue": [f"{SECRET}-??????"], "kms:GenerateDataKey": [KEY]},
        ),
        ({"url": "https://a.test", "auth": {"kind": "bearer", "secret_arn": SECRET, "kms_key": KEY}}, {}),
        ({"url": "https://a.test"}, {}),
    ],
)
def test_a_kind_is_permitted_what_it_declares(source: dict[str, Any], expected: dict[str, list[str]]) -> None:
    """The actions of the ARN's own service, on that ARN; those of other kinds add none."""
    assert needed(source) == expected


def test_each_arn_is_named_once() -> None:
    """Two sources of one API share its permission."""
    assert needed(signed("execute-api", API), signed("execute-api", API)) == {"execute-api:Invoke": [API]}


def test_the_next_kind_needs_no_change_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kind that the schema declares is permitted its actions, whatever it and its key are called."""
    schema = json.loads(source_permissions.SCHEMA.read_text(encoding="utf-8"))
    schema["$defs"]["Source"]["properties"]["auth"]["discriminator"]["mapping"]["new"] = "#/$defs/NewAuth"
    schema["$defs"]["NewAuth"] = {"properties": {"queue": {"permits": ["sqs:ReceiveMessage"]}}}
    (tmp_path / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    monkeypatch.setattr(source_permissions, "SCHEMA", tmp_path / "schema.json")
    declared.cache_clear()
    queue = "arn:aws:sqs:eu-west-1:123456789012:q"
    try:
        found = needed({"url": "https://a.test", "auth": {"kind": "new", "queue": queue}})
    finally:
        declared.cache_clear()

    assert found == {"sqs:ReceiveMessage": [queue]}


def test_what_no_source_needs_is_no_statement() -> None:
    """Each action has a condition, which is false without an ARN."""
    conditions = {action: when for action, _, when in ConfiguredSources([signed("es", DOMAIN)]).permitted}

    assert [action for action, when in conditions.items() if when] == ["es:ESHttpGet"]


def test_room_for_all_of_them() -> None:
    """The inline policy has room for so many ARNs; more are refused at synth."""
    count = MAX_PERMITTED_CHARACTERS // (len(API) + 3)
    some = [signed("execute-api", API[:-3] + f"{number:03}") for number in range(count + 1)]
    (problem,) = source_problems(some)

    assert source_problems(some[:count]) == []
    assert "a policy has room for 4,000: let sources share them" in str(problem)
