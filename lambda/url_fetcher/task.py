"""The tasks that events ask for: to ingest one source, many URLs, or to look after all sources."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from url_fetcher.ingestion import Ingestion
from url_fetcher.intake.event import read_event
from url_fetcher.intake.event_kinds import kind_of
from url_fetcher.summary import NOTHING_DONE, Summary

if TYPE_CHECKING:
    from url_fetcher.assembly import Assembly, Deadlines
    from url_fetcher.intake.source_list import SourceList


@dataclass(frozen=True)
class Given:
    """The input of a task.

    Attributes:
        event: The event as it came; an object if it is of a kind in ``event_kinds``.
        assembly: Makes the parts.
        deadlines: The ends of fetching and delivering.
        attempt: The number of this attempt at the event, from 1.
        sources: Returns the configured sources, which are read when they are first needed.
    """

    event: Any
    assembly: "Assembly"
    deadlines: "Deadlines"
    attempt: int
    sources: "Callable[[], SourceList]"


class Task(Protocol):
    """One event's work, from its start to its answer.

    Attributes:
        name: The task's name in log lines.
        source_name: The source's name in log lines, as the event or its settings have it; empty for none.
        metrics_source: The source's name in the metrics.
        counted_later: The metrics that count what comes again as an event of its own.
    """

    name: str
    source_name: str
    metrics_source: str

    @property
    def counted_later(self) -> Sequence[str]:
        """See above."""

    def begin(self) -> Mapping[str, object]:
        """Prepare. Returns fields for the "started" log line.

        Raises:
            IngestionError: When the task cannot begin.
        """

    def run(self) -> Mapping[str, object]:
        """Does the work. Returns fields for the "ended" log line, next to the counters.

        Raises:
            IngestionError: When the work cannot be finished.
        """

    def counters(self) -> dict[str, int | float]:
        """The counters of what was done so far."""

    def metrics(self, *, failed: bool) -> dict[str, int]:
        """The metrics for CloudWatch."""

    def answer(self) -> dict[str, object]:
        """The body of the invocation's answer, after ``run``."""


class SourceTask:
    """Ingests one source.

    Args:
        given: The event, and what it is done with.
    """

    name = "ingestion"
    counted_later = ()

    def __init__(self, given: Given) -> None:
        self._request = read_event(given.event, given.sources())
        self.source_name = self._request.source.name
        self.metrics_source = self._request.metrics_source
        self._assembly = given.assembly
        self._deadlines = given.deadlines
        self._has_begun = False

    def begin(self) -> Mapping[str, object]:
        """As ``Task``'s."""
        source_url = self._ingestion.source_url
        self._has_begun = True
        return {"source_name": self.source_name, "source_url": source_url}

    def run(self) -> Mapping[str, object]:
        """As ``Task``'s."""
        self._ingestion.run()
        return {"source_url": self._ingestion.source_url}

    def counters(self) -> dict[str, int | float]:
        """As ``Task``'s."""
        return self._summary.counters()

    def metrics(self, *, failed: bool) -> dict[str, int]:
        """As ``Task``'s."""
        return self._summary.metrics(failed=failed)

    def answer(self) -> dict[str, object]:
        """As ``Task``'s."""
        return {
            "message": "Data ingestion completed successfully",
            "recordsProcessed": self._summary.accepted,
            "sourceUrl": self._ingestion.source_url,
            **self.counters(),
        }

    @cached_property
    def _ingestion(self) -> Ingestion:
        source = self._request.source
        return Ingestion(
            source,
            reader=self._assembly.reader(self._request, self._deadlines.reading(source)),
            sink=self._assembly.sink(self._deadlines.delivering),
            deadline=self._deadlines.fetching,
            redactor=self._assembly.redactor,
        )

    @property
    def _summary(self) -> Summary:
        return self._ingestion.summary if self._has_begun else NOTHING_DONE


def task_of(given: Given) -> Task:
    """Returns the task that an event asks for.

    Raises:
        ConfigurationError: When the event asks for nothing that there is; not retryable.
    """
    kind = kind_of(given.event)
    if kind is None:
        return SourceTask(given)
    module, _, name = kind.task.partition(":")
    made: Task = getattr(import_module(module), name)(given)
    return made
