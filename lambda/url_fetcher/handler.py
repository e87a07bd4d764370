"""AWS's entry point: event and environment in, answer out."""

import os
import traceback
from collections.abc import Mapping
from typing import Protocol

from url_fetcher import quick_start
from url_fetcher.clients import Clients
from url_fetcher.deadline import Deadline
from url_fetcher.delivery.dead_letters import DeadLetters
from url_fetcher.delivery.sink import Sink, SinkSettings
from url_fetcher.environment import Environment, read_environment
from url_fetcher.errors import IngestionError, UnexpectedError
from url_fetcher.event import UNCONFIGURED, IngestionRequest, read_event
from url_fetcher.http.addresses import AddressPolicy
from url_fetcher.http.connection import Dialer
from url_fetcher.http.transport import Transport
from url_fetcher.ingestion import Ingestion
from url_fetcher.logs import DEFAULT_NAMESPACE, DEFAULT_SERVICE, Log, take_over
from url_fetcher.redaction import Redactor, secrets_in
from url_fetcher.source.auth_kind import Session
from url_fetcher.source.reader import SourceReader
from url_fetcher.summary import NOTHING_DONE, answer

# The time that is left when fetching must end: to drain what is in flight, then to answer.
_DRAIN_SHARE, _MIN_DRAIN_SECONDS, _MAX_DRAIN_SECONDS = 0.2, 2.0, 20.0
_ANSWER_SECONDS = 1.0
_MAX_CAUSES = 10


class Context(Protocol):
    """What Lambda tells about the invocation."""

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
    """The answer to one invocation: ``statusCode`` 200, and counters in ``body``.

    Args:
        event: ``{"url": …}``, a source with all its keys, ``{"source": name}``, or ``{}`` for the first one.
        context: Lambda's.

    Raises:
        IngestionError: Of any kind and no other; it is logged, holds no secret and has no cause, because
            causes may show one. Lambda's own retries repeat the event.
    """
    return run(event, context, environ=os.environ, clients=CLIENTS)


def run(
    event: object, context: Context, *, environ: Mapping[str, str], clients: Clients
) -> dict[str, object]:
    """As ``handler``, with environment and clients passed in."""
    log = _log(environ, clients, request_id=context.aws_request_id)
    ingestion: Ingestion | None = None
    metrics_source, has_failed = UNCONFIGURED, True
    try:
        environment = read_environment(environ)
        log.set_level(environment.log_level)
        deadline = Deadline(context.get_remaining_time_in_millis() / 1000 - _ANSWER_SECONDS)
        request = read_event(event, clients.sources(environment.sources_uri, deadline, log.warning))
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
        return answer(ingestion.summary, ingestion.source_url)
    except Exception as error:  # whatever it is, it leaves with its log line and without a secret
        failure = _failure(error, clients.redactor)
        _log_failure(log, failure, error, ingestion)
    finally:
        done = ingestion.summary if ingestion is not None else NOTHING_DONE
        log.metrics(done.metrics(failed=has_failed), source=metrics_source, facts=done.counters())
    # Not raised above, where Python would chain it to the error that is being handled.
    raise failure


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
        session=Session(lambda: clients.secrets.within(reading), transport, lambda: clients.own_role),
        deadline=reading,
        resume=request.resume,
        warn=log.warning,
    )
    clients.redactor.learn(*secrets_in(reader.url))
    sink = _sink(environment, clients, delivering)
    return Ingestion(request.source, reader=reader, sink=sink, deadline=fetching, redactor=clients.redactor)


def _sink(environment: Environment, clients: Clients, deadline: Deadline) -> Sink:
    """The way to the stream and, for what it cannot take, to the dead letters."""
    return Sink(
        clients.kinesis,
        environment.kinesis_stream_name,
        deadline=deadline,
        settings=SinkSettings.of(environment),
        dead_letters=DeadLetters(
            environment.dead_letter_bucket, environment.dead_letter_prefix, deadline=deadline
        ),
    )


def _failure(error: Exception, redactor: Redactor) -> IngestionError:
    """The error to raise: one of ours, without secrets in its message and its details."""
    failure = error if isinstance(error, IngestionError) else UnexpectedError(_line_of(error))
    failure.args = (redactor.clean(str(failure)),)
    failure.details = {
        name: redactor.clean(value) if isinstance(value, str) else value
        for name, value in failure.details.items()
    }
    return failure


def _log_failure(log: Log, failure: IngestionError, error: Exception, ingestion: Ingestion | None) -> None:
    """One line with the kind of error, its facts, its causes and the counters; then the causes are cut."""
    facts: dict[str, object] = {"causes": [_line_of(each) for each in _causes(error)]}
    if failure is not error:
        facts["traceback"] = "".join(traceback.format_exception(error))
    log.error(
        "ingestion failed",
        error=str(failure),
        error_type=type(failure).__name__,
        retryable=failure.retryable,
        details=failure.details,
        **facts,
        **(ingestion.summary.counters() if ingestion is not None else {}),
    )
    failure.__cause__ = failure.__context__ = None


def _causes(error: BaseException) -> list[BaseException]:
    """What led to an error as a traceback would show it, the nearest first."""
    found: list[BaseException] = []
    cause = _cause(error)
    while cause is not None and cause not in found and len(found) < _MAX_CAUSES:
        found.append(cause)
        cause = _cause(cause)
    return found


def _cause(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _line_of(error: BaseException) -> str:
    """The error's class and message, also where its own ``__str__`` fails."""
    return traceback.format_exception_only(error)[-1].strip()
