"""Consumes messages of the work queue one by one, and tells SQS which of them failed."""

import random
import re
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from url_fetcher.deadline import Deadline
from url_fetcher.errors import DeliveryError, IngestionError
from url_fetcher.intake.decoding import decode_settings
from url_fetcher.intake.event import source_name_in
from url_fetcher.work_queue.send import ATTEMPTS, DeadLetter, Outgoing, WorkQueue, again_seconds
from url_fetcher.work_queue.wrapped_events import is_invocation_record, is_scheduler_request

if TYPE_CHECKING:
    from url_fetcher.invocation import Invocation
    from url_fetcher.telling.logs import Log

# The part of an invocation's time that is kept for reporting the results to SQS.
_TELL_SHARE, _MIN_TELL_SECONDS, _MAX_TELL_SECONDS = 0.05, 1.0, 5.0
_BEGIN_SHARE = 0.25
_VISIBILITY_TIMEOUTS = 6
"""The queue's visibility timeout in timeouts of the function; AWS asks for at least six."""


class Message(msgspec.Struct, rename="camel"):
    """A message in the form in which Lambda delivers it."""

    message_id: str
    receipt_handle: str
    body: str
    attributes: dict[str, str] = {}
    message_attributes: dict[str, Any] = {}

    @property
    def tried_before(self) -> int:
        """The number of attempts at its event before this message was sent."""
        attribute = self.message_attributes.get(ATTEMPTS)
        text = attribute.get("stringValue") if isinstance(attribute, dict) else None
        return _count(text) if isinstance(text, str) else 0

    @property
    def receives(self) -> int:
        """How often the message was received, this time included."""
        return max(1, _count(self.attributes.get("ApproximateReceiveCount", "")))

    @property
    def attempt(self) -> int:
        """The number of this attempt at its event, from 1.

        A receive counts as an attempt even if Lambda could not invoke the function. SQS does not tell it from
        one in which the process died, and that one has to count.
        """
        return self.tried_before + self.receives


def consume(records: Sequence[Mapping[str, Any]], invocation: "Invocation") -> dict[str, object]:
    """Returns the answer to a batch of messages: ``batchItemFailures`` with the ids of failed ones.

    Raises:
        ConfigurationError: When the environment is wrong or a record is no SQS message; not retryable.
    """
    return Consumer(invocation).answer(decode_settings(list(records), list[Message], where="the event"))


class Consumer:
    """Ingests one message after the other; each failed message is delivered again alone.

    If some were received before, one of them may have ended the process. Then each that is done is deleted at
    once, because Lambda deletes none of a batch whose process ends.

    Args:
        invocation: Handles the events.
    """

    def __init__(self, invocation: "Invocation") -> None:
        environment = invocation.environment
        self._invocation = invocation
        self._max_attempts = environment.max_attempts
        self._seconds = invocation.remaining_seconds()
        self._queue = WorkQueue(
            lambda: invocation.clients.sqs,
            url=environment.work_queue_url,
            dead_letter_url=environment.dead_letter_queue_url,
            deadline=Deadline(self._seconds - 0.2),
        )
        self._tell_seconds = min(_MAX_TELL_SECONDS, max(_MIN_TELL_SECONDS, _TELL_SHARE * self._seconds))
        self._longest_seconds = 0.0

    def answer(self, messages: Sequence[Message]) -> dict[str, object]:
        """As ``consume``."""
        failed: list[str] = []
        begun = 0
        ordered = _in_order(messages)
        is_suspect = bool(ordered) and ordered[-1].receives > 1
        for message in ordered:
            if begun and not self._has_time:
                break
            begun += 1
            if not self._is_done(message):
                failed.append(message.message_id)
            elif is_suspect:
                self._delete(message)
        failed += self._give_back(ordered[begun:])
        return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}

    @property
    def _has_time(self) -> bool:
        """True if another message may be begun, which may take as long as the longest so far."""
        remaining = self._invocation.remaining_seconds() - self._tell_seconds
        return remaining > max(_BEGIN_SHARE * self._seconds, self._longest_seconds)

    def _is_done(self, message: Message) -> bool:
        """True if the queue may delete a message: it was ingested, or it is in the dead letter queue."""
        began = time.monotonic()
        try:
            self._invocation.answer(
                event_in_message(message.body),
                message_id=message.message_id,
                attempt=message.attempt,
                reserved_seconds=self._tell_seconds,
            )
        except IngestionError as error:
            return self._is_in_dead_letters(message, error)
        finally:
            self._longest_seconds = max(self._longest_seconds, time.monotonic() - began)
        return True

    def _is_in_dead_letters(self, message: Message, error: IngestionError) -> bool:
        """True if the failed message is now in the dead letter queue, False if SQS will deliver it again."""
        log = self._invocation.log(message_id=message.message_id)
        is_last = message.attempt >= self._max_attempts
        try:
            if is_last:
                self._queue.send_dead_letters(
                    [DeadLetter(message.body, error, message.attempt)], request_id=self._invocation.request_id
                )
                name = source_name_in(event_in_message(message.body))
                log.warning("message sent to the dead letters", source_name=name, attempt=message.attempt)
                return True
            max_seconds = _VISIBILITY_TIMEOUTS * self._seconds
            seconds = again_seconds(message.attempt, error, max_seconds=max_seconds)
            self._queue.delay(message.receipt_handle, seconds)
            log.info("message comes again", attempt=message.attempt, seconds=seconds)
        except DeliveryError as failure:
            _warn(log, failure)
        return False

    def _delete(self, message: Message) -> None:
        """Deletes a message that is done; if that fails, Lambda does it at the end."""
        try:
            self._queue.delete(message.receipt_handle)
        except DeliveryError as failure:
            _warn(self._invocation.log(message_id=message.message_id), failure)

    def _give_back(self, messages: Sequence[Message]) -> list[str]:
        """Sends messages again for which there was no time, so that no attempt is counted.

        Returns the ids of messages that could not be sent; SQS delivers them after the visibility timeout.
        """
        if not messages:
            return []
        log = self._invocation.log()
        try:
            self._queue.send(Outgoing(each.body, attempts=each.attempt - 1) for each in messages)
        except DeliveryError as failure:
            _warn(log, failure)
            return [each.message_id for each in messages]
        log.info("messages given back", messages=len(messages))
        return []


def _in_order(messages: Sequence[Message]) -> list[Message]:
    """Returns new messages first, then those that were received before, one of which may end the process.

    These have another random order at every second receive, and its reverse at the next. So every other one
    comes before the one that ends the process within two receives, and with several of those within a few.
    """
    rounds = max((each.receives for each in messages), default=1)

    def place(message: Message) -> tuple[bool, float]:
        if message.receives == 1:
            return False, 0.0
        drawn = random.Random(f"{message.message_id} {rounds // 2}").random()
        return True, -drawn if rounds % 2 else drawn

    return sorted(messages, key=place)


def event_in_message(body: str) -> object:
    """Returns the event in a message, also if Lambda or EventBridge Scheduler wrapped it when it failed.

    Text that is not JSON is returned unchanged, and then refused because an event is an object.
    """
    try:
        event = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return body
    if not isinstance(event, dict):
        return event
    if is_invocation_record(event):
        return event["requestPayload"]
    if is_scheduler_request(event) and isinstance(event["MessageBody"], str):
        return event_in_message(event["MessageBody"])
    return event


def _count(text: str) -> int:
    """Parses a small number in a message's attribute; 0 for anything else."""
    return int(text) if re.fullmatch("[0-9]{1,6}", text, re.ASCII) else 0


def _warn(log: "Log", failure: DeliveryError) -> None:
    log.warning("the queue could not be told", error=str(failure), error_type=type(failure).__name__)
