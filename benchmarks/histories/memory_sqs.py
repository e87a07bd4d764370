"""SQS in memory, behind the client's seam: standard queues, as far as function and commands use them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from random import Random
from typing import Any, NamedTuple

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


class RedrivePolicy(NamedTuple):
    """The queue that gets a message which was received so often."""

    dead_letters: str
    max_receives: int


class MemorySqs:
    """Two queues or more.

    Args:
        faults: What goes wrong at each call.
        chance: Draws the order in which messages come.
        policies: The redrive policy of a queue, by its URL.
        twice: Share of the messages in flight that SQS hands out once more.
        max_in_flight: At this number of received messages SQS hands out no more.
    """

    def __init__(
        self,
        faults: Faults,
        chance: Random,
        *,
        policies: Mapping[str, RedrivePolicy] | None = None,
        twice: float = 0.0,
        max_in_flight: int = 120_000,
    ) -> None:
        self.now = 1_700_000_000.0
        self.queues: dict[str, dict[str, Kept]] = {WORK: {}, DEAD: {}}
        self.twice = twice
        self.tick_seconds = 0.0
        """Time that each receive takes."""
        self._faults = faults
        self._chance = chance
        self._policies = policies or {}
        self._max_in_flight = max_in_flight
        self._made = 0

    def bodies(self, url: str) -> list[str]:
        """The texts of all messages of a queue, whoever holds them."""
        return [each.body for each in self.queues[url].values()]

    def put(self, url: str, body: str, attributes: Mapping[str, Any] | None = None, delay: int = 0) -> None:
        """Send a message, without a fault."""
        self._made += 1
        kept = Kept(f"m{self._made}", body, self.now, self.now + delay, attributes or {})
        self.queues[url][kept.id] = kept

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> Any:  # noqa: N803
        """As boto3's."""
        assert 0 < len(Entries) <= MAX_ENTRIES
        assert len({each["Id"] for each in Entries}) == len(Entries)

        def act() -> Any:
            answer: dict[str, list[Any]] = {"Successful": [], "Failed": []}
            for each in Entries:
                if self._faults.is_refused():
                    answer["Failed"].append(_failed(each))
                    continue
                delay = each.get("DelaySeconds", 0)
                self.put(QueueUrl, each["MessageBody"], each.get("MessageAttributes"), delay)
                answer["Successful"].append({"Id": each["Id"]})
            return answer

        return self._faults.call("SendMessageBatch", act)

    def receive_message(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        MaxNumberOfMessages: int,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
        **_: object,
    ) -> Any:
        """As boto3's; all attributes are asked for."""

        def act() -> Any:
            self.now += self.tick_seconds
            queue = self.queues[QueueUrl]
            in_flight = sum(each.due_at > self.now for each in queue.values() if each.receives)
            if in_flight >= self._max_in_flight:
                return {}
            found = [each for each in queue.values() if self._comes(each)]
            found = self._chance.sample(found, min(len(found), MaxNumberOfMessages))
            found = [each for each in found if not self._is_moved(QueueUrl, each)]
            for each in found:
                each.receives += 1
                each.handle = f"{each.id}-{each.receives}"
                each.due_at = self.now + VisibilityTimeout
            return {"Messages": [_received(each) for each in found]}

        return self._faults.call("ReceiveMessage", act)

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> Any:  # noqa: N803
        """As boto3's: of a message that was received again since then, SQS may keep it."""
        return self._faults.call("DeleteMessage", lambda: self._delete(QueueUrl, ReceiptHandle))

    def delete_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> Any:  # noqa: N803
        """As boto3's."""
        assert 0 < len(Entries) <= MAX_ENTRIES

        def act() -> Any:
            refused = [each for each in Entries if self._faults.is_refused()]
            for each in Entries:
                if each not in refused:
                    self._delete(QueueUrl, each["ReceiptHandle"])
            return {"Successful": [], "Failed": [_failed(each) for each in refused]}

        return self._faults.call("DeleteMessageBatch", act)

    def change_message_visibility(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        ReceiptHandle: str,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
    ) -> Any:
        """As boto3's."""
        return self._faults.call(
            "ChangeMessageVisibility", lambda: self._hide(QueueUrl, ReceiptHandle, VisibilityTimeout)
        )

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> Any:  # noqa: N803
        """As boto3's."""
        assert 0 < len(Entries) <= MAX_ENTRIES

        def act() -> Any:
            for each in Entries:
                self._hide(QueueUrl, each["ReceiptHandle"], each["VisibilityTimeout"])
            return {"Successful": [], "Failed": []}

        return self._faults.call("ChangeMessageVisibilityBatch", act)

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: Sequence[str]) -> Any:  # noqa: N803
        """As boto3's."""

        def act() -> Any:
            messages = self.queues[QueueUrl].values()
            waiting = sum(each.due_at <= self.now for each in messages)
            delayed = sum(each.due_at > self.now for each in messages if not each.receives)
            found = {
                "QueueArn": arn_of(QueueUrl),
                "ApproximateNumberOfMessages": waiting,
                "ApproximateNumberOfMessagesNotVisible": len(messages) - waiting - delayed,
                "ApproximateNumberOfMessagesDelayed": delayed,
            }
            return {
                "Attributes": {name: str(found[name]) for name in AttributeNames},
                "ResponseMetadata": {"HTTPHeaders": {"date": formatdate(self.now, usegmt=True)}},
            }

        return self._faults.call("GetQueueAttributes", act)

    def _comes(self, message: Kept) -> bool:
        is_once_more = bool(message.receives) and self._chance.random() < self.twice
        return message.due_at <= self.now or is_once_more

    def _is_moved(self, url: str, message: Kept) -> bool:
        """Whether a message was received too often, so that it is a dead letter now; its age goes on."""
        policy = self._policies.get(url)
        if policy is None or message.receives < policy.max_receives:
            return False
        del self.queues[url][message.id]
        moved = Kept(message.id, message.body, message.sent_at, self.now, message.attributes, arn_of(url))
        self.queues[policy.dead_letters][message.id] = moved
        return True

    def _delete(self, url: str, handle: str) -> None:
        message = self.queues[url].get(handle.partition("-")[0])
        if message and message.handle == handle:
            del self.queues[url][message.id]

    def _hide(self, url: str, handle: str, seconds: int) -> None:
        message = self.queues[url].get(handle.partition("-")[0])
        if message and message.handle == handle:
            message.due_at = self.now + seconds


def _received(message: Kept) -> dict[str, Any]:
    system = {
        "ApproximateReceiveCount": str(message.receives),
        "SentTimestamp": str(int(message.sent_at * 1000)),
    }
    if message.origin:
        system["DeadLetterQueueSourceArn"] = message.origin
    return {
        "MessageId": message.id,
        "ReceiptHandle": message.handle,
        "Body": message.body,
        "Attributes": system,
        "MessageAttributes": dict(message.attributes),
    }


def _failed(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"Id": entry["Id"], "SenderFault": False, "Code": "InternalError", "Message": "no"}
