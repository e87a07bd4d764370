"""SQS in memory, behind the client's seam: standard queues, as far as function and commands use them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from random import Random
from typing import Any

from benchmarks.histories.faults import Faults

WORK, DEAD = "https://sqs.test/123456789012/orders-dev-work", "https://sqs.test/123456789012/orders-dev-dead"
MAX_ENTRIES = 10


def arn_of(url: str) -> str:
    """A queue's ARN."""
    account, name = url.split("/")[-2:]
    return f"arn:aws:sqs:us-east-1:{account}:{name}"


@dataclass
class Kept:
    """A message in a queue; ``due_at`` is when it can be received."""

    id: str
    body: str
    sent_at: float
    due_at: float
    attributes: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""
    receives: int = 0
    handle: str = ""

    def received(self) -> dict[str, Any]:
        """As an answer of SQS has it."""
        system = {
            "ApproximateReceiveCount": str(self.receives),
            "SentTimestamp": str(int(self.sent_at * 1000)),
        } | ({"DeadLetterQueueSourceArn": self.origin} if self.origin else {})
        return {
            "MessageId": self.id,
            "ReceiptHandle": self.handle,
            "Body": self.body,
            "Attributes": system,
            "MessageAttributes": dict(self.attributes),
        }


class MemoryQueues:
    """The work queue and the dead letter queue, which outlive every process.

    Args:
        chance: Draws the order in which messages come.
        twice: Share of the messages in flight that are handed out once more.
        max_receives: A message of the work queue that was received so often is moved to the dead letters.
        max_in_flight: At this number of received messages no more are handed out.
    """

    def __init__(
        self,
        chance: Random,
        *,
        twice: float = 0.0,
        max_receives: int = 7,
        max_in_flight: int = 120_000,
    ) -> None:
        self.now = 1_700_000_000.0
        self.receive_seconds = 0.0
        """The time that each receive takes."""
        self.messages: dict[str, dict[str, Kept]] = {WORK: {}, DEAD: {}}
        self._chance = chance
        self._twice = twice
        self._max_receives = max_receives
        self._max_in_flight = max_in_flight
        self._made = 0

    def bodies(self, url: str) -> list[str]:
        """The texts of all messages of a queue, whoever holds them."""
        return [each.body for each in self.messages[url].values()]

    def put(self, url: str, body: str, attributes: Mapping[str, Any] | None = None, delay: int = 0) -> None:
        """Takes a message."""
        self._made += 1
        kept = Kept(f"m{self._made}", body, self.now, self.now + delay, attributes or {})
        self.messages[url][kept.id] = kept

    def receive(self, url: str, most: int, hidden_seconds: int) -> list[dict[str, Any]]:
        """Hands out some messages; a standard queue has no order."""
        self.now += self.receive_seconds
        queue = self.messages[url]
        if sum(each.due_at > self.now for each in queue.values() if each.receives) >= self._max_in_flight:
            return []
        due = [each for each in queue.values() if each.due_at <= self.now or self._comes_twice(each)]
        found = self._chance.sample(due, min(len(due), most))
        found = [each for each in found if not self._is_moved(url, each)]
        for each in found:
            each.receives += 1
            each.handle = f"{each.id}-{each.receives}"
            each.due_at = self.now + hidden_seconds
        return [each.received() for each in found]

    def delete(self, url: str, handle: str) -> None:
        """Forgets a message, unless it was received again since then."""
        if message := self._held(url, handle):
            del self.messages[url][message.id]

    def hide(self, url: str, handle: str, seconds: int) -> None:
        """Hands a message out again after that time."""
        if message := self._held(url, handle):
            message.due_at = self.now + seconds

    def counts(self, url: str) -> dict[str, int]:
        """SQS's counts."""
        messages = self.messages[url].values()
        waiting = sum(each.due_at <= self.now for each in messages)
        delayed = sum(each.due_at > self.now for each in messages if not each.receives)
        return {
            "ApproximateNumberOfMessages": waiting,
            "ApproximateNumberOfMessagesNotVisible": len(messages) - waiting - delayed,
            "ApproximateNumberOfMessagesDelayed": delayed,
        }

    def _held(self, url: str, handle: str) -> Kept | None:
        message = self.messages[url].get(handle.partition("-")[0])
        return message if message and message.handle == handle else None

    def _comes_twice(self, message: Kept) -> bool:
        return bool(message.receives) and self._chance.random() < self._twice

    def _is_moved(self, url: str, message: Kept) -> bool:
        """Whether a message was received too often, so that it is a dead letter now; its age goes on."""
        if url != WORK or message.receives < self._max_receives:
            return False
        del self.messages[url][message.id]
        moved = Kept(message.id, message.body, message.sent_at, self.now, message.attributes, arn_of(url))
        self.messages[DEAD][message.id] = moved
        return True


class MemorySqs:
    """A client of one process.

    Args:
        queues: Its queues.
        faults: What goes wrong at each call.
    """

    def __init__(self, queues: MemoryQueues, faults: Faults) -> None:
        self._queues = queues
        self._faults = faults

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> Any:  # noqa: N803
        """As boto3's."""

        def send(entry: Any) -> None:
            attributes, delay = entry.get("MessageAttributes"), entry.get("DelaySeconds", 0)
            self._queues.put(QueueUrl, entry["MessageBody"], attributes, delay)

        return self._batch("SendMessageBatch", Entries, send)

    def receive_message(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        MaxNumberOfMessages: int,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
        **_: object,
    ) -> Any:
        """As boto3's; all attributes are asked for."""
        return self._faults.call(
            "ReceiveMessage",
            lambda: {"Messages": self._queues.receive(QueueUrl, MaxNumberOfMessages, VisibilityTimeout)},
        )

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> Any:  # noqa: N803
        """As boto3's."""
        return self._faults.call("DeleteMessage", lambda: self._queues.delete(QueueUrl, ReceiptHandle))

    def delete_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> Any:  # noqa: N803
        """As boto3's."""
        return self._batch(
            "DeleteMessageBatch", Entries, lambda each: self._queues.delete(QueueUrl, each["ReceiptHandle"])
        )

    def change_message_visibility(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        ReceiptHandle: str,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
    ) -> Any:
        """As boto3's."""
        return self._faults.call(
            "ChangeMessageVisibility", lambda: self._queues.hide(QueueUrl, ReceiptHandle, VisibilityTimeout)
        )

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> Any:  # noqa: N803
        """As boto3's."""
        return self._batch(
            "ChangeMessageVisibilityBatch",
            Entries,
            lambda each: self._queues.hide(QueueUrl, each["ReceiptHandle"], each["VisibilityTimeout"]),
        )

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: Sequence[str]) -> Any:  # noqa: N803
        """As boto3's."""

        def described() -> Any:
            found = {"QueueArn": arn_of(QueueUrl), **self._queues.counts(QueueUrl)}
            return {
                "Attributes": {name: str(found[name]) for name in AttributeNames},
                "ResponseMetadata": {"HTTPHeaders": {"date": formatdate(self._queues.now, usegmt=True)}},
            }

        return self._faults.call("GetQueueAttributes", described)

    def _batch(self, operation: str, entries: Sequence[Any], do: Any) -> Any:
        """Does the same to each entry, but for those that SQS refuses for now."""
        assert 0 < len({each["Id"] for each in entries}) == len(entries) <= MAX_ENTRIES

        def act() -> Any:
            answer: dict[str, list[Any]] = {"Successful": [], "Failed": []}
            for each in entries:
                if self._faults.is_refused(operation):
                    failed = {"SenderFault": False, "Code": "InternalError", "Message": "no"}
                    answer["Failed"].append({"Id": each["Id"], **failed})
                else:
                    do(each)
                    answer["Successful"].append({"Id": each["Id"]})
            return answer

        return self._faults.call(operation, act)
