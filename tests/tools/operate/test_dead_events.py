"""Which messages of a dead letter queue hold an event of this pipeline, and which do not."""

import json

import pytest

from tests.url_fetcher.invoking import Stream
from tests.url_fetcher.queues import DEAD, Queues, consumed, record
from tools.operate.dead_events import DeadEvent, NoEvent, Pipeline, dead_event
from tools.operate.queues import Message

ACCOUNT = "us-east-1:123456789012"
WORK = f"arn:aws:sqs:{ACCOUNT}:orders-dev-work"
FUNCTION = f"arn:aws:lambda:{ACCOUNT}:function:orders-dev-fetch:$LATEST"
PIPELINE = Pipeline("orders-dev-fetch", WORK, "posts")
URL = "https://api.test/a?key=secret"
CONTEXT = {"functionArn": FUNCTION, "condition": "RetriesExhausted"}
REQUEST = {"MessageBody": '{"source": "orders"}', "QueueUrl": "https://sqs.test/123456789012/orders-dev-work"}


def found(body: object, **attributes: str) -> DeadEvent:
    """The event in a message with this body."""
    text = body if isinstance(body, str) else json.dumps(body)
    return dead_event(Message("1", "r", text, 0, attributes), PIPELINE)


@pytest.mark.parametrize(
    ("body", "sent", "shown"),
    [
        ({}, "{}", "posts"),
        ("null", "null", "posts"),
        ({"resume": {"page": 2}}, None, "posts"),
        ({"source": "orders", "url": None, "resume": None}, None, "orders"),
        ({"url": URL, "source": None, "urls": None, "name": "mine"}, None, "mine"),
        ({"url": URL, "format": "json"}, None, "api.test"),
        ({"urls": [URL], "headers": {"A": "b"}}, None, "a list of urls"),
        ({"urls_from": "s3://b/l", "offset": 3, "etag": "e", "in_line": True}, None, "a list of urls_from"),
        ({"watch": "s3://b/config/s.json"}, None, "the watch over sources"),
        ({"requestContext": CONTEXT, "requestPayload": None}, "{}", "posts"),
        ({"requestContext": CONTEXT, "requestPayload": {"source": "a"}}, '{"source": "a"}', "a"),
        (REQUEST, REQUEST["MessageBody"], "orders"),
        ({**REQUEST, "MessageBody": "null"}, "null", "posts"),
    ],
)  # fmt: skip
def test_an_event_of_the_function_is_taken(body: object, sent: str | None, shown: str) -> None:
    """It is sent as it was, without what Lambda or EventBridge Scheduler put around it."""
    event = found(body)

    assert (event.body, event.shown_as) == (sent or json.dumps(body), shown)


NOTIFICATION = {"eventSource": "aws:s3", "s3": {"object": {"key": "a"}}}
OTHER_FORMS: list[tuple[object, str]] = [
    ({"Records": [NOTIFICATION]}, "it has Records$"),
    ({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}, "it has Bucket, Event, Service$"),
    ({"Type": "Notification", "TopicArn": "arn", "Message": "{}"}, "it has Message, TopicArn, Type$"),
    ({"source": "aws.s3", "detail-type": "Object Created", "detail": {}}, "it has detail, detail-type$"),
    ({"awslogs": {"data": "H4s"}}, "it has awslogs$"),
    ({"url": URL, "httpMethod": "GET"}, "it has httpMethod$"),
    ({"id": 7, "amount": 3}, "it has amount, id$"),
    ({"source": "orders", "url": URL}, "it has source$"),
    ({"source": None}, "source give nothing$"),
    ({"source": 7}, "its source is no text$"),
    ({"urls": [{"line": "https://x.io/ab", "offset": 18, "truncated": True}]}, "has no URL"),
    ({"urls": 3}, "has no URL"),
    ({"requestContext": CONTEXT, "responsePayload": {}}, "without requestPayload: .* too large"),
    ({"requestContext": CONTEXT, "requestPayload": {"Records": [NOTIFICATION]}}, "it has Records$"),
    ("[1]", "is no JSON object"),
    ("{", "is not JSON"),
]


@pytest.mark.parametrize(("body", "why"), OTHER_FORMS)
def test_what_has_another_form_stays(body: object, why: str) -> None:
    """The function would refuse it, too: the command keeps back no event for its form."""
    queues = Queues()
    consumed([record(1, body)], stream=Stream(), queues=queues, MAX_ATTEMPTS="1")

    with pytest.raises(NoEvent, match=why):
        found(body)
    assert len(queues.taken[DEAD]) == 1


@pytest.mark.parametrize(
    ("body", "attributes", "why"),
    [
        ({}, {"DeadLetterQueueSourceArn": f"{WORK}-2"}, "was moved here from arn.*-work-2, not"),
        ({"source": "orders"}, {"TARGET_ARN": f"{WORK}-2"}, "was to go to arn.*-work-2, not"),
        ({"source": "orders"}, {"TARGET_ARN": f"{FUNCTION[:-8]}-2"}, "was to go to arn.*-fetch-2, not"),
        (
            {"source": "orders"},
            {"TARGET_ARN": WORK, "IS_PAYLOAD_TRUNCATED": "true"},
            "was cut by EventBridge",
        ),
        ({**REQUEST, "QueueUrl": f"{REQUEST['QueueUrl']}-2"}, {}, "is for https.*-work-2, not"),
        ({}, {"error_type": "x", "work_queue": f"{REQUEST['QueueUrl']}-2"}, "is for https.*-work-2, not"),
    ],
)
def test_what_another_pipeline_left_there_stays(body: object, attributes: dict[str, str], why: str) -> None:
    """Its form is ours; where it came from, or was to go to, is not."""
    with pytest.raises(NoEvent, match=why):
        found(body, **attributes)


@pytest.mark.parametrize(
    "attributes",
    [
        {"DeadLetterQueueSourceArn": WORK},
        {"error_type": "SourceTimeout", "work_queue": REQUEST["QueueUrl"]},
        {"TARGET_ARN": WORK, "SCHEDULE_ARN": f"arn:aws:scheduler:{ACCOUNT}:schedule/g/orders"},
        {"TARGET_ARN": WORK, "IS_PAYLOAD_TRUNCATED": "false"},
        {"TARGET_ARN": FUNCTION},
    ],
)
def test_what_names_this_pipeline_is_taken(attributes: dict[str, str]) -> None:
    """SQS names the queue that it moved a message from, EventBridge the target that it could not reach."""
    assert found({"source": "orders"}, **attributes).source == "orders"
