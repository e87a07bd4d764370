"""Schedules: EventBridge Scheduler sends a source's event to the work queue whenever its time has come.

If there are alarms, another schedule asks the function every hour which sources have stopped.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from constructs import Construct

from ingestion_pipeline.bindings import (
    IamRole,
    IamRolePolicy,
    S3Object,
    SchedulerSchedule,
    SchedulerScheduleGroup,
)
from ingestion_pipeline.resources.bill import HOURS, MILLION, BillLine, Price
from ingestion_pipeline.resources.capability import Capability, Read
from ingestion_pipeline.resources.conditions import exist_only_if
from ingestion_pipeline.resources.documents import json_object, policy_document
from ingestion_pipeline.resources.drawing import ROLE, Drawing, Edge
from ingestion_pipeline.resources.policies import send_events, send_failures, send_with_key, trust
from ingestion_pipeline.resources.role import ROLE_CHARACTERS
from ingestion_pipeline.settings.expressions import Condition, all_of, either_or_none, expression_of, unknown
from ingestion_pipeline.settings.names import SCHEDULES, Name
from ingestion_pipeline.settings.references import BucketReference, QueueReference
from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.sources.sources import CONFIG_FOLDER

if TYPE_CHECKING:
    from cdktf import ITerraformDependable

ROLE_NAME = Name("schedules_role", "schedules", ROLE_CHARACTERS, with_region=True)

RETRIED_FOR_SECONDS, RETRIES = 86_400, 185
"""The most that AWS allows: a run is late rather than lost, for it may be the only one of its day.
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html."""

WATCH = "watch.sources"
"""No source's name has a dot."""
WATCHED_EVERY = "rate(1 hour)"
WATCHED_METRICS = 3
"""Values of each source that the function asks for: events, failures and records."""

RUNS_PRICE = Price("a million runs of schedules", "1.00", "eventbridge")
READ_PRICE = Price("a thousand metrics that are read", "0.01", "cloudwatch")

CAPABILITY = Capability(
    file="schedules",
    names=(SCHEDULES, ROLE_NAME),
    drawn={
        "aws_scheduler_schedule_group": Drawing("Schedules", "[/ /]"),
        "aws_scheduler_schedule": Drawing(
            edges={
                "arn": Edge("events", dotted=True, origin="group_name"),
                "role_arn": Edge(ROLE.label, dotted=True, origin="group_name"),
            }
        ),
    },
    remarks={
        "aws_scheduler_schedule": (
            "By the source's name, so that a source that comes or goes touches no other's schedule."
            " The watch has its own."
        ),
        "aws_scheduler_schedule.depends_on": (
            "What is put on the stream before Firehose has started is never delivered."
        ),
        "aws_scheduler_schedule.state": "None runs while the function may not, or its runs would all wait.",
        "aws_scheduler_schedule_group": "The role trusts this group's schedules alone.",
    },
    reads={
        "aws_scheduler_schedule": Read(
            # Hundreds of names would not fit into an inline policy; a schedule shows no record.
            "{group_name}",
            ("scheduler:{region}:{account}:schedule/{name}/*",),
            ("scheduler:GetSchedule",),
        ),
        "aws_scheduler_schedule_group": Read(
            "{name}",
            ("scheduler:{region}:{account}:schedule-group/{name}",),
            ("scheduler:GetScheduleGroup", "scheduler:ListTagsForResource"),
        ),
    },
    bill=(
        BillLine(
            "EventBridge Scheduler",
            {"schedules": RUNS_PRICE},
            lambda use: use.runs * RUNS_PRICE.usd / MILLION,
        ),
        BillLine(
            "CloudWatch: the watch over sources, if somebody is told",
            {"read_metrics": READ_PRICE},
            lambda use: use.sources * HOURS * WATCHED_METRICS * READ_PRICE.usd / 1000,
        ),
    ),
)


class Schedules(Construct):
    """The schedules of one pipeline, in a group of their own, with a role for its two queues alone.

    Creates: a group, a role with its policy, and for each source with a schedule the schedule, if there is
    any. With alarms also the hourly schedule of the watch, and the object with the schedules that it reads.

    Args:
        account_id: Account of the schedules.
        settings: Settings of the pipeline, with the schedule of each source.
        bucket: Bucket of the object.
        work_queue: Queue that the events go to.
        dead_letters: Queue for an event that could not be sent for a day.
        depends_on: Must exist before the first event.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        account_id: str,
        settings: Settings,
        bucket: BucketReference,
        work_queue: QueueReference,
        dead_letters: QueueReference,
        depends_on: Sequence["ITerraformDependable"] = (),
    ) -> None:
        super().__init__(scope, id_)
        names, sources = settings.names, settings.configured_sources
        group = SchedulerScheduleGroup(self, "group", name=names.of(SCHEDULES))
        # AWS takes no schedule's ARN there, only a group's:
        # https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
        trusted = trust("scheduler.amazonaws.com", aws__SourceAccount=account_id, aws__SourceArn=group.arn)
        role = IamRole(self, "role", name=names.of(ROLE_NAME), assume_role_policy=policy_document(trusted))
        permissions = [*send_events(work_queue), *send_failures(dead_letters), *send_with_key(dead_letters)]
        policy = IamRolePolicy(
            self, "policy", name="permissions", role=role.id, policy=policy_document(permissions)
        )
        target = {
            "arn": work_queue.arn,
            "role_arn": role.arn,
            "input": json_object({"source": unknown(str, "each.key")}),
            "retry_policy": {
                "maximum_event_age_in_seconds": RETRIED_FOR_SECONDS,
                "maximum_retry_attempts": RETRIES,
            },
            "dead_letter_config": {"arn": dead_letters.arn},
        }
        may_run, first = settings.function_may_run, [policy, *depends_on]
        schedule = _schedule(self, group.name, target, may_run, first)
        expression = expression_of(sources.schedules)
        schedule.add_override("for_each", f"${{{expression}}}" if expression else sources.schedules)
        for each in (group, role, policy, schedule):
            exist_only_if(each, sources.have_schedules)
        if settings.watches_sources:
            # Named by the group, for pipelines may share a bucket.
            key = f"{CONFIG_FOLDER}{names.of(SCHEDULES)}.json"
            table = _watched(self, bucket, key, sources.watched)
            event = json_object({"watch": f"s3://{bucket.name}/{key}"})
            watch = _watch(self, group.name, target | {"input": event}, may_run, [table, *first])
            for made in (table, watch):
                exist_only_if(made, settings.watches_sources)


def _schedule(
    scope: Construct,
    group: str,
    target: dict[str, Any],
    may_run: Condition,
    depends_on: Sequence["ITerraformDependable"],
) -> SchedulerSchedule:
    """The schedule of each source, whose values Terraform takes from the table."""
    minutes, is_enabled = "each.value.flexible_minutes", unknown(bool, "each.value.enabled")
    return SchedulerSchedule(
        scope,
        "schedule",
        name="${each.key}",
        group_name=group,
        schedule_expression="${each.value.expression}",
        schedule_expression_timezone="${each.value.time_zone}",
        state=either_or_none(all_of(is_enabled, may_run), "ENABLED", "DISABLED"),
        flexible_time_window={
            "mode": f'${{{minutes} > 0 ? "FLEXIBLE" : "OFF"}}',
            "maximum_window_in_minutes": unknown(int, f"{minutes} > 0 ? {minutes} : null"),
        },
        target=target,
        depends_on=list(depends_on),
    )


def _watched(scope: Construct, bucket: BucketReference, key: str, content: str) -> S3Object:
    """The schedules, in an object that changes with them: nothing is overdue by older ones."""
    return S3Object(
        scope,
        "watched",
        bucket=bucket.name,
        key=key,
        content=content,
        content_type="application/json",
        override_provider={"default_tags": {"tags": {}}},
    )


def _watch(
    scope: Construct,
    group: str,
    target: dict[str, Any],
    may_run: Condition,
    depends_on: Sequence["ITerraformDependable"],
) -> SchedulerSchedule:
    """The schedule of the watch."""
    return SchedulerSchedule(
        scope,
        "watch",
        name=WATCH,
        group_name=group,
        schedule_expression=WATCHED_EVERY,
        state=either_or_none(may_run, "ENABLED", "DISABLED"),
        flexible_time_window={"mode": "OFF"},
        target=target,
        depends_on=list(depends_on),
    )
