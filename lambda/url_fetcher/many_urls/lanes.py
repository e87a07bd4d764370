"""Fetches many URLs at once on a few threads, which keep their connections."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from url_fetcher.errors import ConfigurationError, DeliveryError, IngestionError
from url_fetcher.ingestion import Ingestion
from url_fetcher.intake.event import read_event, source_name_in
from url_fetcher.many_urls.pooled_transport import PooledTransport
from url_fetcher.many_urls.shared_sink import Part, SharedSink
from url_fetcher.many_urls.url_items import item_event, shown
from url_fetcher.summary import NOTHING_DONE, Summary
from url_fetcher.telling.failures import failure_of, log_failure
from url_fetcher.telling.redaction import Redactor

if TYPE_CHECKING:
    from url_fetcher.assembly import Assembly, Deadlines
    from url_fetcher.intake.event import IngestionRequest
    from url_fetcher.intake.source_list import SourceList
    from url_fetcher.many_urls.shared_pace import SharedPace

MAX_AT_ONCE = 8
_BEGIN_SHARE = 0.25
_GRACE_SECONDS = 0.5


class UrlResult(NamedTuple):
    """The result of one item: its summary, and its error if it failed."""

    item: object
    summary: Summary
    failure: IngestionError | None = None


class Ended(NamedTuple):
    """The results of all items.

    Args:
        results: One for each item that ended.
        unfinished: Items that were begun and did not end; their records may be on the stream.
        not_begun: Items for which there was no time.
    """

    results: Sequence[UrlResult]
    unfinished: Sequence[object]
    not_begun: Sequence[object]


class Lanes:
    """Fetches the items of an event, up to eight at once.

    An item is begun while at least a quarter of the time for fetching is left; the first is in any case.

    Args:
        keys: The keys that apply to all items.
        items: The items, in the order in which they are begun.
        assembly: Makes the parts of each.
        deadlines: When all must end.
        sink: Takes the records of all.
        sources: The configured ones: only they may use secrets.
        pace: Gives requests their times.
    """

    def __init__(
        self,
        keys: dict[str, Any],
        items: Sequence[object],
        *,
        assembly: "Assembly",
        deadlines: "Deadlines",
        sink: SharedSink,
        sources: "SourceList",
        pace: "SharedPace",
    ) -> None:
        self._results: list[UrlResult] = []
        self._is_over = False
        self._keys = keys
        self._items = items
        self._assembly = assembly
        self._deadlines = deadlines
        self._sink = sink
        self._sources = sources
        self._pace = pace
        self._begun: dict[int, _Begun] = {}
        self._next = 0
        self._turn = threading.Lock()
        self._credentials_turn = threading.RLock()
        self._last_begin = time.monotonic() + (1 - _BEGIN_SHARE) * deadlines.fetching.remaining
        self._unexpected: BaseException | None = None

    def run(self) -> None:
        """Fetches until all items are done or time is up.

        Raises:
            Exception: Whatever the sink raised, such as a ``DeliveryError``: that concerns all items.
        """
        count = min(MAX_AT_ONCE, len(self._items))
        threads = [threading.Thread(target=self._work, name=f"fetch-{n}", daemon=True) for n in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            # Every wait in a thread ends at the deadline, but a computation may go on for longer.
            thread.join(self._deadlines.fetching.remaining + _GRACE_SECONDS)
        if self._unexpected is not None:
            raise self._unexpected
        if self._sink.failure:
            raise self._sink.failure

    def ended(self) -> Ended:
        """Returns the results; whatever a late thread does from now on does not count."""
        with self._turn:
            self._is_over = True
            unfinished = [each.item for each in self._begun.values()]
            return Ended(list(self._results), unfinished, self._items[self._next :])

    def _work(self) -> None:
        """Fetches one item after the other."""
        transport: PooledTransport | None = None
        try:
            while begun := self._begin():
                deadline = self._deadlines.fetching
                transport = transport or PooledTransport(
                    self._assembly.dialer(begun.request.source, deadline)
                )
                outcome = self._fetched(begun, transport)
                with self._turn:
                    del self._begun[id(begun)]
                    self._results.append(outcome)
        except Exception as error:  # raised again by ``run``, not lost in a thread
            self._unexpected = error
        finally:
            if transport:
                transport.end()

    def _begin(self) -> "_Begun | None":
        """Begins the next item; returns None when none is left, time is up, or the stream fails."""
        with self._turn:
            while self._next < len(self._items) and not self._sink.failure and not self._is_over:
                item = self._items[self._next]
                is_first = self._next == 0
                if not is_first and time.monotonic() > self._last_begin:
                    return None
                try:
                    request = read_event(item_event(self._keys, item), self._sources)
                    start = self._start(request, is_first=is_first)
                except IngestionError as error:
                    self._next += 1
                    self._results.append(UrlResult(item, NOTHING_DONE, self._failure(item, error)))
                    continue
                if start is None:
                    return None
                self._next += 1
                begun = _Begun(item, request, start)
                self._begun[id(begun)] = begun
                return begun
            return None

    def _start(self, request: "IngestionRequest", *, is_first: bool) -> float | None:
        """The time at which the first request to a source may start; None if that is too late."""
        interval = request.source.rate.min_interval_seconds
        remaining = self._deadlines.fetching.remaining
        until = time.monotonic() + remaining if is_first else self._last_begin
        start = self._pace.take(request.source.url, interval, until=until)
        if start is None and is_first:
            concurrency = self._assembly.environment.max_concurrency
            raise ConfigurationError(
                f"rate.min_interval_seconds is {interval:g}, which up to {concurrency} invocations share, so "
                f"that each waits {interval * concurrency:g} s before a request; {remaining:.0f} s are left: "
                "lower it or queue.max_concurrency, or raise function.timeout_seconds"
            )
        return start

    def _fetched(self, begun: "_Begun", transport: PooledTransport) -> UrlResult:
        """Ingests an item into the shared sink. Returns its result."""
        assembly = self._assembly.for_one_url()
        ingestion: Ingestion | None = None
        try:
            if (seconds := begun.start - time.monotonic()) > 0:
                self._deadlines.fetching.wait(seconds, reason="keeping rate.min_interval_seconds")
            source = begun.request.source
            deadline = self._deadlines.reading(source)
            transport.serve(source, deadline)
            reader = assembly.reader(
                begun.request,
                deadline,
                transport=transport,
                turn=self._credentials_turn,
                next_start=self._next_starts(begun),
            )
            ingestion = Ingestion(
                source,
                reader=reader,
                sink=Part(self._sink),
                deadline=self._deadlines.fetching,
                redactor=assembly.redactor,
            )
            ingestion.run()
            failure = None
        except Exception as error:  # whatever it is, the other items go on
            failure = self._failure(begun.item, error, assembly.redactor)
        return UrlResult(begun.item, ingestion.summary if ingestion else NOTHING_DONE, failure)

    def _next_starts(self, begun: "_Begun") -> Callable[[], float]:
        """Returns a function that gives the time of each request of one item; the first was taken before."""
        source = begun.request.source
        first = [begun.start]

        def next_start() -> float:
            if first:
                return first.pop()
            return self._pace.take(source.url, source.rate.min_interval_seconds) or 0.0

        return next_start

    def _failure(self, item: object, error: Exception, redactor: Redactor | None = None) -> IngestionError:
        """Returns the error of one item and logs it, unless it concerns all items and is logged once."""
        redactor = redactor or self._assembly.redactor
        failure = failure_of(error, redactor)
        if not isinstance(failure, DeliveryError):
            fields = {"source_name": source_name_in(item) or source_name_in(self._keys)}
            if "source_url" not in failure.details:
                fields["source_url"] = shown(item)
            log_failure(self._assembly.log, "url", failure, error, redactor=redactor, facts=fields)
        return failure


class _Begun(NamedTuple):
    """An item that is being fetched; its first request starts at ``start``."""

    item: object
    request: "IngestionRequest"
    start: float
