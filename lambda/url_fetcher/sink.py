"""Records to the stream: packed, batched, several requests at once, resent until they are accepted."""

import time
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Condition
from typing import Literal

from url_fetcher.dead_letters import DeadLetters
from url_fetcher.deadline import Deadline
from url_fetcher.envelope import Envelope, Lines, Origin
from url_fetcher.errors import StreamUnavailable
from url_fetcher.pacing import Pace
from url_fetcher.packing import Entry, KeyedPacker, LinePacker, Packer, SinglePacker
from url_fetcher.put_records import Answer, PutsRecords, kinesis_client, send
from url_fetcher.records import Rejected

__all__ = ["DeliveryReport", "Origin", "Sink", "SinkSettings", "kinesis_client"]

_RECORDS_AT_A_TIME = 4_096
_LONGEST_KEY_BYTES = 4 * 256


@dataclass(frozen=True)
class SinkSettings:
    """How records are put on the stream.

    The limits are of Kinesis (500 records and 5 MiB a request in every region and version of the
    service) and of Firehose, which takes records of at most 1,000 KiB.

    Args:
        packing: Whether many lines share a Kinesis record.
        pack_bytes: The size aimed at for one, key included; 25 KiB is one billed unit.
        partition_key_field: The record's key that gives the partition key; empty for random ones.
        request_bytes: The size aimed at for a request, before base64; while the stream refuses, less.
        most_in_flight_bytes: How much may be on its way at once, before base64.
        connections: How many requests may be.
        first_pause_seconds: The bound of the first pause after a refusal.
        longest_pause_seconds: The bound of every pause.
        most_request_records: The service's limit.
        most_request_bytes: The service's limit, keys included.
        most_record_bytes: The service's limit, key included.
    """

    packing: Literal["lines", "none"] = "lines"
    pack_bytes: int = 25 * 1024
    partition_key_field: str = ""
    request_bytes: int = 2 * 1024 * 1024
    most_in_flight_bytes: int = 8 * 1024 * 1024
    connections: int = 8
    first_pause_seconds: float = 0.05
    longest_pause_seconds: float = 2.0
    most_request_records: int = 500
    most_request_bytes: int = 5 * 1024 * 1024
    most_record_bytes: int = 1000 * 1024


@dataclass
class DeliveryReport:
    """What became of the records; counts are of records unless they say otherwise.

    Args:
        accepted: In the stream.
        dead_lettered: Kept as dead letters, or refused because there is no place for them.
        retried: Sent again, once for each time.
        possible_duplicates: Sent again although the service may have accepted them before.
        bytes: Of the accepted lines.
        kinesis_records: Accepted records as the service counts them.
        requests: Requests made.
        refused_requests: Of these, those in which something was refused or that failed.
        put_seconds: Time in requests, summed over those under way at once.
    """

    accepted: int = 0
    dead_lettered: int = 0
    retried: int = 0
    possible_duplicates: int = 0
    bytes: int = 0
    kinesis_records: int = 0
    requests: int = 0
    refused_requests: int = 0
    put_seconds: float = 0.0


class Sink:
    """Puts records on a stream at least once, and says so only when the service has said so.

    One thread puts; requests run on threads of their own. Order is kept inside one Kinesis record
    only. Records that were refused go first in the next request, alone with what then fits.

    Args:
        client: Made by ``kinesis_client``, or anything with its ``put_records``.
        stream_name: The stream.
        deadline: Nothing is sent or waited for after it.
        settings: Sizes and limits.
        dead_letters: Where records go that never can; closed with the sink.
    """

    def __init__(
        self,
        client: PutsRecords,
        stream_name: str,
        *,
        deadline: Deadline,
        settings: SinkSettings | None = None,
        dead_letters: DeadLetters,
    ) -> None:
        self.report = DeliveryReport()
        self._client = client
        self._stream_name = stream_name
        self._deadline = deadline
        self._settings = settings = settings or SinkSettings()
        self._dead_letters = dead_letters
        self._packer = _packer(settings)
        self._pace = Pace(
            request_bytes=min(settings.request_bytes, settings.most_request_bytes),
            most_bytes=settings.most_in_flight_bytes,
            first_pause_seconds=settings.first_pause_seconds,
            longest_pause_seconds=settings.longest_pause_seconds,
        )
        self._threads = ThreadPoolExecutor(settings.connections, thread_name_prefix="put-records")
        self._changed = Condition()
        self._queue: deque[Entry] = deque()
        self._queued_bytes = 0
        self._in_flight: dict[int, Sequence[Entry]] = {}
        self._in_flight_bytes = 0
        self._last_reason = ""
        self._failure: Exception | None = None
        self._envelope: tuple[Origin, Envelope] | None = None
        self._closed = False
        self._taken = 0

    def put(self, origin: Origin, records: Sequence[bytes]) -> None:
        """Take records, each one line of JSON; waits while as much as allowed is on its way.

        Raises:
            StreamUnavailable: When the deadline comes first; retryable.
            StreamRejected: When the stream refuses the calls themselves.
        """
        envelope = self._envelope_of(origin)
        for start in range(0, len(records), _RECORDS_AT_A_TIME):
            some = records[start : start + _RECORDS_AT_A_TIME]
            lines = envelope.lines(some)
            if len(lines.data) > self._settings.most_record_bytes:
                lines = self._without_too_long(origin, envelope, lines)
            self._taken += len(lines.records)
            self._enqueue(self._packer.add(lines))

    def reject(self, origin: Origin, rejected: Rejected) -> None:
        """Keep a record that can never go as a dead letter.

        Raises:
            DeliveryError: When the dead letters cannot be written.
        """
        self._dead_letters.put(origin, rejected)
        self.report.dead_lettered += 1

    def close(self) -> None:
        """Send what is left, wait for every answer, and write the dead letters; again does nothing.

        Raises:
            StreamUnavailable: When the deadline comes first; says how many are left. Retryable.
            StreamRejected: When the stream refuses the calls themselves.
            DeliveryError: When the dead letters cannot be written.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self._enqueue(self._packer.flush())
            while self._queue or self._in_flight:
                self._send_next()
            # The last request may have failed while this waited for it, and left nothing to send.
            if self._failure:
                raise self._failure
            if self.report.accepted != self._taken:
                raise self._unavailable()
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._dead_letters.close()

    def _envelope_of(self, origin: Origin) -> Envelope:
        if self._envelope is None or self._envelope[0] != origin:
            self._envelope = (origin, Envelope(origin))
        return self._envelope[1]

    def _without_too_long(self, origin: Origin, envelope: Envelope, lines: Lines) -> Lines:
        records = lines.records
        longest = self._settings.most_record_bytes - envelope.added_bytes - _LONGEST_KEY_BYTES
        if max(map(len, records)) <= longest:
            return lines
        for record in records:
            if len(record) > longest:
                reason = f"has {len(record)} bytes; one record of the stream has room for {longest}"
                self.reject(origin, Rejected(bytes(record), reason, -1))
        return envelope.lines([record for record in records if len(record) <= longest])

    def _enqueue(self, entries: Iterable[Entry]) -> None:
        settings = self._settings
        for entry in entries:
            with self._changed:
                self._queue.append(entry)
                self._queued_bytes += entry.size
            while (
                self._queued_bytes >= self._pace.request_bytes
                or len(self._queue) >= settings.most_request_records
            ):
                self._send_next()

    def _send_next(self) -> None:
        """Begin one request as soon as the pace allows; with nothing to send, wait for one answer."""
        with self._changed:
            while (wait_seconds := self._hindrance_seconds()) > 0:
                self._changed.wait(wait_seconds)
                if not self._queue:
                    return
            batch = self._take()
            self._in_flight[id(batch)] = batch
            self._in_flight_bytes += sum(entry.size for entry in batch)
        self._threads.submit(self._send, batch)

    def _hindrance_seconds(self) -> float:
        """How long to wait at most before looking again whether a request may be sent; 0 for now."""
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
        most_records, most_bytes = self._settings.most_request_records, self._pace.request_bytes
        batch: list[Entry] = []
        size = 0
        while self._queue and len(batch) < most_records:
            if batch and size + self._queue[0].size > most_bytes:
                break
            entry = self._queue.popleft()
            size += entry.size
            batch.append(entry)
            if entry.refusals:
                self.report.retried += entry.lines
        self._queued_bytes -= size
        return batch

    def _send(self, batch: list[Entry]) -> None:
        sent_at = time.monotonic()
        answer: Answer | None = None
        failure: Exception | None = None
        try:
            answer = send(self._client, self._stream_name, batch)
        except Exception as error:  # raised again where the sink is used, not lost in a thread
            failure = error
        with self._changed:
            del self._in_flight[id(batch)]
            self._in_flight_bytes -= sum(entry.size for entry in batch)
            self._failure = self._failure or failure
            if answer:
                self._account(batch, answer, sent_at)
            self._changed.notify_all()

    def _account(self, batch: list[Entry], answer: Answer, sent_at: float) -> None:
        report, now = self.report, time.monotonic()
        refused_bytes = refused_lines = refused_data = 0
        for entry in answer.refused:
            entry.refusals += 1
            refused_bytes += entry.size
            refused_data += len(entry.data)
            refused_lines += entry.lines
        report.requests += 1
        report.put_seconds += now - sent_at
        report.accepted += sum(entry.lines for entry in batch) - refused_lines
        report.bytes += sum(len(entry.data) for entry in batch) - refused_data
        report.kinesis_records += len(batch) - len(answer.refused)
        if answer.refused:
            report.refused_requests += 1
            report.possible_duplicates += refused_lines if answer.doubtful else 0
            self._last_reason = answer.reason
            self._queue.extendleft(reversed(answer.refused))
            self._queued_bytes += refused_bytes
        sent_bytes = sum(entry.size for entry in batch)
        self._pace.observe(refused_share=refused_bytes / sent_bytes, sent_at=sent_at, now=now)

    def _unavailable(self) -> StreamUnavailable:
        report = self.report
        left = self._taken - report.accepted
        unanswered = sum(entry.lines for batch in self._in_flight.values() for entry in batch)
        reason = f"; the last refusal was {self._last_reason}" if self._last_reason else ""
        return StreamUnavailable(
            f"{left} of {self._taken} records are not on the stream {self._stream_name} at the deadline, "
            f"{unanswered} of them without an answer{reason}; the same event may be tried again",
            not_accepted=left,
            unanswered=unanswered,
            accepted=report.accepted,
            last_reason=self._last_reason or None,
        )


def _packer(settings: SinkSettings) -> Packer:
    pack_bytes = settings.pack_bytes if settings.packing == "lines" else 1
    if settings.partition_key_field:
        return KeyedPacker(settings.partition_key_field, pack_bytes)
    return LinePacker(pack_bytes) if settings.packing == "lines" else SinglePacker()
