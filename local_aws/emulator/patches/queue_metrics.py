"""CloudWatch: each queue's metrics, once a minute. The emulator has none.

``AWS/SQS`` has these for a queue that was used in the last six hours; here every queue has them. The age is
that since a message was sent, also of one that SQS moved to a dead letter queue, where AWS begins anew.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

import time

from ministack.services import cloudwatch, sqs

from local_aws.emulator.patches import patch_point
from local_aws.emulator.patches.alarm_states import MEASURED

SQS = patch_point.Private(sqs, "queues", "refresh_counts")

COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
METRICS = (
    "ApproximateNumberOfMessagesVisible",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


def apply() -> None:
    """Measures the queues before alarms are evaluated."""
    MEASURED.append((SQS.queues, _measure))


def _measure() -> None:
    for url, queue in SQS.queues.items():
        SQS.refresh_counts(queue)
        dimensions = {"QueueName": url.rpartition("/")[2]}
        for count, metric in zip(COUNTS, METRICS, strict=True):
            cloudwatch.record_metric(
                "AWS/SQS", metric, float(queue["attributes"][count]), "Count", dimensions
            )
        ages = [time.time() - message["sent_at"] for message in queue["messages"]]
        cloudwatch.record_metric(
            "AWS/SQS", "ApproximateAgeOfOldestMessage", max(ages, default=0.0), "Seconds", dimensions
        )
