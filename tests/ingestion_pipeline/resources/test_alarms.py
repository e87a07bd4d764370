"""The synthesized JSON of the alarms held against what CloudWatch and each service document, with the page.

The local AWS sends few of these metrics, so that nothing but this holds that they exist. What it cannot show
is that AWS sends them: whether a service sends a metric in a Region is for its page to say.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ingestion_pipeline.settings.existing import Existing
from ingestion_pipeline.settings.file import read
from ingestion_pipeline.settings.forms import Form
from ingestion_pipeline.settings.references import QueueReference, StreamReference
from ingestion_pipeline.settings.rules import SettingsError
from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.tables.alarms import AlarmSettings
from ingestion_pipeline.settings.tables.dead_letters import DeadLetterSettings
from ingestion_pipeline.settings.tables.delivery import DeliverySettings
from ingestion_pipeline.settings.tables.fetch import FetchSettings
from ingestion_pipeline.settings.tables.function import FunctionSettings
from ingestion_pipeline.settings.tables.pipeline import PipelineSettings
from ingestion_pipeline.settings.tables.queue import QueueSettings
from tests.ingestion_pipeline.conftest import Synthesize, SynthesizeStack
from tests.ingestion_pipeline.jsonencoded import decoded
from tests.ingestion_pipeline.synthesized import Json, Synthesized

if TYPE_CHECKING:
    from constructs import Construct

ALARM, COMPOSITE = "aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm"
TOPIC, SUBSCRIPTION, DASHBOARD = "aws_sns_topic", "aws_sns_topic_subscription", "aws_cloudwatch_dashboard"
KINDS = {ALARM, COMPOSITE, TOPIC, SUBSCRIPTION, DASHBOARD}
MINE = "arn:aws:sns:us-east-1:123456789012:mine"
PAGER = "arn:aws:sns:us-east-1:123456789012:pager"
KEY = "arn:aws:kms:us-east-1:123456789012:key/topic"
SCHEDULED: Any = {"name": "posts", "url": "https://a.test", "schedule": "rate(1 hour)"}
TOLD = AlarmSettings(emails=("ops@a.test",), topic_arns=(MINE,), pager_topic_arns=(PAGER,), dashboard=True)

SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"
LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"
FIREHOSE = "https://docs.aws.amazon.com/firehose/latest/dev/cloudwatch-metrics.html"
KINESIS = "https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html"
SCHEDULER = "https://docs.aws.amazon.com/scheduler/latest/UserGuide/monitoring-cloudwatch.html"
OURS = "docs/sources/errors.md"

DOCUMENTED = {
    # Metric: its dimension, the statistics that say something, its unit, and the page.
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): ("QueueName", {"Maximum"}, "Count", SQS),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage"): ("QueueName", {"Maximum"}, "Seconds", SQS),
    ("AWS/Lambda", "Errors"): ("FunctionName", {"Sum"}, "Count", LAMBDA),
    ("AWS/Lambda", "Throttles"): ("FunctionName", {"Sum"}, "Count", LAMBDA),
    ("AWS/Lambda", "DestinationDeliveryFailures"): ("FunctionName", {"Sum"}, "Count", LAMBDA),
    ("AWS/Firehose", "DeliveryToS3.DataFreshness"): ("DeliveryStreamName", {"Maximum"}, "Seconds", FIREHOSE),
    ("AWS/Firehose", "DeliveryToS3.Records"): ("DeliveryStreamName", {"Sum"}, "Count", FIREHOSE),
    ("AWS/Firehose", "DataReadFromKinesisStream.Records"): ("DeliveryStreamName", {"Sum"}, "Count", FIREHOSE),
    ("AWS/Firehose", "KinesisMillisBehindLatest"): (
        "DeliveryStreamName",
        {"Maximum"},
        "Milliseconds",
        FIREHOSE,
    ),
    ("AWS/Kinesis", "IncomingRecords"): ("StreamName", {"Sum"}, "Count", KINESIS),
    ("AWS/Kinesis", "WriteProvisionedThroughputExceeded"): ("StreamName", {"Sum"}, "Count", KINESIS),
    ("AWS/Scheduler", "InvocationDroppedCount"): ("ScheduleGroup", {"Sum"}, "Count", SCHEDULER),
    ("AWS/Scheduler", "InvocationsFailedToBeSentToDeadLetterCount"): (
        "ScheduleGroup",
        {"Sum"},
        "Count",
        SCHEDULER,
    ),
    **{
        ("IngestionPipeline", name): ("service", {"Sum"}, "Count", OURS)
        for name in ("failed", "dead_lettered", "urls_failed", "warnings", "overdue", "silent")
    },
}


@pytest.fixture(scope="module")
def stack(synthesize_stack: SynthesizeStack) -> Synthesized:
    """A pipeline with a schedule and both packings, where everybody is told."""
    settings = Settings(alarms=TOLD, sources=[SCHEDULED], delivery=DeliverySettings(keep_former=True))
    return synthesize_stack(settings)


def table(stack: Synthesized) -> dict[str, Json]:
    """The alarms by name: on one metric, and on two."""
    rows: dict[str, Json] = {}
    for each in stack.resources(ALARM).values():
        rows |= each["for_each"]
    return rows


def names(stack: Synthesized, kind: str) -> list[str]:
    """The names of the resources of a kind."""
    return [each["name"] for each in stack.resources(kind).values()]


def of(synthesize_stack: SynthesizeStack, **tables: Any) -> dict[str, Json]:
    """The alarms of some settings."""
    return table(synthesize_stack(Settings(**{"alarms": AlarmSettings(topic_arns=(MINE,)), **tables})))


def metrics(row: Json) -> Iterator[Json]:
    """Each metric of an alarm."""
    yield from ([row] if "namespace" in row else [row["first"], row["second"]])


def refused(settings: Settings, synthesize_stack: SynthesizeStack) -> str:
    """What is said of settings."""
    with pytest.raises(SettingsError) as error:
        synthesize_stack(settings)
    return str(error.value)


class TestMetrics:
    def test_each_is_one_that_the_service_documents(self, stack: Synthesized) -> None:
        """Namespace, name, dimension and statistic; a misspelt one is in no table."""
        wrong = [
            (name, metric)
            for name, row in table(stack).items()
            for metric in metrics(row)
            for dimension, statistics, *_ in [
                DOCUMENTED.get((metric["namespace"], metric["metric_name"]), ("", set(), "", ""))
            ]
            if list(metric["dimensions"]) != [dimension] or metric["statistic"] not in statistics
        ]

        assert wrong == []

    def test_each_is_declared_with_the_unit_that_the_service_documents(self) -> None:
        """The dashboard puts together what has one unit, and the thresholds are in it."""
        from ingestion_pipeline.resources.alarms_table import ALARMS

        wrong = [
            (alarm.name, metric.name)
            for alarm in ALARMS
            for metric in alarm.metrics
            if metric.unit != DOCUMENTED[metric.part.namespace, metric.name][2]
        ]

        assert wrong == []

    def test_none_names_a_unit(self, stack: Synthesized) -> None:
        """Data in another unit would be no data: AWS advises to leave it out.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
        """
        assert [each for each in stack.resources(ALARM).values() if "unit" in json.dumps(each)] == []

    def test_the_functions_are_those_that_it_writes(self) -> None:
        """An alarm on a metric that the function does not write would never stand."""
        written = (Path(__file__).parents[3] / OURS).read_text(encoding="utf-8")
        names = {name for namespace, name in DOCUMENTED if namespace == "IngestionPipeline"}

        assert [name for name in names if f"`{name}`" not in written] == []

    def test_a_dimension_is_the_plain_name_of_the_part(self, stack: Synthesized) -> None:
        """An alarm with an ARN in its place sees nothing for ever.

        With a reference Terraform would make a new stream before the old one of the same name goes.
        """
        made = {
            "FunctionName": [stack.only("aws_lambda_function")["function_name"]],
            "service": [stack.only("aws_lambda_function")["function_name"]],
            "ScheduleGroup": [stack.only("aws_scheduler_schedule_group")["name"]],
            "QueueName": names(stack, "aws_sqs_queue"),
            "StreamName": names(stack, "aws_kinesis_stream"),
            "DeliveryStreamName": names(stack, "aws_kinesis_firehose_delivery_stream"),
        }
        found: dict[str, set[str]] = {}
        for row in table(stack).values():
            for metric in metrics(row):
                ((dimension, name),) = metric["dimensions"].items()
                found.setdefault(dimension, set()).add(name)

        assert found == {dimension: {*each} for dimension, each in made.items()}
        assert table(stack)["dead-letters"]["dimensions"] == {
            "QueueName": stack.only("aws_sqs_queue", "dead-letters")["name"]
        }

    def test_each_form_of_records_has_its_own(self, stack: Synthesized) -> None:
        """While the packing changes, both streams and both delivery streams are watched."""
        found = {
            (name, value)
            for name, row in table(stack).items()
            for metric in metrics(row)
            for key, value in metric["dimensions"].items()
            if key in {"StreamName", "DeliveryStreamName"}
        }
        of_members = {name for name, called in found if called.endswith("-gzip")}

        assert of_members == {name for name, _ in found if name.endswith(Form.MEMBERS.value)}
        assert {name.removesuffix("-gzip") for name in of_members} == {
            name for name, called in found if not called.endswith("-gzip")
        }


class TestEvaluation:
    def test_no_data_is_good(self, stack: Synthesized) -> None:
        """SQS, Lambda and the function send these metrics only while there is something to count.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
        """
        assert {each["treat_missing_data"] for each in stack.resources(ALARM).values()} == {"notBreaching"}

    def test_periods_are_those_that_cloudwatch_takes(self, stack: Synthesized) -> None:
        """A multiple of a minute, a day of them at most, and no more of them breach than are looked at.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
        """
        wrong = [
            name
            for name, row in table(stack).items()
            if row["period"] % 60
            or row["period"] * row["of"] > 86_400
            or not 1 <= row["breaching"] <= row["of"]
        ]

        assert wrong == []

    def test_an_expression_is_over_its_two_metrics(self, stack: Synthesized) -> None:
        """Exactly one query is returned, and its ids begin with a small letter.

        What no test here can show: that AWS fills a metric of which there is no value at all in the range.
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html
        """
        queries = stack.only(ALARM, "math")["metric_query"]
        expressions = {row["expression"] for row in stack.only(ALARM, "math")["for_each"].values()}

        assert [each["id"] for each in queries if each.get("return_data")] == ["math"]
        assert {each["id"] for each in queries[1:]} == {"first", "second"}
        assert all(re.search(r"\bfirst\b.*\bsecond\b", each) for each in expressions)

    def test_what_the_watchdog_counts_stays_between_two_of_its_runs(self, stack: Synthesized) -> None:
        """It runs once an hour: an alarm over one hour would end and begin again with each delay."""
        rows = [table(stack)[name] for name in ("overdue", "silent")]

        assert [(row["period"], row["of"], row["breaching"]) for row in rows] == [(3600, 2, 1)] * 2


class TestThresholds:
    @pytest.mark.parametrize(
        ("name", "tables", "threshold"),
        [
            ("delivery-late", {"delivery": DeliverySettings(buffer_seconds=0)}, 900),
            ("delivery-late", {"delivery": DeliverySettings(buffer_seconds=900)}, 2_700),
            ("work-queue-stands", {}, 3_600),
            ("work-queue-stands", {"function": FunctionSettings(timeout_seconds=900)}, 16_200),
            ("dead-letters-expire", {}, 8 * 86_400),
            (
                "dead-letters-expire",
                {
                    "queue": QueueSettings(retention_days=1),
                    "dead_letters": DeadLetterSettings(queue_retention_days=2),
                },
                43_200,
            ),
            ("delivery-behind", {}, 900_000),
            ("dead-letters", {}, 0),
        ],
    )
    def test_follow_from_the_settings(
        self, synthesize_stack: SynthesizeStack, name: str, tables: dict[str, Any], threshold: int
    ) -> None:
        """What is late depends on how long Firehose waits, what is old on how long it is tried and kept."""
        assert of(synthesize_stack, **tables)[name]["threshold"] == threshold

    def test_are_those_of_the_overrides(self, synthesize_stack: SynthesizeStack) -> None:
        """A number is the threshold, and off is no alarm."""
        overrides = {"delivery-late": 60, "throttled": "off", "stream-full": 0.5}
        rows = of(synthesize_stack, alarms=AlarmSettings(topic_arns=(MINE,), overrides=overrides))

        assert (rows["delivery-late"]["threshold"], rows["stream-full"]["threshold"]) == (60, 0.5)
        assert "throttled" not in rows

    def test_of_what_is_no_alarm_say_what_is_meant(self, synthesize_stack: SynthesizeStack) -> None:
        """The error has the path, all names and the like one."""
        alarms = AlarmSettings(topic_arns=(MINE,), overrides={"dead-leters": "off"})
        said = refused(Settings(alarms=alarms), synthesize_stack)

        assert "alarms.overrides.dead-leters = 'off': is not an alarm; there are dead-letters, " in said
        assert said.endswith("did you mean dead-letters?")

    @pytest.mark.parametrize("value", ["never", True, -1, "1e3"])
    def test_that_are_neither_a_number_nor_off_are_refused(self, value: object) -> None:
        """Before anything is made."""
        with pytest.raises(SettingsError, match='must be a table of numbers, or "off"'):
            AlarmSettings(overrides={"throttled": value})

    def test_are_joined_from_the_file_and_its_environment(self, tmp_path: Path) -> None:
        """An environment changes one and keeps the others."""
        file = tmp_path / "pipeline.toml"
        file.write_text(
            '[alarms.overrides]\nthrottled = "off"\nsilent = 1\n'
            "[environments.prod.alarms.overrides]\nsilent = 2\n",
            encoding="utf-8",
        )

        assert read(file, "prod").alarms.overrides == {"throttled": "off", "silent": 2}


class TestExistence:
    def test_nothing_is_made_without_a_receiver(self, synthesize_stack: SynthesizeStack) -> None:
        """Neither an alarm nor a topic, whatever else is set."""
        stack = synthesize_stack(Settings(alarms=AlarmSettings(overrides={"throttled": "off"})))

        assert KINDS & set(stack.json["resource"]) == set()
        assert (
            stack.json["output"]["alarm_arns"]["value"],
            stack.json["output"]["alarm_topic_arn"]["value"],
        ) == (
            "${{}}",
            "",
        )

    def test_a_topic_is_only_for_addresses(self, synthesize_stack: SynthesizeStack) -> None:
        """Topics that exist are told directly."""
        stack = synthesize_stack(Settings(alarms=AlarmSettings(topic_arns=(MINE,))))

        assert KINDS & set(stack.json["resource"]) == {ALARM, COMPOSITE}
        assert {tuple(each["alarm_actions"]) for each in stack.resources(ALARM).values()} == {(MINE,)}

    @pytest.mark.parametrize(
        ("tables", "missing"),
        [
            ({}, {"overdue", "silent", "schedules-dropped"}),
            ({"sources": [SCHEDULED]}, set()),
        ],
    )
    def test_an_alarm_has_its_part(
        self, synthesize_stack: SynthesizeStack, tables: dict[str, Any], missing: set[str]
    ) -> None:
        """No alarm is on schedules where there are none, nor on a form of records that nobody writes."""
        from ingestion_pipeline.resources.alarms_table import ALARMS

        assert {*of(synthesize_stack, **tables)} == {alarm.name for alarm in ALARMS} - missing

    def test_gzip_members_have_theirs_alone(self, synthesize_stack: SynthesizeStack) -> None:
        """Lines have no stream then."""
        rows = of(synthesize_stack, fetch=FetchSettings(packing="gzip"))

        assert {name for name in rows if name.startswith(("delivery", "stream"))} == {
            f"{name}-gzip" for name in ("delivery-late", "delivery-behind", "delivery-dead", "stream-full")
        }

    def test_parts_that_exist_are_watched(self, synthesize: Synthesize) -> None:
        """A queue by the name in its ARN."""
        rows = table(with_existing(synthesize, "us-east-1"))

        assert rows["dead-letters"]["dimensions"] == {"QueueName": "theirs"}
        assert rows["stream-full"]["dimensions"] == {"StreamName": "theirs"}

    def test_a_queue_elsewhere_is_told_and_not_watched(
        self, synthesize: Synthesize, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """CloudWatch has its metrics there alone: an alarm here would be quiet for ever."""
        from cdktf import Annotations

        told: list[str] = []
        monkeypatch.setattr(Annotations, "add_warning", lambda _, text: told.append(text))
        rows = table(with_existing(synthesize, "eu-west-1"))

        assert ("dead-letters" in rows, [each.partition(":")[0] for each in told]) == (False, ["alarms"])


def with_existing(synthesize: Synthesize, region: str) -> Synthesized:
    """A pipeline with another's stream, and its dead letter queue in a Region."""
    from ingestion_pipeline.pipeline import IngestionPipeline

    account = "123456789012"
    existing = Existing(
        stream=StreamReference(name="theirs", arn=f"arn:aws:kinesis:us-east-1:{account}:stream/theirs"),
        dead_letter_queue=QueueReference(arn=f"arn:aws:sqs:{region}:{account}:theirs"),
    )
    settings = Settings(
        alarms=AlarmSettings(topic_arns=(MINE,)), pipeline=PipelineSettings(allowed_account_ids=(account,))
    )

    def build(stack: "Construct") -> None:
        IngestionPipeline(stack, "pipeline", settings=settings, existing=existing)

    return synthesize(build)


class TestReceivers:
    def test_get_the_beginning_and_the_end(self, stack: Synthesized) -> None:
        """Addresses by the topic, others directly; nobody is told that there is no data."""
        told = [f"${{{stack.address(TOPIC)}.arn}}", MINE]
        actions = [(each["alarm_actions"], each["ok_actions"]) for each in stack.resources(ALARM).values()]

        assert actions == [(told, told)] * 2
        assert "insufficient_data_actions" not in stack.text

    def test_a_pager_gets_the_whole_alone(self, stack: Synthesized) -> None:
        """One incident, however many alarms belong to it; others got the single alarm already."""
        whole = stack.only(COMPOSITE)

        assert (whole["alarm_actions"], whole["ok_actions"]) == ([PAGER], [PAGER])

    def test_the_whole_stands_while_any_alarm_does(self, stack: Synthesized) -> None:
        """The rule is over every instance of both resources; it has room for all of their names.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
        """
        rule = stack.only(COMPOSITE)["alarm_rule"]
        longest = sum(len(f'ALARM("{"p" * 40}-{"e" * 20}-{name}") OR ') for name in table(stack))

        assert all(stack.address(ALARM, part) in rule for part in ("metric", "math"))
        assert longest < 10_240

    def test_the_whole_is_changed_before_an_alarm_goes(self, stack: Synthesized) -> None:
        """AWS deletes no alarm that another names, and Terraform would delete first.

        https://github.com/hashicorp/terraform-provider-aws/issues/34807
        """
        lifecycles = [each["lifecycle"] for each in stack.resources(ALARM).values()]

        assert lifecycles == [{"create_before_destroy": True}] * 2

    def test_only_cloudwatch_of_this_account_may_publish(self, stack: Synthesized) -> None:
        """Over TLS; the account's own roles need no statement.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
        """
        account = "${data.aws_caller_identity.ingestion-pipeline-caller.account_id}"
        arn = f"arn:aws:sns:us-east-1:{account}:data-ingestion-dev-alarms"

        assert stack.statements(TOPIC) == [
            {
                "Sid": "Tell",
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": ["sns:Publish"],
                "Resource": [arn],
                "Condition": {"StringEquals": {"aws:SourceAccount": account}},
            },
            {
                "Sid": "RequireTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["sns:Publish"],
                "Resource": [arn],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ]

    @pytest.mark.parametrize(("key", "used"), [("", None), (KEY, KEY)])
    def test_the_topic_has_no_key_or_one_of_the_users(
        self, synthesize_stack: SynthesizeStack, key: str, used: str | None
    ) -> None:
        """With AWS's own, CloudWatch may not use it, and nobody is told.

        https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        """
        alarms = AlarmSettings(emails=("ops@a.test",), kms_key=key)

        assert synthesize_stack(Settings(alarms=alarms)).only(TOPIC).get("kms_master_key_id") == used

    @pytest.mark.parametrize(
        "alarms",
        [
            {"kms_key": "alias/aws/sns"},
            {"emails": ("nobody",)},
            {"topic_arns": (f"{MINE}.fifo",)},
            {"topic_arns": ("arn:aws:sqs:us-east-1:123456789012:mine",)},
        ],
    )
    def test_that_would_never_hear_are_refused(self, alarms: dict[str, Any]) -> None:
        """AWS's own key, what is no address, a FIFO topic, a queue."""
        with pytest.raises(SettingsError, match="must be"):
            AlarmSettings(**alarms)

    def test_a_key_of_no_topic_is_refused(self) -> None:
        """Topics that exist have keys of their own."""
        with pytest.raises(SettingsError, match="add an address, or leave the key out"):
            AlarmSettings(topic_arns=(MINE,), kms_key=KEY)

    def test_in_another_region_are_refused(self, synthesize_stack: SynthesizeStack) -> None:
        """CloudWatch publishes to topics of the alarm's Region only."""
        far = MINE.replace("us-east-1", "eu-west-1")
        said = refused(Settings(alarms=replace(TOLD, topic_arns=(far,))), synthesize_stack)

        assert f"alarms.topic_arns = '{far}': is not in us-east-1" in said

    def test_each_address_is_one_subscription(self, stack: Synthesized) -> None:
        """By the address, so that another one touches no other's confirmation."""
        subscription = stack.only(SUBSCRIPTION)

        assert (subscription["for_each"], subscription["protocol"], subscription["endpoint"]) == (
            {"ops@a.test": "ops@a.test"},
            "email",
            "${each.value}",
        )


class TestTexts:
    def test_a_message_says_what_to_do_and_links_its_section(self, stack: Synthesized) -> None:
        """Whoever is woken up reads one message; it has up to 1,024 characters."""
        texts = {name.removesuffix("-gzip"): row["description"] for name, row in table(stack).items()}

        assert [name for name, text in texts.items() if not text.endswith(f"/docs/runbook.md#{name}")] == []
        assert max(map(len, texts.values())) < 1_024

    def test_the_runbook_has_a_section_for_each_alarm_and_no_other(self) -> None:
        """In the order of the table; each says what it means, how to look, mend and replay."""
        from ingestion_pipeline.resources.alarms_table import ALARMS, UNHEALTHY

        text = (Path(__file__).parents[3] / "docs" / "runbook.md").read_text(encoding="utf-8")
        _, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
        named = {section.partition("\n")[0]: section for section in sections}
        incomplete = [
            (name, word)
            for name, section in named.items()
            for word in ("**Means**", "**Look**", "**Mend**", "**Replay**")
            if word not in section and name != UNHEALTHY
        ]

        assert list(named) == [UNHEALTHY, *(alarm.name for alarm in ALARMS)]
        assert incomplete == []


class TestDashboard:
    def test_is_made_without_a_receiver(self, synthesize_stack: SynthesizeStack) -> None:
        """It tells nobody, so it needs none."""
        stack = synthesize_stack(Settings(alarms=AlarmSettings(dashboard=True)))

        assert KINDS & set(stack.json["resource"]) == {DASHBOARD}

    def test_draws_what_every_alarm_watches(self, stack: Synthesized) -> None:
        """Each metric is one that its service documents, in one widget with others of its unit."""
        drawn = [
            (tuple(metric[:2]), metric[2], metric[-1]["stat"])
            for widget in widgets(stack)
            for metric in widget["metrics"]
            if len(metric) > 1
        ]
        watched = {
            (metric["namespace"], metric["metric_name"])
            for row in table(stack).values()
            for metric in metrics(row)
        }

        assert watched <= {name for name, *_ in drawn}
        assert [
            name
            for name, dimension, statistic in drawn
            if dimension != DOCUMENTED[name][0] or statistic not in DOCUMENTED[name][1]
        ] == []

    def test_shows_thresholds_in_the_unit_of_the_widget(self, stack: Synthesized) -> None:
        """Each threshold above zero is a line across its widget."""
        limits = {
            each["label"]: each["value"]
            for widget in widgets(stack)
            for each in widget.get("annotations", {}).get("horizontal", [])
        }

        assert limits == {
            name: row["threshold"]
            for name, row in table(stack).items()
            if row["threshold"] and not name.endswith("-gzip")
        }

    def test_finds_sources_by_itself(self, stack: Synthesized, synthesize_stack: SynthesizeStack) -> None:
        """Another source changes nothing of it: CloudWatch searches for the values of the dimension."""
        sources: Any = [SCHEDULED, {"name": "prices", "url": "https://a.test", "schedule": "rate(1 day)"}]
        more = Settings(alarms=TOLD, sources=sources, delivery=DeliverySettings(keep_former=True))
        searches = [
            each for widget in widgets(stack) for each, *_ in widget["metrics"] if isinstance(each, dict)
        ]

        assert synthesize_stack(more).only(DASHBOARD) == stack.only(DASHBOARD)
        assert all("{IngestionPipeline,service,source}" in each["expression"] for each in searches)
        assert len(searches) == 2

    def test_no_widget_lies_on_another(self, stack: Synthesized) -> None:
        """A dashboard is 24 wide.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
        """
        places = [(each["x"], each["y"]) for each in body(stack)["widgets"]]

        assert len(set(places)) == len(places)
        assert all(
            x + each["width"] <= 24 for (x, _), each in zip(places, body(stack)["widgets"], strict=True)
        )


def body(stack: Synthesized) -> Json:
    """The dashboard's."""
    found: Json = decoded(stack.only(DASHBOARD)["dashboard_body"])
    return found


def widgets(stack: Synthesized) -> list[Json]:
    """The properties of each widget."""
    return [each["properties"] for each in body(stack)["widgets"]]
