"""Messages sent until SQS has them, and what goes wrong translated."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.url_fetcher.queues import DEAD, WORK, Queues, refusal
from url_fetcher.deadline import Deadline
from url_fetcher.errors import SourceRejected, WorkQueueRejected, WorkQueueUnavailable
from url_fetcher.work_queue.send import DeadLetter, Outgoing, WorkQueue, body_of

Call = Callable[[WorkQueue], None]
CALLS: list[Call] = [
    lambda queue: queue.send([Outgoing("{}")]),
    lambda queue: queue.send_dead_letters([DeadLetter("{}", SourceRejected("no"))], request_id="r"),
    lambda queue: queue.delay("receipt", 5),
    lambda queue: queue.delete("receipt"),
]


def queue_of(client: Any, *, seconds: float = 10, url: str = WORK) -> WorkQueue:
    """The queue behind a client."""
    return WorkQueue(lambda: client, url=url, dead_letter_url=DEAD if url else "", deadline=Deadline(seconds))


@given(st.lists(st.integers(1, 200_000), max_size=40))
def test_requests_are_within_the_services_limits(sizes: list[int]) -> None:
    """No request has more than ten messages or, with several, than 256 KiB; all are sent, in order."""
    queues = Queues()
    bodies = [json.dumps("x" * size) for size in sizes]
    queue_of(queues).send(map(Outgoing, bodies))
    sent = [[each["MessageBody"] for each in request] for request in queues.requests]

    assert (
        [body for request in sent for body in request] == bodies,
        all(len(each) <= 10 and (len(each) == 1 or sum(map(len, each)) <= 262_144) for each in sent),
    ) == (True, True)


def test_what_is_refused_for_now_is_sent_again() -> None:
    """Entries that SQS refuses come again alone, and those that it took do not."""
    queues = Queues(refuse=lambda call, entry: call == 1 and entry["Id"] in ("1", "3"))
    queue_of(queues).send(Outgoing(str(number)) for number in range(5))

    assert [[each["MessageBody"] for each in request] for request in queues.requests] == [
        ["0", "1", "2", "3", "4"],
        ["1", "3"],
    ]


def test_what_is_refused_until_the_deadline_is_an_error() -> None:
    """It may be retried, and says how many are left."""
    queues = Queues(refuse=lambda *_: True)
    with pytest.raises(WorkQueueUnavailable) as caught:
        queue_of(queues, seconds=0.3).send([Outgoing("{}")] * 3)

    assert caught.value.details["not_sent"] == 3


def test_an_entry_without_a_result_is_sent_again() -> None:
    """Only what SQS says that it took counts as taken."""
    queues, answers = Queues(), [{"Successful": [{"Id": "0"}]}, {}, {"Successful": [{"Id": "1"}]}]

    class Silent:
        def send_message_batch(self, **asked: Any) -> Any:
            queues.send_message_batch(**asked)
            return answers.pop(0)

    queue_of(Silent()).send([Outgoing("a"), Outgoing("b")])

    assert [[each["MessageBody"] for each in request] for request in queues.requests] == [
        ["a", "b"],
        ["b"],
        ["b"],
    ]


def test_a_message_that_is_refused_for_good_is_an_error() -> None:
    """A fault of the sender's is not sent again."""

    class Refusing:
        calls = 0

        def send_message_batch(self, **_: Any) -> Any:
            self.calls += 1
            failed = {"Id": "0", "SenderFault": True, "Code": "InvalidMessageContents", "Message": "no"}
            return {"Failed": [failed]}

    client = Refusing()
    with pytest.raises(WorkQueueRejected, match="InvalidMessageContents"):
        queue_of(client).send([Outgoing("{}")])

    assert client.calls == 1


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("foreign", "error"),
    [
        (refusal("AWS.SimpleQueueService.NonExistentQueue", 400), WorkQueueRejected),
        (refusal("AccessDenied", 403), WorkQueueRejected),
        (refusal("RequestThrottled", 403), WorkQueueUnavailable),
        (refusal("KMS.ThrottlingException", 400), WorkQueueUnavailable),
        (refusal("InternalFailure", 500), WorkQueueUnavailable),
        (ReadTimeoutError(endpoint_url=WORK), WorkQueueUnavailable),
        (ConnectTimeoutError(endpoint_url=WORK), WorkQueueUnavailable),
        (EndpointConnectionError(endpoint_url=WORK), WorkQueueUnavailable),
        (NoCredentialsError(), WorkQueueRejected),
        (BotoCoreError(), WorkQueueRejected),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_foreign_errors_are_translated(call: Call, foreign: Exception, error: type[Exception]) -> None:
    """Whatever botocore raises arrives as one of ours, which says whether trying again may help."""
    with pytest.raises(error) as caught:
        call(queue_of(Queues(fail={WORK: foreign, DEAD: foreign})))

    assert caught.value.__cause__ is foreign


@pytest.mark.parametrize("call", CALLS)
def test_without_a_queue_nothing_is_sent(call: Call) -> None:
    """The error says which setting makes one."""
    with pytest.raises(WorkQueueRejected, match=r"queue\.enabled"):
        call(queue_of(Queues(), url=""))


@given(st.text(max_size=3_000))
def test_a_reason_is_short_and_fits_an_attribute(text: str) -> None:
    """Whatever the error says, SQS takes it: at most 1 KiB, and no character that it refuses."""
    queues = Queues()
    queue_of(queues).send_dead_letters([DeadLetter("{}", SourceRejected(text))], request_id="r")
    told = queues.taken[DEAD][0]["MessageAttributes"].get("error", {"StringValue": ""})["StringValue"]

    assert (len(told.encode()) <= 1024, [each for each in told if not each.isprintable()]) == (True, [])


@pytest.mark.parametrize(
    ("kib", "has_reason"), [(1, True), (254, True), (255, False), (256, False), (900, True)]
)
def test_an_event_of_any_size_can_be_a_dead_letter(kib: int, has_reason: bool) -> None:
    """What has no room for the longest reason within 256 KiB goes without it."""
    queues = Queues()
    reason = SourceRejected("é" * 2_000)
    queue_of(queues).send_dead_letters([DeadLetter("x" * kib * 1024, reason)], request_id="r" * 36)
    (sent,) = queues.taken[DEAD]
    told = sent.get("MessageAttributes", {})
    size = len(sent["MessageBody"]) + sum(
        len((name + each["DataType"] + each["StringValue"]).encode()) for name, each in told.items()
    )

    assert (bool(told), size <= (256 if kib <= 256 else 1024) * 1024) == (has_reason, True)


@given(st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_a_body_is_the_event(event: object) -> None:
    """Reading it gives what was written, and it has no character that SQS refuses."""
    body = body_of(event)

    assert (json.loads(body), [each for each in body if each < " " or each in "\ufffe\uffff"]) == (event, [])
