"""That PutRecords fails as the faults file says; AWS's own throttling follows bytes and shards instead."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.emulator.instance import Emulator

Put = Callable[[int], Any]


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that says what shall go wrong."""
    return tmp_path_factory.mktemp("faults") / "faults.json"


@pytest.fixture(scope="module")
def faulty(faults: Path) -> Iterator[Emulator]:
    """An emulator that reads the faults file."""
    with Emulator(kinesis_faults=faults) as emulator:
        emulator.client("kinesis").create_stream(StreamName="s", ShardCount=1)
        yield emulator


@pytest.fixture
def put(faulty: Emulator) -> Put:
    """Puts that many small records in one request, without a retry by boto3."""
    kinesis = faulty.client("kinesis", attempts=1)

    def put_records(count: int) -> Any:
        records = [{"Data": b"%d" % n, "PartitionKey": str(n)} for n in range(count)]
        return kinesis.put_records(StreamName="s", Records=records)

    return put_records


def stored(emulator: Emulator) -> int:
    """How many records the stream holds."""
    kinesis = emulator.client("kinesis")
    shard = {"StreamName": "s", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    iterator = kinesis.get_shard_iterator(**shard)["ShardIterator"]
    return len(kinesis.get_records(ShardIterator=iterator)["Records"])


def test_no_file_means_no_faults(put: Put, faults: Path) -> None:
    """Every record is accepted while the file is not there."""
    faults.unlink(missing_ok=True)

    assert put(20)["FailedRecordCount"] == 0


def test_refused_records_are_named_at_their_places_and_not_stored(
    put: Put, faults: Path, faulty: Emulator
) -> None:
    """The count, the error entries and what is in the stream agree."""
    faults.write_text(json.dumps({"record_error_rate": 0.3}))
    before = stored(faulty)
    answer = put(100)
    codes = [entry.get("ErrorCode") for entry in answer["Records"]]
    refused = codes.count("ProvisionedThroughputExceededException")

    assert 0 < refused < 100
    assert (answer["FailedRecordCount"], codes.count(None)) == (refused, stored(faulty) - before)


def test_a_refused_request_stores_nothing(put: Put, faults: Path, faulty: Emulator) -> None:
    """The whole request fails with the code asked for."""
    faults.write_text(json.dumps({"request_error_rate": 1}))
    before = stored(faulty)
    with pytest.raises(ClientError, match="ProvisionedThroughputExceededException"):
        put(3)

    assert stored(faulty) == before


def test_a_lost_answer_leaves_the_records_in_the_stream(put: Put, faults: Path, faulty: Emulator) -> None:
    """The caller sees an error although everything was stored: the way to duplicates."""
    faults.write_text(json.dumps({"lost_answer_rate": 1}))
    before = stored(faulty)
    with pytest.raises(ClientError, match="InternalFailure"):
        put(3)

    assert stored(faulty) == before + 3


def test_a_mistake_in_the_file_is_said(put: Put, faults: Path) -> None:
    """A misspelt key fails the request and is named."""
    faults.write_text(json.dumps({"record_eror_rate": 1}))

    with pytest.raises(ClientError, match="record_eror_rate"):
        put(1)
