"""The synthesized JSON held against what EventBridge Scheduler asks for, each by its page."""

import re
from dataclasses import replace
from typing import Any

import pytest

from ingestion_pipeline.settings.names import Names
from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.tables.alarms import AlarmSettings
from ingestion_pipeline.settings.tables.dead_letters import DeadLetterSettings
from ingestion_pipeline.settings.tables.function import FunctionSettings
from ingestion_pipeline.settings.tables.pipeline import PipelineSettings
from ingestion_pipeline.settings.tables.queue import QueueSettings
from tests.ingestion_pipeline.conftest import SynthesizeStack
from tests.ingestion_pipeline.jsonencoded import decoded
from tests.ingestion_pipeline.synthesized import Json, Synthesized

URL = "https://a.test"
POSTS: Any = {"name": "posts", "url": URL, "schedule": "rate(1 hour)"}
PRICES: Any = {
    "name": "prices",
    "url": URL,
    "schedule": "cron(0 8 ? * MON-FRI *)",
    "time_zone": "Europe/Berlin",
    "flexible_minutes": 15,
    "enabled": False,
}
KEY = "arn:aws:kms:us-east-1:123456789012:key"
SCHEDULE, GROUP = "aws_scheduler_schedule", "aws_scheduler_schedule_group"
KINDS = {SCHEDULE, GROUP}
BY_SOURCE = '${each.value.enabled ? "ENABLED" : "DISABLED"}'
NAME = re.compile(r"[0-9a-zA-Z-_.]{1,64}")
"""https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html"""


@pytest.fixture(scope="module")
def stack(synthesize_stack: SynthesizeStack) -> Synthesized:
    """A pipeline with two schedules and a source that has none."""
    return synthesize_stack(Settings(sources=[{"name": "by-hand", "url": URL}, POSTS, PRICES]))


@pytest.fixture(scope="module")
def schedule(stack: Synthesized) -> Json:
    """The block of all its schedules."""
    return stack.only(SCHEDULE)


def test_a_pipeline_without_a_schedule_has_nothing_of_them(default_stack: Synthesized) -> None:
    """No group, no role and no schedule that nobody asked for."""
    assert KINDS & set(default_stack.json["resource"]) == set()


def test_each_source_with_a_schedule_has_one_by_its_name(schedule: Json) -> None:
    """What is not given is written out, so that nothing depends on a default of AWS."""
    assert schedule["for_each"] == {
        "posts": {"expression": "rate(1 hour)", "time_zone": "UTC", "flexible_minutes": 0, "enabled": True},
        "prices": {
            "expression": "cron(0 8 ? * MON-FRI *)",
            "time_zone": "Europe/Berlin",
            "flexible_minutes": 15,
            "enabled": False,
        },
    }


def test_another_source_changes_no_other_schedule(
    synthesize_stack: SynthesizeStack, stack: Synthesized
) -> None:
    """The address and the arguments of a schedule are those that it has alone."""
    alone = synthesize_stack(Settings(sources=[POSTS]))
    both = dict(stack.only(SCHEDULE))
    both["for_each"] = {"posts": both["for_each"]["posts"]}

    assert (alone.address(SCHEDULE), alone.only(SCHEDULE)) == (stack.address(SCHEDULE), both)


def test_the_event_is_the_sources_own(schedule: Json) -> None:
    """The message is what `make invoke SOURCE=posts` sends."""
    assert decoded(schedule["target"]["input"]) == {"source": "${each.key}"}


def test_it_goes_to_the_work_queue(stack: Synthesized, schedule: Json) -> None:
    """Straight to the queue's ARN, and what cannot be sent to the dead letters."""
    target = schedule["target"]

    assert (target["arn"], target["dead_letter_config"]) == (
        f"${{{stack.address('aws_sqs_queue', 'work')}.arn}}",
        {"arn": f"${{{stack.address('aws_sqs_queue', 'dead-letters')}.arn}}"},
    )


def test_it_is_tried_as_long_as_aws_allows(schedule: Json) -> None:
    """A run is late rather than lost.

    https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
    """
    assert schedule["target"]["retry_policy"] == {
        "maximum_event_age_in_seconds": 86_400,
        "maximum_retry_attempts": 185,
    }


def test_it_waits_for_the_delivery_the_queues_reader_and_its_permission(
    stack: Synthesized, schedule: Json
) -> None:
    """The first run of a rate comes at once, and Firehose delivers nothing that was there before it."""
    assert set(schedule["depends_on"]) == {
        stack.address("aws_iam_role_policy", "schedules"),
        stack.address("aws_kinesis_firehose_delivery_stream"),
        stack.address("aws_lambda_event_source_mapping"),
    }


@pytest.mark.parametrize(("reserved", "state"), [(None, BY_SOURCE), (2, BY_SOURCE), (0, "DISABLED")])
def test_none_runs_while_the_function_may_not(
    synthesize_stack: SynthesizeStack, reserved: int | None, state: str
) -> None:
    """Its runs would all wait in the queue; otherwise each source says whether its schedule runs."""
    settings = Settings(
        sources=[POSTS],
        function=FunctionSettings(reserved_concurrency=reserved),
        queue=QueueSettings(max_concurrency=2),
    )

    assert synthesize_stack(settings).only(SCHEDULE)["state"] == state


def test_the_role_trusts_the_schedules_of_the_group_alone(stack: Synthesized) -> None:
    """AWS takes a group's ARN there, and neither a schedule's nor a prefix.

    The local AWS asks for no role, so that nothing but this holds it.
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    [statement] = stack.statements("aws_iam_role.pipeline_schedules")

    assert statement == {
        "Sid": "Trust",
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": ["sts:AssumeRole"],
        "Condition": {
            "StringEquals": {
                "aws:SourceAccount": "${data.aws_caller_identity.ingestion-pipeline-caller.account_id}",
                "aws:SourceArn": f"${{{stack.address(GROUP)}.arn}}",
            }
        },
    }


def test_the_role_may_send_to_both_queues_and_do_nothing_else(stack: Synthesized) -> None:
    """SQS's own keys need no permission."""
    statements = stack.statements("aws_iam_role_policy.pipeline_schedules")

    assert [(each["Action"], each["Resource"]) for each in statements] == [
        (["sqs:SendMessage"], [f"${{{stack.address('aws_sqs_queue', queue)}.arn}}"])
        for queue in ("work", "dead-letters")
    ]


def test_the_role_may_use_the_queues_keys(synthesize_stack: SynthesizeStack) -> None:
    """A sender to a queue with a key of the user's needs a data key, and to decrypt it.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    """
    settings = Settings(
        sources=[POSTS],
        queue=QueueSettings(kms_key=f"{KEY}/work"),
        dead_letters=DeadLetterSettings(kms_key=f"{KEY}/dead"),
    )
    statements = synthesize_stack(settings).statements("aws_iam_role_policy.pipeline_schedules")

    assert [each["Resource"] for each in statements if "kms:GenerateDataKey" in each["Action"]] == [
        [f"{KEY}/work"],
        [f"{KEY}/dead"],
    ]


def test_names_fit_whatever_the_pipeline_is_called(synthesize_stack: SynthesizeStack) -> None:
    """The longest names of a pipeline and of a source are within Scheduler's limit, and of its characters."""
    source: Any = {**POSTS, "name": "s" * 60 + "_-9"}
    settings = Settings(sources=[source], pipeline=PipelineSettings(name="p" * 40), environment="e" * 20)
    made = synthesize_stack(settings)
    names = [made.only(GROUP)["name"], *made.only(SCHEDULE)["for_each"]]

    assert [name for name in names if not NAME.fullmatch(name)] == []


def test_two_pipelines_have_groups_of_their_own(
    stack: Synthesized, synthesize_stack: SynthesizeStack
) -> None:
    """Schedules of one name do not meet."""
    other = synthesize_stack(replace(Settings(sources=[POSTS]), environment="prod"))

    assert stack.only(GROUP)["name"] != other.only(GROUP)["name"]


def test_names_differ_from_those_of_the_other_roles() -> None:
    """In each Region, for IAM has one space of names for all."""
    from ingestion_pipeline.resources.schedules import ROLE_NAME

    assert {Names("a", "dev", region).of(ROLE_NAME) for region in ("eu-west-1", "us-east-1")} == {
        "a-dev-schedules-eu-west-1",
        "a-dev-schedules-us-east-1",
    }


@pytest.fixture(scope="module")
def watched(synthesize_stack: SynthesizeStack) -> Synthesized:
    """The same pipeline, with somebody who is told."""
    sources = [{"name": "by-hand", "url": URL}, POSTS, PRICES]
    return synthesize_stack(Settings(sources=sources, alarms=AlarmSettings(emails=("a@example.com",))))


class TestTheWatch:
    """The hourly event that finds the sources that stopped."""

    def test_it_is_sent_every_hour_as_other_events_are(
        self, watched: Synthesized, stack: Synthesized
    ) -> None:
        """To the work queue, in the pipeline's group, under a name that no source has."""
        watch, key = watched.only(SCHEDULE, "watch"), "config/data-ingestion-dev-schedules.json"
        others = stack.only(SCHEDULE)["target"]

        assert (watch["name"], watch["schedule_expression"], watch["group_name"]) == (
            "watch.sources",
            "rate(1 hour)",
            f"${{{watched.address(GROUP)}.name}}",
        )
        assert watch["target"] | {"input": ""} == others | {"input": ""}
        assert decoded(watch["target"]["input"])["watch"].endswith(f"/{key}")
        assert watched.only("aws_s3_object", "watched")["key"] == key

    def test_it_looks_at_the_schedules_that_are_on(self, watched: Synthesized) -> None:
        """In an object of their own, so that a new schedule leaves the function as it is."""
        made = watched.only("aws_s3_object", "watched")

        assert made["content"] == '{"posts":"rate(1 hour)"}'
        assert watched.address("aws_s3_object", "watched") in watched.only(SCHEDULE, "watch")["depends_on"]

    def test_the_function_may_read_metrics_and_no_other_role(
        self, watched: Synthesized, stack: Synthesized
    ) -> None:
        """CloudWatch takes no resource for that.

        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
        """
        reading = [
            (place, each["Resource"])
            for place, statements in watched.documents().items()
            for each in statements
            if "cloudwatch:GetMetricData" in each["Action"]
        ]

        assert ["pipeline_fetch" in place and resources for place, resources in reading] == [["*"]]
        assert "cloudwatch:GetMetricData" not in stack.text

    @pytest.mark.parametrize(
        "settings",
        [
            Settings(sources=[POSTS]),
            Settings(sources=[{"url": URL}], alarms=AlarmSettings(emails=("a@example.com",))),
        ],
        ids=["nobody is told", "no schedule"],
    )
    def test_there_is_none_without_schedules_or_somebody_who_is_told(
        self, synthesize_stack: SynthesizeStack, settings: Settings
    ) -> None:
        """Neither the event, nor its object, nor its permission."""
        made = synthesize_stack(settings)

        assert "watch.sources" not in made.text
        assert [name for name in made.resources("aws_s3_object") if "watched" in name] == []
        assert "GetMetricData" not in made.text

    def test_it_rests_while_the_function_may_not_run(self, synthesize_stack: SynthesizeStack) -> None:
        """Its events would all wait in the queue."""
        made = synthesize_stack(
            Settings(
                sources=[POSTS],
                alarms=AlarmSettings(emails=("a@example.com",)),
                function=FunctionSettings(reserved_concurrency=0),
            )
        )

        assert made.only(SCHEDULE, "watch")["state"] == "DISABLED"
