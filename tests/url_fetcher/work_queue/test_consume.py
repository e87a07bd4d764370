"""Messages of the work queue in, those that failed out."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_aws.servers.hostile_source import Behaviour, Connection, Request, answer
from tests.url_fetcher.invoking import Context, Stream, lines_of
from tests.url_fetcher.queues import DEAD, WORK, Queues, consumed, record, refusal, run_with, tried
from tests.url_fetcher.reading import ARN, Hostile, Secrets
from url_fetcher.errors import ConfigurationError
from url_fetcher.invocation import Invocation

GOOD = answer(b'[{"id": 1}]')
BAD = answer(b"", status=404)


class Running(Context):
    """An invocation whose time passes when a source says so."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)

    def passing(self, seconds_left: float) -> Behaviour:
        """Answer a record, after which so much time is left."""

        def behave(connection: Connection, request: Request) -> None:
            self._seconds = seconds_left
            GOOD(connection, request)

        return behave


def test_of_ten_messages_only_the_poisonous_one_comes_again(hostile: Hostile, stream: Stream) -> None:
    """Nine are ingested; the tenth is named in the answer and delayed, and nothing is sent anywhere."""
    source, queues = hostile({"/good": GOOD, "/bad": BAD}), Queues()
    paths = ["/good"] * 6 + ["/bad"] + ["/good"] * 3
    failed = consumed(
        [record(n, {"url": source.url(path)}) for n, path in enumerate(paths)], stream=stream, queues=queues
    )

    assert (failed, len(stream.lines), [*queues.delays], queues.requests) == (["m6"], 9, ["r6"], [])


@pytest.mark.parametrize(("drawn", "expected"), [(min, [7, 15]), (max, [15, 30])])
def test_a_failed_message_waits_longer_each_time(
    hostile: Hostile,
    stream: Stream,
    monkeypatch: pytest.MonkeyPatch,
    drawn: Callable[[float, float], float],
    expected: list[int],
) -> None:
    """The wait doubles from 15 s and is drawn from its upper half, of which both ends are looked at."""
    monkeypatch.setattr("url_fetcher.work_queue.send.random.uniform", drawn)
    source, queues = hostile({"/": BAD}), Queues()
    event = {"url": source.url("/")}
    consumed([record(n, event, received=n) for n in (1, 2)], stream=stream, queues=queues)

    assert [queues.delays["r1"], queues.delays["r2"]] == expected


def test_what_the_source_asks_for_is_waited_for(hostile: Hostile, stream: Stream) -> None:
    """A Retry-After that does not fit into the invocation is the delay of the message."""
    source, queues = hostile({"/": answer(b"", status=503, headers={"Retry-After": "120"})}), Queues()
    consumed([record(1, {"url": source.url("/")})], stream=stream, queues=queues)

    assert 120 <= queues.delays["r1"] <= 135


def test_no_delay_is_longer_than_the_visibility_timeout(hostile: Hostile, stream: Stream) -> None:
    """A source may ask for a day; the message comes again within six of the function's timeouts."""
    source, queues = hostile({"/": answer(b"", status=503, headers={"Retry-After": "86400"})}), Queues()
    consumed([record(1, {"url": source.url("/")})], stream=stream, queues=queues, context=Context(30))

    assert queues.delays["r1"] == 180


def test_the_last_attempt_ends_among_the_dead_letters(hostile: Hostile, stream: Stream) -> None:
    """The dead letter is the very body, with the reason beside it, and the queue forgets the message."""
    source, queues = hostile({"/": BAD}), Queues()
    body = f'{{"url":  "{source.url("/")}"}}'
    failed = consumed([record(1, body, received=3)], stream=stream, queues=queues)
    (letter,) = queues.taken[DEAD]
    told = {name: each["StringValue"] for name, each in letter["MessageAttributes"].items()}

    assert (failed, letter["MessageBody"], told["error_type"], "404" in told["error"], sorted(told)) == (
        [],
        body,
        "SourceRejected",
        True,
        ["attempts_made", "error", "error_type", "failed_at", "request_id", "work_queue"],
    )


def test_attempts_count_over_messages_that_were_given_back(hostile: Hostile, stream: Stream) -> None:
    """A message that says that its event was tried twice has one attempt left."""
    source, queues = hostile({"/": BAD}), Queues()
    event = {"url": source.url("/")}
    consumed([record(1, event, received=1, attributes=tried(2))], stream=stream, queues=queues)

    assert queues.dead == [event]


def test_without_dead_letters_sqs_does_it(hostile: Hostile, stream: Stream) -> None:
    """If the dead letter cannot be sent, the message is reported, so that the redrive policy moves it."""
    source = hostile({"/": BAD})
    queues = Queues(fail={DEAD: refusal("AccessDenied", 403)})
    records = [record(1, {"url": source.url("/")}, received=3)]

    assert consumed(records, stream=stream, queues=queues) == ["m1"]


def test_out_of_time_the_rest_is_given_back(hostile: Hostile, stream: Stream) -> None:
    """What was not begun is sent anew with the same body and has used up no attempt."""
    context, queues = Running(100), Queues()
    source = hostile({"/": GOOD, "/last": context.passing(20)})
    events = [{"url": source.url(path)} for path in ("/", "/last", "/?n=1", "/?n=2")]
    failed = consumed(
        [record(n, event) for n, event in enumerate(events)], stream=stream, queues=queues, context=context
    )
    attributes = [each.get("MessageAttributes") for each in queues.taken[WORK]]

    assert (failed, len(stream.lines), queues.work, attributes) == ([], 2, events[2:], [None, None])


def test_a_message_that_is_given_back_keeps_its_count(hostile: Hostile, stream: Stream) -> None:
    """The attempts before the one that was not begun still count."""
    context, queues = Running(100), Queues()
    source = hostile({"/": context.passing(20)})
    event = {"url": source.url("/")}
    consumed([record(1, event), record(2, event, received=2)], stream=stream, queues=queues, context=context)
    (sent,) = queues.taken[WORK]

    assert sent["MessageAttributes"]["attempts"] == {"DataType": "Number", "StringValue": "1"}


def test_the_first_message_is_always_begun(hostile: Hostile, stream: Stream) -> None:
    """However little time there is, a batch makes progress."""
    source, queues = hostile({"/": GOOD}), Queues()
    records = [record(n, {"url": source.url("/")}) for n in range(2)]
    consumed(records, stream=stream, queues=queues, context=Context(0.5))

    assert len(queues.work) == 1


def test_what_cannot_be_given_back_is_reported(hostile: Hostile, stream: Stream) -> None:
    """If the queue takes nothing, the messages that were not begun come again by themselves."""
    context = Running(100)
    source = hostile({"/": context.passing(20)})
    queues = Queues(fail={WORK: refusal("ServiceUnavailable", 503)})
    records = [record(n, {"url": source.url("/")}) for n in range(3)]

    assert consumed(records, stream=stream, queues=queues, context=context) == ["m1", "m2"]


class Killed(BaseException):
    """The end of the process, which no code survives."""


def died_at(records: list[dict[str, Any]], deadly: set[str], queues: Queues) -> list[str]:
    """Receives messages until each that remains ends the process; which ones do."""
    done = Invocation.answer

    def answer(invocation: Invocation, event: Any, **more: Any) -> dict[str, object]:
        if event["url"] in deadly:
            raise Killed
        return done(invocation, event, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Invocation, "answer", answer)
        for received in range(1, 8):
            for each in records:
                each["attributes"]["ApproximateReceiveCount"] = str(received)
            with contextlib.suppress(Killed):
                assert consumed(records, stream=Stream(), queues=queues) == []
                return []
            records = [each for each in records if each["receiptHandle"] not in queues.deleted]
            if received == 3 and len(deadly) == 1:
                break
    return [json.loads(each["body"])["url"] for each in records]


@settings(max_examples=20)
@given(st.permutations(range(10)), st.integers(0, 9))
def test_a_message_that_ends_the_process_takes_no_other_along(numbers: list[int], deadly: int) -> None:
    """When it is received for the third time, every other of its batch is done and deleted."""
    records = [record(n, {"url": f"no URL {n}"}, attributes=tried(5)) for n in numbers]
    queues = Queues()

    assert died_at(records, {f"no URL {deadly}"}, queues) == [f"no URL {deadly}"]
    assert len(queues.dead) >= 9


def test_between_two_that_end_the_process_the_others_are_done() -> None:
    """The order is drawn again, so that nothing stays between them for all seven receives."""
    records = [record(n, {"url": f"no URL {n}"}, attributes=tried(5)) for n in range(10)]

    assert sorted(died_at(records, {"no URL 2", "no URL 7"}, Queues())) == ["no URL 2", "no URL 7"]


def test_new_messages_are_done_before_those_that_come_again(hostile: Hostile, stream: Stream) -> None:
    """Each is deleted as soon as it is done, if one of the batch may have ended the process before."""
    source, queues = hostile({"/": GOOD}), Queues()
    event = {"url": source.url("/")}
    records = [record(1, event, received=2), record(2, event), record(3, event)]
    consumed(records, stream=stream, queues=queues)

    assert queues.deleted == ["r2", "r3", "r1"]


def test_what_comes_for_the_first_time_is_left_to_lambda(hostile: Hostile, stream: Stream) -> None:
    """A request for each message would be paid for nothing."""
    source, queues = hostile({"/": GOOD}), Queues()
    consumed([record(1, {"url": source.url("/")})], stream=stream, queues=queues)

    assert queues.deleted == []


def test_a_message_that_cannot_be_deleted_is_done(hostile: Hostile, stream: Stream) -> None:
    """It is not reported as failed, so that Lambda deletes it."""
    source, queues = hostile({"/": GOOD}), Queues(fail={WORK: refusal("AccessDenied", 403)})

    assert (
        consumed([record(1, {"url": source.url("/")}, received=2)], stream=stream, queues=queues),
        len(stream.lines),
    ) == ([], 1)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "oops",
        "[1]",
        "null]",
        '"https://example.com"',
        "[" * 100_000,
        '{"url": ' + "[" * 500 + "]" * 500 + "}",
        '{"url": 5}',
        '{"urls": {}}',
        '{"source": "nobody"}',
        '{"Records": [{"eventSource": "aws:sqs"}]}',
        '{"requestContext": {"http": {"method": "POST"}}, "body": "{}"}',
        '{"url": "https://example.com", "x": "' + "y" * 1_000_000 + '"}',
    ],
    ids=lambda body: body[:20],
)
def test_what_is_no_event_fails_alone(hostile: Hostile, stream: Stream, body: str) -> None:
    """A message that is no event is an attempt that failed, and its neighbours are ingested."""
    source, queues = hostile({"/": GOOD}), Queues()
    good = {"url": source.url("/")}
    failed = consumed([record(0, good), record(1, body), record(2, good)], stream=stream, queues=queues)

    assert (failed, len(stream.lines)) == (["m1"], 2)


def test_lambdas_record_of_a_failure_is_the_event_in_it(hostile: Hostile, stream: Stream) -> None:
    """What an asynchronous invocation left among the dead letters can be moved to the work queue."""
    source, queues = hostile({"/": GOOD}), Queues()
    wrapped = {
        "version": "1.0",
        "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": 3},
        "requestPayload": {"url": source.url("/")},
        "responsePayload": {"errorType": "SourceUnavailable"},
    }

    assert (consumed([record(1, wrapped)], stream=stream, queues=queues), len(stream.lines)) == ([], 1)


def test_the_request_of_a_schedule_is_the_event_in_it(hostile: Hostile, stream: Stream) -> None:
    """What EventBridge Scheduler left among the dead letters can be moved to the work queue."""
    source, queues = hostile({"/": GOOD}), Queues()
    request = {"MessageBody": json.dumps({"url": source.url("/")}), "QueueUrl": "https://sqs.test/work"}

    assert (consumed([record(1, request)], stream=stream, queues=queues), len(stream.lines)) == ([], 1)


def test_each_message_has_lines_and_metrics_of_its_own(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    """Log lines name the message; metrics count each event as an invocation of its own."""
    source, queues = hostile({"/": GOOD}), Queues()
    consumed([record(n, {"url": source.url("/")}) for n in (1, 2)], stream=stream, queues=queues)
    lines = lines_of(capsys)

    assert [line["message_id"] for line in lines if "_aws" in line] == ["m1", "m2"]


@pytest.mark.parametrize("status", [302, 403])
def test_no_secret_is_in_a_dead_letter(hostile: Hostile, stream: Stream, status: int) -> None:
    """The reason of a dead letter hides what the source echoes."""

    def echo(connection: Connection, request: Request) -> None:
        key = request.headers["authorization"].split()[-1]
        answer(b"", status=status, headers={"Location": f"/x?echo={key}"})(connection, request)

    source, queues = hostile({"/": echo, "/x": BAD}), Queues()
    auth = {"kind": "bearer", "secret_arn": ARN}
    configured = json.dumps([{"name": "s", "url": source.url("/"), "auth": auth}])
    records = [record(1, {"source": "s"}, received=3)]
    consumed(records, stream=stream, queues=queues, secrets=Secrets("hunter2x"), SOURCES=configured)

    assert (len(queues.dead), "hunter2x" in str(queues.taken)) == (1, False)


def test_a_wrong_deployment_fails_the_batch(stream: Stream) -> None:
    """Without a usable environment nothing is ingested, and all messages come again."""
    with pytest.raises(ConfigurationError, match="MAX_ATTEMPTS"):
        run_with({"Records": [record(1, {})]}, stream=stream, queues=Queues(), MAX_ATTEMPTS="none")


def test_records_of_another_service_are_no_messages(stream: Stream) -> None:
    """They are refused as every envelope of a service."""
    with pytest.raises(ConfigurationError, match="envelope"):
        run_with({"Records": [record(1, {}) | {"eventSource": "aws:sns"}]}, stream=stream, queues=Queues())


BODIES = st.text(max_size=30) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["url", "source", "Records", "requestPayload"]), inner)
    ),
    max_leaves=8,
).map(json.dumps)
MESSAGES = st.tuples(BODIES.filter(lambda body: "urls" not in body), st.integers(1, 4))


@settings(max_examples=60)
@given(st.lists(MESSAGES, min_size=1, max_size=10))
def test_each_message_ends_in_one_place(messages: list[tuple[str, int]]) -> None:
    """Whatever is in the messages, each that is not ingested is reported or, at the last, a dead letter."""
    queues, ids = Queues(), [f"m{n}" for n in range(len(messages))]
    records: list[Any] = [record(n, body, received=received) for n, (body, received) in enumerate(messages)]
    failed = consumed(records, stream=Stream(), queues=queues)
    last = [body for body, received in messages if received >= 3]

    assert (
        sorted(each["MessageBody"] for each in queues.taken[DEAD]),
        sorted(failed),
    ) == (sorted(last), [id_ for id_, (_, received) in zip(ids, messages, strict=True) if received < 3])
