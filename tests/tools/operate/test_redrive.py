"""``make redrive`` between two real queues of the local AWS."""

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest

from tests.tools.killing import Killing
from tests.tools.parts import Parts
from tools.operate import redrive

pytestmark = pytest.mark.terraform

ORDERS, POSTS = {"source": "orders"}, {"source": "posts"}


def record(parts: Parts, event: object, **changes: object) -> dict[str, Any]:
    """Lambda's record of an asynchronous invocation that failed."""
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{parts.function}:$LATEST"
    return {
        "version": "1.0",
        "timestamp": "2026-11-23T01:18:08.129Z",
        "requestContext": {
            "requestId": "e4b46cbf-b738-xmpl-8880-a18cdf61200e",
            "functionArn": arn,
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "…", "errorType": "SourceUnavailable"},
        **changes,
    }


def run(*arguments: str) -> None:
    """Run the command."""
    redrive.main(arguments)


@pytest.fixture
def consumed(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> Parts:
    """A pipeline whose work queue counts as consumed, but whose messages stay there to be looked at."""
    monkeypatch.setattr(redrive, "refuse_unconsumed", lambda *_: None)
    return parts


class TestEvents:
    def test_the_very_event_is_sent(self, consumed: Parts) -> None:
        """A message of the function goes back byte for byte, and leaves the dead letter queue."""
        consumed.add_dead_letter('{ "url":  "https://example.com/é" }', error_type="SourceTimeout")
        run()

        assert consumed.bodies("work") == ['{ "url":  "https://example.com/é" }']
        assert consumed.bodies("dead-letters") == []

    def test_the_message_of_a_schedule_is_sent(self, consumed: Parts) -> None:
        """Scheduler's request to the work queue is not sent as an event, but what it would have sent."""
        event = '{"source": "orders"}'
        consumed.add_dead_letter(
            json.dumps({"MessageBody": event, "QueueUrl": consumed.url("work")}), ERROR_CODE="x"
        )
        run()

        assert consumed.bodies("work") == [event]

    @pytest.mark.parametrize(
        ("payload", "sent"),
        [(ORDERS, '{"source": "orders"}'), ({}, "{}"), (None, "{}")],
        ids=["an event", "an empty one", "none"],
    )
    def test_an_invocation_record_is_unwrapped(self, consumed: Parts, payload: object, sent: str) -> None:
        """What Lambda put around the event is left out."""
        consumed.add_dead_letter(record(consumed, payload))
        run()

        assert consumed.bodies("work") == [sent]

    def test_a_record_without_an_answer_is_unwrapped(self, consumed: Parts) -> None:
        """An event that was too old was never answered."""
        aged = record(consumed, ORDERS)
        del aged["responseContext"], aged["responsePayload"]
        consumed.add_dead_letter(aged)
        run()

        assert [json.loads(body) for body in consumed.bodies("work")] == [ORDERS]

    @pytest.mark.parametrize(
        "body",
        ["not json", "[1]", '"text"', "[" * 5_000, '{"a":' * 2_000 + "1" + "}" * 2_000],
        ids=["no JSON", "a list", "a text", "endless", "deep"],
    )
    def test_what_is_no_event_stays_and_is_named(
        self, consumed: Parts, body: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A function could only refuse it; the others are sent."""
        consumed.add_dead_letter(body)
        consumed.add_dead_letter(ORDERS)
        run()

        assert consumed.bodies("work") == [json.dumps(ORDERS)]
        assert consumed.bodies("dead-letters") == [body]
        assert re.search(r"Message [-0-9a-f]{36} stays: is n", capsys.readouterr().out)

    def test_a_record_without_an_event_stays(self, consumed: Parts) -> None:
        """Lambda takes any JSON as an event."""
        consumed.add_dead_letter(record(consumed, [1]))
        run()

        assert (consumed.bodies("work"), len(consumed.bodies("dead-letters"))) == ([], 1)

    def test_an_invocation_of_another_function_stays(
        self, consumed: Parts, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """A queue that existed before may be shared."""
        other = record(consumed, ORDERS)
        other["requestContext"]["functionArn"] = "arn:aws:lambda:us-east-1:000000000000:function:theirs"
        consumed.add_dead_letter(other)
        run()

        assert consumed.bodies("work") == []
        assert len(consumed.bodies("dead-letters")) == 1
        assert "stays: is an invocation of arn:aws:lambda" in capsys.readouterr().out


class TestChoice:
    def test_only_the_named_source_is_sent(self, consumed: Parts) -> None:
        """By `source`, by the `name` of a source in the event, and the first one by an event without any."""
        events = [
            ORDERS,
            POSTS,
            {},
            {"url": "https://example.com/", "name": "orders"},
            {"url": "https://x.io/"},
        ]
        for event in events:
            consumed.add_dead_letter(event)
        run("--source", "orders")

        assert [json.loads(body) for body in consumed.bodies("work")] == [events[0], events[3], events[2]]

    def test_what_is_not_taken_can_be_received_at_once(self, consumed: Parts) -> None:
        """Another reader need not wait until the messages are due again."""
        consumed.add_dead_letter(POSTS)
        run("--source", "orders")

        assert [json.loads(body) for body in consumed.bodies("dead-letters")] == [POSTS]

    def test_no_more_than_max_are_sent(self, consumed: Parts) -> None:
        """The rest stays and can be received at once."""
        for number in range(25):
            consumed.add_dead_letter({"url": f"https://example.com/{number}"})
        run("--max", "12")

        assert (len(consumed.bodies("work")), len(consumed.bodies("dead-letters"))) == (12, 13)

    def test_a_dry_run_sends_nothing(self, consumed: Parts, capsys: pytest.CaptureFixture[str]) -> None:
        """It counts by source and reason with each error's text, and leaves everything where it is."""
        times = ("2026-12-01T10:02:00.000Z", "2026-11-30T09:00:00.000Z")
        for seconds, time in zip((60, 61), times, strict=True):
            error = f'no answer in {seconds} s; go on with "resume": {{"page":7}}'
            consumed.add_dead_letter(
                ORDERS, error_type="SourceTimeout", error=error, attempts_made="3", failed_at=time
            )
        answer = {"errorMessage": "answers 503", "errorType": "SourceUnavailable"}
        consumed.add_dead_letter(record(consumed, POSTS, responsePayload=answer))
        run("--dry-run")
        said = re.sub(r"in 6[01] s", "in … s", capsys.readouterr().out)

        assert said.splitlines() == [
            "Dead letters would be sent to the work queue: 3",
            "2 events of orders: SourceTimeout, 2026-11-30 09:00 to 2026-12-01 10:02 UTC",
            "    no answer in … s",
            "    tried 3 times",
            '    resume {"page":7}',
            "1 event of posts: SourceUnavailable, 2026-11-23 01:18 UTC",
            "    answers 503",
            "    tried 3 times",
        ]
        assert (len(consumed.bodies("work")), len(consumed.bodies("dead-letters"))) == (0, 3)

    def test_no_attribute_steers_the_terminal(
        self, consumed: Parts, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Whoever may send to the queue could otherwise write on the screen of who redrives."""
        consumed.add_dead_letter(ORDERS, error_type="[red]\x7f\x9b31m")
        run("--dry-run")

        assert "[red]  31m" in capsys.readouterr().out


def test_a_second_run_finds_nothing(consumed: Parts) -> None:
    """What was sent is sent once."""
    for number in range(25):
        consumed.add_dead_letter({"url": f"https://example.com/{number}"})
    run()
    run()

    assert len(set(consumed.bodies("work"))) == len(consumed.bodies("work")) == 25


def test_large_messages_share_no_call_that_is_too_long(consumed: Parts) -> None:
    """Ten messages of 200 KiB are more than one call takes."""
    for number in range(10):
        consumed.add_dead_letter({"url": f"https://example.com/{number}", "body": "x" * 200_000})
    run()

    assert len(consumed.bodies("work")) == 10


class TestConsumer:
    @pytest.mark.parametrize("made", [False, True], ids=["no mapping", "a disabled mapping"])
    def test_a_queue_that_nobody_reads_is_refused(self, parts: Parts, made: bool) -> None:
        """Events would be dropped there sooner than here; the message says how to switch the queue on."""
        if made:
            parts.consume(enabled=False)
        parts.add_dead_letter(ORDERS)

        with pytest.raises(
            SystemExit, match=r"takes no messages .* drops them after 4 days: .*`enabled = true`"
        ):
            run()
        assert len(parts.bodies("dead-letters")) == 1

    def test_a_queue_that_the_function_reads_is_taken(self, parts: Parts) -> None:
        """With the mapping switched on, the events leave for the work queue."""
        parts.consume(enabled=True)
        parts.add_dead_letter(ORDERS)
        run()

        assert parts.bodies("dead-letters") == []


class TestDeployment:
    def test_without_a_function_it_says_to_deploy(self, parts: Parts) -> None:
        """An environment that is not deployed has no queue."""
        parts.functions.delete_function(FunctionName=parts.function)

        with pytest.raises(
            SystemExit, match=rf"no function {parts.function} .*`make deploy ENV=local` first"
        ):
            run()

    def test_an_older_deployment_says_to_deploy(self, parts: Parts) -> None:
        """One without a work queue is told from one that is broken."""
        parts.functions.update_function_configuration(
            FunctionName=parts.function, Environment={"Variables": {"KINESIS_STREAM_NAME": "s"}}
        )

        with pytest.raises(SystemExit, match=r"has no WORK_QUEUE_URL: an older version is deployed"):
            run()


UNWATCHED = (
    "from tools.operate import redrive; redrive.refuse_unconsumed = lambda *_: None;"
    "redrive.HOLD_SECONDS = 1; main = redrive.main"
)
"""The command; what it held when it died can be received again after a second."""


def test_killed_at_any_point_it_loses_no_event(consumed: Parts) -> None:
    """It dies before each of its requests; what it held comes back, and the next run sends it."""
    events = [f'{{"url": "https://example.com/{number}"}}' for number in range(13)]
    lost = []
    with Killing(consumed.aws, UNWATCHED, consumed.variables) as way:
        run_with_dead_letters(consumed, way, events)
        for number in range(1, way.requests + 1):
            run_with_dead_letters(consumed, way, events, before=number)
            consumed.wait_until_due("dead-letters")
            run()
            if consumed.taken("work") != set(events) or consumed.taken("dead-letters"):
                lost.append(number)

    assert lost == []


def run_with_dead_letters(parts: Parts, way: Killing, events: Sequence[str], *, before: int = 0) -> None:
    """Run the command over some dead letters, on the way that may kill it."""
    parts.taken("work")
    for event in events:
        parts.add_dead_letter(event)
    way.run(before=before)
