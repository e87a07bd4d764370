"""AWS's entry point: event and environment in, answer out."""

import os
from collections.abc import Mapping
from typing import Protocol

from url_fetcher import quick_start
from url_fetcher.clients import Clients
from url_fetcher.invocation import Invocation
from url_fetcher.telling.logs import take_over


class Context(Protocol):
    """Lambda's facts about the invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the function."""


CLIENTS = Clients()
"""Kept between the invocations of one process: connections, secrets and tokens."""

if quick_start.IN_LAMBDA:
    take_over(CLIENTS.redactor)
    # While Lambda starts the process it has a whole processor, whatever the function's memory.
    _ = CLIENTS.kinesis
    quick_start.end()


def handler(event: object, context: Context) -> dict[str, object]:
    """The answer to one invocation.

    Args:
        event: ``{"url": …}``, a source with all its keys, ``{"source": name}``, ``{"urls": […]}``,
            ``{"urls_from": …}``, or ``{}`` for the first source: answered with ``statusCode`` 200 and
            counters in ``body``. Such events as messages of SQS: answered with those that failed, as
            ``batchItemFailures``. One of them in the body of a function URL's request: answered in HTTP.
        context: Lambda's.

    Raises:
        IngestionError: Of any kind and no other; it is logged, holds no secret and has no cause, because
            causes may show one. Lambda's own retries repeat the event. Of messages and of a function URL's
            requests the answer tells what failed.
    """
    return run(event, context, environ=os.environ, clients=CLIENTS)


def run(
    event: object, context: Context, *, environ: Mapping[str, str], clients: Clients
) -> dict[str, object]:
    """As ``handler``, with environment and clients passed in."""
    invocation = Invocation(
        environ=environ,
        clients=clients,
        request_id=context.aws_request_id,
        remaining_seconds=lambda: context.get_remaining_time_in_millis() / 1000,
    )
    if isinstance(event, dict) and _are_messages(event.get("Records")):
        from url_fetcher.work_queue.consume import consume

        return consume(event["Records"], invocation)
    if isinstance(event, dict) and _is_http(event.get("requestContext")):
        from url_fetcher.intake.function_url import respond

        return respond(event, invocation.answer)
    return invocation.answer(event)


def _are_messages(records: object) -> bool:
    """True if an event's records are messages of SQS."""
    return (
        isinstance(records, list)
        and bool(records)
        and all(isinstance(each, dict) and each.get("eventSource") == "aws:sqs" for each in records)
    )


def _is_http(request_context: object) -> bool:
    """True if an event is a request to the function URL."""
    return isinstance(request_context, dict) and isinstance(request_context.get("http"), dict)
