"""Every record is accounted for, whatever the endpoint does: the product's client over real HTTP.

Once the endpoint keeps what it accepts; once it stands before the local AWS, whose stream and
bucket are what is looked at. The local AWS itself refuses nothing: it knows no throughput limits.
"""

import gzip
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.json_oracle import cut
from local_aws.emulator.instance import Emulator
from local_aws.servers.kinesis_faults import Fault, KinesisFaults
from tests.url_fetcher.streams import ORIGIN, lines_of, records, sink_to
from url_fetcher.delivery.dead_letters import DeadLetters
from url_fetcher.delivery.kinesis import kinesis_client
from url_fetcher.delivery.sink import DeliveryReport, Sink, SinkSettings
from url_fetcher.errors import StreamUnavailable
from url_fetcher.formats.detect import open_splitter
from url_fetcher.formats.splitter import split

_RECORDS = 5_000
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
_KINDS = ("endpoint", "endpoint, gzip", "emulator")
_SETTINGS = SinkSettings(
    pack_bytes=2_000, request_bytes=30_000, first_pause_seconds=0.001, max_pause_seconds=0.01
)


class _Endpoint:
    """The endpoint alone, and a bucket in memory."""

    def __init__(self) -> None:
        self.server = KinesisFaults(_FAULTS, seed=7)
        self.objects: list[bytes] = []

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> object:  # noqa: N803, ARG002
        """As boto3's."""
        self.objects.append(Body)
        return {}

    def store(self) -> "_Endpoint":
        """What dead letters are written with."""
        return self

    def on_the_stream(self) -> list[bytes]:
        """Every Kinesis record."""
        return self.server.accepted


class _BeforeTheEmulator:
    """The endpoint before a stream of two shards and a bucket in the local AWS."""

    def __init__(self, emulator: Emulator) -> None:
        self.server = KinesisFaults(_FAULTS, seed=7, forward=self._forward)
        self._kinesis, self._s3 = emulator.client("kinesis"), emulator.client("s3")
        self._kinesis.create_stream(StreamName="stream", ShardCount=2)
        self._kinesis.get_waiter("stream_exists").wait(StreamName="stream", WaiterConfig={"Delay": 1})
        self._s3.create_bucket(Bucket="bucket")

    def _forward(self, entries: list[dict[str, Any]]) -> None:
        records = [{**entry, "Data": b64decode(entry["Data"])} for entry in entries]
        assert self._kinesis.put_records(StreamName="stream", Records=records)["FailedRecordCount"] == 0

    def store(self) -> Any:
        """What dead letters are written with."""
        return self._s3

    @property
    def objects(self) -> list[bytes]:
        """Every object of dead letters."""
        keys = [entry["Key"] for entry in self._s3.list_objects_v2(Bucket="bucket").get("Contents", [])]
        return [self._s3.get_object(Bucket="bucket", Key=key)["Body"].read() for key in keys]

    def on_the_stream(self) -> list[bytes]:
        """Every Kinesis record, read from all shards."""
        found: list[bytes] = []
        for shard in self._kinesis.list_shards(StreamName="stream")["Shards"]:
            iterator = self._kinesis.get_shard_iterator(
                StreamName="stream", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while (answer := self._kinesis.get_records(ShardIterator=iterator))["Records"]:
                found += [record["Data"] for record in answer["Records"]]
                iterator = answer["NextShardIterator"]
        return found


@contextmanager
def _target(kind: str) -> Iterator[_Endpoint | _BeforeTheEmulator]:
    if kind != "emulator":
        yield _Endpoint()
        return
    with Emulator() as emulator:
        yield _BeforeTheEmulator(emulator)


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
    """One delivery of all records, with a few among them that the stream can never take."""

    def __init__(self, target: _Endpoint | _BeforeTheEmulator, settings: SinkSettings) -> None:
        bad = [b"{not json", b'"' + b"x" * 60_000 + b'"', b"\xff"]
        lines = [*records(_RECORDS), *bad]
        self.server = target.server
        with self.server:
            sink = sink_to(
                kinesis_client(read_timeout_seconds=2.0),
                settings=settings,
                dead_letters=DeadLetters("bucket", connect=target.store),
                seconds=120,
            )
            self.report = _deliver(sink, b"\n".join(lines))
        self.bad = len(bad)
        self.kept = sum(len(gzip.decompress(body).splitlines()) for body in target.objects)
        found = lines_of(target.on_the_stream())
        self.counts = Counter(line["data"]["n"] for line in found)
        self.ids = {(line["data"]["n"], line["id"]) for line in found}
        self.unclear = len(lines_of(self.server.unclear))
        self.unacknowledged = Counter(line["data"]["n"] for line in lines_of(self.server.unacknowledged))


@pytest.fixture(scope="module", params=_KINDS)
def run(request: pytest.FixtureRequest) -> _Run:
    """The run that the tests look at from all sides."""
    with _target(request.param) as target, pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ENDPOINT_URL_KINESIS", target.server.origin)
        # Small ones, so that there are many: a gzip member holds five times the lines.
        gzip_settings = replace(_SETTINGS, packing="gzip", pack_bytes=512, request_bytes=6_000)
        return _Run(target, gzip_settings if "gzip" in request.param else _SETTINGS)


def test_every_fault_happened(run: _Run) -> None:
    """The run means something only if the endpoint did its worst."""
    assert set(run.server.faults_done) == set(_FAULTS)


def test_nothing_is_lost(run: _Run) -> None:
    """Each record that was sent is on the stream."""
    assert set(run.counts) == set(range(_RECORDS))


def test_what_can_never_go_is_dead_lettered(run: _Run) -> None:
    """Sent is accepted plus dead-lettered, and nothing else."""
    assert (run.report.accepted, run.report.dead_lettered, run.kept) == (_RECORDS, run.bad, run.bad)


def test_a_record_is_there_twice_only_where_a_fault_explains_it(run: _Run) -> None:
    """Copies beyond the first are those that the endpoint accepted without saying so."""
    assert run.counts - Counter(range(_RECORDS)) == run.unacknowledged


def test_duplicates_have_one_id(run: _Run) -> None:
    """A reader can drop them."""
    assert len(run.ids) == _RECORDS


def test_every_duplicate_was_reported_as_possible(run: _Run) -> None:
    """The report counts the records of each request without a clear answer, and no others."""
    assert run.report.possible_duplicates == run.unclear >= run.unacknowledged.total() > 0


def test_an_invocation_that_died_in_the_middle_is_made_good_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Replaying the event after a crash completes the stream, and the ids tell what came twice."""
    body = b"\n".join(records(2_000))
    slowly = replace(_SETTINGS, connections=1)
    with KinesisFaults(delay_seconds=0.05) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KINESIS", server.origin)
        with pytest.raises(StreamUnavailable):
            _deliver(sink_to(kinesis_client(), settings=slowly, seconds=0.3), body)
        _deliver(sink_to(kinesis_client(), settings=_SETTINGS), body)
    found = {(line["data"]["n"], line["id"]) for line in lines_of(server.accepted)}

    assert sorted(number for number, _ in found) == list(range(2_000))
