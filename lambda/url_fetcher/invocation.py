"""One event from start to answer: its log lines, its metrics, and its error without secrets."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from url_fetcher.assembly import Assembly, Deadlines
from url_fetcher.deadline import Deadline
from url_fetcher.intake.environment import Environment, read_environment
from url_fetcher.intake.event import UNCONFIGURED, source_name_in
from url_fetcher.summary import NOTHING_DONE
from url_fetcher.task import Given, Task, task_of
from url_fetcher.telling.failures import failure_of, log_failure
from url_fetcher.telling.logs import DEFAULT_NAMESPACE, DEFAULT_SERVICE, Log
from url_fetcher.telling.redaction import Redactor

if TYPE_CHECKING:
    from url_fetcher.clients import Clients
    from url_fetcher.intake.source_list import SourceList

ANSWER_SECONDS = 1.0
"""The part of an invocation's time that is kept for its answer."""


class Invocation:
    """Handles events one after the other, within the time that the invocation has.

    Args:
        environ: The process's variables.
        clients: The clients of the process.
        request_id: The invocation's id.
        remaining_seconds: Gives the time until Lambda ends the function.
    """

    def __init__(
        self,
        *,
        environ: Mapping[str, str],
        clients: "Clients",
        request_id: str,
        remaining_seconds: Callable[[], float],
    ) -> None:
        self.clients = clients
        self.request_id = request_id
        self.remaining_seconds = remaining_seconds
        self._environ = environ

    @property
    def environment(self) -> Environment:
        """The settings of the deployment.

        Raises:
            ConfigurationError: When a variable is wrong; not retryable.
        """
        return read_environment(self._environ)

    def answer(
        self,
        event: object,
        *,
        message_id: str = "",
        attempt: int = 1,
        reserved_seconds: float = ANSWER_SECONDS,
    ) -> dict[str, object]:
        """The answer to an event: ``statusCode`` 200, and counters in ``body``.

        Args:
            event: As in ``docs/sources/queue.md``.
            message_id: The id of the queue's message that it comes from; empty for none.
            attempt: The number of this attempt at the event, from 1.
            reserved_seconds: The time that is kept for reporting the result.

        Raises:
            IngestionError: Of any kind and no other; it is logged, holds no secret and has no cause, because
                causes may show one.
        """
        redactor = Redactor(beyond=self.clients.redactor)
        log = self.log(redactor, message_id)
        task: Task | None = None
        has_failed, comes_again = True, False
        try:
            environment = self.environment
            comes_again = bool(message_id) and attempt < environment.max_attempts
            log.set_level(environment.log_level)
            assembly = Assembly(environment, self.clients, log=log, redactor=redactor)
            task = self._task(event, assembly, attempt, reserved_seconds)
            log.name_source(task.metrics_source)
            log.info(f"{task.name} started", **task.begin())
            ended = task.run()
            log.info(f"{task.name} ended", **ended, **task.counters())
            has_failed = False
            return {"statusCode": 200, "body": msgspec.json.encode(task.answer()).decode()}
        except Exception as error:  # whatever it is, it leaves with its log line and without a secret
            failure = failure_of(error, redactor)
            name = task.source_name if task else source_name_in(event)
            done = {"source_name": name, **(task or NOTHING_DONE).counters()}
            what = task.name if task else "ingestion"
            log_failure(log, what, failure, error, redactor=redactor, facts=done)
        finally:
            log.metrics(
                (task or NOTHING_DONE).metrics(failed=has_failed),
                source=task.metrics_source if task else UNCONFIGURED,
                facts=(task or NOTHING_DONE).counters(),
                counted_later=[*["failed"][: int(comes_again)], *(task.counted_later if task else ())],
            )
        # Not raised above, where Python would chain it to the error that is being handled. Lambda logs the
        # traceback, which would push the error's own line out of the end that an invocation may answer with.
        raise failure.with_traceback(None)

    def log(self, redactor: Redactor | None = None, message_id: str = "") -> Log:
        """A log under the deployment's names, even if the rest of the environment is wrong."""
        return Log(
            redactor or self.clients.redactor,
            request_id=self.request_id,
            message_id=message_id,
            service=self._environ.get("POWERTOOLS_SERVICE_NAME") or DEFAULT_SERVICE,
            namespace=self._environ.get("POWERTOOLS_METRICS_NAMESPACE") or DEFAULT_NAMESPACE,
        )

    def _task(self, event: object, assembly: Assembly, attempt: int, reserved_seconds: float) -> Task:
        """Returns the task that the event asks for."""
        seconds = self.remaining_seconds()

        def sources() -> "SourceList":
            deadline = Deadline(seconds - reserved_seconds)
            return self.clients.sources(assembly.environment.sources_uri, deadline, assembly.log.warning)

        deadlines = Deadlines(seconds, reserved_seconds=reserved_seconds)
        return task_of(Given(event, assembly, deadlines, attempt, sources))
