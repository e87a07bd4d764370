"""Schedules, applied by the real Terraform to a local AWS that runs them.

It knows neither time zones nor flexible windows, needs no role, and has no dead letters of a schedule: those
are held in the synthesized JSON, and the role by IAM's simulator.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from local_aws.emulator.instance import Emulator
from tests.checkout import ROOT, Checkout
from tests.e2e.consumer import Consumer
from tests.e2e.deployment import wait_until

pytestmark = pytest.mark.e2e

ACCOUNT, REGION = "000000000000", "us-east-1"
QUEUES = f"arn:aws:sqs:{REGION}:{ACCOUNT}"
SOURCES = {
    "often": 'schedule = "rate(1 minute)"',
    "off": 'schedule = "rate(1 minute)"\nenabled = false',
    "seldom": 'schedule = "cron(0 0 29 2 ? *)"\ntime_zone = "Europe/Berlin"\nflexible_minutes = 5',
}
NEW = 'schedule = "rate(2 days)"'
SETTINGS = """
[pipeline]
name = "ours"
[environments.local.function]
runtime = "host"
architecture = "host"
"""
KEPT = (
    "aws_sqs_queue.",
    "aws_scheduler_",
    "aws_iam_role.pipeline_schedules",
    "aws_iam_role_policy.pipeline_schedules",
)
"""How the addresses begin of what is applied: the queues, and what sends to them."""


def build(folder: Path, sources: Mapping[str, str]) -> dict[str, Any]:
    """The queues and the schedules of a pipeline, without what would take the events from the queue."""
    folder.mkdir(exist_ok=True)
    blocks = [
        f'[[sources]]\nname = "{name}"\nurl = "https://a.test"\n{keys}\n' for name, keys in sources.items()
    ]
    settings = folder / "pipeline.toml"
    settings.write_text("".join([*blocks, SETTINGS]), encoding="utf-8")
    stack = Checkout(ROOT).synthesize(folder / "out", ENV="local", PIPELINE_TOML=str(settings))
    stack["terraform"].pop("backend")
    stack.pop("output")
    kept: dict[str, Any] = {}
    for kind, instances in stack["resource"].items():
        for name, body in instances.items():
            if f"{kind}.{name}".startswith(KEPT):
                others = [each for each in body.pop("depends_on", []) if each.startswith(KEPT)]
                kept.setdefault(kind, {})[name] = {**body, "depends_on": others}
    return {**stack, "resource": kept}


@pytest.fixture(scope="module")
def ours(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Consumer:
    """The queues and the schedules, applied."""
    consumer = Consumer(tmp_path_factory.mktemp("schedules"))
    _write(consumer, build(tmp_path_factory.mktemp("settings"), SOURCES))
    consumer.must(emulator, "init", "-input=false")
    consumer.must(emulator, "apply", "-auto-approve", "-input=false")
    return consumer


@pytest.fixture(scope="module")
def sent(ours: Consumer, emulator: Emulator) -> list[str]:
    """The bodies of the messages that come by themselves, once there is one."""
    assert ours.said
    sqs = emulator.client("sqs")
    url = sqs.get_queue_url(QueueName="ours-local-work")["QueueUrl"]
    bodies: list[str] = []

    def look() -> bool:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        bodies.extend(message["Body"] for message in found)
        return bool(bodies)

    wait_until(look, "the first message of a schedule")
    return bodies


def test_a_schedule_sends_the_event_of_its_source(sent: list[str]) -> None:
    """Nobody invokes anything; a schedule that is switched off, or seldom runs, sends nothing."""
    assert [json.loads(body) for body in sent] == [{"source": "often"}]


@pytest.mark.parametrize(
    ("source", "state", "window"),
    [
        ("often", "ENABLED", {"Mode": "OFF"}),
        ("off", "DISABLED", {"Mode": "OFF"}),
        ("seldom", "ENABLED", {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5}),
    ],
)
@pytest.mark.usefixtures("ours")
def test_each_schedule_is_deployed_as_its_source_says(
    emulator: Emulator, source: str, state: str, window: dict[str, Any]
) -> None:
    """In the group of the pipeline, with the role and the dead letters."""
    made = emulator.client("scheduler").get_schedule(GroupName="ours-local-schedules", Name=source)

    assert (made["State"], made["FlexibleTimeWindow"]) == (state, window)
    assert (made["Target"]["Arn"], made["Target"]["DeadLetterConfig"], made["Target"]["RoleArn"]) == (
        f"{QUEUES}:ours-local-work",
        {"Arn": f"{QUEUES}:ours-local-dead-letters"},
        f"arn:aws:iam::{ACCOUNT}:role/ours-local-schedules-{REGION}",
    )


@pytest.mark.parametrize(
    ("action", "queue", "decision"),
    [
        ("sqs:SendMessage", "ours-local-work", "allowed"),
        ("sqs:SendMessage", "ours-local-dead-letters", "allowed"),
        ("sqs:SendMessage", "theirs-local-work", "implicitDeny"),
        ("sqs:ReceiveMessage", "ours-local-work", "implicitDeny"),
    ],
)
@pytest.mark.usefixtures("ours")
def test_the_role_may_send_and_nothing_else(
    emulator: Emulator, action: str, queue: str, decision: str
) -> None:
    """IAM's simulator judges the deployed role, which the emulator does not enforce."""
    results = emulator.client("iam").simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:role/ours-local-schedules-{REGION}",
        ActionNames=[action],
        ResourceArns=[f"{QUEUES}:{queue}"],
    )["EvaluationResults"]

    assert [result["EvalDecision"] for result in results] == [decision]


@pytest.mark.usefixtures("sent")
def test_a_second_plan_is_empty(ours: Consumer, emulator: Emulator) -> None:
    """What was applied is what is planned."""
    done = ours.run(emulator, "plan", "-detailed-exitcode")

    assert done.returncode == 0, done.stdout


@pytest.mark.usefixtures("sent")
def test_a_source_that_goes_takes_its_own_schedule_alone(
    ours: Consumer, emulator: Emulator, tmp_path: Path
) -> None:
    """Nothing else is changed, and nothing made anew."""
    others = {name: keys for name, keys in SOURCES.items() if name != "off"}
    _write(ours, build(tmp_path / "settings", {**others, "new": NEW}))
    ours.must(emulator, "plan", "-out=plan.tfplan")
    changes = json.loads(ours.must(emulator, "show", "-json", "plan.tfplan"))["resource_changes"]

    assert {
        each["index"]: each["change"]["actions"] for each in changes if each["change"]["actions"] != ["no-op"]
    } == {"off": ["delete"], "new": ["create"]}


def _write(consumer: Consumer, stack: Mapping[str, Any]) -> None:
    (consumer.folder / "cdk.tf.json").write_text(json.dumps(stack), encoding="utf-8")
