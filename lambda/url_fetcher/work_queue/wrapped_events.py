"""Recognises events that Lambda or EventBridge Scheduler wrapped when they failed."""

from collections.abc import Mapping


def is_invocation_record(message: Mapping[str, object]) -> bool:
    """True for Lambda's record of a failed invocation, whose ``requestPayload`` is the event.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    return {"requestContext", "requestPayload"} <= message.keys()


def is_scheduler_request(message: Mapping[str, object]) -> bool:
    """True for Scheduler's request to the work queue, whose ``MessageBody`` is the event as text.

    Its guide leaves open whether the dead letter is the message or this request:
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
    """
    return {"MessageBody", "QueueUrl"} <= message.keys()
