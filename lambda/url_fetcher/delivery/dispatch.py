"""Sends entries to the stream: several requests at once, each entry until it is accepted."""

import time
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from threading import Condition

from url_fetcher.deadline import Deadline
from url_fetcher.delivery.counters import DeliveryReport, SinkSettings, Tally
from url_fetcher.delivery.kinesis import PutResult, PutsRecords, send
from url_fetcher.delivery.pacing import CongestionWindow
from url_fetcher.delivery.packing import Entry
from url_fetcher.errors import StreamUnavailable, UnexpectedError

_ENTRIES_AT_A_TIME = 16


class Dispatcher:
    """Sends the entries of one thread by threads of its own, as many at once as the congestion window allows.

    Entries that were refused go first in the next request, together with what then fits.

    Args:
        client: Made by ``kinesis_client``, or anything with its ``put_records``.
        stream_name: Name of the stream.
        deadline: Nothing is sent or waited for after it.
        settings: Sizes and limits.
        report: Its counters are increased.
    """

    def __init__(
        self,
        client: PutsRecords,
        stream_name: str,
        *,
        deadline: Deadline,
        settings: SinkSettings,
        report: DeliveryReport,
    ) -> None:
        self._client = client
        self._stream_name = stream_name
        self._deadline = deadline
        self._settings = settings
        self._report = report
        self._pace = CongestionWindow(
            request_bytes=min(settings.request_bytes, settings.max_request_bytes),
            max_bytes=settings.max_in_flight_bytes,
            first_pause_seconds=settings.first_pause_seconds,
            max_pause_seconds=settings.max_pause_seconds,
        )
        self._threads = ThreadPoolExecutor(settings.connections, thread_name_prefix="put-records")
        self._changed = Condition()
        self._queue: deque[Entry] = deque()
        self._queued_bytes = 0
        self._in_flight: dict[int, Sequence[Entry]] = {}
        self._in_flight_bytes = 0
        self._taken_lines = 0
        self._last_reason = ""
        self._failure: Exception | None = None

    def enqueue(self, entries: Iterable[Entry], *, lines: int = 0) -> None:
        """Takes entries and starts requests while enough wait; blocks while too much is in flight.

        Args:
            entries: May be made while they are taken.
            lines: The number of lines that they were made of, to report at the deadline how many are left.

        Raises:
            StreamUnavailable: When the deadline comes first; retryable.
            StreamRejected: When the stream refuses the calls themselves.
        """
        self._taken_lines += lines
        coming = iter(entries)
        while some := list(islice(coming, _ENTRIES_AT_A_TIME)):
            with self._changed:
                self._queue += some
                self._queued_bytes += sum(entry.size for entry in some)
            while (
                self._queued_bytes >= self._pace.request_bytes
                or len(self._queue) >= self._settings.max_request_records
            ):
                self._send_next()

    def drain(self) -> None:
        """Sends the rest and waits for every answer; raises as ``enqueue``.

        Raises:
            UnexpectedError: When lines were taken and never became a request.
        """
        while self._queue or self._in_flight:
            self._send_next()
        # The last request may have failed while nothing was left to send.
        if self._failure:
            raise self._failure
        if left := self._taken_lines - self._report.accepted:
            raise UnexpectedError(f"{left} of {self._taken_lines} records were lost before they were sent")

    def stop(self) -> None:
        """Starts no more requests and does not wait for those in flight."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _send_next(self) -> None:
        """Starts one request as soon as the window allows; with nothing to send, waits for one answer."""
        with self._changed:
            while (wait_seconds := self._seconds_until_sendable()) > 0:
                self._changed.wait(wait_seconds)
                if not self._queue:
                    return
            batch = self._take()
            self._in_flight[id(batch)] = batch
            self._in_flight_bytes += _tally(batch).bytes
        self._threads.submit(self._send, batch)

    def _seconds_until_sendable(self) -> float:
        """Seconds to wait at most before checking again whether a request may be sent; 0 for none."""
        if self._failure:
            raise self._failure
        remaining = self._deadline.remaining
        if not remaining:
            raise self._unavailable()
        next_bytes = min(self._queued_bytes, self._pace.request_bytes)
        full = self._in_flight_bytes + next_bytes > self._pace.window_bytes
        if (
            not self._queue
            or (self._in_flight and full)
            or len(self._in_flight) >= self._settings.connections
        ):
            return remaining
        return min(remaining, max(0.0, self._pace.pause_seconds(time.monotonic())))

    def _take(self) -> list[Entry]:
        """The next request's entries: at least one, in all within the limits."""
        max_records, max_bytes = self._settings.max_request_records, self._pace.request_bytes
        batch: list[Entry] = []
        size = 0
        while self._queue and len(batch) < max_records:
            if batch and size + self._queue[0].size > max_bytes:
                break
            entry = self._queue.popleft()
            size += entry.size
            batch.append(entry)
            if entry.refusals:
                self._report.retried += entry.lines
        self._queued_bytes -= size
        return batch

    def _send(self, batch: list[Entry]) -> None:
        sent_at = time.monotonic()
        sent, failure = _tally(batch), None
        try:
            answer = send(self._client, self._stream_name, batch)
            with self._changed:
                self._account(sent, answer, sent_at)
        except Exception as error:  # raised again where the sink is used, not lost in a thread
            failure = error
        with self._changed:
            del self._in_flight[id(batch)]
            self._in_flight_bytes -= sent.bytes
            self._failure = self._failure or failure
            self._report.put_seconds += time.monotonic() - sent_at
            self._changed.notify_all()

    def _account(self, sent: Tally, answer: PutResult, sent_at: float) -> None:
        refused = _tally(answer.refused)
        self._report.count(sent, refused, outcome_unknown=answer.outcome_unknown)
        self._pace.observe(refused_share=refused.bytes / sent.bytes, sent_at=sent_at, now=time.monotonic())
        for entry in answer.refused:
            entry.refusals += 1
        self._queue.extendleft(reversed(answer.refused))
        self._queued_bytes += refused.bytes
        self._last_reason = answer.reason or self._last_reason

    def _unavailable(self) -> StreamUnavailable:
        accepted = self._report.accepted
        left = self._taken_lines - accepted
        unanswered = sum(_tally(batch).lines for batch in self._in_flight.values())
        reason = f"; the last refusal was {self._last_reason}" if self._last_reason else ""
        return StreamUnavailable(
            f"{left} of {self._taken_lines} records are not on the stream {self._stream_name} at the "
            f"deadline, {unanswered} of them without an answer{reason}; the same event may be tried again",
            not_accepted=left,
            unanswered=unanswered,
            accepted=accepted,
            last_reason=self._last_reason or None,
        )


def _tally(entries: Sequence[Entry]) -> Tally:
    return Tally(
        entries=len(entries),
        lines=sum(entry.lines for entry in entries),
        data_bytes=sum(len(entry.data) for entry in entries),
        bytes=sum(entry.size for entry in entries),
    )
