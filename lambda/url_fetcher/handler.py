"""AWS's entry point: event and environment in, answer out."""

import os
from collections.abc import Mapping
from typing import Protocol

from url_fetcher.clients import Clients
from url_fetcher.deadline import Deadline
from url_fetcher.delivery.dead_letters import DeadLetters
from url_fetcher.delivery.sink import Sink, SinkSettings
from url_fetcher.environment import Environment, read_environment
from url_fetcher.errors import IngestionError
from url_fetcher.event import UNCONFIGURED, IngestionRequest, read_event
from url_fetcher.http.addresses import AddressPolicy
from url_fetcher.http.connection import Dialer
from url_fetcher.http.transport import Transport
from url_fetcher.ingestion import Ingestion
from url_fetcher.logs import DEFAULT_NAMESPACE, DEFAULT_SERVICE, Log
from url_fetcher.source.auth_kind import Session
from url_fetcher.source.reader import SourceReader
from url_fetcher.summary import NOTHING_DONE, answer

# What is left when fetching must have ended: to drain what is in flight, and then to say so.
_DRAIN_SHARE, _MIN_DRAIN_SECONDS, _MAX_DRAIN_SECONDS = 0.2, 2.0, 20.0
_ANSWER_SECONDS = 1.0


class Context(Protocol):
    """What Lambda tells about the invocation."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the function."""


CLIENTS = Clients()
"""Kept between the invocations of one process: connections, secrets and tokens."""

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    # While Lambda starts the process it has a whole processor, whatever the function's memory.
    _ = CLIENTS.kinesis


def handler(event: object, context: Context) -> dict[str, object]:
    """The answer to one invocation: ``statusCode`` 200, and counters in ``body``.

    Args:
        event: ``{"url": …}``, a source with all its keys, ``{"source": name}``, or ``{}`` for the first one.
        context: Lambda's.

    Raises:
        IngestionError: Of any kind; it is logged, and Lambda's own retries repeat the event.
    """
    return run(event, context, environ=os.environ, clients=CLIENTS)


def run(
    event: object, context: Context, *, environ: Mapping[str, str], clients: Clients
) -> dict[str, object]:
    """As ``handler``, with everything passed in."""
    log = _log(environ, clients, request_id=context.aws_request_id)
    ingestion: Ingestion | None = None
    metrics_source, has_failed = UNCONFIGURED, True
    try:
        environment = read_environment(environ)
        log.set_level(environment.log_level)
        request = read_event(event, clients.sources(environment.sources_uri))
        metrics_source = request.metrics_source
        ingestion = _ingestion(
            request,
            environment,
            clients,
            log=log,
            remaining_seconds=context.get_remaining_time_in_millis() / 1000,
        )
        log.info("ingestion started", source_name=request.source.name, source_url=ingestion.source_url)
        ingestion.run()
        log.info("ingestion ended", source_url=ingestion.source_url, **ingestion.summary.counters())
        has_failed = False
    except Exception as error:
        _log_failure(log, error, ingestion)
        raise
    finally:
        done = ingestion.summary if ingestion is not None else NOTHING_DONE
        log.metrics(done.metrics(failed=has_failed), source=metrics_source, facts=done.counters())
    return answer(ingestion.summary, ingestion.source_url)


def _log(environ: Mapping[str, str], clients: Clients, *, request_id: str) -> Log:
    """The invocation's log, under the deployment's names even if the rest of the environment is wrong."""
    return Log(
        clients.redactor,
        request_id=request_id,
        service=environ.get("POWERTOOLS_SERVICE_NAME") or DEFAULT_SERVICE,
        namespace=environ.get("POWERTOOLS_METRICS_NAMESPACE") or DEFAULT_NAMESPACE,
    )


def _ingestion(
    request: IngestionRequest,
    environment: Environment,
    clients: Clients,
    *,
    log: Log,
    remaining_seconds: float,
) -> Ingestion:
    """Everything that one ingestion needs, put together."""
    limits = request.source.limits
    drain_seconds = min(_MAX_DRAIN_SECONDS, max(_MIN_DRAIN_SECONDS, _DRAIN_SHARE * remaining_seconds))
    delivering = Deadline(remaining_seconds - _ANSWER_SECONDS)
    fetching = delivering.earlier(remaining_seconds - drain_seconds)
    reading = fetching.earlier(limits.timeout_seconds)
    dialer = Dialer(
        AddressPolicy.of(environment, runtime_api=environment.aws_lambda_runtime_api),
        deadline=reading,
        connect_timeout_seconds=limits.connect_timeout_seconds,
        read_timeout_seconds=limits.read_timeout_seconds,
    )
    transport = Transport(dialer)
    reader = SourceReader(
        request.source,
        transport=transport,
        session=Session(lambda: clients.secrets, transport),
        deadline=reading,
        resume=request.resume,
        warn=log.warning,
    )
    sink = _sink(environment, clients, delivering)
    return Ingestion(request.source, reader=reader, sink=sink, deadline=fetching, redactor=clients.redactor)


def _sink(environment: Environment, clients: Clients, deadline: Deadline) -> Sink:
    """The way to the stream and, for what it cannot take, to the dead letters."""
    return Sink(
        clients.kinesis,
        environment.kinesis_stream_name,
        deadline=deadline,
        settings=SinkSettings.of(environment),
        dead_letters=DeadLetters(environment.dead_letter_bucket, environment.dead_letter_prefix),
    )


def _log_failure(log: Log, error: Exception, ingestion: Ingestion | None) -> None:
    """One line with the kind of error, its facts and the counters; one that is not ours is a bug of ours."""
    facts: dict[str, object] = {"retryable": False}
    if isinstance(error, IngestionError):
        facts = {"retryable": error.retryable, "details": error.details}
    log.error(
        "ingestion failed",
        error=str(error),
        error_type=type(error).__name__,
        **facts,
        **(ingestion.summary.counters() if ingestion is not None else {}),
    )
