"""The event in a message of the dead letter queue, whoever put it there.

The function and SQS put the very event there. Lambda and EventBridge Scheduler may wrap it. A queue that
existed before may also hold what others failed to deliver: that is told by its form, and by its origin.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from tools.operate.failure_text import HINT, resume_in
from tools.operate.queues import Message
from url_fetcher.intake.event_kinds import EVENT_KINDS, URLS, WATCH
from url_fetcher.source.schema import Source
from url_fetcher.work_queue.send import ATTEMPTS_MADE, QUEUE
from url_fetcher.work_queue.wrapped_events import is_invocation_record, is_scheduler_request

ARN_PART_OF_NAME = 6
REASONS = ("error_type", "ERROR_CODE", "ErrorCode")
ERRORS = ("error", "ERROR_MESSAGE", "ErrorMessage")
"""Attributes that say why: the function's, EventBridge Scheduler's, and Lambda's own."""

SOURCE_KEYS = {each.encode_name for each in msgspec.structs.fields(Source)} | {"resume"}
MAX_NAMED = 200

_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw] | None).decode


class NoEvent(ValueError):
    """When a message holds no event of this pipeline's function."""


class Pipeline(NamedTuple):
    """The pipeline whose events are expected.

    Attributes:
        function: Name of its function.
        work_arn: ARN of its work queue.
        default_source: Name of the source of an event that names none.
    """

    function: str
    work_arn: str
    default_source: str = ""


class DeadEvent(NamedTuple):
    """An event that failed.

    Attributes:
        body: As it was sent, to be sent again.
        source: Name of its source; empty if it names none.
        shown_as: The source, or else a short description without secrets.
        reason: Why it failed, in one word or a few.
        failed_at: When, ISO 8601.
        error: The error's text; empty if nobody wrote it down.
        attempts: How often it was tried; 0 if that is not known.
    """

    body: str
    source: str
    shown_as: str
    reason: str
    failed_at: str = ""
    error: str = ""
    attempts: int = 0

    def explanation(self) -> Iterator[str]:
        """What happened, and how to go on; each a line."""
        yield self.error.partition(HINT)[0]
        yield f"tried {'once' if self.attempts == 1 else f'{self.attempts:,} times'}" if self.attempts else ""
        if resume := resume_in(self.error):
            yield f"resume {resume}"
        elif HINT.strip("; ") in self.error:
            yield "resume: too long for a dead letter; `make logs` has it"


def dead_event(message: Message, pipeline: Pipeline) -> DeadEvent:
    """The event in a message.

    Raises:
        NoEvent: When there is none, or it is not this pipeline's.
    """
    _refuse_other_origin(message, pipeline)
    found = _object(message.body.encode())
    body, reason, error = message.body, _reason(message), _given(message, ERRORS)
    attempts = _count(_given(message, (ATTEMPTS_MADE,)))
    failed_at = _given(message, ("failed_at",)) or _time(message.sent_at)
    if is_invocation_record(found):
        record = _decoded(message.body.encode())
        _refuse_other_function(record, pipeline.function)
        payload = bytes(found["requestPayload"])
        body, reason = ("{}" if payload == b"null" else payload.decode()), _failure(record)
        error, attempts = _error(record), _count(record["requestContext"].get("approximateInvokeCount"))
        failed_at = str(record.get("timestamp") or failed_at)
        found = _object(payload)
    elif is_scheduler_request(found):
        _refuse_other_queue(_decoded(bytes(found["QueueUrl"])), pipeline)
        sent = _decoded(bytes(found["MessageBody"]))
        body = sent if isinstance(sent, str) else ""
        found = _object(body.encode())
    else:
        _refuse_other_target(message.attributes.get("TARGET_ARN", pipeline.work_arn), pipeline)
    keys = _keys(found)
    event: dict[str, Any] = {
        name: _decoded(bytes(keys[name])) for name in ("name", "source", "url") if name in keys
    }
    source = event.get("source") or event.get("name") or ("" if keys else pipeline.default_source)
    source = source if isinstance(source, str) else ""
    shown_as = source or _shown(event, keys)
    return DeadEvent(body, source, shown_as, reason, failed_at, error, attempts)


def _keys(found: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """The keys of an event that say what it asks for; null gives nothing, as in the function.

    Raises:
        NoEvent: When no event of the function has such keys, so that it could only refuse them.
    """
    keys = {name: value for name, value in found.items() if bytes(value) != b"null"}
    if "requestContext" in keys:
        raise NoEvent("is a record of Lambda without requestPayload: the event was too large to be kept")
    kind = next((each for each in EVENT_KINDS if each.key in keys), None)
    allowed = SOURCE_KEYS | set(kind.keys) if kind else SOURCE_KEYS if "url" in keys else {"source", "resume"}
    if others := sorted(keys.keys() - allowed):
        raise NoEvent(f"is no event of the function: it has {', '.join(others)[:MAX_NAMED]}")
    asked = {name: value for name, value in keys.items() if name != "resume"}
    if not asked and found.keys() - {"resume"}:
        raise NoEvent(f"is no event of the function: {', '.join(sorted(found))[:MAX_NAMED]} give nothing")
    if "source" in keys and not bytes(keys["source"]).startswith(b'"'):
        raise NoEvent("is no event of the function: its source is no text")
    if kind is URLS and not any(map(_has_url, _items(keys["urls"]))):
        raise NoEvent("has no URL that could be fetched")
    return asked


def _items(urls: msgspec.Raw) -> list[Any]:
    found = _decoded(bytes(urls))
    return found if isinstance(found, list) else []


def _has_url(item: object) -> bool:
    return isinstance(item, str) or (isinstance(item, dict) and item.get("url") is not None)


def _object(data: bytes) -> dict[str, msgspec.Raw]:
    """An object; of null, which asks for the first source as ``{}`` does, an empty one."""
    try:
        return _decode_object(data) or {}
    except msgspec.ValidationError:
        raise NoEvent("is no JSON object") from None
    except RecursionError:
        raise NoEvent("is nested too deeply") from None
    except msgspec.DecodeError:
        raise NoEvent("is not JSON") from None


def _decoded(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        raise NoEvent("is nested too deeply") from None


def _refuse_other_origin(message: Message, pipeline: Pipeline) -> None:
    """SQS and functions name the queue that a message was in, and EventBridge says if it left out a part.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
    """
    origin = message.attributes.get("DeadLetterQueueSourceArn", pipeline.work_arn)
    if origin != pipeline.work_arn:
        raise NoEvent(f"was moved here from {origin}, not from the work queue")
    if queue := message.attributes.get(QUEUE):
        _refuse_other_queue(queue, pipeline)
    if message.attributes.get("IS_PAYLOAD_TRUNCATED", "").lower() == "true":
        raise NoEvent("was cut by EventBridge")


def _refuse_other_target(arn: str, pipeline: Pipeline) -> None:
    """EventBridge names the target that it could not reach; a schedule of yours may invoke the function.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
    """
    if arn != pipeline.work_arn and arn.split(":")[5:7] != ["function", pipeline.function]:
        raise NoEvent(f"was to go to {arn}, not to the work queue")


def _refuse_other_queue(url: object, pipeline: Pipeline) -> None:
    """A queue's URL ends with its account and its name, as its ARN does."""
    if str(url).split("/")[-2:] != pipeline.work_arn.split(":")[-2:]:
        raise NoEvent(f"is for {str(url)[:MAX_NAMED]}, not for the work queue")


def _refuse_other_function(record: Any, function: str) -> None:
    """A queue that existed before may have the failures of other functions, too."""
    context = record["requestContext"]
    arn = str(context.get("functionArn", "")) if isinstance(context, dict) else ""
    parts = arn.split(":")
    if len(parts) <= ARN_PART_OF_NAME or parts[ARN_PART_OF_NAME] != function:
        raise NoEvent(f"is an invocation of {arn or 'no function'}, not of {function}")


def _failure(record: Any) -> str:
    """Why Lambda gave up: the function's error, or the condition that an event without one ended by."""
    answer, context = record.get("responsePayload"), record["requestContext"]
    kind = answer.get("errorType") if isinstance(answer, dict) else None
    return str(kind or context.get("condition") or "")


def _error(record: Any) -> str:
    """The text of the function's error; empty if it did not answer."""
    answer = record.get("responsePayload")
    return str(answer.get("errorMessage") or "") if isinstance(answer, dict) else ""


def _count(given: object) -> int:
    return int(str(given)) if re.fullmatch("[0-9]{1,6}", str(given), re.ASCII) else 0


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")


def _given(message: Message, names: Sequence[str]) -> str:
    return next((message.attributes[name] for name in names if message.attributes.get(name)), "")


def _reason(message: Message) -> str:
    given = _given(message, REASONS)
    return given or ("attempts used up" if "DeadLetterQueueSourceArn" in message.attributes else "not known")


def _shown(event: dict[str, Any], found: dict[str, msgspec.Raw]) -> str:
    """What an event without a source's name asks for; of a URL only the host, which has no secret."""
    if "url" in found:
        try:
            return urlsplit(str(event["url"])).hostname or "a url"
        except ValueError:
            return "a url"
    if WATCH.key in found:
        return "the watch over sources"
    return next((f"a list of {name}" for name in ("urls", "urls_from") if name in found), "the first source")
