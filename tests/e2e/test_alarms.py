"""A pipeline that tells somebody when it fails, when a source stops, and when all is well again.

What this cannot prove of AWS: metrics, the states of alarms and what is told come from patches of the local
AWS, which follow its documents; periods last a hundredth, and no mail is sent. That each alarm looks at
a metric that AWS has is held by the tests of the synthesized JSON.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.checkout import ROOT, Checkout
from tests.e2e.deployment import Deployment, wait_until, warnings
from tests.e2e.mendable_api import MendableApi
from tests.e2e.provider import PooledEmulator

pytestmark = pytest.mark.e2e

PYTHON = ROOT / ".venv" / "bin" / "python"
PREFIX = "watched-local-"
FUNCTION = f"{PREFIX}fetch"
TOPICS = "arn:aws:sns:us-east-1:000000000000"
MAY_SEND = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
SETTINGS = """
[alarms]
dashboard = true
emails = ["operator@example.com"]
pager_topic_arns = ["{topics}:pager"]

[[sources]]
name = "failing"
url = "{origin}/failing"

[[sources]]
name = "quiet"
url = "{origin}/quiet"
schedule = "cron(0 0 1 1 ? *)"

[[sources]]
name = "steady"
url = "{origin}/steady"
schedule = "cron(0 0 1 1 ? *)"

[[sources]]
name = "late"
url = "{origin}/late"
schedule = "cron(0 {far_hour} * * ? *)"
"""
Told = tuple[str, str]
"""Name and new state of an alarm."""


@dataclass
class Watched:
    """The deployed pipeline, and what its alarms told.

    Attributes:
        deployment: In the local AWS.
        api: What it fetches from.
        told: Everything that the topic of the addresses told, in order.
        paged: The same of the pager's topic.
    """

    deployment: Deployment
    api: MendableApi
    told: list[Told] = field(default_factory=list)
    paged: list[Told] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = self.deployment.emulator.client
        self.sqs = self.client("sqs")

    def tool(self, name: str, *arguments: str) -> str:
        """What ``make NAME`` runs and prints; it has to succeed."""
        return self.deployment.must(PYTHON, "-m", f"tools.operate.{name}", *arguments)

    def hear(self) -> None:
        """Receives what was told since."""
        for name, told in (("told", self.told), ("paged", self.paged)):
            url = self.sqs.get_queue_url(QueueName=name)["QueueUrl"]
            while found := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
                for each in found:
                    message = json.loads(json.loads(each["Body"])["Message"])
                    told.append((message["AlarmName"].removeprefix(PREFIX), message["NewStateValue"]))
                    self.sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])

    def wait_for(self, *expected: Told) -> None:
        """Returns when all of these were told."""

        def heard() -> bool:
            self.hear()
            return {*expected} <= {*self.told, *self.paged}

        wait_until(heard, str(expected))

    def states(self) -> dict[str, str]:
        """The state of each alarm."""
        pages = (
            self.client("cloudwatch")
            .get_paginator("describe_alarms")
            .paginate(AlarmNamePrefix=PREFIX, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        )
        return {
            alarm["AlarmName"].removeprefix(PREFIX): alarm["StateValue"]
            for page in pages
            for alarm in [*page["MetricAlarms"], *page["CompositeAlarms"]]
        }

    def log(self, level: str) -> list[dict[str, Any]]:
        """The function's log lines of a level."""
        pages = (
            self.client("logs")
            .get_paginator("filter_log_events")
            .paginate(logGroupName=f"/aws/lambda/{FUNCTION}")
        )
        events = [event["message"] for page in pages for event in page["events"]]
        lines = [json.loads(text) for text in events if text.startswith("{")]
        return [line for line in lines if line.get("level") == level]


@pytest.fixture(scope="module")
def emulator() -> Iterator[PooledEmulator]:
    """A local AWS in which five minutes of an alarm last three seconds, and objects are three days old."""
    settings = {"TLS_IN_FRONT": "true", "S3_AGE_SECONDS": str(3 * 24 * 3600)}
    with PooledEmulator(
        auth=True, firehose_time_scale=0.05, alarm_time_scale=0.01, settings=settings
    ) as running:
        yield running


@pytest.fixture(scope="module")
def api() -> Iterator[MendableApi]:
    """An API of which one address fails."""
    with MendableApi({"/failing": 404}) as running:
        yield running


@pytest.fixture(scope="module")
def watched(emulator: PooledEmulator, api: MendableApi, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """The pipeline, deployed, with a queue behind each topic."""
    deployment = Deployment(
        Checkout.copy(tmp_path_factory.mktemp("alarms") / "checkout"), emulator, "watched"
    )
    deployment.configure(("timeout_seconds = 60", "timeout_seconds = 30\nretry_attempts = 0"))
    with deployment.settings.open("a", encoding="utf-8") as settings:
        settings.write(
            SETTINGS.format(origin=api.origin, topics=TOPICS, far_hour=(datetime.now(UTC).hour + 12) % 24)
        )
    emulator.client("s3").create_bucket(Bucket="data-ingestion-local-state")
    emulator.client("sns").create_topic(Name="pager")
    deployment.synthesize()
    deployment.terraform("init", "-input=false")
    deployment.terraform("apply", "-auto-approve", "-input=false")
    for queue, topic in (("told", f"{PREFIX}alarms"), ("paged", "pager")):
        arn = f"arn:aws:sqs:us-east-1:000000000000:{queue}"
        policy = {"Version": "2012-10-17", "Statement": [MAY_SEND | {"Resource": arn}]}
        emulator.client("sqs").create_queue(QueueName=queue, Attributes={"Policy": json.dumps(policy)})
        emulator.client("sns").subscribe(TopicArn=f"{TOPICS}:{topic}", Protocol="sqs", Endpoint=arn)
    return Watched(deployment, api)


@pytest.fixture(scope="module")
def failed(watched: Watched) -> Watched:
    """After a source failed at its last attempt."""
    watched.tool("send", "--source", "failing")
    watched.wait_for(("events-failed", "ALARM"), ("dead-letters", "ALARM"), ("unhealthy", "ALARM"))
    return watched


@pytest.fixture(scope="module")
def mended(failed: Watched) -> Watched:
    """After its source was mended and its event sent again."""
    failed.api.mend()
    failed.tool("redrive")
    failed.wait_for(("events-failed", "OK"), ("dead-letters", "OK"), ("unhealthy", "OK"))
    return failed


@pytest.fixture(scope="module")
def looked(mended: Watched) -> Watched:
    """After the event of the watch, sent by hand: one source is silent since four days, one has stopped."""
    put_runs(mended, "quiet", empty_hours=range(96))
    put_runs(mended, "steady")
    put_runs(mended, "late", missing_hours=range(60))
    scheduler = mended.client("scheduler")
    made = scheduler.get_schedule(GroupName=f"{PREFIX}schedules", Name="watch.sources")
    work = mended.sqs.get_queue_url(QueueName=f"{PREFIX}work")["QueueUrl"]
    mended.sqs.send_message(QueueUrl=work, MessageBody=made["Target"]["Input"])
    mended.wait_for(("silent", "ALARM"), ("overdue", "ALARM"))
    return mended


def put_runs(
    watched: Watched, source: str, *, empty_hours: range = range(0), missing_hours: range = range(0)
) -> None:
    """Tells CloudWatch of a run an hour for thirteen days; in some hours it had no records, or was none."""
    now = datetime.now(UTC)
    dimensions = [{"Name": "service", "Value": FUNCTION}, {"Name": "source", "Value": source}]
    data = [
        {
            "MetricName": "accepted",
            "Dimensions": dimensions,
            "Timestamp": now - timedelta(hours=hours),
            "Value": 0 if hours in empty_hours else 5,
        }
        for hours in range(1, 24 * 13)
        if hours not in missing_hours
    ]
    watched.client("cloudwatch").put_metric_data(Namespace="IngestionPipeline", MetricData=data)


class TestASourceThatFails:
    def test_those_who_are_mailed_are_told_what_and_the_pager_that(self, failed: Watched) -> None:
        """Each alarm to the addresses, and one incident to the pager."""
        assert {*failed.told} >= {("events-failed", "ALARM"), ("dead-letters", "ALARM")}
        assert failed.paged[0] == ("unhealthy", "ALARM")

    def test_the_log_names_the_source(self, failed: Watched) -> None:
        """What an operator searches for."""
        assert [line["source_name"] for line in failed.log("ERROR")] == ["failing"]

    def test_all_is_well_again_after_the_redrive(self, mended: Watched) -> None:
        """And everybody who was told is told so."""
        assert {*mended.told} >= {("events-failed", "OK"), ("dead-letters", "OK")}
        assert mended.paged[:2] == [("unhealthy", "ALARM"), ("unhealthy", "OK")]

    def test_nothing_else_was_raised(self, mended: Watched) -> None:
        """No alarm stands on what is normal."""
        assert {name for name, state in mended.told if state == "ALARM"} <= {
            *("events-failed", "dead-letters", "silent", "overdue"),
        }


class TestASourceThatStops:
    @pytest.mark.parametrize(("alarm", "source"), [("silent", "quiet"), ("overdue", "late")])
    def test_its_alarm_is_told_and_the_log_names_it_and_no_other(
        self, looked: Watched, alarm: str, source: str
    ) -> None:
        """A source whose runs and records go on is neither silent nor overdue."""
        named = [line["source_name"] for line in looked.log("WARNING") if f" {alarm}:" in line["message"]]

        assert (looked.told.count((alarm, "ALARM")), named) == (1, [source])


@pytest.mark.usefixtures("looked")
def test_a_second_plan_is_empty(watched: Watched) -> None:
    """Alarms, topic and dashboard are read as they were made."""
    folder = watched.deployment.stack
    done = watched.deployment.run("terraform", "plan", "-detailed-exitcode", "-no-color", folder=folder)

    assert done.returncode == 0, done.stdout
    assert warnings(watched.deployment.said) == []


@pytest.mark.usefixtures("looked")
def test_nothing_is_left_after_it_was_destroyed(watched: Watched) -> None:
    """No alarm, no topic but the pager's, no schedule."""
    watched.deployment.terraform("destroy", "-auto-approve", "-input=false")
    topics = [each["TopicArn"] for each in watched.client("sns").list_topics()["Topics"]]
    groups = [each["Name"] for each in watched.client("scheduler").list_schedule_groups()["ScheduleGroups"]]

    assert (watched.states(), topics, [each for each in groups if each != "default"]) == (
        {},
        [f"{TOPICS}:pager"],
        [],
    )
