"""Random histories of the work queue lose nothing, and notice what would."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from unittest import mock

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from benchmarks.histories.history import History, Lost
from tools.operate.dead_events import DeadEvent, NoEvent, Pipeline, dead_event
from tools.operate.queues import Message, Queue
from tools.operate.redrive import Redrive
from url_fetcher.delivery.dispatch import Dispatcher
from url_fetcher.work_queue.send import WorkQueue


@pytest.mark.parametrize("packing", ["lines", "gzip"])
@settings(max_examples=2, phases=[Phase.generate])
@given(st.integers(0, 1_000_000))
def test_nothing_is_lost_and_nothing_is_made_up(packing: str, seed: int) -> None:
    """Each URL's records are on the stream, or its event is in a queue, after every step."""
    History(seed, packing).play()


def deletes_first() -> AbstractContextManager[object]:
    """`make redrive` deletes a message before the work queue has its event."""
    take = Redrive._take

    def taken(self: Redrive, messages: list[Message], started: int) -> None:
        self._dead_letters.delete(messages)
        take(self, messages, started)

    return mock.patch.object(Redrive, "_take", taken)


def ignores_refusals() -> AbstractContextManager[object]:
    """`make redrive` deletes a message whose event the work queue has refused."""
    send = Queue.send
    return mock.patch.object(Queue, "send", lambda self, bodies: [""] * len(send(self, bodies)))


def sends_what_is_not_ours() -> AbstractContextManager[object]:
    """`make redrive` takes any message for an event."""
    read = dead_event

    def event(message: Message, pipeline: Pipeline) -> DeadEvent:
        try:
            return read(message, pipeline)
        except NoEvent:
            return DeadEvent(message.body, "", "", "")

    return mock.patch("tools.operate.redrive.dead_event", event)


def counts_without_waiting() -> AbstractContextManager[object]:
    """The function does not wait for the stream's answers."""
    return mock.patch.object(Dispatcher, "drain")


def sends_no_dead_letters() -> AbstractContextManager[object]:
    """The function takes an event that failed for the last time as done."""
    return mock.patch.object(WorkQueue, "send_dead_letters")


@pytest.mark.parametrize(
    "fault",
    [
        deletes_first,
        ignores_refusals,
        sends_what_is_not_ours,
        counts_without_waiting,
        sends_no_dead_letters,
    ],
)
def test_a_fault_is_found(fault: Callable[[], AbstractContextManager[object]]) -> None:
    """What would lose an event, or send one that is not ours, ends one of a few histories."""
    with fault(), pytest.raises(Lost):
        play_many()


def play_many() -> None:
    """Histories until one has lost something."""
    for seed in range(100):
        History(seed, "lines").play()
