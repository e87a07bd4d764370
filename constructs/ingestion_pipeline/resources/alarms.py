"""Alarms: CloudWatch tells the receivers when something is wrong, and when it is well again."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from constructs import Construct

from ingestion_pipeline.bindings import (
    CloudwatchCompositeAlarm,
    CloudwatchMetricAlarm,
    SnsTopic,
    SnsTopicSubscription,
)
from ingestion_pipeline.resources.alarms_table import ALARMS, UNHEALTHY, Alarm, Watched, rows
from ingestion_pipeline.resources.bill import BillLine, Price
from ingestion_pipeline.resources.capability import Capability, Output, Read
from ingestion_pipeline.resources.conditions import exist_only_if
from ingestion_pipeline.resources.documents import expression, policy_document
from ingestion_pipeline.resources.drawing import Drawing, Edge
from ingestion_pipeline.resources.policies import Statement
from ingestion_pipeline.settings.expressions import (
    Condition,
    Unknown,
    chosen,
    either_or_none,
    expression_of,
    given,
    not_empty,
    unknown,
)
from ingestion_pipeline.settings.forms import Form
from ingestion_pipeline.settings.names import Name
from ingestion_pipeline.settings.pages import RUNBOOK
from ingestion_pipeline.settings.rules import Problem, SettingsError, is_token, meant
from ingestion_pipeline.settings.settings import Settings

PREFIX = Name("alarms", "", 200)
"""Alarms have up to 255 characters, of which an alarm's own name takes fewer than 55:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"""
TOPIC = Name("alarm_topic", "alarms", 256)
"""https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html"""

ALARM_ARN = "cloudwatch:{region}:{account}:alarm:{name}"
METRIC = Price("an alarm's metric, a month", "0.10", "cloudwatch")
COMPOSITE = Price("a composite alarm, a month", "0.50", "cloudwatch")

UNKNOWN_ALARM = "is not an alarm; there are {names}"
OTHER_REGION = "is not in {region}, and CloudWatch reaches only topics of the alarm's own Region"
DEAD_LETTERS_ELSEWHERE = (
    "the dead letter queue is in another Region or account, and so are its metrics: make its alarms there"
)
MATH = ("first", "second")

CAPABILITY = Capability(
    file="alarms",
    names=(PREFIX, TOPIC),
    drawn={
        "aws_sns_topic": Drawing("Topic of alarms", "[/ /]"),
        "aws_cloudwatch_metric_alarm": Drawing(
            "Alarms", "{{ }}", {"alarm_actions": Edge("tell", dotted=True)}, is_detail=True
        ),
    },
    remarks={
        "aws_sns_topic.kms_master_key_id": (
            "Never alias/aws/sns: its policy, which nobody can change, does not let CloudWatch use it, and "
            "then nobody is told: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"
        ),
        "aws_cloudwatch_metric_alarm": (
            "By name, so that an alarm that comes or goes touches no other. None names a unit: with another "
            "than the metric's it would never see a value."
        ),
        "aws_cloudwatch_metric_alarm.treat_missing_data": (
            "Each metric is sent only while there is something to count, so that no data is good."
        ),
        "aws_cloudwatch_composite_alarm": (
            "It stands as long as any other alarm does. Only pagers are told: others got the alarm itself."
        ),
    },
    reads={
        # A composite alarm is shown only to who may describe all: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
        **dict.fromkeys(
            ("aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm"),
            Read(
                "{alarm_name}",
                (ALARM_ARN,),
                ("cloudwatch:ListTagsForResource",),
                ("cloudwatch:DescribeAlarms",),
            ),
        ),
        "aws_sns_topic": Read(
            "{name}",
            ("sns:{region}:{account}:{name}",),
            ("sns:GetTopicAttributes", "sns:ListTagsForResource"),
        ),
        # Only AWS knows a subscription's id.
        "aws_sns_topic_subscription": Read("{topic_arn}", (), (), ("sns:GetSubscriptionAttributes",)),
    },
    losses={"aws_sns_topic": "nobody is told until its addresses have confirmed again"},
    bill=(
        BillLine(
            "CloudWatch: alarms, if somebody is told",
            {"alarm_metric": METRIC, "composite_alarm": COMPOSITE},
            lambda use: monthly_usd(use.settings),
        ),
    ),
    outputs=(
        Output("alarm_arns", "0.1.0", "ARNs of the alarms by name; empty without a receiver.", "alarm_arns"),
        Output(
            "alarm_topic_arn",
            "0.1.0",
            "Topic that the alarms of `alarms.emails` go to; empty without.",
            "alarm_topic_arn",
        ),
    ),
)


def monthly_usd(settings: Settings) -> Decimal:
    """What the alarms of one form of records cost a month."""
    kept = [alarm for alarm in ALARMS if settings.alarms.has(alarm.name)]
    return sum(len(alarm.metrics) for alarm in kept) * METRIC.usd + COMPOSITE.usd


def check(settings: Settings) -> None:
    """Refuse overrides of alarms that do not exist, and topics that CloudWatch cannot reach.

    Raises:
        SettingsError: With each of them.
    """
    alarms, region, names = settings.alarms, settings.pipeline.region, [each.name for each in ALARMS]
    if expression_of(alarms.overrides):
        return
    problems = [
        Problem(
            f"alarms.overrides.{name}",
            value,
            UNKNOWN_ALARM.format(names=", ".join(names)) + meant(name, names),
        )
        for name, value in alarms.overrides.items()
        if name not in names
    ]
    problems += [
        Problem(f"alarms.{key}", arn, OTHER_REGION.format(region=region))
        for key in ("topic_arns", "pager_topic_arns")
        for arn in getattr(alarms, key)
        if not is_token(arn) and not is_token(region) and arn.split(":")[3] != region
    ]
    if problems:
        raise SettingsError(problems)


class Alarms(Construct):
    """The alarms of one pipeline, each of which tells the receivers when it begins and when it ends.

    Creates: if there is a receiver, the alarms of `alarms_table` whose part exists, and one over all of them;
    for addresses a topic with their subscriptions.
    Protects: only CloudWatch on behalf of this account may publish to the topic, and only over TLS.

    Args:
        account_id: Account of the topic.
        watched: The parts that have metrics.

    Attributes:
        arns: ARNs of the alarms by name, as an expression of Terraform's.
        topic_arn: ARN of the topic; empty if there is none.
    """

    def __init__(self, scope: Construct, id_: str, *, account_id: str, watched: Watched) -> None:
        super().__init__(scope, id_)
        settings, prefix = watched.settings, watched.settings.names.of(PREFIX)
        alarms = settings.alarms
        self.topic_arn = ""
        receivers: str | Sequence[str] = alarms.topic_arns
        if mailed := not_empty(alarms.emails):
            made = self._topic(account_id, settings).arn
            self.topic_arn = chosen(mailed, made, "")
            receivers = _with(receivers, made, mailed)
        singles, pairs = self._tables(watched)
        metric = self._alarm("metric", f"{prefix}${{each.key}}", receivers, singles)
        metric.add_override("dimensions", "${each.value.dimensions}")
        for argument in ("namespace", "metric_name", "statistic"):
            metric.add_override(argument, f"${{each.value.{argument}}}")
        metric.add_override("period", unknown(int, "each.value.period"))
        math = self._alarm("math", f"{prefix}${{each.key}}", receivers, pairs)
        math.add_override("metric_query", [_math(), *map(_query, MATH)])
        every = f"merge({metric.fqn}, {math.fqn})"
        whole = CloudwatchCompositeAlarm(
            self,
            UNHEALTHY,
            alarm_name=f"{prefix}{UNHEALTHY}",
            alarm_description="Something is wrong with the pipeline; the alarms that stand say what. "
            f"{RUNBOOK}#{UNHEALTHY}",
            alarm_rule=f'${{join(" OR ", [for alarm in {every} : "ALARM(\\"${{alarm.alarm_name}}\\")"])}}',
        )
        for argument in ("alarm_actions", "ok_actions"):
            whole.add_override(argument, _argument(alarms.pager_topic_arns))
        exist_only_if(whole, alarms.enabled)
        self.arns = f"${{{{ for name, alarm in {every} : name => alarm.arn }}}}"

    def _topic(self, account_id: str, settings: Settings) -> SnsTopic:
        names, alarms = settings.names, settings.alarms
        name, mailed = names.of(TOPIC), not_empty(alarms.emails)
        # Within the topic, which cannot refer to itself.
        arn = f"arn:{names.partition}:sns:{names.region}:{account_id}:{name}"
        from_here = {"aws:SourceAccount": account_id}
        publish, insecure = ["sns:Publish"], {"aws:SecureTransport": "false"}
        statements = [
            Statement("Tell", publish, [arn], services=["cloudwatch.amazonaws.com"], conditions=from_here),
            # SNS takes no `*` there: https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html
            Statement("RequireTls", publish, [arn], conditions=insecure, allowed=False),
        ]
        topic = SnsTopic(
            self,
            "topic",
            name=name,
            policy=policy_document(statements),
            kms_master_key_id=either_or_none(given(alarms.kms_key), alarms.kms_key),
        )
        subscription = SnsTopicSubscription(
            self, "subscription", topic_arn=topic.arn, protocol="email", endpoint="${each.value}"
        )
        emails = expression_of(alarms.emails)
        each_once = f"${{{{ for email in distinct({emails}) : email => email }}}}" if emails else None
        subscription.add_override("for_each", each_once or {email: email for email in alarms.emails})
        exist_only_if(topic, mailed)
        return topic

    def _alarm(
        self, id_: str, name: str, receivers: str | Sequence[str], table: object
    ) -> CloudwatchMetricAlarm:
        """The alarms of one kind, whose values Terraform takes from the table."""
        alarm = CloudwatchMetricAlarm(
            self,
            id_,
            alarm_name=name,
            alarm_description="${each.value.description}",
            comparison_operator="GreaterThanThreshold",
            threshold=unknown(int, "each.value.threshold"),
            evaluation_periods=unknown(int, "each.value.of"),
            datapoints_to_alarm=unknown(int, "each.value.breaching"),
            treat_missing_data="notBreaching",
        )
        for argument in ("alarm_actions", "ok_actions"):
            alarm.add_override(argument, _argument(receivers))
        alarm.add_override("for_each", table)
        return alarm

    def _tables(self, watched: Watched) -> tuple[object, ...]:
        """The alarms on one metric, and those on two."""
        tables: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
        for key, alarm, form, exists in rows(watched):
            row = _row(alarm, watched, form)
            tables[len(alarm.metrics) - 1][key] = row if exists is True else row | {"exists": exists}
        return tuple(_for_each(table, watched.settings.alarms.enabled) for table in tables)


def _row(alarm: Alarm, watched: Watched, form: Form) -> dict[str, Any]:
    settings = watched.settings
    row = {
        "description": alarm.description,
        "threshold": settings.alarms.threshold(alarm.name, alarm.above(settings)),
        "period": alarm.period,
        "of": alarm.of,
        "breaching": alarm.breaching,
    }
    places = [metric.place(watched, form) for metric in alarm.metrics]
    if not alarm.expression:
        return row | places[0]
    return row | {"expression": alarm.expression, **dict(zip(MATH, places, strict=True))}


def _for_each(table: Mapping[str, Any], enabled: Condition) -> object:
    """The table, or where only Terraform knows which of its rows exist the expression for those that do."""
    if not isinstance(enabled, Unknown):
        return table
    where = f"try(alarm.exists, true) && ({enabled.expression})"
    return f"${{{{ for name, alarm in {expression(table)} : name => alarm if {where} }}}}"


def _math() -> dict[str, Any]:
    return {"id": "math", "expression": "${each.value.expression}", "return_data": True}


def _query(id_: str) -> dict[str, Any]:
    return {
        "id": id_,
        "metric": {
            "namespace": f"${{each.value.{id_}.namespace}}",
            "metric_name": f"${{each.value.{id_}.metric_name}}",
            "dimensions": f"${{each.value.{id_}.dimensions}}",
            "stat": f"${{each.value.{id_}.statistic}}",
            "period": unknown(int, "each.value.period"),
        },
    }


def _argument(items: str | Sequence[str]) -> object:
    """A list as an argument; CDKTF cannot resolve a list of Terraform's in an override."""
    if isinstance(items, str):
        return items
    table = expression_of(tuple(items))
    return f"${{{table}}}" if table else list(items)


def _with(items: Sequence[str], made: str, exists: Condition) -> str | Sequence[str]:
    """The items and one more, which may not exist."""
    if not isinstance(exists, Unknown):
        return [made, *items]
    return f'${{compact(concat(["${{{made}}}"], {expression_of(tuple(items))}))}}'
