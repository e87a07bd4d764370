"""Records to the stream: in envelopes, packed and sent; undeliverable records go to the dead letters."""

from collections.abc import Sequence
from itertools import chain

from url_fetcher.deadline import Deadline
from url_fetcher.delivery.counters import DeliveryReport, SinkSettings
from url_fetcher.delivery.dead_letters import DeadLetters
from url_fetcher.delivery.dispatch import Dispatcher
from url_fetcher.delivery.envelope import Envelope, Lines, Origin
from url_fetcher.delivery.kinesis import PutsRecords, kinesis_client
from url_fetcher.delivery.packing import Entry, Form, KeyedPacker, LinePacker, Packer, Plain, SinglePacker
from url_fetcher.formats.splitter import Rejected

__all__ = ["DeliveryReport", "Origin", "Sink", "SinkSettings", "kinesis_client"]

_RECORDS_AT_A_TIME = 4_096
_MAX_KEY_BYTES = 4 * 256


class Sink:
    """Puts records on a stream at least once; counts a record as accepted only when the service has said so.

    Used by one thread; requests run on others. Order is kept inside one Kinesis record only.

    Example:
        >>> sink = Sink(kinesis_client(), "orders", deadline=Deadline(60), dead_letters=DeadLetters("lake"))
        >>> sink.put(Origin(source_url="https://…", timestamp="2026-11-23T01:18:08.129Z"), [b'{"id":1}'])
        >>> sink.close()
        >>> sink.report.accepted
        1

    Args:
        client: Made by ``kinesis_client``, or anything with its ``put_records``.
        stream_name: The stream.
        deadline: Nothing is sent or waited for after it.
        settings: Sizes and limits.
        dead_letters: Stores undeliverable records; closed with the sink.
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
        self._settings = settings or SinkSettings()
        self._dead_letters = dead_letters
        self._form = _form(self._settings)
        self._packer = _packer(self._settings, self._form)
        self.max_line_bytes = self._settings.max_record_bytes - _MAX_KEY_BYTES - self._form.overhead_bytes
        """The longest line that the stream takes, with its newline."""
        self._dispatcher = Dispatcher(
            client, stream_name, deadline=deadline, settings=self._settings, report=self.report
        )
        self._envelope: tuple[Origin, Envelope] | None = None
        self._closed = False

    def put(self, origin: Origin, records: Sequence[bytes]) -> None:
        """Takes records, each one line of JSON; blocks while too much is in flight.

        Raises:
            StreamUnavailable: When the deadline comes first; retryable.
            StreamRejected: When the stream refuses the calls themselves.
            DeliveryError: When one is too long for the stream and the dead letters cannot take it.
        """
        envelope = self._envelope_of(origin)
        for start in range(0, len(records), _RECORDS_AT_A_TIME):
            lines = envelope.lines(records[start : start + _RECORDS_AT_A_TIME])
            if lines.size > self.max_line_bytes:
                lines = self._without_too_long(origin, envelope, lines)
            self._dispatcher.enqueue(self._packer.add(lines), lines=len(lines.records))

    def put_again(self, lines: Lines) -> None:
        """Takes lines that were made before, none over ``max_line_bytes``; raises as ``put``."""
        self._dispatcher.enqueue(self._packer.add(lines), lines=len(lines.records))

    def put_as_it_is(self, entry: Entry) -> None:
        """Takes a former record of the stream unchanged; raises as ``put``."""
        self._dispatcher.enqueue([entry], lines=entry.lines)

    def reject(self, origin: Origin, rejected: Rejected) -> None:
        """Stores an undeliverable record as a dead letter.

        Raises:
            DeliveryError: When the dead letters cannot be written.
        """
        self._dead_letters.put(origin, rejected)
        self.report.dead_lettered += 1

    def close(self) -> None:
        """Sends the rest, waits for every answer, and writes the dead letters. A second call does nothing.

        Raises:
            StreamUnavailable: When the deadline comes first; says how many are left. Retryable.
            StreamRejected: When the stream refuses the calls themselves.
            DeliveryError: When the dead letters cannot be written.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self._dispatcher.enqueue(chain(self._packer.flush(), self._form.rest()))
            self._dispatcher.drain()
        finally:
            self._form.stop()
            self._dispatcher.stop()
            self._dead_letters.close()

    def _envelope_of(self, origin: Origin) -> Envelope:
        if self._envelope is None or self._envelope[0] != origin:
            self._envelope = (origin, Envelope(origin))
        return self._envelope[1]

    def _without_too_long(self, origin: Origin, envelope: Envelope, lines: Lines) -> Lines:
        records = lines.records
        longest = self.max_line_bytes - envelope.added_bytes
        if max(map(len, records)) <= longest:
            return lines
        for record in records:
            if len(record) > longest:
                reason = f"has {len(record)} bytes; one record of the stream has room for {longest}"
                self.reject(origin, Rejected(bytes(record), reason, -1))
        return envelope.lines([record for record in records if len(record) <= longest])


def _form(settings: SinkSettings) -> Form:
    if settings.packing == "gzip":
        # Imported by need: its compressor would cost every start its time.
        from url_fetcher.delivery.gzip_members import GzipMembers

        return GzipMembers(settings.pack_bytes, settings.max_record_bytes)
    return Plain(settings.pack_bytes if settings.packing == "lines" else 1)


def _packer(settings: SinkSettings, form: Form) -> Packer:
    unkeyed = SinglePacker() if settings.packing == "none" else LinePacker(form)
    field = settings.partition_key_field
    return KeyedPacker(field, form, unkeyed) if field else unkeyed
