"""The policies of docs/replay.md and docs/operations.md, held against the calls that the commands make.

The local AWS decides on what it enforces; it does not ask for ``s3:*ObjectTagging`` of a copy's tags, nor for
``kms:*``.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_aws.emulator.instance import ACCOUNT_ID, REGION, Emulator
from tests.checkout import ROOT
from tests.tools.parts import Parts, start
from tests.tools.replay_lines import error, letter

pytestmark = pytest.mark.terraform

BATCHES = ("sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:SendMessage")
"""IAM knows no actions of their own for batches of these; the local AWS asks for some:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html."""

COMMANDS = {
    "operations": {
        "status": "from tools.operate.status.__main__ import main; raise SystemExit(main([]) - 1)",
        "logs": "from tools.operate.logs import main; main([])",
        "dead": "from tools.operate.dead import main; main([])",
        "invoke": "from tools.operate.invoke import main; main([])",
    },
    "replay": {
        "redrive": "from tools.operate.redrive import main; raise SystemExit(main([]))",
        "replay": "from tools.operate.replay.__main__ import main; raise SystemExit(main([]))",
        "send": "import sys; from tools.operate.send import main; "
        "raise SystemExit(main(['--urls', *sys.argv[1:]]))",
    },
}
"""By the page with their policy. ``status`` ends with 1, for there are dead letters."""
UNSEEN = {"logs:StopQuery", "s3:PutObjectTagging"}
"""What no command needs here: a search is never slow, and see above."""


@pytest.fixture(scope="module")
def decisions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file to which the local AWS writes each of its decisions."""
    return tmp_path_factory.mktemp("decisions") / "decisions.jsonl"


@pytest.fixture(scope="module")
def enforcing(decisions: Path) -> Iterator[Emulator]:
    """A local AWS that enforces IAM."""
    with Emulator(auth=True, iam_decisions=decisions) as running:
        yield running


def policy_in(page: str) -> str:
    """The policy of a document."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    (policy,) = re.findall(r"<!-- policy -->\n```json\n(.*?)```", text, re.DOTALL)
    return str(policy)


def policy_of(parts: Parts, policy: str) -> str:
    """The policy with the names of one pipeline, and a log group as the local AWS has it: without ``:*``."""
    text = re.sub(rf'"({"|".join(BATCHES)})"', r'"\1", "\1Batch"', policy).replace("-fetch:*", "-fetch")
    names = {"PIPELINE": parts.prefix, "ACCOUNT": ACCOUNT_ID, "REGION": REGION, "BUCKET": parts.bucket}
    return re.sub("|".join(names), lambda found: names[found[0]], text)


def decided(decisions: Path, key: str) -> list[dict[str, Any]]:
    """What the local AWS decided for one key."""
    lines = [json.loads(each) for each in decisions.read_text(encoding="utf-8").splitlines()]
    return [each for each in lines if each["access_key_id"] == key]


@pytest.mark.parametrize("page", COMMANDS)
def test_whoever_has_it_can_do_everything_and_needs_all_of_it(
    enforcing: Emulator, decisions: Path, tmp_path: Path, page: str
) -> None:
    """Every command ends well, and no action of the policy is one that none of them asks for."""
    parts = Parts.make(enforcing, tmp_path)
    parts.consume(enabled=True)
    parts.add_dead_letter({"source": "orders"})
    parts.add_dead_letter("no event")
    parts.sqs.send_message(QueueUrl=parts.url("work"), MessageBody="{}", DelaySeconds=900)
    parts.store("dead-letters/a", [letter("[1]"), letter("{", truncated=True)])
    parts.s3.put_object_tagging(
        Bucket=parts.bucket, Key="dead-letters/a", Tagging={"TagSet": [{"Key": "team", "Value": "data"}]}
    )
    parts.store("errors/a", [error(b'{"data":1}\n')])
    (tmp_path / "urls.txt").write_text("https://example.com/\n", encoding="utf-8")
    parts.make_schedules("orders")
    parts.write_log({"level": "ERROR", "source": "orders"}, {"source": "orders", "accepted": 0, "failed": 1})
    text = parts.settings.read_text(encoding="utf-8")
    parts.settings.write_text(text.replace("limits", 'schedule = "rate(1 hour)"\nlimits'), encoding="utf-8")
    policy = policy_in(page)
    key = user_with(enforcing, page, policy_of(parts, policy))
    variables = {**parts.variables, **key}
    for name, code in COMMANDS[page].items():
        process = start(code, variables, [str(tmp_path / "urls.txt")])
        said, failed = process.communicate(timeout=300)
        assert process.returncode == 0, (name, said, failed)
    made = decided(decisions, key["AWS_ACCESS_KEY_ID"])
    allowed = {
        action
        for statement in json.loads(policy)["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }

    assert [each for each in made if not each["allowed"]] == []
    assert allowed - {each["action"].removesuffix("Batch") for each in made} <= UNSEEN


def user_with(enforcing: Emulator, name: str, policy: str) -> dict[str, str]:
    """The credentials of a new user who may do what the policy says."""
    iam = enforcing.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="operator", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
