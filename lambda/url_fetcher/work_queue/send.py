"""Sends messages to the work queue and to the dead letter queue, each until SQS has accepted it."""

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotocoreConnectionError

from url_fetcher.aws_calls import refusal_in
from url_fetcher.errors import DeadlineExceeded, IngestionError, WorkQueueRejected, WorkQueueUnavailable
from url_fetcher.work_queue.batches import batches

if TYPE_CHECKING:
    from collections.abc import Callable

    from url_fetcher.deadline import Deadline

ATTEMPTS = "attempts"
"""The message attribute with the number of attempts at its event before it was sent."""

ATTEMPTS_MADE = "attempts_made"
"""The attribute of a dead letter with the same; another name, so that whoever sends it again begins anew."""

QUEUE = "work_queue"
"""The attribute of a dead letter with the URL of the queue that its event is sent to again."""

MAX_DELAY_SECONDS = 900
"""The longest delay that SQS allows for a new message."""

_FIRST_DELAY_SECONDS = 15.0
_MAX_ERROR_BYTES = 1024
_MAX_MESSAGE_BYTES, _MAX_REASON_BYTES = 256 * 1024, 2 * 1024
_PAUSE_SECONDS = 0.2
_TRANSIENT_CODES = frozenset(
    {
        "AWS.SimpleQueueService.OverLimit",
        "KMS.ThrottlingException",
        "KmsThrottled",
        "OverLimit",
        "RequestThrottled",
        "Throttling",
        "ThrottlingException",
    }
)


class SendsMessages(Protocol):
    """The calls of an SQS client that are used here."""

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> Mapping[str, Any]:  # noqa: N803
        """As boto3's."""

    def change_message_visibility(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        ReceiptHandle: str,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
    ) -> object:
        """As boto3's."""

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> object:  # noqa: N803
        """As boto3's."""


class Outgoing(NamedTuple):
    """One message to send.

    Args:
        body: The event as text.
        delay_seconds: The time before it can be received, up to 900.
        attempts: The number of attempts at the event so far.
    """

    body: str
    delay_seconds: int = 0
    attempts: int = 0


class DeadLetter(NamedTuple):
    """One event for the dead letter queue.

    Args:
        body: The event as text.
        error: The reason of the failure, without secrets.
        attempts: The number of attempts at the event; 0 if it was never tried.
    """

    body: str
    error: IngestionError
    attempts: int = 0


class WorkQueue:
    """The queue whose messages the function consumes, and the dead letter queue behind it.

    Args:
        client: Returns the SQS client; called when a message is sent.
        url: URL of the work queue; empty if there is none.
        dead_letter_url: URL of the dead letter queue; empty if there is none.
        deadline: Nothing is sent or waited for after it.
    """

    def __init__(
        self,
        client: "Callable[[], SendsMessages]",
        *,
        url: str,
        dead_letter_url: str,
        deadline: "Deadline",
    ) -> None:
        self.url = url
        self.dead_letter_url = dead_letter_url
        self._client = client
        self._deadline = deadline

    def send(self, messages: Iterable[Outgoing]) -> None:
        """Sends messages to the work queue, each at least once; the iterable is read step by step.

        Raises:
            WorkQueueRejected: When SQS refuses a message for good; not retryable.
            WorkQueueUnavailable: When SQS fails, or still refuses messages at the deadline; retryable.
        """
        self._send(
            self.url, (_entry(each.body, each.delay_seconds, {ATTEMPTS: each.attempts}) for each in messages)
        )

    def send_dead_letters(self, dead_letters: Iterable[DeadLetter], *, request_id: str) -> None:
        """Sends events to the dead letter queue that failed at their last attempt.

        Each has the attributes ``error_type``, ``error``, ``attempts_made``, ``request_id``, ``failed_at``
        and ``work_queue``, unless it is so large that SQS would refuse it with them; then the reason is in
        the log only.

        Args:
            dead_letters: The events, with their errors.
            request_id: The invocation's id, by which its log is found.

        Raises:
            WorkQueueRejected: As ``send``.
            WorkQueueUnavailable: As ``send``.
        """
        failed_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = {"request_id": request_id, "failed_at": failed_at, QUEUE: self.url}
        self._send(
            self.dead_letter_url,
            (
                _entry(each.body, 0, _why(each) | fields if _has_room(each.body) else {})
                for each in dead_letters
            ),
        )

    def delay(self, receipt_handle: str, seconds: int) -> None:
        """Makes SQS deliver a received message again after so many seconds.

        Raises:
            WorkQueueRejected: When the queue does not know the receipt; not retryable.
            WorkQueueUnavailable: When it fails; retryable.
        """
        self._call(
            self.url,
            lambda: self._client().change_message_visibility(
                QueueUrl=self.url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
            ),
        )

    def delete(self, receipt_handle: str) -> None:
        """Makes SQS forget a received message; raises as ``delay``."""
        self._call(
            self.url, lambda: self._client().delete_message(QueueUrl=self.url, ReceiptHandle=receipt_handle)
        )

    def _send(self, url: str, entries: "Iterable[dict[str, Any]]") -> None:
        for batch in batches(entries):
            waiting, pause_seconds = {each["Id"]: each for each in batch}, _PAUSE_SECONDS
            while waiting := self._refused(url, waiting):
                self._wait(url, random.random() * pause_seconds, left=len(waiting))
                pause_seconds *= 2

    def _refused(self, url: str, waiting: "Mapping[str, dict[str, Any]]") -> "dict[str, dict[str, Any]]":
        """Sends one request. Returns the entries that must be sent again."""
        entries = list(waiting.values())
        answer: Any = self._call(
            url, lambda: self._client().send_message_batch(QueueUrl=url, Entries=entries)
        )
        for failed in answer.get("Failed", ()):
            if failed.get("SenderFault"):
                code, message = failed.get("Code", ""), failed.get("Message", "")
                raise WorkQueueRejected(f"the queue {url} refuses a message: {code}: {message}", code=code)
        accepted = {each["Id"] for each in answer.get("Successful", ())}
        return {id_: each for id_, each in waiting.items() if id_ not in accepted}

    def _wait(self, url: str, seconds: float, *, left: int) -> None:
        try:
            self._deadline.wait(seconds, reason=f"the queue {url} refuses {left} messages for now")
        except DeadlineExceeded as error:
            raise WorkQueueUnavailable(str(error), not_sent=left) from error

    def _call(self, url: str, request: "Callable[[], object]") -> object:
        """Returns the answer of SQS.

        Raises:
            WorkQueueRejected: When SQS refuses the call; not retryable.
            WorkQueueUnavailable: When SQS fails or does not answer; retryable.
        """
        if not url:
            raise WorkQueueRejected(
                "there is no queue to send to: set queue.enabled = true, and deploy again"
            )
        try:
            return self._deadline.bounded(request)
        except ClientError as error:
            refusal = refusal_in(error)
            is_transient = refusal.is_servers_fault or refusal.code in _TRANSIENT_CODES
            failure = WorkQueueUnavailable if is_transient else WorkQueueRejected
            raise failure(f"the queue {url} refuses the call: {error}", code=refusal.code) from error
        except (HTTPClientError, BotocoreConnectionError, TimeoutError) as error:
            reason = type(error).__name__
            raise WorkQueueUnavailable(f"the queue {url}: no answer from SQS ({reason})") from error
        except BotoCoreError as error:
            raise WorkQueueRejected(f"the queue {url} cannot be called: {error}") from error


def body_of(event: object) -> str:
    """Returns an event as a message's text: JSON in which the two characters that SQS refuses are escaped."""
    text = msgspec.json.encode(event).decode()
    return text.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")


def again_seconds(attempt: int, error: IngestionError, *, max_seconds: float) -> int:
    """Seconds until the next attempt: the wait that the source asked for, else 15 s, doubled each time.

    Args:
        attempt: The number of the failed attempt, from 1.
        error: The reason of the failure.
        max_seconds: The longest wait.
    """
    asked = error.details.get("retry_after_seconds") or error.details.get("wait_seconds")
    if isinstance(asked, float | int):
        # The random part keeps events that wait for the same source from returning at once.
        return int(min(max_seconds, asked + random.uniform(0, _FIRST_DELAY_SECONDS)))
    cap = min(max_seconds, _FIRST_DELAY_SECONDS * 2.0 ** min(attempt - 1, 30))
    return int(cap * random.uniform(0.5, 1))


def _has_room(body: str) -> bool:
    """False if the reason has no room beside a body in the 256 KiB that SQS takes by default.

    The work queue refuses such a body; before it did so, it took one. A longer body than 256 KiB comes from
    a queue with a larger limit.
    """
    size = len(body.encode(errors="surrogatepass"))
    return not _MAX_MESSAGE_BYTES - _MAX_REASON_BYTES < size <= _MAX_MESSAGE_BYTES


def _why(dead_letter: DeadLetter) -> dict[str, str | int]:
    error = dead_letter.error
    return {
        "error_type": type(error).__name__,
        "error": _shortened(str(error)),
        ATTEMPTS_MADE: dead_letter.attempts,
    }


def _entry(body: str, delay_seconds: int, attributes: Mapping[str, str | int]) -> dict[str, Any]:
    fields = {
        name: {"DataType": "Number" if isinstance(value, int) else "String", "StringValue": str(value)}
        for name, value in attributes.items()
        if value
    }
    return {
        "MessageBody": body,
        "DelaySeconds": delay_seconds,
        **({"MessageAttributes": fields} if fields else {}),
    }


def _shortened(text: str) -> str:
    """Cuts a text to 1 KiB and replaces characters that SQS refuses in an attribute."""
    clean = "".join(each if each.isprintable() else " " for each in text[:_MAX_ERROR_BYTES])
    return clean.encode(errors="replace")[:_MAX_ERROR_BYTES].decode(errors="ignore")
