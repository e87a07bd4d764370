"""The event in a message of the dead letter queue, whoever put it there.

The function and SQS put the very event there. Lambda and EventBridge Scheduler may wrap it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, UnsetType

from tools.operate.queues import Message
from url_fetcher.intake.event_kinds import EVENT_KINDS, URLS, kind_of
from url_fetcher.source.schema import Source
from url_fetcher.work_queue.wrapped_events import is_scheduler_request

ARN_PART_OF_ACCOUNT, ARN_PART_OF_NAME = 4, 6
REASONS = ("error_type", "ERROR_CODE", "ErrorCode")
"""Attributes that say why: the function's, EventBridge Scheduler's, and Lambda's own."""

SHOWN_KEYS = 5
ANY_EVENT = {"source", "resume"}
SOURCE_KEYS = {*Source.__struct_fields__, "resume", *(key for kind in EVENT_KINDS for key in kind.keys)}
"""Keys of events that have a source of their own, or several."""


class _Record(msgspec.Struct, rename="camel"):
    request_payload: msgspec.Raw | UnsetType = UNSET


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


class Owner(NamedTuple):
    """Whose events are sent again; a dead letter queue may have those of others, too.

    Attributes:
        function: Name of the function.
        default_source: Name of the source of an event that names none.
        work_arn: ARN of the function's work queue.
    """

    function: str
    default_source: str
    work_arn: str


def dead_event(message: Message, owner: Owner) -> DeadEvent:
    """The event in a message of the dead letter queue.

    Raises:
        NoEvent: When there is none, or not one of this pipeline.
    """
    _refuse_other_origin(message.attributes, owner)
    found = _decoded(message.body)
    body, reason = message.body, _reason(message)
    if isinstance(found, dict) and "requestContext" in found:
        _refuse_other_function(found, owner.function)
        body, reason = _payload(message.body), _failure(found)
        found = _decoded(body)
    elif isinstance(found, dict) and is_scheduler_request(found):
        _refuse_other_queue(found["QueueUrl"], owner.work_arn)
        body = found["MessageBody"] if isinstance(found["MessageBody"], str) else ""
        found = _decoded(body)
    event = _event(found)
    is_default = not event.keys() & {"source", "url", "urls", "urls_from"}
    source = event.get("source") or event.get("name") or (owner.default_source if is_default else "")
    source = source if isinstance(source, str) else ""
    return DeadEvent(body, source, source or _shown(event), reason)


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        raise NoEvent("is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise NoEvent("is not JSON") from None


def _event(found: object) -> dict[str, Any]:
    """The keys of an event that are not null, which say nothing to the function either.

    Raises:
        NoEvent: When it has not the form of an event: the function would only refuse it.
    """
    if not isinstance(found, dict | None):
        raise NoEvent("is no JSON object")
    event = {key: value for key, value in (found or {}).items() if value is not None}
    if found and found.keys() - {"resume"} and not event:
        raise NoEvent("has nothing but nulls")
    kind = kind_of(event)
    allowed = SOURCE_KEYS if kind or "url" in event else ANY_EVENT
    if (others := sorted(event.keys() - allowed)) or not isinstance(event.get("source", ""), str):
        shown = ", ".join(others[:SHOWN_KEYS]) or "a source that is no text"
        raise NoEvent(f"is no event of this pipeline: it has {shown}")
    if kind is URLS and not any(map(_has_url, event["urls"] if isinstance(event["urls"], list) else ())):
        raise NoEvent("has no URL that could be fetched")
    return event


def _has_url(item: object) -> bool:
    return isinstance(item, str) or (isinstance(item, dict) and item.get("url") is not None)


def _payload(record: str) -> str:
    """The very event in Lambda's record of an invocation.

    Raises:
        NoEvent: When Lambda has left it out, as it does with one that is too large:
            https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    payload = msgspec.json.decode(record, type=_Record).request_payload
    if payload is UNSET:
        raise NoEvent(
            "is Lambda's record without its event, which was too large: send that from where it came"
        )
    return bytes(payload).decode()


def _refuse_other_origin(attributes: Mapping[str, str], owner: Owner) -> None:
    """Refuse what SQS has moved from another queue, or EventBridge could not send to another target."""
    origin = attributes.get("DeadLetterQueueSourceArn", owner.work_arn)
    if origin != owner.work_arn:
        raise NoEvent(f"comes from {origin}, not from {owner.work_arn}")
    target = attributes.get("TARGET_ARN", owner.work_arn)
    if target != owner.work_arn and _function_in(target) != owner.function:
        raise NoEvent(f"was meant for {target}, not for {owner.work_arn}")
    if attributes.get("IS_PAYLOAD_TRUNCATED", "").lower() == "true":
        raise NoEvent("is an event that EventBridge Scheduler has cut")


def _refuse_other_queue(url: object, arn: str) -> None:
    """Compare a queue's URL by its path, because a Region has several hosts for SQS."""
    if not isinstance(url, str) or url.split("/")[-2:] != arn.split(":")[ARN_PART_OF_ACCOUNT:]:
        raise NoEvent(f"was meant for the queue {url}, not for {arn}")


def _refuse_other_function(record: Any, function: str) -> None:
    context = record["requestContext"]
    arn = str(context.get("functionArn", "")) if isinstance(context, dict) else ""
    if _function_in(arn) != function:
        raise NoEvent(f"is an invocation of {arn or 'no function'}, not of {function}")


def _function_in(arn: str) -> str:
    parts = arn.split(":")
    return parts[ARN_PART_OF_NAME] if len(parts) > ARN_PART_OF_NAME and parts[2] == "lambda" else ""


def _failure(record: Any) -> str:
    """Why Lambda gave up: the function's error, or the condition that an event without one ended by."""
    answer, context = record.get("responsePayload"), record["requestContext"]
    kind = answer.get("errorType") if isinstance(answer, dict) else None
    return str(kind or context.get("condition") or "")


def _reason(message: Message) -> str:
    given = next((message.attributes[name] for name in REASONS if message.attributes.get(name)), "")
    return given or ("attempts used up" if "DeadLetterQueueSourceArn" in message.attributes else "not known")


def _shown(event: dict[str, Any]) -> str:
    """What an event without a source's name asks for; of a URL only the host, which has no secret."""
    if "url" in event:
        try:
            return urlsplit(str(event["url"])).hostname or "a url"
        except ValueError:
            return "a url"
    return next((f"a list of {name}" for name in ("urls", "urls_from") if name in event), "the first source")
