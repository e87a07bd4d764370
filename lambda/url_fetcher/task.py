"""What an event has the function do: ingest one source, or something about many URLs."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from url_fetcher.ingestion import Ingestion
from url_fetcher.summary import NOTHING_DONE, Summary, answer

if TYPE_CHECKING:
    from url_fetcher.assembly import Assembly, Deadlines
    from url_fetcher.event import IngestionRequest


class Task(Protocol):
    """One event's work, from its start to its answer.

    Attributes:
        name: What its log lines call it.
        metrics_source: The source's name in the metrics.
    """

    name: str
    metrics_source: str

    def begin(self) -> Mapping[str, object]:
        """Put together what is needed; what is told of it at the start.

        Raises:
            IngestionError: When it cannot be begun.
        """

    def run(self) -> Mapping[str, object]:
        """Do it; what is told of it at the end, beside the counters.

        Raises:
            IngestionError: When it cannot be done to its end.
        """

    def counters(self) -> dict[str, int | float]:
        """What was done so far."""

    def metrics(self, *, failed: bool) -> dict[str, int]:
        """What CloudWatch counts of it."""

    def answer(self) -> dict[str, object]:
        """The invocation's answer, after ``run``."""


class SourceTask:
    """Ingests one source.

    Args:
        request: The source, and where to resume.
        assembly: Makes the parts.
        deadlines: When it must end.
    """

    name = "ingestion"

    def __init__(self, request: "IngestionRequest", assembly: "Assembly", deadlines: "Deadlines") -> None:
        self.metrics_source = request.metrics_source
        self._request = request
        self._assembly = assembly
        self._deadlines = deadlines
        self._has_begun = False

    def begin(self) -> Mapping[str, object]:
        """As ``Task``'s."""
        source_url = self._ingestion.source_url
        self._has_begun = True
        return {"source_name": self._request.source.name, "source_url": source_url}

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
        return answer(self._summary, self._ingestion.source_url)

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
