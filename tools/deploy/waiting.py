"""Finds the messages that wait in a work queue which a deployment leaves without a consumer."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tools.ground.aws import AwsError, explained
from tools.ground.text import count

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

QUEUE = re.compile(r"\$\{aws_sqs_queue\.([\w-]+)\.arn\}")
NOT_FOUND = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


def switched_off(stack: Mapping[str, Any]) -> list[str]:
    """The names of the queues that the stack does not consume.

    Args:
        stack: The synthesized Terraform JSON.
    """
    mappings = stack["resource"].get("aws_lambda_event_source_mapping", {}).values()
    found = [QUEUE.fullmatch(each["event_source_arn"]) for each in mappings if each.get("enabled") is False]
    return [stack["resource"]["aws_sqs_queue"][each[1]]["name"] for each in found if each]


def left_waiting(queue: str, sqs: "SQSClient") -> str:
    """What waits in a queue that nothing consumes, and the way out; empty if nothing does.

    Raises:
        AwsError: When AWS refuses to say, or cannot be reached.
    """
    try:
        with explained():
            url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
            found: Any = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=COUNTS)["Attributes"]  # type: ignore[arg-type]
    except AwsError as error:
        if error.code in NOT_FOUND:
            return ""
        raise
    waiting = sum(int(found[name]) for name in COUNTS)
    if not waiting:
        return ""
    return (
        f"about {count(waiting, 'message')} in {queue}, which is not consumed; they expire there: "
        "set queue.enabled = true until it is empty"
    )
