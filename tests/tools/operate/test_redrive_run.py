"""``make redrive`` between two queues in memory, with everything that a real one does on a bad day."""

import io
import json
from random import Random
from typing import Any

import pytest
from rich.console import Console

from benchmarks.histories.faults import Faults
from benchmarks.histories.memory_sqs import DEAD, WORK, MemorySqs, arn_of
from tools.operate import queues, redrive, send
from tools.operate.dead_events import Pipeline
from tools.operate.progress import Progress
from tools.operate.queues import Queue
from tools.operate.redrive import Redrive, Redriven, Wanted, report

PIPELINE = Pipeline("orders-dev-fetch", arn_of(WORK), "posts")


def sqs_with(*sources: str, **more: Any) -> MemorySqs:
    """A queue with a dead letter of each of these sources."""
    chance = Random(0)
    sqs = MemorySqs(Faults(chance), chance, **more)
    for source in sources:
        sqs.put(DEAD, json.dumps({"source": source}))
    return sqs


def run(sqs: MemorySqs, **wanted: Any) -> tuple[Redriven, str]:
    """The result of a run, and what it said."""
    said = Wanted(**wanted)
    client: Any = sqs
    with Progress(Console(file=io.StringIO(), width=1_000)) as progress:
        done = Redrive(
            Queue(client, DEAD), Queue(client, WORK), pipeline=PIPELINE, wanted=said, progress=progress
        ).run()
        report(done, said, progress)
    return done, progress.console.file.getvalue()  # type: ignore[attr-defined]


def test_a_few_among_many_others_are_all_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stays is held until all have been seen; else the first would come again before the last."""
    monkeypatch.setattr(redrive, "MANY", 1_000, raising=False)
    sqs = sqs_with(*["mine" if number % 10 == 0 else "theirs" for number in range(2_000)])
    sqs.tick_seconds = 2
    done, said = run(sqs, source="mine")

    assert (done.sent, done.others, done.seen) == (200, 1_800, 2_000)
    assert "were not seen" not in said
    assert all(each.due_at <= sqs.now for each in sqs.queues[DEAD].values())


def test_messages_that_were_not_seen_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQS hands out so many at once and then none, as if the queue were empty."""
    monkeypatch.setattr(redrive, "THREADS", 1, raising=False)
    sqs = sqs_with(*["theirs"] * 300, max_in_flight=200)
    done, said = run(sqs, source="mine")

    assert (done.expected, done.seen) == (300, 200)
    assert "About 300 were in the queue at the start, and 100 of them were not seen" in said


def test_several_threads_send_each_event_once() -> None:
    """A thread takes a message only if no other has it."""
    sqs = sqs_with(*[f"s{number}" for number in range(300)])
    done, _ = run(sqs)

    assert (done.sent, sqs.bodies(DEAD)) == (300, [])
    assert sorted(sqs.bodies(WORK)) == sorted(json.dumps({"source": f"s{n}"}) for n in range(300))


def test_no_more_than_max_are_sent_by_all_threads() -> None:
    """The threads share the number that is left."""
    sqs = sqs_with(*["a"] * 500)
    done, said = run(sqs, most=123)

    assert (done.sent, len(sqs.bodies(WORK)), len(sqs.bodies(DEAD))) == (123, 123, 377)
    assert "were not seen" not in said


class Silent(MemorySqs):
    """A queue that leaves some entries out of its answer."""

    def send_message_batch(self, **given: Any) -> Any:
        """As boto3's."""
        answer = super().send_message_batch(**given)
        return {**answer, "Successful": answer["Successful"][1:]}


def test_a_message_is_deleted_only_if_its_event_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry that the answer does not name may not be there."""
    monkeypatch.setattr(queues, "FIRST_PAUSE_SECONDS", 0)
    chance = Random(0)
    sqs = Silent(Faults(chance), chance)
    sqs.put(DEAD, '{"source": "a"}')
    done, said = run(sqs)

    assert (done.sent, sqs.bodies(DEAD)) == (0, ['{"source": "a"}'])
    assert "stays: was refused by the work queue: SQS did not say whether it has it" in said


def test_what_waits_for_its_next_attempt_keeps_the_queue_from_being_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A failed URL is sent again with a delay, during which it neither waits nor is in progress."""
    sqs = sqs_with()
    sqs.put(WORK, "{}", delay=900)
    polls = []

    def pause(_: float) -> None:
        polls.append(len(sqs.queues[WORK]))
        if len(polls) == 20:
            sqs.queues[WORK].clear()

    monkeypatch.setattr("tools.operate.send.time.sleep", pause)
    client: Any = sqs
    with Progress(Console(file=io.StringIO())) as progress:
        send.watch(Queue(client, WORK), Queue(client, DEAD), progress)

    assert polls == [1] * 20 + [0] * send.EMPTY_POLLS
    assert send.EMPTY_POLLS * send.POLL_SECONDS >= 60
