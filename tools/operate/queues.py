"""An SQS queue: receives, sends, deletes and releases messages in batches, and checks the result of each."""

import time
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from tools.ground.aws import explained
from url_fetcher.work_queue.batches import MAX_ENTRIES, batches

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

WAIT_SECONDS = 1
"""With any wait, SQS asks all of its servers, so that an empty answer means an empty queue."""

ATTEMPTS, FIRST_PAUSE_SECONDS = 5, 0.2


class Message(NamedTuple):
    """A message that was received.

    Attributes:
        id: SQS's own, the same each time that it is received.
        handle: Receipt handle, which deletes or releases it.
        body: Its text.
        sent_at: When it was sent, in milliseconds since 1970.
        attributes: The sender's attributes and those of SQS, as texts.
    """

    id: str
    handle: str
    body: str
    sent_at: int
    attributes: Mapping[str, str]


class Counts(NamedTuple):
    """About how many messages a queue has.

    Attributes:
        waiting: Those that can be received.
        in_flight: Those that were received, and neither deleted nor due again.
        delayed: Those that were sent with a delay, such as a failed URL's next attempt.
    """

    waiting: int
    in_flight: int
    delayed: int


class Queue:
    """A queue.

    Args:
        sqs: A client.
        url: URL of the queue.
    """

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self.url = url
        self._sqs = sqs

    def receive(self, *, hold_seconds: int) -> list[Message]:
        """Up to ten messages; none if the queue is empty.

        Args:
            hold_seconds: Time in which they are not received again, unless they are released.
        """
        with explained():
            answer = self._sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=MAX_ENTRIES,
                VisibilityTimeout=hold_seconds,
                WaitTimeSeconds=WAIT_SECONDS,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        return [_message(each) for each in answer.get("Messages", [])]

    def send(self, bodies: Sequence[str]) -> list[str]:
        """The reason why SQS refused each message, in order; empty for those that it says it accepted.

        Messages that failed inside of SQS are sent again, up to five times.
        """
        reasons: dict[str, str] = {}
        entries = ({"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies))
        for batch in batches(entries):
            reasons |= self._tried(self._sqs.send_message_batch, batch)
        return [reasons[str(number)] for number in range(len(bodies))]

    def delete(self, messages: Sequence[Message]) -> set[str]:
        """The ids of messages that could not be deleted and will be received again; tried as ``send``."""
        left = set()
        for some in tens(messages):
            entries = [{"Id": str(number), "ReceiptHandle": each.handle} for number, each in enumerate(some)]
            reasons = self._tried(self._sqs.delete_message_batch, entries)
            left |= {some[int(id_)].id for id_, reason in reasons.items() if reason}
        return left

    def release(self, handles: Sequence[str]) -> None:
        """Make up to ten received messages available again at once."""
        entries: Any = [
            {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
            for number, handle in enumerate(handles)
        ]
        with explained():
            self._sqs.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)

    def attribute(self, name: str) -> str:
        """One of its attributes."""
        found: str = self._described(name)["Attributes"][name]
        return found

    @property
    def moves_what_is_received(self) -> bool:
        """True if SQS moves a message on that was received often."""
        return "RedrivePolicy" in self._described("RedrivePolicy").get("Attributes", {})

    def counts(self) -> Counts:
        """About how many messages it has."""
        names = [f"ApproximateNumberOfMessages{each}" for each in ("", "NotVisible", "Delayed")]
        found = self._described(*names)["Attributes"]
        return Counts(*(int(found[name]) for name in names))

    def now(self) -> int:
        """SQS's own time, in milliseconds since 1970, a second late at most."""
        date = self._described("QueueArn")["ResponseMetadata"]["HTTPHeaders"]["date"]
        return int(parsedate_to_datetime(date).timestamp() + 1) * 1000

    def _described(self, *names: Any) -> Any:
        """SQS's answer about attributes of the queue."""
        with explained():
            return self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)

    def _tried(self, call: Any, entries: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """The reason why SQS refused each entry of a batch, by its Id; empty if SQS says that it is done."""
        reasons: dict[str, str] = {}
        pause_seconds = FIRST_PAUSE_SECONDS
        for attempt in range(ATTEMPTS):
            with explained():
                answer = call(QueueUrl=self.url, Entries=entries)
            done = {each["Id"] for each in answer.get("Successful", [])}
            failed = {each["Id"]: each for each in answer.get("Failed", [])}
            reasons |= {each["Id"]: "SQS did not say whether it has it" for each in entries}
            reasons |= {id_: f"{each['Code']}: {each.get('Message', '')}" for id_, each in failed.items()}
            reasons |= dict.fromkeys(done, "")
            final = done | {id_ for id_, each in failed.items() if each["SenderFault"]}
            entries = [each for each in entries if each["Id"] not in final]
            if not entries or attempt == ATTEMPTS - 1:
                break
            time.sleep(pause_seconds)
            pause_seconds *= 2
        return reasons


def _message(received: "MessageTypeDef") -> Message:
    own = {name: each.get("StringValue", "") for name, each in received.get("MessageAttributes", {}).items()}
    system: Mapping[Any, str] = received.get("Attributes", {})
    return Message(
        received["MessageId"],
        received["ReceiptHandle"],
        received["Body"],
        int(system.get("SentTimestamp", "0")),
        {**system, **own},
    )


def tens(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """As many of them as SQS takes in one request, again and again."""
    for start in range(0, len(items), MAX_ENTRIES):
        yield items[start : start + MAX_ENTRIES]
