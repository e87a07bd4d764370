"""Schedules: EventBridge Scheduler sends a source's event to the work queue whenever its time has come."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from constructs import Construct

from ingestion_pipeline.bindings import IamRole, IamRolePolicy, SchedulerSchedule, SchedulerScheduleGroup
from ingestion_pipeline.resources.bill import MILLION, BillLine, Price
from ingestion_pipeline.resources.capability import Capability, Read
from ingestion_pipeline.resources.conditions import exist_only_if
from ingestion_pipeline.resources.documents import json_object, policy_document
from ingestion_pipeline.resources.drawing import ROLE, Drawing, Edge
from ingestion_pipeline.resources.policies import send_events, send_failures, send_with_key, trust
from ingestion_pipeline.resources.role import ROLE_CHARACTERS
from ingestion_pipeline.settings.expressions import Condition, all_of, either_or_none, expression_of, unknown
from ingestion_pipeline.settings.names import SCHEDULES, Name
from ingestion_pipeline.settings.references import QueueReference
from ingestion_pipeline.settings.settings import Settings

if TYPE_CHECKING:
    from cdktf import ITerraformDependable

ROLE_NAME = Name("schedules_role", "schedules", ROLE_CHARACTERS, with_region=True)

RETRIED_FOR_SECONDS, RETRIES = 86_400, 185
"""The most that AWS allows: a run is late rather than lost, for it may be the only one of its day.
https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html."""

RUNS_PRICE = Price("a million runs of schedules", "1.00", "eventbridge")

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
    ),
)


class Schedules(Construct):
    """The schedules of one pipeline, in a group of their own, with a role for its two queues alone.

    Creates: a group, a role with its policy, and for each source with a schedule the schedule, if there is
    any.

    Args:
        account_id: Account of the schedules.
        settings: Settings of the pipeline, with the schedule of each source.
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
        schedule = _schedule(self, group.name, target, settings.function_may_run, [policy, *depends_on])
        expression = expression_of(sources.schedules)
        schedule.add_override("for_each", f"${{{expression}}}" if expression else sources.schedules)
        for each in (group, role, policy, schedule):
            exist_only_if(each, sources.have_schedules)


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
