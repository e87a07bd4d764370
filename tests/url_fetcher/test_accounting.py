"""Every record is accounted for, whatever the endpoint does: the product's client over real HTTP."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest

from benchmarks.json_oracle import cut
from local_aws.kinesis_faults import Fault, KinesisFaults
from tests.url_fetcher.streams import ORIGIN, lines_of, records, sink_to
from url_fetcher.dead_letters import DeadLetters
from url_fetcher.errors import StreamUnavailable
from url_fetcher.put_records import kinesis_client
from url_fetcher.records import open_splitter, split
from url_fetcher.sink import DeliveryReport, Sink, SinkSettings

_RECORDS = 50_000
_FAULTS: Mapping[Fault, float] = {
    "partial": 0.25,
    "throttled": 0.08,
    "error": 0.06,
    "error_after": 0.06,
    "reset": 0.05,
    "reset_after": 0.05,
    "silent_after": 0.03,
    "miscounted": 0.04,
}
_SETTINGS = SinkSettings(
    pack_bytes=4_000, request_bytes=60_000, first_pause_seconds=0.001, longest_pause_seconds=0.01
)


class _Store:
    def __init__(self) -> None:
        self.count = 0

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> object:  # noqa: N803, ARG002
        self.count += 1
        return {}


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def _deliver(sink: Sink, body: bytes) -> DeliveryReport:
    splitter = open_splitter("ndjson", max_record_bytes=50_000, max_nesting=100)
    for some, rejected in split(cut(body, [65_536]), splitter):
        sink.put(ORIGIN, some)
        for each in rejected:
            sink.reject(ORIGIN, each)
    sink.close()
    return sink.report


class _Run:
    """One delivery of all records, with a few that can never go among them."""

    def __init__(self, server: KinesisFaults) -> None:
        bad = [b"{not json", b'"' + b"x" * 60_000 + b'"', b"\xff"]
        lines = [*records(_RECORDS), *bad]
        with server:
            sink = sink_to(
                kinesis_client(read_timeout_seconds=0.3),
                settings=_SETTINGS,
                dead_letters=DeadLetters("bucket", connect=_Store),
                seconds=120,
            )
            self.report = _deliver(sink, b"\n".join(lines))
        self.server = server
        self.bad = len(bad)
        self.counts = Counter(line["data"]["n"] for line in lines_of(server.accepted))
        self.ids = {(line["data"]["n"], line["id"]) for line in lines_of(server.accepted)}
        self.unconfessed = Counter(line["data"]["n"] for line in lines_of(server.unconfessed))


@pytest.fixture(scope="module")
def run() -> _Run:
    """The run that the tests look at from all sides."""
    server = KinesisFaults(_FAULTS, seed=7)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ENDPOINT_URL_KINESIS", server.url)
        return _Run(server)


def test_every_fault_happened(run: _Run) -> None:
    """The run means something only if the endpoint did its worst."""
    assert set(run.server.faults_done) == set(_FAULTS)


def test_nothing_is_lost(run: _Run) -> None:
    """Each record that was sent is on the stream."""
    assert set(run.counts) == set(range(_RECORDS))


def test_what_can_never_go_is_dead_lettered(run: _Run) -> None:
    """Sent is accepted plus dead-lettered, and nothing else."""
    assert (run.report.accepted, run.report.dead_lettered) == (_RECORDS, run.bad)


def test_a_record_is_there_twice_only_where_a_fault_explains_it(run: _Run) -> None:
    """Copies beyond the first are those that the endpoint accepted without saying so."""
    assert run.counts - Counter(range(_RECORDS)) == run.unconfessed


def test_duplicates_have_one_id(run: _Run) -> None:
    """A reader can drop them."""
    assert len(run.ids) == _RECORDS


def test_every_duplicate_was_reported_as_possible(run: _Run) -> None:
    """The report never says fewer than there are."""
    assert run.report.possible_duplicates >= run.unconfessed.total() > 0


def test_an_invocation_that_died_in_the_middle_is_made_good_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Replaying the event after a crash completes the stream, and the ids tell what came twice."""
    body = b"\n".join(records(5_000))
    slowly = replace(_SETTINGS, connections=1)
    with KinesisFaults(delay_seconds=0.05) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KINESIS", server.url)
        with pytest.raises(StreamUnavailable):
            _deliver(sink_to(kinesis_client(), settings=slowly, seconds=0.3), body)
        _deliver(sink_to(kinesis_client(), settings=_SETTINGS), body)
    found = {(line["data"]["n"], line["id"]) for line in lines_of(server.accepted)}

    assert sorted(number for number, _ in found) == list(range(5_000))
