"""That decisions are written down; which ones AWS would make is not shown."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local_aws.emulator.instance import Emulator


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
