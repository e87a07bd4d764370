"""Which messages of a dead letter queue hold an event of this pipeline."""

import json
from typing import Any

import pytest

from tests.url_fetcher.invoking import Stream
from tests.url_fetcher.queues import Queues, consumed, record
from tools.operate.dead_events import DeadEvent, NoEvent, Owner, dead_event
from tools.operate.queues import Message

WORK = "arn:aws:sqs:eu-west-1:123456789012:p-dev-work"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:p-dev-fetch"
OWNER = Owner("p-dev-fetch", "orders", WORK)
URL = {"url": "https://example.com/a"}


def of(body: object, **attributes: str) -> DeadEvent:
    """What is found in a message."""
    text = body if isinstance(body, str) else json.dumps(body)
    return dead_event(Message("1", "r1", text, 0, attributes), OWNER)


def invocation(*payload: object, arn: str = FUNCTION) -> dict[str, Any]:
    """Lambda's record of a failed invocation, without an event if none is given."""
    context = {"requestId": "1", "functionArn": f"{arn}:$LATEST", "condition": "RetriesExhausted"}
    return {
        "version": "1.0",
        "requestContext": context,
        **({"requestPayload": payload[0]} if payload else {}),
    }


@pytest.mark.parametrize(
    ("event", "source"),
    [
        ({"source": "posts"}, "posts"),
        ({"source": "posts", "resume": {"url": "https://example.com/?p=2"}}, "posts"),
        ({"source": None, **URL, "name": "posts", "format": "json"}, "posts"),
        ({"urls": None, "source": "posts"}, "posts"),
        ({}, "orders"),
        ({"resume": None}, "orders"),
        (None, "orders"),
        ({"urls": ["https://example.com/a", {"url": "https://example.com/b"}], "format": "json"}, ""),
        ({"urls_from": "s3://lake/lists/a", "offset": 3, "etag": '"e"', "in_line": False}, ""),
    ],
    ids=["source", "resumed", "url", "a null beside", "empty", "a null resume", "null", "urls", "a list"],
)  # fmt: skip
def test_every_kind_of_event_is_sent(event: object, source: str) -> None:
    """A null says nothing, in the function and here; so `null` itself asks for the first source."""
    assert of(event)[:2] == of(invocation(event))[:2] == (json.dumps(event), source)


@pytest.mark.parametrize(
    "body",
    [
        {"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {"name": "lake"}}}]},
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "lake"},
        {"Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:…", "Message": '{"source": "x"}'},
        {"version": "0", "source": "aws.ec2", "detail-type": "EC2", "detail": {}},
        {"source": "posts", "format": "json"},
        {"source": ["posts"]},
        {**URL, "repository": "theirs"},
        {"source": None},
        {"urls": [{"line": "…", "offset": 18, "truncated": False}]},
        {"urls": 3},
        ["https://example.com/a"],
        "no JSON",
    ],
    ids=[
        "S3", "S3's test", "SNS", "EventBridge", "a source with more", "no text", "a webhook", "nulls",
        "a line that is no URL", "no list", "an array", "text",
    ],
)  # fmt: skip
def test_what_has_not_the_form_of_an_event_stays(body: object) -> None:
    """The function refuses all of these, so they are not sent."""
    stream, queues = Stream(), Queues()
    sources = '[{"name": "orders", "url": "https://example.com/"}]'
    failed = consumed([record(1, body)], stream=stream, queues=queues, SOURCES=sources)
    is_refused = bool(failed or queues.taken["https://sqs.test/work"])

    assert is_refused
    with pytest.raises(NoEvent):
        of(body)
    with pytest.raises(NoEvent):
        of(invocation(body))


@pytest.mark.parametrize(
    "attributes",
    [
        {"DeadLetterQueueSourceArn": WORK},
        {"TARGET_ARN": WORK, "SCHEDULE_ARN": "arn:aws:scheduler:…"},
        {"TARGET_ARN": FUNCTION, "RULE_ARN": "arn:aws:events:…"},
        {"TARGET_ARN": f"{FUNCTION}:live"},
    ],
    ids=["the work queue", "a schedule", "a rule", "an alias"],
)
def test_what_was_meant_for_this_pipeline_is_sent(attributes: dict[str, str]) -> None:
    """SQS says which queue a message failed in, EventBridge what it could not reach."""
    assert of(URL, **attributes).body == json.dumps(URL)


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"DeadLetterQueueSourceArn": f"{WORK}2"}, "comes from .*work2, not from"),
        ({"TARGET_ARN": f"{WORK}2"}, "was meant for .*work2, not for"),
        ({"TARGET_ARN": f"{FUNCTION}2"}, "was meant for .*fetch2, not for"),
        ({"TARGET_ARN": "nothing"}, "was meant for nothing"),
        ({"TARGET_ARN": WORK, "IS_PAYLOAD_TRUNCATED": "true"}, "has cut"),
    ],
    ids=["another queue", "another target", "another function", "no ARN", "cut"],
)
def test_what_was_meant_for_others_stays(attributes: dict[str, str], why: str) -> None:
    """Pipelines may share a dead letter queue.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html has the attributes.
    """
    with pytest.raises(NoEvent, match=why):
        of(URL, **attributes)


def test_the_request_of_a_schedule_names_its_queue() -> None:
    """The host of the URL does not count, because a Region has several."""
    body = json.dumps(URL)
    ours = {"MessageBody": body, "QueueUrl": "https://queue.amazonaws.com/123456789012/p-dev-work"}

    assert of(ours).body == body
    with pytest.raises(NoEvent, match="was meant for the queue"):
        of({**ours, "QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/theirs"})


def test_a_record_without_its_event_stays() -> None:
    """Lambda leaves out an event that is too large; its record is no event of the first source."""
    with pytest.raises(NoEvent, match="without its event, which was too large"):
        of(invocation())


def test_an_invocation_of_another_function_stays() -> None:
    """Its event may have the same form."""
    with pytest.raises(NoEvent, match=r"is an invocation of .*theirs"):
        of(invocation(URL, arn="arn:aws:lambda:eu-west-1:123456789012:function:theirs"))
