"""That the emulator measures and alarms as AWS documents it; not that AWS does."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_aws.emulator.instance import Emulator
from local_aws.emulator.patches.alarm_states import state_of
from local_aws.emulator.patches.metric_values import Unsupported, computed
from tests.local_aws.emulator.test_firehose_patch import deliver_to, landed, put

PERIOD = 3_000
"""Seconds of an alarm's period; here they last 15 s, so that no point gets too old in a test."""


def until(condition: Callable[[], object]) -> None:
    """Returns when the condition holds."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def put_alarm(aws: Emulator, name: str, **more: Any) -> None:
    """An alarm on the sum of a metric that has the alarm's name, with the dimension `service`."""
    given = {
        "Namespace": "Tests",
        "MetricName": name,
        "Dimensions": [{"Name": "service", "Value": "ours"}],
        "Statistic": "Sum",
        "Period": PERIOD,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    aws.client("cloudwatch").put_metric_alarm(AlarmName=name, **given | more)


def put_metric(aws: Emulator, name: str, value: float = 1, *, service: str = "ours") -> None:
    """A point of that metric, now."""
    datum = {"MetricName": name, "Value": value, "Dimensions": [{"Name": "service", "Value": service}]}
    aws.client("cloudwatch").put_metric_data(Namespace="Tests", MetricData=[datum])


def alarm(aws: Emulator, name: str) -> Any:
    """As it is described."""
    found = aws.client("cloudwatch").describe_alarms(
        AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    return (found["MetricAlarms"] or found["CompositeAlarms"])[0]


def state(aws: Emulator, name: str) -> str:
    """The state of an alarm."""
    return str(alarm(aws, name)["StateValue"])


def subscribed(aws: Emulator, name: str) -> tuple[str, Callable[[], list[Any]]]:
    """A topic's ARN, and what returns all that its subscriber was told since."""
    sqs, topic = aws.client("sqs"), aws.client("sns").create_topic(Name=name)["TopicArn"]
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def told() -> list[Any]:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(json.loads(each["Body"])["Message"]) for each in messages]

    return topic, told


@pytest.mark.parametrize(
    ("points", "periods", "needed", "treatment", "expected"),
    [
        ([True, None, None], 1, None, "notBreaching", "ALARM"),
        ([False, True, True], 1, None, "notBreaching", "OK"),
        ([None, True, None], 1, None, "notBreaching", "ALARM"),
        ([None, None, None], 1, None, "notBreaching", "OK"),
        ([None, None, None], 1, None, "breaching", "ALARM"),
        ([None, None, None], 1, None, "missing", "INSUFFICIENT_DATA"),
        ([None, None, None], 1, None, "ignore", None),
        ([True, True, None, None, None], 3, None, "notBreaching", "OK"),
        ([True, True, None, True, None], 3, None, "notBreaching", "ALARM"),
        ([True, True, None, None, None], 3, None, "breaching", "ALARM"),
        ([True, False, True, False, False], 3, 2, "missing", "ALARM"),
        ([True, False, False, True, True], 3, 2, "missing", "OK"),
    ],
)
def test_a_state_follows_from_the_newest_points_and_what_is_missing(
    points: list[bool | None], periods: int, needed: int | None, treatment: str, expected: str | None
) -> None:
    """The rules of alarms-and-missing-data.html."""
    told = {"EvaluationPeriods": periods, "DatapointsToAlarm": needed, "TreatMissingData": treatment}

    assert state_of(points, told) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("IF(a > 0 AND FILL(none, 0) == 0, 1, 0)", 1),
        ("IF(none > 0, 1, 0)", None),
        ("a / 4 + MAX([a, b])", 3.5),
        ("a / 0", None),
        ("none + 1", None),
        ("SUM([a, none]) || b", 1),
    ],
)
def test_metric_math_is_computed(expression: str, expected: float | None) -> None:
    """What is missing stays missing unless it is filled."""
    assert computed(expression, {"a": 2, "b": 3, "none": None}) == expected


@pytest.mark.parametrize("expression", ["SEARCH('x', 'Sum', 300)", "SELECT SUM(x)", "unknown", "a ** 2"])
def test_metric_math_that_is_not_known_is_an_error(expression: str) -> None:
    """It is never quietly well."""
    with pytest.raises(Unsupported):
        computed(expression, {"a": 2})


def test_an_alarm_tells_its_topic_and_is_well_again(aws: Emulator) -> None:
    """Both ways reach the subscriber; only its own dimension counts."""
    topic, told = subscribed(aws, "breaching")
    put_alarm(aws, "breaching", AlarmActions=[topic], OKActions=[topic], Period=120)
    until(lambda: state(aws, "breaching") == "OK")
    told()
    put_metric(aws, "breaching", service="theirs")
    put_metric(aws, "breaching")
    heard: list[Any] = []

    def heard_both() -> bool:
        heard.extend(told())
        return len(heard) == 2

    until(heard_both)

    assert [(each["AlarmName"], each["NewStateValue"]) for each in heard] == [
        ("breaching", "ALARM"), ("breaching", "OK")
    ]  # fmt: skip


def test_another_dimension_is_another_metric(aws: Emulator) -> None:
    """What another service counts raises nothing here."""
    put_alarm(aws, "elsewhere")
    put_metric(aws, "elsewhere", service="theirs")
    put_alarm(aws, "here")
    put_metric(aws, "here")
    until(lambda: state(aws, "here") == "ALARM")

    assert state(aws, "elsewhere") == "OK"


def test_a_composite_alarm_follows(aws: Emulator) -> None:
    """As soon as one of its alarms is raised."""
    put_alarm(aws, "child")
    aws.client("cloudwatch").put_composite_alarm(AlarmName="parent", AlarmRule='ALARM("child")')
    before = state(aws, "parent")
    put_metric(aws, "child")
    until(lambda: state(aws, "parent") == "ALARM")

    assert before == "OK"


def test_metric_math_raises_an_alarm(aws: Emulator) -> None:
    """The expression that is told of, by metrics that are not."""
    metric = {
        "Namespace": "Tests",
        "MetricName": "came",
        "Dimensions": [{"Name": "service", "Value": "ours"}],
    }
    queries = [
        {
            "Id": "came",
            "MetricStat": {"Metric": metric, "Period": PERIOD, "Stat": "Sum"},
            "ReturnData": False,
        },
        {"Id": "none", "Expression": "came * 0", "ReturnData": False},
        {"Id": "dead", "Expression": "IF(came > 0 AND none == 0, 1, 0)"},
    ]
    cloudwatch = aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="math",
        Metrics=queries,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
    )
    put_metric(aws, "came")
    until(lambda: state(aws, "math") == "ALARM")
    described = alarm(aws, "math")

    assert {each["Id"] for each in described["Metrics"]} == {"came", "none", "dead"}
    assert {"Statistic", "Period", "MetricName"} & described.keys() == set()


def test_a_queues_messages_raise_an_alarm(aws: Emulator) -> None:
    """As many as can be received."""
    url = aws.client("sqs").create_queue(QueueName="letters")["QueueUrl"]
    put_alarm(
        aws,
        "letters",
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Statistic="Maximum",
        Dimensions=[{"Name": "QueueName", "Value": "letters"}],
    )
    until(lambda: state(aws, "letters") == "OK")
    aws.client("sqs").send_message(QueueUrl=url, MessageBody="{}")
    until(lambda: state(aws, "letters") == "ALARM")

    assert alarm(aws, "letters")["StateReason"].startswith("Threshold Crossed")


def test_a_log_line_in_the_embedded_format_is_metrics(aws: Emulator) -> None:
    """Under each set of dimensions that it names; a line that is none is only a line."""
    directive = {
        "Namespace": "Tests",
        "Dimensions": [["service", "source"], ["service"]],
        "Metrics": [{"Name": "logged", "Unit": "Count"}],
    }
    now = int(time.time() * 1000)
    line = {"_aws": {"Timestamp": now, "CloudWatchMetrics": [directive]}, "service": "ours", "source": "a"}
    texts = [json.dumps(line | {"logged": 3}), json.dumps(line), '{"_aws": oops']
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="embedded")
    logs.create_log_stream(logGroupName="embedded", logStreamName="s")
    events = [{"timestamp": now, "message": text} for text in texts]
    logs.put_log_events(logGroupName="embedded", logStreamName="s", logEvents=events)

    assert [
        got(aws, "logged", {"service": "ours", "source": "a"})["Values"],
        got(aws, "logged", {"service": "ours"})["Values"],
        got(aws, "logged", {"source": "a"})["Values"],
        got(aws, "logged", {})["Values"],
    ] == [[3.0], [3.0], [], []]


def got(aws: Emulator, name: str, dimensions: dict[str, str], **more: Any) -> Any:
    """The sums of a metric by the hour, and twice those."""
    now = datetime.now(UTC)
    metric = {
        "Namespace": "Tests",
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    query = {"Id": "a", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": "Sum"}}
    found = aws.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query, {"Id": "b", "Expression": "a * 2"}],
        StartTime=now - timedelta(days=1),
        EndTime=now + timedelta(minutes=1),
        **more,
    )
    first, second = found["MetricDataResults"]
    return {"Values": first["Values"], "Twice": second["Values"]}


def test_metric_data_come_newest_first(aws: Emulator) -> None:
    """Unless the caller asks for the oldest first."""
    cloudwatch, now = aws.client("cloudwatch"), datetime.now(UTC)
    for hours in (2, 1):
        moment = now - timedelta(hours=hours)
        datum = {"MetricName": "ordered", "Value": hours, "Timestamp": moment}
        cloudwatch.put_metric_data(Namespace="Tests", MetricData=[datum])
    newest, oldest = got(aws, "ordered", {}), got(aws, "ordered", {}, ScanBy="TimestampAscending")

    assert (newest["Values"], oldest["Values"], newest["Twice"]) == ([1.0, 2.0], [2.0, 1.0], [2.0, 4.0])


def measured(aws: Emulator, namespace: str, name: str, dimension: str, value: str) -> list[float]:
    """The sum of a metric of the last hours, as a list that is empty without one."""
    now = datetime.now(UTC)
    found = aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": dimension, "Value": value}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=7200,
        Statistics=["Sum"],
    )
    return [each["Sum"] for each in found["Datapoints"]]


def dividing(aws: Emulator, name: str) -> Any:
    """A client for functions, of which the one of that name divides by its event."""
    functions, archive = aws.client("lambda"), io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", "def handler(event, context):\n    return 1 / event\n")
    functions.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=f"arn:aws:iam::000000000000:role/{name}",
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    return functions


def test_an_error_has_the_name_of_its_class(aws: Emulator) -> None:
    """As AWS answers, so that a tool can say what failed."""
    answer = dividing(aws, "names").invoke(FunctionName="names", Payload=b"0.0")

    assert json.loads(answer["Payload"].read())["errorType"] == "ZeroDivisionError"


def test_every_invocation_is_measured_once(aws: Emulator) -> None:
    """One that the caller waits for, and one that nobody waits for, which fails, too."""
    functions = dividing(aws, "divides")
    functions.put_function_event_invoke_config(FunctionName="divides", MaximumRetryAttempts=0)
    functions.invoke(FunctionName="divides", Payload=b"1")
    functions.invoke(FunctionName="divides", Payload=b"0", InvocationType="Event")
    until(lambda: measured(aws, "AWS/Lambda", "Errors", "FunctionName", "divides") == [1.0])

    assert measured(aws, "AWS/Lambda", "Invocations", "FunctionName", "divides") == [2.0]


def test_a_streams_records_are_measured(aws: Emulator) -> None:
    """Put alone or many at a time."""
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName="measured", ShardCount=1)
    until(
        lambda: (
            kinesis.describe_stream(StreamName="measured")["StreamDescription"]["StreamStatus"] == "ACTIVE"
        )
    )
    kinesis.put_record(StreamName="measured", Data=b"1", PartitionKey="a")
    kinesis.put_records(StreamName="measured", Records=[{"Data": b"1", "PartitionKey": "a"}] * 2)

    assert measured(aws, "AWS/Kinesis", "IncomingRecords", "StreamName", "measured") == [3.0]


def test_what_firehose_reads_and_how_late_it_delivers_is_measured(aws: Emulator) -> None:
    """By the name of the delivery stream."""
    deliver_to(aws, "delivered")
    put(aws, "delivered", b"1\n", b"2\n")
    landed(aws, "delivered", 1)
    until(
        lambda: measured(aws, "AWS/Firehose", "DeliveryToS3.DataFreshness", "DeliveryStreamName", "delivered")
    )
    read = measured(
        aws, "AWS/Firehose", "DataReadFromKinesisStream.Records", "DeliveryStreamName", "delivered"
    )

    assert read == [2.0]
