"""Sends dead letters to the work queue again: ``make redrive ENV=… [SOURCE=…] [MAX=…] [DRY_RUN=1]``.

A message is deleted only after the work queue has its event. So an interrupted run loses nothing; at most it
sends an event twice. A message that holds no event stays where it is, and is named.
"""

import argparse
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from tools.ground.aws import AwsError, client
from tools.ground.ending import reported
from tools.ground.text import count
from tools.operate import deployed
from tools.operate.dead_events import DeadEvent, NoEvent, Pipeline, dead_event
from tools.operate.deployed import Deployed, NotDeployed, refuse_unconsumed
from tools.operate.groups import Groups
from tools.operate.progress import Progress
from tools.operate.queues import Message, Queue, tens

THREADS, MESSAGES_A_THREAD = 16, 100
HOLD_SECONDS, MANY, HOLD_MANY_SECONDS = 120, 10_000, 900
"""How long received messages are hidden, so that none comes again before all the others have come."""

SHOWN_EVERY_SECONDS = 0.5


@dataclass
class Wanted:
    """Which dead letters to send.

    Attributes:
        source: Name of their source; empty: any source.
        most: The largest number to send; 0: all.
        dry_run: True to count them and send none.
    """

    source: str = ""
    most: int = 0
    dry_run: bool = False


@dataclass
class Redriven:
    """The result of a run.

    Attributes:
        sent: How many the work queue accepted; in a dry run, how many it would get.
        others: How many belong to another source.
        stay: The reason why a message cannot be sent, by its id.
        found: Those that were taken, by source and reason.
        expected: About how many were in the queue at the start; 0 if not all had to be looked at.
        seen: How many were looked at.
        undeleted: How many were sent, but could not be deleted.
    """

    sent: int = 0
    others: int = 0
    stay: dict[str, str] = field(default_factory=dict)
    found: Groups = field(default_factory=Groups)
    expected: int = 0
    seen: int = 0
    undeleted: int = 0


class Redrive:
    """One run from the dead letter queue to the work queue.

    Several threads receive, send and delete. Of a message that stays only its id and its handle are kept, and
    SQS hands out 120,000 messages at most.

    Args:
        dead_letters: The queue that events are taken from.
        work: The queue that they are sent to.
        pipeline: The one whose events are sent.
        wanted: Selects dead letters.
        progress: Shows how far the run is.
    """

    def __init__(
        self,
        dead_letters: Queue,
        work: Queue,
        *,
        pipeline: Pipeline,
        wanted: Wanted,
        progress: Progress,
    ) -> None:
        self.done = Redriven()
        self._dead_letters = dead_letters
        self._work = work
        self._pipeline = pipeline
        self._wanted = wanted
        self._progress = progress
        self._held: dict[str, str] = {}
        self._seen_again: set[str] = set()
        self._sent_undeleted: set[str] = set()
        self._in_hand = 0
        self._first_due = 0.0
        self._is_over = False
        self._turn = threading.Lock()

    def run(self) -> Redriven:
        """Send what is wanted. However the run ends, messages that were not sent can be received at once.

        Raises:
            AwsError: When AWS refuses or cannot be reached; nothing is lost.
        """
        started = self._dead_letters.now()
        expected = sum(self._dead_letters.counts())
        hold_seconds = HOLD_SECONDS if expected <= MANY else HOLD_MANY_SECONDS
        self._first_due = time.monotonic() + hold_seconds
        threads = min(THREADS, 1 + expected // MESSAGES_A_THREAD)
        with ThreadPoolExecutor(threads, thread_name_prefix="redrive") as pool:
            workers = [pool.submit(self._work_off, started, hold_seconds) for _ in range(threads)]
            try:
                self._watch(workers)
            finally:
                self._is_over = True
                wait(workers)
                held = tens(list(self._held.values()))
                self._watch([pool.submit(self._dead_letters.release, some) for some in held])
        self.done.expected = 0 if self._is_enough() else expected
        self.done.undeleted = len(self._sent_undeleted)
        return self.done

    def _watch(self, futures: Sequence["Future[None]"]) -> None:
        """Shows how far the run is until all have ended, and raises the first error."""
        left = set(futures)
        while left:
            left = wait(left, SHOWN_EVERY_SECONDS).not_done
            done = "looked at" if self._wanted.dry_run else f"sent, {len(self._held):,} left"
            self._progress.show(f"{count(self.done.sent, 'dead letter')} {done}")
        for each in futures:
            each.result()

    def _work_off(self, started: int, hold_seconds: int) -> None:
        """Takes messages until there are no more that were sent before ``started``."""
        try:
            while not self._is_over and not self._is_enough():
                messages = self._dead_letters.receive(hold_seconds=hold_seconds)
                if not messages:
                    return
                self._take(messages, started)
        except BaseException:
            self._is_over = True
            raise

    def _is_enough(self) -> bool:
        return bool(self._wanted.most) and self.done.sent + self._in_hand >= self._wanted.most

    def _take(self, messages: Sequence[Message], started: int) -> None:
        """Sends the events that are wanted, and deletes the messages whose event the work queue has."""
        with self._turn:
            new = self._new(messages, started)
            deletable = [each for each in new if each.id in self._sent_undeleted]
            taken = self._wanted_events([each for each in new if each.id not in self._sent_undeleted])
            self._in_hand += len(taken)
        is_sent = not self._wanted.dry_run
        refusals = self._work.send([event.body for _, event in taken]) if is_sent else [""] * len(taken)
        with self._turn:
            self._in_hand -= len(taken)
            for (message, event), refusal in zip(taken, refusals, strict=True):
                self._count(message, event, refusal)
                if is_sent and not refusal:
                    deletable.append(message)
            # The latest handle, for SQS may hand a message out twice, and knows it only by that one.
            handles = {each.id: self._let_go(each) for each in deletable}
        if deletable:
            left = self._dead_letters.delete([each._replace(handle=handles[each.id]) for each in deletable])
            with self._turn:
                self._sent_undeleted -= handles.keys()
                self._sent_undeleted |= left

    def _new(self, messages: Sequence[Message], started: int) -> list[Message]:
        """Holds all messages. Returns those received for the first time that were sent before this run began.

        An event that fails again during the run comes back to this queue, and would be sent again and again.
        """
        new = []
        may_come_again = time.monotonic() >= self._first_due
        for message in messages:
            if message.id not in self._held:
                new += [message] * (message.sent_at <= started)
            elif may_come_again:
                self._seen_again.add(message.id)
            self._held[message.id] = message.handle
        # Every message that is held has been received a second time, so there are no others.
        self._is_over |= len(self._seen_again) == len(self._held)
        return new

    def _wanted_events(self, messages: Sequence[Message]) -> list[tuple[Message, DeadEvent]]:
        """The messages to send, with their events."""
        taken: list[tuple[Message, DeadEvent]] = []
        for message in messages:
            self.done.seen += 1
            try:
                event = dead_event(message, self._pipeline)
            except NoEvent as error:
                self.done.stay[message.id] = str(error)
                continue
            if self._wanted.source and event.source != self._wanted.source:
                self.done.others += 1
            elif not self._wanted.most or self.done.sent + self._in_hand + len(taken) < self._wanted.most:
                taken.append((message, event))
        return taken

    def _count(self, message: Message, event: DeadEvent, refusal: str) -> None:
        self.done.found.add(
            event.shown_as, event.reason, at=event.failed_at, text=event.error, sample=event.explanation()
        )
        if refusal:
            self.done.stay[message.id] = f"was refused by the work queue: {refusal}"
        else:
            self.done.sent += 1

    def _let_go(self, message: Message) -> str:
        self._seen_again.discard(message.id)
        return self._held.pop(message.id)


def redrive(wanted: Wanted, found: Deployed, progress: Progress) -> Redriven:
    """Sends the dead letters of one environment, and returns the result.

    Raises:
        NotDeployed: When nothing takes messages from the work queue, or there is none.
        AwsError: When AWS refuses or cannot be reached; nothing is lost.
    """
    sqs = client("sqs", os.environ, found.region)
    work = Queue(sqs, found.variable("WORK_QUEUE_URL"))
    if not wanted.dry_run:
        refuse_unconsumed(work, found)
    return Redrive(
        Queue(sqs, found.variable("DEAD_LETTER_QUEUE_URL")),
        work,
        pipeline=Pipeline(found.function, work.attribute("QueueArn"), found.default_source),
        wanted=wanted,
        progress=progress,
    ).run()


def report(done: Redriven, wanted: Wanted, progress: Progress) -> None:
    """Print the result."""
    verb = "would be sent" if wanted.dry_run else "sent"
    progress.say(f"Dead letters {verb} to the work queue: {done.sent:,}")
    done.found.show("event", progress)
    if (unseen := done.expected - done.seen) > 0:
        progress.say(
            f"About {done.expected:,} were in the queue at the start, and {unseen:,} of them were not seen: "
            f"another reader holds them, or SQS hands out no more at once; run it again in "
            f"{HOLD_MANY_SECONDS // 60} minutes"
        )
    if done.undeleted:
        progress.say(
            f"Dead letters that could not be deleted and are sent again by the next run: {done.undeleted:,}"
        )
    if done.others:
        progress.say(f"Dead letters of other sources, which stay: {done.others:,}")
    progress.reasons({f"Message {id_}": reason for id_, reason in done.stay.items()})


def main(arguments: Sequence[str] | None = None) -> None:
    """Send the dead letters of the environment in ``ENV``, or count them."""
    parser = argparse.ArgumentParser(prog="redrive", description=__doc__)
    parser.add_argument("--source", default="", help="only events of this source")
    parser.add_argument("--max", type=int, default=0, help="how many at most; default: all")
    parser.add_argument("--dry-run", action="store_true", help="count them and send none")
    options = parser.parse_args(arguments)
    if options.max < 0:
        parser.error(f"MAX={options.max}: must be at least 1, or left out for all")
    wanted = Wanted(options.source, options.max, options.dry_run)
    left = "what was not sent is in the dead letter queue"
    with reported("redrive", AwsError, NotDeployed, interrupted=left):
        found = deployed.find()
        with Progress() as progress:
            done = redrive(wanted, found, progress)
    report(done, wanted, progress)


if __name__ == "__main__":
    main()
