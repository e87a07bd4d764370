"""Ingests an event with ``urls``: many URLs at once, each of which fails alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from url_fetcher.errors import DeadlineExceeded, IngestionError, UrlsFailed
from url_fetcher.intake.event import UNCONFIGURED, source_name_in
from url_fetcher.intake.event_kinds import URLS
from url_fetcher.many_urls.lanes import Ended, Lanes
from url_fetcher.many_urls.shared_pace import SharedPace
from url_fetcher.many_urls.shared_sink import SharedSink
from url_fetcher.many_urls.url_items import (
    MAX_MESSAGE_ITEMS,
    items_of,
    keys_for_all,
    messages_of,
    shown,
    single_item_event,
)
from url_fetcher.summary import NOTHING_DONE, Summary, summed
from url_fetcher.work_queue.send import (
    MAX_DELAY_SECONDS,
    DeadLetter,
    Outgoing,
    WorkQueue,
    again_seconds,
    body_of,
)

if TYPE_CHECKING:
    from url_fetcher.task import Given

_SEND_SHARE, _MAX_SEND_SECONDS = 0.1, 10.0
_MAX_NAMED = 20


class BatchTask:
    """Ingests many URLs with one sink, so that their records share the stream's.

    A URL that failed goes to the work queue as an event of its own; those for which there was no time go
    there together. Nothing is sent before the stream has accepted every record: if it fails, the event is
    tried again as a whole. Then each URL goes to the queue by itself, because one of them may have ended the
    process.

    Args:
        given: An event with ``urls``, and keys of a source for all of them.
    """

    name = "urls"
    metrics_source = UNCONFIGURED

    def __init__(self, given: "Given") -> None:
        self._event, deadlines = given.event, given.deadlines
        self.source_name = source_name_in(given.event)
        self._assembly = assembly = given.assembly
        self._attempt = given.attempt
        self._sources = given.sources()
        environment = assembly.environment
        self._queue = WorkQueue(
            lambda: assembly.clients.sqs,
            url=environment.own_queue_url,
            dead_letter_url=environment.dead_letter_queue_url,
            deadline=deadlines.delivering,
        )
        seconds = deadlines.delivering.remaining
        self._deadlines = deadlines.sooner(min(_MAX_SEND_SECONDS, _SEND_SHARE * seconds))
        self._keys: dict[str, Any] = {}
        self._items: list[Any] = []
        self._summary: Summary = NOTHING_DONE
        self._failed: list[tuple[object, IngestionError]] = []
        self._sent_on = 0

    def begin(self) -> Mapping[str, object]:
        """As ``Task``'s."""
        self._keys = keys_for_all(self._event, URLS)
        self._items = items_of(self._event["urls"])
        return {"urls": len(self._items)}

    def run(self) -> Mapping[str, object]:
        """As ``Task``'s.

        Raises:
            DeliveryError: When the stream, the dead letters or the queue fail.
            UrlsFailed: When some URLs were not ingested and there is no work queue; retryable.
        """
        if self._queue.url and self._attempt > 1 and len(self._items) > 1:
            self._split()
            return {}
        # More items than a message holds are sent on, so that several invocations fetch them at once.
        fetched = self._items[:MAX_MESSAGE_ITEMS] if self._queue.url else self._items
        ended = self._fetch(fetched)
        late = DeadlineExceeded("the invocation's time was up before the URL was read")
        self._failed = [(each.item, each.failure) for each in ended.results if each.failure]
        self._failed += [(item, late) for item in ended.unfinished]
        rest = [*ended.not_begun, *self._items[len(fetched) :]]
        self._sent_on = len(rest)
        if self._queue.url:
            self._queue.send(self._again(self._failed, rest))
            self._send_dead_letters(self._failed)
        elif self._failed or rest:
            raise _urls_failed(self._failed, rest, count=len(self._items))
        return {}

    @property
    def counted_later(self) -> Sequence[str]:
        """As ``Task``'s: each URL that failed is sent to the queue, but for the last attempt."""
        return ["urls_failed"] if self._queue.url and not self._is_last_attempt else []

    def counters(self) -> dict[str, int | float]:
        """As ``Task``'s."""
        urls = {"urls_failed": len(self._failed), "urls_sent_on": self._sent_on}
        return {**self._summary.counters(), "urls": len(self._items), **urls}

    def metrics(self, *, failed: bool) -> dict[str, int]:
        """As ``Task``'s: ``urls`` are those that were tried, ``urls_failed`` those of them that failed."""
        counts = {"urls": len(self._items) - self._sent_on, "urls_failed": len(self._failed)}
        return self._summary.metrics(failed=failed) | {name: each for name, each in counts.items() if each}

    def answer(self) -> dict[str, object]:
        """As ``Task``'s."""
        done = len(self._items) - self._sent_on - len(self._failed)
        others = "" if done == len(self._items) else "; the others were sent to the work queue"
        message = f"{done} of {len(self._items)} URLs ingested{others}"
        return {"message": message, "recordsProcessed": self._summary.accepted, **self.counters()}

    def _split(self) -> None:
        """Sends all items on, none of them together with another one unless there are very many."""
        self._sent_on = len(self._items)
        bodies: Iterable[str] = (body_of(single_item_event(self._keys, item)) for item in self._items)
        if self._sent_on > MAX_MESSAGE_ITEMS:
            bodies = messages_of(self._keys, self._items)
        self._queue.send(Outgoing(body, attempts=self._attempt - 1) for body in bodies)

    def _fetch(self, items: Sequence[object]) -> Ended:
        """Ingests items until all are done or time is up; then the stream has accepted their records."""
        sink = SharedSink(self._assembly.sink(self._deadlines.delivering))
        lanes = Lanes(
            self._keys,
            items,
            assembly=self._assembly,
            deadlines=self._deadlines,
            sink=sink,
            sources=self._sources,
            pace=SharedPace(concurrency=self._assembly.environment.max_concurrency),
        )
        try:
            with closing(sink):
                lanes.run()
        finally:
            ended = lanes.ended()
            self._summary = summed((each.summary for each in ended.results), sink.report)
        return ended

    @property
    def _is_last_attempt(self) -> bool:
        return self._attempt >= self._assembly.environment.max_attempts

    def _again(
        self, failed: Sequence[tuple[object, IngestionError]], rest: Sequence[object]
    ) -> Iterator[Outgoing]:
        """Yields messages for the URLs that failed or were not begun."""
        for item, error in () if self._is_last_attempt else failed:
            delay_seconds = again_seconds(self._attempt, error, max_seconds=MAX_DELAY_SECONDS)
            yield Outgoing(
                body_of(single_item_event(self._keys, item)), delay_seconds, attempts=self._attempt
            )
        for body in messages_of(self._keys, rest):
            yield Outgoing(body, attempts=self._attempt - 1)

    def _send_dead_letters(self, failed: Sequence[tuple[object, IngestionError]]) -> None:
        """Sends the URLs that failed to the dead letter queue, if this was their last attempt."""
        if self._is_last_attempt:
            dead_letters = (
                DeadLetter(body_of(single_item_event(self._keys, item)), error, self._attempt)
                for item, error in failed
            )
            self._queue.send_dead_letters(dead_letters, request_id=self._assembly.log.request_id)


def _urls_failed(
    failed: Sequence[tuple[object, IngestionError]], rest: Sequence[object], *, count: int
) -> UrlsFailed:
    """Returns the error that names the URLs that were not ingested."""
    named = [f"{shown(item)} ({type(error).__name__}: {error})"[:500] for item, error in failed]
    named += [f"{shown(item)} (not begun)" for item in rest[: max(0, _MAX_NAMED - len(named))]]
    left = len(failed) + len(rest)
    more = f"; and {left - _MAX_NAMED} more" if left > _MAX_NAMED else ""
    return UrlsFailed(
        f"{left} of {count} URLs were not ingested, and there is no work queue that takes them "
        f"(queue.enabled): {'; '.join(named[:_MAX_NAMED])}{more}",
        urls_failed=len(failed),
        urls_not_begun=len(rest),
    )
