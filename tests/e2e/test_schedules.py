"""Schedules, applied by the real Terraform to a local AWS that runs them.

It knows neither time zones nor flexible windows, needs no role, and has no dead letters of a schedule: those
are held in the synthesized JSON, and the role by IAM's simulator.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from local_aws.emulator.instance import Emulator
from tests.e2e.consumer import Consumer
from tests.e2e.deployment import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-schedules")]

ACCOUNT, REGION = "000000000000", "us-east-1"
QUEUES = f"arn:aws:sqs:{REGION}:{ACCOUNT}"
URL = "https://a.test"
SOURCES: list[Any] = [
    {"name": "often", "url": URL, "schedule": "rate(1 minute)"},
    {"name": "off", "url": URL, "schedule": "rate(1 minute)", "enabled": False},
    {
        "name": "seldom",
        "url": URL,
        "schedule": "cron(0 0 29 2 ? *)",
        "time_zone": "Europe/Berlin",
        "flexible_minutes": 5,
    },
]


def build(folder: Path, sources: list[Any]) -> None:
    """Synthesize the queues and the schedules of these sources, and nothing that would take their events."""
    from cdktf import App, TerraformStack

    from ingestion_pipeline.bindings import AwsProvider
    from ingestion_pipeline.resources.dead_letter_queue import DeadLetterQueue
    from ingestion_pipeline.resources.schedules import Schedules
    from ingestion_pipeline.resources.work_queue import WorkQueue
    from ingestion_pipeline.settings.names import Names
    from ingestion_pipeline.settings.sources import ConfiguredSources
    from ingestion_pipeline.settings.tables import DeadLetterSettings, FunctionSettings, QueueSettings
    from ingestion_pipeline.stack import AWS_PROVIDER

    app = App(outdir=str(folder))
    stack = TerraformStack(app, "ours")
    AwsProvider(stack, "aws", region=REGION)
    stack.add_override("terraform.required_providers.aws", AWS_PROVIDER)
    place: dict[str, Any] = {"partition": "aws", "region": REGION, "account_id": ACCOUNT}
    dead_letters = DeadLetterQueue(
        stack, "dead-letters", name="ours-dead-letters", **place, settings=DeadLetterSettings()
    ).reference
    work = WorkQueue(
        stack,
        "work",
        name="ours-work",
        **place,
        dead_letters=dead_letters,
        settings=QueueSettings(),
        function=FunctionSettings(),
    ).reference
    Schedules(
        stack,
        "schedules",
        names=Names("ours", "local", REGION),
        account_id=ACCOUNT,
        schedules=ConfiguredSources(sources).schedules,
        work_queue=work,
        dead_letters=dead_letters,
        may_run=True,
        when=True,
    )
    app.synth()


@pytest.fixture(scope="module")
def ours(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Consumer:
    """The queues and the schedules, applied."""
    folder = tmp_path_factory.mktemp("schedules")
    build(folder, SOURCES)
    consumer = Consumer(folder / "stacks" / "ours")
    consumer.must(emulator, "init", "-input=false")
    consumer.must(emulator, "apply", "-auto-approve", "-input=false")
    return consumer


@pytest.fixture(scope="module")
def sent(ours: Consumer, emulator: Emulator) -> list[str]:
    """The bodies of the messages that come by themselves, once there is one."""
    assert ours.said
    sqs = emulator.client("sqs")
    url = sqs.get_queue_url(QueueName="ours-work")["QueueUrl"]
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
        f"{QUEUES}:ours-work",
        {"Arn": f"{QUEUES}:ours-dead-letters"},
        f"arn:aws:iam::{ACCOUNT}:role/ours-local-schedules-{REGION}",
    )


@pytest.mark.parametrize(
    ("action", "queue", "decision"),
    [
        ("sqs:SendMessage", "ours-work", "allowed"),
        ("sqs:SendMessage", "ours-dead-letters", "allowed"),
        ("sqs:SendMessage", "theirs-work", "implicitDeny"),
        ("sqs:ReceiveMessage", "ours-work", "implicitDeny"),
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
    build(tmp_path, [SOURCES[0], SOURCES[2], {"name": "new", "url": URL, "schedule": "rate(2 days)"}])
    text = (tmp_path / "stacks" / "ours" / "cdk.tf.json").read_text(encoding="utf-8")
    (ours.folder / "cdk.tf.json").write_text(text, encoding="utf-8")
    ours.must(emulator, "plan", "-out=plan.tfplan")
    changes = json.loads(ours.must(emulator, "show", "-json", "plan.tfplan"))["resource_changes"]

    assert {
        each["index"]: each["change"]["actions"] for each in changes if each["change"]["actions"] != ["no-op"]
    } == {"off": ["delete"], "new": ["create"]}
