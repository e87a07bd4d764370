"""The event in a message of the dead letter queue, whoever put it there.

The function and SQS put the very event there. Lambda and EventBridge Scheduler may wrap it.
"""

from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from tools.operate.queues import Message
from url_fetcher.work_queue.wrapped_events import is_invocation_record, is_scheduler_request

ARN_PART_OF_NAME = 6
REASONS = ("error_type", "ERROR_CODE", "ErrorCode")
"""Attributes that say why: the function's, EventBridge Scheduler's, and Lambda's own."""

_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class NoEvent(ValueError):
    """When a message holds no event of this pipeline's function."""


class DeadEvent(NamedTuple):
    """An event that failed.

    Attributes:
        body: As it was sent, to be sent again.
        source: Name of its source; empty if it names none.
        shown_as: The source, or else a short description without secrets.
        reason: Why it failed, in one word or a few.
    """

    body: str
    source: str
    shown_as: str
    reason: str


def dead_event(message: Message, *, function: str, default_source: str) -> DeadEvent:
    """The event in a message.

    Args:
        message: Of the dead letter queue.
        function: Name of the function whose events are expected.
        default_source: Name of the source of an event that names none.

    Raises:
        NoEvent: When there is none.
    """
    found = _object(message.body.encode())
    body, reason = message.body, _reason(message)
    if is_invocation_record(found):
        record = _decoded(message.body.encode())
        _refuse_other_function(record, function)
        payload = bytes(found["requestPayload"])
        found = {} if payload == b"null" else _object(payload)
        body, reason = ("{}" if payload == b"null" else payload.decode()), _failure(record)
    elif is_scheduler_request(found):
        sent = _decoded(bytes(found["MessageBody"]))
        body = sent if isinstance(sent, str) else ""
        found = _object(body.encode())
    event: dict[str, Any] = {
        name: _decoded(bytes(found[name])) for name in ("name", "source", "url") if name in found
    }
    is_default = not found.keys() & {"source", "url", "urls", "urls_from"}
    source = event.get("source") or event.get("name") or (default_source if is_default else "")
    source = source if isinstance(source, str) else ""
    return DeadEvent(body, source, source or _shown(event, found), reason)


def _object(data: bytes) -> dict[str, msgspec.Raw]:
    try:
        return _decode_object(data)
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


def _reason(message: Message) -> str:
    given = next((message.attributes[name] for name in REASONS if message.attributes.get(name)), "")
    return given or ("attempts used up" if "DeadLetterQueueSourceArn" in message.attributes else "not known")


def _shown(event: dict[str, Any], found: dict[str, msgspec.Raw]) -> str:
    """What an event without a source's name asks for; of a URL only the host, which has no secret."""
    if "url" in found:
        try:
            return urlsplit(str(event["url"])).hostname or "a url"
        except ValueError:
            return "a url"
    return next((f"a list of {name}" for name in ("urls", "urls_from") if name in found), "the first source")
