"""Sends dead letters to the work queue again: ``make redrive ENV=… [SOURCE=…] [MAX=…] [DRY_RUN=1]``.

A message is deleted only after the work queue has its event. So an interrupted run loses nothing; at most it
sends an event twice. A message that holds no event stays where it is, and is named.
"""

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tools.ground.aws import AwsError, client
from tools.ground.ending import reported
from tools.ground.text import count
from tools.operate import deployed
from tools.operate.dead_events import DeadEvent, NoEvent, Pipeline, dead_event
from tools.operate.deployed import Deployed, NotDeployed, refuse_unconsumed
from tools.operate.progress import Progress
from tools.operate.queues import Message, Queue


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
        found: How many were taken, by source and reason.
        oldest: Time at which the oldest of them was sent, in milliseconds since 1970.
    """

    sent: int = 0
    others: int = 0
    stay: dict[str, str] = field(default_factory=dict)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    oldest: int = 0


class Redrive:
    """One run from the dead letter queue to the work queue.

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
        self._sent_undeleted: set[str] = set()
        self._seen_again = 0

    def run(self) -> Redriven:
        """Send what is wanted. However the run ends, messages that were not sent can be received at once.

        Raises:
            AwsError: When AWS refuses or cannot be reached; nothing is lost.
        """
        started = self._dead_letters.now()
        try:
            while not self._is_enough() and (messages := self._dead_letters.receive()):
                self._take([each for each in messages if self._is_new(each, started)])
                self._progress.show(f"{count(self.done.sent, 'dead letter')} sent, {len(self._held):,} left")
                # Every message that is held has been received a second time, so there are no others.
                if self._seen_again > len(self._held):
                    break
        finally:
            self._dead_letters.release(self._held.values())
        return self.done

    def _is_enough(self) -> bool:
        return bool(self._wanted.most) and self.done.sent >= self._wanted.most

    def _is_new(self, message: Message, started: int) -> bool:
        """True for a message that is received for the first time and was sent before this run began.

        An event that fails again during the run comes back to this queue, and would be sent again and again.
        """
        if message.id in self._held:
            self._seen_again += 1
        if message.id in self._held or message.sent_at > started:
            self._held[message.id] = message.handle
            return False
        return True

    def _take(self, messages: Sequence[Message]) -> None:
        taken: list[tuple[Message, DeadEvent]] = []
        deletable = [each for each in messages if each.id in self._sent_undeleted]
        for message in messages:
            if message.id in self._sent_undeleted:
                continue
            event = self._wanted_event(message)
            if event is None or (self._wanted.most and self.done.sent + len(taken) >= self._wanted.most):
                self._held[message.id] = message.handle
            else:
                taken.append((message, event))
        # Held until they are sent, so that they are given back if the run ends before.
        self._held.update({message.id: message.handle for message, _ in taken})
        if self._wanted.dry_run:
            self.done.sent += len(taken)
        else:
            deletable += self._sent([message for message, _ in taken], [event.body for _, event in taken])
        for message, event in taken:
            self._count(message, event)
        if deletable:
            self._sent_undeleted |= self._dead_letters.delete(deletable)

    def _wanted_event(self, message: Message) -> DeadEvent | None:
        try:
            event = dead_event(message, self._pipeline)
        except NoEvent as error:
            self.done.stay[message.id] = str(error)
            return None
        if self._wanted.source and event.source != self._wanted.source:
            self.done.others += 1
            return None
        return event

    def _sent(self, messages: Sequence[Message], bodies: Sequence[str]) -> list[Message]:
        """The messages whose events the work queue has now."""
        sent = []
        for message, refusal in zip(messages, self._work.send(bodies), strict=True):
            if refusal:
                self.done.stay[message.id] = f"was refused by the work queue: {refusal}"
            else:
                del self._held[message.id]
                sent.append(message)
        self.done.sent += len(sent)
        return sent

    def _count(self, message: Message, event: DeadEvent) -> None:
        self.done.found[event.shown_as, event.reason] += 1
        self.done.oldest = min(self.done.oldest or message.sent_at, message.sent_at)


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
    if done.found:
        rows = [(source, reason, count) for (source, reason), count in done.found.most_common()]
        progress.table(("source", "reason", "events"), rows)
        progress.say(
            f"The oldest was sent at {datetime.fromtimestamp(done.oldest / 1000, UTC):%Y-%m-%d %H:%M} UTC"
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
