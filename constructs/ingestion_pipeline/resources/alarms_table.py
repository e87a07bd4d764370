"""Every alarm in one table: its metric, its threshold with the reason, and what to do.

A new alarm is a row here and a section of docs/runbook.md. The dashboard draws the same rows.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ingestion_pipeline.resources.fetch_function import METRICS_NAMESPACE
from ingestion_pipeline.resources.queue import SECONDS_A_DAY
from ingestion_pipeline.resources.work_queue import TIMEOUTS_HIDDEN
from ingestion_pipeline.settings.expressions import Condition, all_of, highest, minus, plus, times
from ingestion_pipeline.settings.forms import Form
from ingestion_pipeline.settings.pages import RUNBOOK
from ingestion_pipeline.settings.settings import Settings

MINUTE, HOUR = 60, 3600
LATE_SECONDS = 900
"""AWS asks for an alarm on freshness at 15 minutes or sooner:
https://docs.aws.amazon.com/firehose/latest/dev/firehose-cloudwatch-metrics-best-practices.html"""


HOURLY = "The watchdog counts once an hour, for as long as it lasts; two hours bridge its delays."


@dataclass(frozen=True, kw_only=True)
class Watched:
    """The parts that have metrics, by what CloudWatch calls them.

    Attributes:
        settings: Settings of the pipeline.
        function: Name of the function.
        work_queue: Name of the work queue.
        dead_letters: Name of the dead letter queue.
        dead_letters_are_here: True if CloudWatch has their metrics in this account and Region.
        schedules: Name of the group of schedules.
        streams: Name of the stream of each form of records.
        deliveries: Name of the delivery stream of each form.
    """

    settings: Settings
    function: str
    work_queue: str
    dead_letters: str
    dead_letters_are_here: Condition
    schedules: str
    streams: Mapping[Form, str]
    deliveries: Mapping[Form, str]


@dataclass(frozen=True)
class Part:
    """What has metrics.

    Attributes:
        namespace: CloudWatch's.
        dimension: Name of its one dimension.
        name: Gives its value; the form matters only for a part that each form of records has.
        exists: Gives the condition under which there is one.
        of_each_form: True if each form of records has a part of its own.
    """

    namespace: str
    dimension: str
    name: Callable[[Watched, Form], str]
    exists: Callable[[Watched], Condition] = lambda watched: True  # noqa: ARG005 - most always do
    of_each_form: bool = False


FUNCTION = Part("AWS/Lambda", "FunctionName", lambda watched, _: watched.function)
SOURCES = Part(METRICS_NAMESPACE, "service", lambda watched, _: watched.function)
"""All sources together. By source, the metrics have the dimension `source` as well."""

WORK_QUEUE = Part("AWS/SQS", "QueueName", lambda watched, _: watched.work_queue)
DEAD_LETTERS = Part(
    "AWS/SQS",
    "QueueName",
    lambda watched, _: watched.dead_letters,
    lambda watched: watched.dead_letters_are_here,
)
SCHEDULES = Part(
    "AWS/Scheduler",
    "ScheduleGroup",
    lambda watched, _: watched.schedules,
    lambda watched: watched.settings.configured_sources.have_schedules,
)
WATCHED_SOURCES = Part(SOURCES.namespace, SOURCES.dimension, SOURCES.name, SCHEDULES.exists)
STREAM = Part("AWS/Kinesis", "StreamName", lambda watched, form: watched.streams[form], of_each_form=True)
DELIVERY = Part(
    "AWS/Firehose", "DeliveryStreamName", lambda watched, form: watched.deliveries[form], of_each_form=True
)


@dataclass(frozen=True)
class Metric:
    """A metric of a part.

    Attributes:
        part: What it is of.
        name: CloudWatch's.
        statistic: Of the values in a period.
        unit: CloudWatch's. No alarm names it: with another unit than the metric's it would never see a value.
    """

    part: Part
    name: str
    statistic: str = "Sum"
    unit: str = "Count"

    def place(self, watched: Watched, form: Form) -> dict[str, Any]:
        """Namespace, name and dimensions in one pipeline."""
        return {
            "namespace": self.part.namespace,
            "metric_name": self.name,
            "dimensions": {self.part.dimension: self.part.name(watched, form)},
            "statistic": self.statistic,
        }


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One alarm. No data is good: every metric here is sent only while there is something to count.

    Attributes:
        name: Name after the pipeline's and the environment's, the heading of its section in the runbook,
            and the name of an override.
        metrics: One, or two for an expression.
        expression: Metric math over ``first`` and ``second``.
        above: Gives the threshold, which a value has to exceed.
        reason: Why that threshold, or that long, in the words of the settings; empty for any at all.
        means: What has happened and what to do first, for the message.
        period: Seconds.
        of: Number of periods that are looked at.
        breaching: How many of them have to breach the threshold.
    """

    name: str
    metrics: tuple[Metric, ...]
    expression: str = ""
    above: Callable[[Settings], int] = lambda settings: 0  # noqa: ARG005 - most are about any at all
    reason: str = ""
    means: str
    period: int = 5 * MINUTE
    of: int = 1
    breaching: int = 1

    @property
    def part(self) -> Part:
        """What it watches."""
        return self.metrics[0].part

    @property
    def description(self) -> str:
        """Text of the message."""
        return f"{self.means} {RUNBOOK}#{self.name}"


def _days_before_expiry(settings: Settings) -> int:
    left = minus(settings.dead_letters.queue_retention_days, settings.queue.retention_days)
    return highest(times(minus(left, 2), SECONDS_A_DAY), times(left, SECONDS_A_DAY // 2))


def _all_attempts(settings: Settings) -> int:
    attempts = plus(settings.function.retry_attempts, 1)
    return highest(HOUR, times(times(settings.function.timeout_seconds, TIMEOUTS_HIDDEN), attempts))


ALARMS = (
    Alarm(
        name="dead-letters",
        metrics=(Metric(DEAD_LETTERS, "ApproximateNumberOfMessagesVisible", "Maximum"),),
        means="Events failed at their last attempt and lie in the dead letter queue. Look with `make dead`, "
        "mend the cause, then `make redrive`.",
        period=MINUTE,
    ),
    Alarm(
        name="dead-letters-expire",
        metrics=(Metric(DEAD_LETTERS, "ApproximateAgeOfOldestMessage", "Maximum", "Seconds"),),
        above=_days_before_expiry,
        reason="SQS counts the age from when a message came to this queue, and its expiry from when it was "
        "sent, up to `queue.retention_days` before. So two days, or half of the time, are left.",
        means="SQS will soon delete events from the dead letter queue for good. Redrive them now with "
        "`make redrive`.",
    ),
    Alarm(
        name="work-queue-stands",
        metrics=(Metric(WORK_QUEUE, "ApproximateAgeOfOldestMessage", "Maximum", "Seconds"),),
        above=_all_attempts,
        reason="An event whose every attempt takes the visibility timeout is so old; at least an hour.",
        means="Events wait in the work queue longer than all attempts at one take: it is not consumed, the "
        "function is throttled, or more comes than is done. What waits too long is lost.",
        of=3,
        breaching=3,
    ),
    Alarm(
        name="function-errors",
        metrics=(Metric(FUNCTION, "Errors"),),
        means="The function crashed, ran out of time or memory, or a direct invocation failed. Look with "
        "`make logs`.",
    ),
    Alarm(
        name="events-failed",
        metrics=(Metric(SOURCES, "failed"),),
        means="Events failed at their last attempt. Look with `make logs` for the source and the reason.",
    ),
    Alarm(
        name="records-dead-lettered",
        metrics=(Metric(SOURCES, "dead_lettered"),),
        means="A source sends records that no stream takes; they lie in the lake's folder of dead letters. "
        "Look with `make dead`, then replay them.",
        period=HOUR,
    ),
    Alarm(
        name="urls-failed",
        metrics=(Metric(SOURCES, "urls_failed"),),
        means="URLs of an event or of a list failed at their last attempt. Look with `make logs`.",
        period=HOUR,
    ),
    Alarm(
        name="pagination-warnings",
        metrics=(Metric(SOURCES, "warnings"),),
        means="A source seems to have more pages than were read, or answered with an error in place of "
        "records. Records may be missing: look with `make logs`, then correct the source's settings.",
        period=HOUR,
    ),
    Alarm(
        name="overdue",
        metrics=(Metric(WATCHED_SOURCES, "overdue"),),
        reason=HOURLY,
        means="A source with a schedule has not succeeded for twice its interval. `make status` names it.",
        period=HOUR,
        of=2,
    ),
    Alarm(
        name="silent",
        metrics=(Metric(WATCHED_SOURCES, "silent"),),
        reason=HOURLY,
        means="A source succeeds but brings no records any more, unlike its runs before. `make status` "
        "names it.",
        period=HOUR,
        of=2,
    ),
    # AsyncEventsDropped counts too what went to the dead letters, which have an alarm of their own.
    Alarm(
        name="async-lost",
        metrics=(Metric(FUNCTION, "DestinationDeliveryFailures"),),
        means="Lambda could not put failed asynchronous events into the dead letter queue: they are lost. "
        "Check the queue's policy and key, then send the events again.",
    ),
    Alarm(
        name="throttled",
        metrics=(Metric(FUNCTION, "Throttles"),),
        reason="A throttled event comes again by itself, so only a quarter of an hour of it matters.",
        means="Lambda refuses invocations: the account's or the function's concurrency is used up.",
        of=5,
        breaching=3,
    ),
    Alarm(
        name="delivery-late",
        metrics=(Metric(DELIVERY, "DeliveryToS3.DataFreshness", "Maximum", "Seconds"),),
        above=lambda settings: highest(LATE_SECONDS, times(settings.delivery.buffer_seconds, 3)),
        reason="Three times `delivery.buffer_seconds`, for which Firehose waits on purpose; at least 15 "
        "minutes, AWS's advice.",
        means="Firehose has read records that it cannot write to the bucket. They are lost when the "
        "stream's retention ends. Check the bucket, its key and Firehose's role.",
        of=3,
        breaching=3,
    ),
    Alarm(
        name="delivery-behind",
        metrics=(Metric(DELIVERY, "KinesisMillisBehindLatest", "Maximum", "Milliseconds"),),
        above=lambda settings: LATE_SECONDS * 1000,  # noqa: ARG005 - its reading waits for no buffer
        reason="15 minutes; Firehose usually reads within seconds, whatever its buffer.",
        means="Firehose reads the stream too slowly or not at all. What it has not read is lost when the "
        "stream's retention ends.",
        of=3,
        breaching=3,
    ),
    Alarm(
        name="delivery-dead",
        metrics=(Metric(STREAM, "IncomingRecords"), Metric(DELIVERY, "DataReadFromKinesisStream.Records")),
        expression="IF(FILL(first, 0) > 0 AND FILL(second, 0) == 0, 1, 0)",
        reason="Records came for half an hour and none was read. Without a right to read, Firehose sends no "
        "other metric.",
        means="Records come to the stream and Firehose reads none. Check its role, the stream's key and "
        "whether the delivery stream exists.",
        period=LATE_SECONDS,
        of=2,
        breaching=2,
    ),
    Alarm(
        name="stream-full",
        metrics=(Metric(STREAM, "WriteProvisionedThroughputExceeded"),),
        reason="The function sends again what is refused, so only half an hour of it matters.",
        means="The stream refuses records because more comes than its shards take. Give it "
        "more shards, or pack records as gzip members.",
        of=6,
        breaching=5,
    ),
    Alarm(
        name="schedules-dropped",
        metrics=(
            Metric(SCHEDULES, "InvocationDroppedCount"),
            Metric(SCHEDULES, "InvocationsFailedToBeSentToDeadLetterCount"),
        ),
        expression="FILL(first, 0) + FILL(second, 0)",
        means="EventBridge Scheduler gave runs up after a day of attempts, or could not even put them into "
        "the dead letter queue. Check the role of the schedules and the queues' keys.",
    ),
)
UNHEALTHY = "unhealthy"


def rows(watched: Watched) -> Iterator[tuple[str, Alarm, Form, Condition]]:
    """Key, declaration, form and condition of each alarm in one pipeline, whose part may exist."""
    settings = watched.settings
    for alarm in ALARMS:
        wanted = all_of(settings.alarms.has(alarm.name), alarm.part.exists(watched))
        for form in watched.streams if alarm.part.of_each_form else [Form.LINES]:
            exists = all_of(wanted, settings.forms.exists(form)) if alarm.part.of_each_form else wanted
            if exists:
                yield f"{alarm.name}{form.value}", alarm, form, exists
