"""``make redrive`` between two queues in memory, with everything that a real one does on a bad day."""

import io
import json
from random import Random
from typing import Any

import pytest
from rich.console import Console

from benchmarks.histories.faults import Faults
from benchmarks.histories.memory_sqs import DEAD, WORK, MemoryQueues, MemorySqs, arn_of
from tools.operate import redrive, send
from tools.operate.dead_events import Pipeline
from tools.operate.progress import Progress
from tools.operate.queues import Queue
from tools.operate.redrive import Redrive, Redriven, Wanted, report

PIPELINE = Pipeline("orders-dev-fetch", arn_of(WORK), "posts")


def queues_with(*sources: str, **more: Any) -> MemoryQueues:
    """A dead letter of each of these sources."""
    queues = MemoryQueues(Random(0), **more)
    for source in sources:
        queues.put(DEAD, json.dumps({"source": source}))
    return queues


def run(queues: MemoryQueues, sqs: MemorySqs | None = None, **wanted: Any) -> tuple[Redriven, str]:
    """The result of a run, and what it said."""
    said, console = Wanted(**wanted), Console(file=io.StringIO(), width=1_000)
    client: Any = sqs or MemorySqs(queues, Faults(Random(0)))
    with Progress(console) as progress:
        done = Redrive(
            Queue(client, DEAD), Queue(client, WORK), pipeline=PIPELINE, wanted=said, progress=progress
        ).run()
        report(done, said, progress)
    return done, console.file.getvalue()  # type: ignore[attr-defined]


def test_a_few_among_many_others_are_all_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stays is held until all have been seen; else the first would come again before the last."""
    monkeypatch.setattr(redrive, "MANY", 1_000)
    queues = queues_with(*["mine" if number % 10 == 0 else "theirs" for number in range(2_000)])
    queues.receive_seconds = 2
    done, said = run(queues, source="mine")

    assert (done.sent, done.others, done.seen) == (200, 1_800, 2_000)
    assert "were not seen" not in said
    assert all(each.due_at <= queues.now for each in queues.messages[DEAD].values())


def test_messages_that_were_not_seen_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQS hands out so many at once and then none, as if the queue were empty."""
    monkeypatch.setattr(redrive, "THREADS", 1)
    queues = queues_with(*["theirs"] * 300, max_in_flight=200)
    done, said = run(queues, source="mine")

    assert (done.expected, done.seen) == (300, 200)
    assert "About 300 were in the queue at the start, and 100 of them were not seen" in said


def test_several_threads_send_each_event_once() -> None:
    """A thread takes a message only if no other has it."""
    queues = queues_with(*[f"s{number}" for number in range(300)])
    done, _ = run(queues)

    assert (done.sent, queues.bodies(DEAD)) == (300, [])
    assert sorted(queues.bodies(WORK)) == sorted(json.dumps({"source": f"s{n}"}) for n in range(300))


def test_no_more_than_max_are_sent_by_all_threads() -> None:
    """The threads share the number that is left."""
    queues = queues_with(*["a"] * 500)
    done, said = run(queues, most=123)

    assert (done.sent, len(queues.bodies(WORK)), len(queues.bodies(DEAD))) == (123, 123, 377)
    assert "were not seen" not in said


class Silent(MemorySqs):
    """A queue that leaves some entries out of its answer."""

    def send_message_batch(self, **given: Any) -> Any:
        """As boto3's."""
        answer = super().send_message_batch(**given)
        return {**answer, "Successful": answer["Successful"][1:]}


def test_a_message_is_deleted_only_if_its_event_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry that the answer does not name may not be there."""
    monkeypatch.setattr("tools.operate.queues.FIRST_PAUSE_SECONDS", 0)
    queues = queues_with("a")
    done, said = run(queues, Silent(queues, Faults(Random(0))))

    assert (done.sent, queues.bodies(DEAD)) == (0, ['{"source": "a"}'])
    assert "stays: was refused by the work queue: SQS did not say whether it has it" in said


class Undeleting(MemorySqs):
    """A queue that deletes nothing at its first answers."""

    failures = 0

    def delete_message_batch(self, *, QueueUrl: str, Entries: Any) -> Any:  # noqa: N803
        """As boto3's."""
        if not self.failures:
            return super().delete_message_batch(QueueUrl=QueueUrl, Entries=Entries)
        self.failures -= 1
        return {
            "Failed": [{"Id": each["Id"], "Code": "InternalError", "SenderFault": False} for each in Entries]
        }


@pytest.mark.parametrize(("failures", "left"), [(1, 0), (100, 3)])
def test_what_was_sent_but_not_deleted_is_tried_again_and_told(
    monkeypatch: pytest.MonkeyPatch, failures: int, left: int
) -> None:
    """The next run would send it a second time."""
    monkeypatch.setattr("tools.operate.queues.FIRST_PAUSE_SECONDS", 0)
    queues = queues_with("a", "b", "c")
    sqs = Undeleting(queues, Faults(Random(0)))
    sqs.failures = failures
    done, said = run(queues, sqs)

    assert (done.sent, len(queues.bodies(DEAD)), "are sent again by the next run: 3" in said) == (
        3,
        left,
        bool(left),
    )


def test_what_waits_for_its_next_attempt_keeps_the_queue_from_being_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A failed URL is sent again with a delay, during which it neither waits nor is in progress."""
    queues = queues_with()
    queues.put(WORK, "{}", delay=900)
    polls = []

    def pause(_: float) -> None:
        polls.append(len(queues.messages[WORK]))
        if len(polls) == 20:
            queues.messages[WORK].clear()

    monkeypatch.setattr("tools.operate.send.time.sleep", pause)
    client: Any = MemorySqs(queues, Faults(Random(0)))
    with Progress(Console(file=io.StringIO())) as progress:
        send.watch(Queue(client, WORK), Queue(client, DEAD), progress)

    assert polls == [1] * 20 + [0] * send.EMPTY_POLLS
    assert send.EMPTY_POLLS * send.POLL_SECONDS >= 60
