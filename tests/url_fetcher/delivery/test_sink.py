import random
import threading
import time
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Literal

import pytest
from botocore.exceptions import ClientError

from tests.url_fetcher.streams import ORIGIN, MemoryStream, lines_of, records, sink_to
from url_fetcher.delivery.dead_letters import DeadLetters
from url_fetcher.delivery.envelope import Envelope
from url_fetcher.delivery.sink import Origin, SinkSettings
from url_fetcher.errors import DeliveryError, StreamRejected, StreamUnavailable, UnexpectedError
from url_fetcher.formats.splitter import Rejected

_MIB = 1024 * 1024


def _numbers(stream: MemoryStream) -> list[int]:
    return [line["data"]["n"] for line in lines_of(stream.accepted)]


def test_every_record_is_put_once() -> None:
    """Records given in several calls are on the stream when the sink is closed."""
    stream = MemoryStream()
    sink = sink_to(stream)
    for start in range(0, 3_000, 700):
        sink.put(ORIGIN, records(3_000)[start : start + 700])
    sink.close()

    assert sorted(_numbers(stream)) == list(range(3_000))


def test_lines_carry_their_own_origin() -> None:
    """Pages of different sources or times may share a Kinesis record, not an envelope."""
    stream = MemoryStream()
    sink = sink_to(stream)
    for name in "ab":
        sink.put(Origin(f"https://{name}.example", "t", name), [b"1"])
    sink.close()

    assert [line["sourceUrl"] for line in lines_of(stream.accepted)] == [
        "https://a.example",
        "https://b.example",
    ]


@pytest.mark.parametrize(
    "settings",
    [SinkSettings(), SinkSettings(packing="none"), SinkSettings(packing="gzip", pack_bytes=1_024)],
    ids=["lines", "none", "gzip"],
)
def test_requests_keep_the_limits(settings: SinkSettings) -> None:
    """No request has more than 500 records or more bytes than aimed at."""
    stream = MemoryStream()
    sink = sink_to(stream, settings=settings)
    sink.put(ORIGIN, records(30_000, size=50))
    sink.close()
    sizes = [
        (len(request), sum(len(each["Data"]) + len(each["PartitionKey"]) for each in request))
        for request in stream.requests
    ]

    assert [(count, size) for count, size in sizes if count > 500 or size > 2 * _MIB] == []
    assert len(sizes) > 1


def test_compressed_records_are_put_once() -> None:
    """Of what is being compressed when the sink is closed nothing is left behind."""
    stream = MemoryStream()
    sink = sink_to(stream, settings=SinkSettings(packing="gzip"))
    for start in range(0, 30_000, 700):
        sink.put(ORIGIN, records(30_000)[start : start + 700])
    sink.close()

    assert _numbers(stream) == list(range(30_000))


def test_compressed_records_may_have_a_key_of_the_source() -> None:
    """Under a field's value lie members of the records that have it."""
    stream = MemoryStream()
    sink = sink_to(stream, settings=SinkSettings(packing="gzip", partition_key_field="n"))
    sink.put(ORIGIN, records(3) * 50)
    sink.close()
    entries = [entry for request in stream.requests for entry in request]

    assert [
        (each["PartitionKey"], {line["data"]["n"] for line in lines_of([each["Data"]])}) for each in entries
    ] == [(str(number), {number}) for number in range(3)]


def test_a_packed_record_is_one_billed_unit() -> None:
    """AWS bills by 25 KB; a full record stays below even if that means 25,000 bytes, and fills most of it."""
    stream = MemoryStream()
    sink = sink_to(stream, settings=SinkSettings())
    sink.put(ORIGIN, records(3_000, size=50))
    sink.close()
    sizes = [len(each["Data"]) + len(each["PartitionKey"]) for request in stream.requests for each in request]

    assert 24_000 < max(sizes) < 25_000


def test_records_larger_than_a_request_aims_at_still_go() -> None:
    """A line of nearly 1,000 KiB is a Kinesis record and a request of its own."""
    stream = MemoryStream()
    sink = sink_to(stream, settings=SinkSettings(request_bytes=100_000))
    sink.put(ORIGIN, records(3, size=1_000_000))
    sink.close()

    assert [len(request) for request in stream.requests] == [1, 1, 1]


_ONE_AT_A_TIME = SinkSettings(packing="none", request_bytes=600, connections=1, first_pause_seconds=0)


def _second_refused_once(request: int, record: Mapping[str, Any]) -> bool:
    return request == 1 and b'"n":1,' in record["Data"]


def test_refused_records_go_first_in_the_next_request() -> None:
    """What was refused is not put behind what came later."""
    stream = MemoryStream(_second_refused_once)
    sink = sink_to(stream, settings=_ONE_AT_A_TIME)
    sink.put(ORIGIN, records(9))
    sink.close()

    assert b'"n":1,' in stream.requests[1][0]["Data"]


def test_only_refused_records_are_sent_again() -> None:
    """What was accepted is not repeated because its neighbour was refused."""
    stream = MemoryStream(_second_refused_once)
    sink = sink_to(stream, settings=_ONE_AT_A_TIME)
    sink.put(ORIGIN, records(9))
    sink.close()

    assert sorted(_numbers(stream)) == list(range(9))


def test_the_report_counts_records() -> None:
    """Accepted and retried are counted in records, not in Kinesis records."""
    stream = MemoryStream(lambda request, _: request == 1)
    sink = sink_to(stream)
    sink.put(ORIGIN, records(100))
    sink.close()
    report = sink.report

    assert (report.accepted, report.retried, report.kinesis_records, report.requests) == (100, 100, 1, 2)


def test_bytes_are_those_of_the_accepted_lines() -> None:
    """Neither keys nor what was refused is counted."""
    stream = MemoryStream(lambda request, _: request == 1)
    sink = sink_to(stream)
    sink.put(ORIGIN, records(10))
    sink.close()

    assert sink.report.bytes == sum(map(len, stream.accepted))


def test_a_throttle_that_is_no_failure_is_no_possible_duplicate() -> None:
    """A record that the service says it refused cannot be there twice."""
    stream = MemoryStream(lambda request, _: request == 1)
    sink = sink_to(stream)
    sink.put(ORIGIN, records(10))
    sink.close()

    assert sink.report.possible_duplicates == 0


def test_at_the_deadline_what_is_left_is_counted() -> None:
    """When the stream refuses until the deadline, the error says how many records are not on it."""
    sink = sink_to(MemoryStream(lambda *_: True), seconds=0.2)
    sink.put(ORIGIN, records(10))

    with pytest.raises(StreamUnavailable, match="10 of 10 records"):
        sink.close()


_KEY_DENIED: Any = {"Error": {"Code": "KMSAccessDeniedException", "Message": "the role may not use key/1234"}}


class _KeyDenied:
    """A stream whose key the role may not use yet: that many calls are refused, then all is taken."""

    def __init__(self, refusals: float) -> None:
        self.stream = MemoryStream()
        self._refusals = refusals

    def put_records(self, *, StreamName: str, Records: Sequence[Any]) -> Mapping[str, Any]:  # noqa: N803
        """As boto3's."""
        self._refusals -= 1
        if self._refusals >= 0:
            raise ClientError(_KEY_DENIED, "PutRecords")
        return self.stream.put_records(StreamName=StreamName, Records=Records)


def test_kms_errors_are_retried_until_the_key_works() -> None:
    """Nothing is lost while a key's policy is on its way."""
    client = _KeyDenied(3)
    sink = sink_to(client)
    sink.put(ORIGIN, records(10))
    sink.close()

    assert (_numbers(client.stream), sink.report.possible_duplicates) == (list(range(10)), 0)


def test_the_final_error_names_the_problem_with_the_key() -> None:
    """Who reads it learns which key it is and what to check; the event may be tried again."""
    sink = sink_to(_KeyDenied(float("inf")), seconds=0.2)
    sink.put(ORIGIN, records(10))

    with pytest.raises(StreamUnavailable, match=r"KMSAccessDeniedException .*key/1234.*check the state"):
        sink.close()


def test_after_the_deadline_putting_fails_too() -> None:
    """With no time left nothing more is taken in than fits into memory."""
    sink = sink_to(MemoryStream(lambda *_: True), seconds=0.05)

    with pytest.raises(StreamUnavailable):
        sink.put(ORIGIN, records(50_000, size=100))


class _Hanging:
    """A stream whose answers come only when they are let."""

    def __init__(self) -> None:
        self.begun = 0
        self.fourth_at: float | None = None
        self.let = threading.Event()
        self._lock = threading.Lock()

    def put_records(self, *, StreamName: str, Records: Sequence[Any]) -> Mapping[str, Any]:  # noqa: N803, ARG002
        with self._lock:
            self.begun += 1
            if self.begun == 4:
                self.fourth_at = time.monotonic()
        self.let.wait(600)
        return {"FailedRecordCount": 0, "Records": [{}] * len(Records)}


def test_bytes_in_flight_are_bounded() -> None:
    """While no answer comes, no more than four requests are begun at first, and put waits."""
    stream = _Hanging()
    many = records(100_000, size=100)

    def clock() -> float:
        # However long the four take to begin, a fifth has the whole time to begin after them.
        return 0.0 if stream.fourth_at is None else time.monotonic() - stream.fourth_at

    sink = sink_to(stream, seconds=0.3, clock=clock)
    with pytest.raises(StreamUnavailable):
        sink.put(ORIGIN, many)
    stream.let.set()

    assert stream.begun == 4


def test_requests_without_an_answer_are_named() -> None:
    """At the deadline, records whose request is under way are counted as unanswered."""
    stream = _Hanging()
    sink = sink_to(stream, seconds=0.2)
    sink.put(ORIGIN, records(7))
    with pytest.raises(StreamUnavailable) as raised:
        sink.close()
    stream.let.set()

    assert raised.value.details["unanswered"] == 7


def test_a_refused_call_ends_the_delivery() -> None:
    """What will be refused again is raised where the sink is used."""

    class Denied:
        def put_records(self, *, StreamName: str, Records: Sequence[Any]) -> Mapping[str, Any]:  # noqa: N803
            raise StreamRejected(f"{StreamName} takes no {len(Records)} records")

    sink = sink_to(Denied())
    sink.put(ORIGIN, [b"1"])

    with pytest.raises(StreamRejected):
        sink.close()


def test_an_unexpected_error_in_a_request_is_not_lost() -> None:
    """Whatever a client raises, the sink does not end as if all were well."""

    class Broken:
        def put_records(self, *, StreamName: str, Records: Sequence[Any]) -> Mapping[str, Any]:  # noqa: N803
            raise RuntimeError(f"{StreamName}: {len(Records)}")

    sink = sink_to(Broken())
    sink.put(ORIGIN, [b"1"])

    with pytest.raises(RuntimeError):
        sink.close()


def _without_memory(*_: object, **__: object) -> None:
    raise MemoryError


def test_an_error_while_an_answer_is_counted_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was refused must be sent again; if it cannot be kept for that, the delivery fails."""
    monkeypatch.setattr("url_fetcher.delivery.pacing.CongestionWindow.observe", _without_memory)
    sink = sink_to(MemoryStream(refuse=lambda *_: True), seconds=5)
    sink.put(ORIGIN, records(10))
    with pytest.raises(MemoryError):
        sink.close()


def test_lines_that_became_no_request_fail_the_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in the packer is remembered by what is missing, even if whoever met it goes on."""
    sink = sink_to(MemoryStream())
    with monkeypatch.context() as patch:
        patch.setattr("url_fetcher.delivery.envelope.Lines.joined", _without_memory)
        with pytest.raises(MemoryError):
            sink.put(ORIGIN, records(10))
    sink.put(ORIGIN, records(10))
    with pytest.raises(UnexpectedError, match="10 of 20 records were lost"):
        sink.close()


def test_closing_again_does_nothing() -> None:
    """Close is idempotent."""
    stream = MemoryStream()
    sink = sink_to(stream)
    sink.put(ORIGIN, [b"1"])
    sink.close()
    sink.close()

    assert len(stream.requests) == 1


def test_a_sink_that_was_given_nothing_makes_no_request() -> None:
    """A source without records costs nothing at the stream."""
    stream = MemoryStream()
    sink_to(stream).close()

    assert stream.requests == []


class _Store:
    def __init__(self) -> None:
        self.objects: list[bytes] = []

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> object:  # noqa: N803, ARG002
        self.objects.append(Body)
        return {}


def test_a_line_too_long_for_the_stream_goes_alone_to_the_dead_letters() -> None:
    """The envelope can make a record too long: it is rejected, its neighbours are put."""
    stream, store = MemoryStream(), _Store()
    sink = sink_to(stream, dead_letters=DeadLetters("bucket", connect=lambda: store))
    sink.put(ORIGIN, [b"1", b'"' + b"x" * 1_024_000 + b'"', b"2"])
    sink.close()

    assert ([line["data"] for line in lines_of(stream.accepted)], sink.report.dead_lettered) == ([1, 2], 1)


_LONGEST = {"lines": 1_024_000 - 1_024, "gzip": 1_024_000 - 1_024 - 18 - 5 * 16}


def _longest_record(packing: str, more: int) -> bytes:
    """Of bytes that do not compress, as long as the stream's record has room for, and ``more``."""
    noise = random.Random(1).randbytes(_LONGEST[packing] - Envelope(ORIGIN).added_bytes + more - 2)
    return b'"' + noise.replace(b"\n", b" ") + b'"'


@pytest.mark.parametrize("before", [[], [b"1"]], ids=["alone", "after another"])
@pytest.mark.parametrize("packing", ["lines", "gzip"])
def test_the_longest_line_is_put(packing: Literal["lines", "gzip"], before: list[bytes]) -> None:
    """It is within the service's limit even if it cannot be compressed."""
    stream = MemoryStream()
    sink = sink_to(stream, settings=SinkSettings(packing=packing))
    sink.put(ORIGIN, [*before, _longest_record(packing, 0)])
    sink.close()
    longest = max(len(entry["Data"]) + len(entry["PartitionKey"]) for entry in chain(*stream.requests))

    assert 1_020_000 < longest <= 1_024_000


@pytest.mark.parametrize("before", [[], [b"1"]], ids=["alone", "after another"])
@pytest.mark.parametrize("packing", ["lines", "gzip"])
def test_a_line_longer_by_a_byte_is_a_dead_letter(
    packing: Literal["lines", "gzip"], before: list[bytes]
) -> None:
    """Whether a record is too long depends on its length alone, not on its company."""
    stream, store = MemoryStream(), _Store()
    settings = SinkSettings(packing=packing)
    sink = sink_to(stream, settings=settings, dead_letters=DeadLetters("bucket", connect=lambda: store))
    sink.put(ORIGIN, [*before, _longest_record(packing, 1)])
    sink.close()

    assert (sink.report.accepted, sink.report.dead_lettered) == (len(before), 1)


def test_rejected_records_are_written_when_the_sink_closes() -> None:
    """Closing the sink closes the dead letters."""
    store = _Store()
    sink = sink_to(MemoryStream(), dead_letters=DeadLetters("bucket", connect=lambda: store))
    sink.reject(ORIGIN, Rejected(b"x", "is not JSON", 0))
    sink.close()

    assert len(store.objects) == 1


def test_a_rejected_record_without_a_place_fails_the_delivery() -> None:
    """With no bucket a rejected record cannot be kept, so closing raises, after everything else went."""
    stream = MemoryStream()
    sink = sink_to(stream)
    sink.put(ORIGIN, [b"1"])
    sink.reject(ORIGIN, Rejected(b"x", "is not JSON", 0))
    with pytest.raises(DeliveryError, match="DEAD_LETTER_BUCKET"):
        sink.close()

    assert len(stream.accepted) == 1
