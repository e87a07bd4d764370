"""How the parts of a pipeline are: queues, dead letters, delivery, stream, function and alarms."""

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from ingestion_pipeline.settings.forms import GZIP, Form
from ingestion_pipeline.settings.names import DELIVERY
from tools.ground.aws import client, explained
from tools.ground.text import count
from tools.operate.deployed import Deployed, is_consumed
from tools.operate.queues import Queue
from tools.operate.status.findings import Finding, State, seen, span
from tools.operate.status.metrics import (
    Metric,
    Points,
    age_of,
    errors_of,
    lag_of,
    last_hour,
    records_of,
    refused_by,
    throttles_of,
)

STANDS_SECONDS = 3_600
"""A message of the work queue that is older was tried several times, or nobody takes it."""

MIN_LATE_SECONDS, LATE_BUFFERS = 900, 3
"""Delivery is late after three buffers, or 15 minutes:
https://docs.aws.amazon.com/firehose/latest/dev/firehose-cloudwatch-metrics-best-practices.html."""

FIRST_DELIVERY = timedelta(minutes=20)
"""What came to the stream so long ago must have been measured by Firehose."""

LISTED_OBJECTS = 1_000


class Parts:
    """Looks at each part.

    Args:
        found: The environment.
        now: The time.
        has_delivered: True if a source's records were put on the stream in the last hour, or may have been.
    """

    def __init__(self, found: Deployed, now: datetime, *, has_delivered: bool) -> None:
        self._found = found
        self._now = now
        self._has_delivered = has_delivered
        sqs = client("sqs", os.environ, found.region)
        self._work = Queue(sqs, found.variable("WORK_QUEUE_URL"))
        # A queue that existed before may be known by its ARN alone.
        self._dead = Queue(sqs, found.variables.get("DEAD_LETTER_QUEUE_URL", ""))
        self._stream = found.variable("KINESIS_STREAM_NAME")
        form = Form.MEMBERS if found.variables.get("PACKING") == GZIP else Form.LINES
        self._delivery = found.settings.names.of(DELIVERY[form])
        self._points: Mapping[Metric, Points] = {}

    def findings(self) -> Iterator[Finding]:
        """One line a part."""
        metrics = seen("metrics", self._measure)
        if metrics.state is not State.GOOD:
            yield metrics
        looks: dict[str, Callable[[], Finding]] = {
            "work queue": self._work_queue,
            "dead events": self._dead_events,
            "dead records": self._dead_records,
            "delivery": self._delivered,
            "stream": self._streamed,
            "function": self._invoked,
            "alarms": self._alarms,
        }
        for name, look in looks.items():
            yield seen(name, look)

    def _measure(self) -> Finding:
        wanted = [
            *(age_of(_name(each)) for each in (self._work, self._dead) if each.url),
            *(lag_of(self._delivery), records_of(self._stream), refused_by(self._stream)),
            *(errors_of(self._found.function), throttles_of(self._found.function)),
        ]
        self._points = last_hour(self._found, wanted, self._now)
        return Finding("metrics", "")

    def _of(self, metric: Metric) -> Points:
        return self._points.get(metric, Points([], []))

    def _work_queue(self) -> Finding:
        counts = self._work.counts()
        text = f"{counts.waiting:,} waiting, {counts.in_flight:,} in flight, {counts.delayed:,} delayed"
        age = self._of(age_of(_name(self._work))).newest
        if not any(counts):
            return Finding("work queue", text)
        if not is_consumed(self._work, self._found):
            return Finding("work queue", f"{text}; nobody reads it", State.BAD)
        if age is None:
            return Finding("work queue", f"{text}; oldest: unknown", State.UNKNOWN)
        state = State.BAD if age > STANDS_SECONDS else State.GOOD
        return Finding("work queue", f"{text}; oldest {span(age)}", state, self._make("logs", "SINCE=1d"))

    def _dead_events(self) -> Finding:
        if not self._dead.url:
            return Finding("dead events", "unknown: the function has no URL of the queue", State.UNKNOWN)
        number = sum(self._dead.counts())
        if not number:
            return Finding("dead events", "none")
        age = self._of(age_of(_name(self._dead))).newest
        oldest = "unknown" if age is None else span(age)
        text = f"{number:,} in the queue; oldest there: {oldest}"
        return Finding("dead events", text, State.BAD, self._make("dead", "EVENTS=1"))

    def _dead_records(self) -> Finding:
        folder = f"{self._found.variable('DEAD_LETTER_PREFIX')}{self._now:year=%Y/month=%m/day=%d/}"
        with explained():
            answer = client("s3", os.environ, self._found.region).list_objects_v2(
                Bucket=self._found.variable("DEAD_LETTER_BUCKET"), Prefix=folder, MaxKeys=LISTED_OBJECTS
            )
        number = answer["KeyCount"]
        if not number:
            return Finding("dead records", "none today")
        text = f"{count(number, 'object')}{' or more' if answer['IsTruncated'] else ''} today"
        return Finding("dead records", text, State.BAD, self._make("dead", "RECORDS=1"))

    def _delivered(self) -> Finding:
        lag, came = self._of(lag_of(self._delivery)).newest, self._of(records_of(self._stream))
        most = max(MIN_LATE_SECONDS, LATE_BUFFERS * self._found.settings.delivery.buffer_seconds)
        if lag is not None:
            state = State.BAD if lag > most else State.GOOD
            return Finding("delivery", f"{span(lag)} behind; late from {span(most)} on", state)
        if any(
            value and self._now - time > FIRST_DELIVERY
            for time, value in zip(came.times, came.values, strict=True)
        ):
            return Finding("delivery", "nothing of the last hour's records was delivered", State.BAD)
        if self._has_delivered or any(came.values) or not self._points:
            return Finding("delivery", "lag unknown: Firehose has not measured it", State.UNKNOWN)
        return Finding("delivery", "nothing to deliver in the last hour")

    def _streamed(self) -> Finding:
        with explained():
            summary = client("kinesis", os.environ, self._found.region).describe_stream_summary(
                StreamName=self._stream
            )["StreamDescriptionSummary"]
        shards = f"{count(summary['OpenShardCount'], 'shard')}, {summary['StreamStatus'].lower()}"
        refused = self._of(refused_by(self._stream))
        # Kinesis measures only while records come.
        measured = refused.values or self._of(records_of(self._stream)).values or not self._has_delivered
        if not measured or not self._points:
            return Finding("stream", f"{shards}; refused puts: unknown", State.UNKNOWN)
        number = int(sum(refused.values))
        return Finding("stream", f"{shards}; {number:,} refused puts in the last hour")

    def _invoked(self) -> Finding:
        errors, throttles = (
            self._of(make(self._found.function)).values for make in (errors_of, throttles_of)
        )
        if not self._points or (self._has_delivered and not errors):
            return Finding("function", "errors unknown: Lambda has not measured them", State.UNKNOWN)
        failed, refused = int(sum(errors)), int(sum(throttles))
        text = f"{count(failed, 'error')}, {count(refused, 'throttle')} in the last hour"
        return Finding("function", text, State.BAD if failed else State.GOOD, self._make("logs", "SINCE=1d"))

    def _alarms(self) -> Finding:
        prefix = f"{self._found.settings.names.stack}-"
        pages = client("cloudwatch", os.environ, self._found.region).get_paginator("describe_alarms")
        with explained():
            found = [
                each
                for page in pages.paginate(
                    AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
                )
                for each in [*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])]
            ]
        by_state: dict[str, list[str]] = {}
        for each in found:
            by_state.setdefault(each["StateValue"], []).append(each["AlarmName"].removeprefix(prefix))
        if not found:
            return Finding("alarms", "none deployed: [alarms] in pipeline.toml")
        text = f"{len(by_state.get('OK', [])):,} OK"
        if silent := by_state.get("INSUFFICIENT_DATA"):
            text += f", {len(silent):,} without data"
        if raised := by_state.get("ALARM"):
            return Finding("alarms", f"{', '.join(sorted(raised))}; {text}", State.BAD)
        return Finding("alarms", text, State.UNKNOWN if silent else State.GOOD)

    def _make(self, target: str, *more: str) -> str:
        return " ".join(("make", target, f"ENV={self._found.environment}", *more))


def _name(queue: Queue) -> str:
    """The queue's name, by which its metrics are told from others'."""
    return queue.url.rpartition("/")[2]
