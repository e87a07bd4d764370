"""The last hour of the metrics that AWS keeps of a pipeline's parts, in one call."""

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tools.ground.aws import client, explained
from tools.operate.deployed import Deployed

HOUR, PERIOD_SECONDS = timedelta(hours=1), 300


class Metric(NamedTuple):
    """One metric of one part.

    Attributes:
        space: Its namespace.
        name: Its name.
        dimension: Name of the dimension that tells the part.
        value: Name of the part.
        statistic: Such as ``Maximum``.
    """

    space: str
    name: str
    dimension: str
    value: str
    statistic: str

    def query(self, id_: str) -> Any:
        """As GetMetricData takes it."""
        metric = {
            "Namespace": self.space,
            "MetricName": self.name,
            "Dimensions": [{"Name": self.dimension, "Value": self.value}],
        }
        return {"Id": id_, "MetricStat": {"Metric": metric, "Period": PERIOD_SECONDS, "Stat": self.statistic}}


class Points(NamedTuple):
    """The measurements of one metric, the newest first; none if CloudWatch has none."""

    times: Sequence[datetime]
    values: Sequence[float]

    @property
    def newest(self) -> float | None:
        """The newest one."""
        return self.values[0] if self.values else None


def age_of(queue: str) -> Metric:
    """The age of the oldest message of a queue, in seconds."""
    return Metric("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", queue, "Maximum")


def lag_of(delivery: str) -> Metric:
    """The age of the oldest record that Firehose has read and not written, in seconds."""
    return Metric("AWS/Firehose", "DeliveryToS3.DataFreshness", "DeliveryStreamName", delivery, "Maximum")


def records_of(stream: str) -> Metric:
    """The records that came to a stream."""
    return Metric("AWS/Kinesis", "IncomingRecords", "StreamName", stream, "Sum")


def refused_by(stream: str) -> Metric:
    """The puts that a stream refused, because a shard was full."""
    return Metric("AWS/Kinesis", "WriteProvisionedThroughputExceeded", "StreamName", stream, "Sum")


def errors_of(function: str) -> Metric:
    """The invocations that died or failed without being in a queue."""
    return Metric("AWS/Lambda", "Errors", "FunctionName", function, "Sum")


def throttles_of(function: str) -> Metric:
    """The invocations that Lambda refused for now."""
    return Metric("AWS/Lambda", "Throttles", "FunctionName", function, "Sum")


def last_hour(found: Deployed, metrics: Sequence[Metric], now: datetime) -> dict[Metric, Points]:
    """The measurements of each metric.

    Raises:
        AwsError: When AWS refuses or cannot be reached.
    """
    ids = {f"m{number}": each for number, each in enumerate(metrics)}
    with explained():
        answer = client("cloudwatch", os.environ, found.region).get_metric_data(
            MetricDataQueries=[each.query(id_) for id_, each in ids.items()],
            StartTime=now - HOUR,
            EndTime=now,
            ScanBy="TimestampDescending",
        )
    results = {each["Id"]: each for each in answer["MetricDataResults"]}
    return {
        each: Points(results[id_].get("Timestamps", []), results[id_].get("Values", []))
        if id_ in results
        else Points([], [])
        for id_, each in ids.items()
    }
