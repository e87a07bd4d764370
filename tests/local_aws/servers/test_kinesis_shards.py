"""That the endpoint's shards take what the service's do and refuse the rest, seen by boto3."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import md5
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws.servers.kinesis_shards import BYTES_A_SECOND, RECORDS_A_SECOND, KinesisShards

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

_KEY = "k"


class Clock:
    """A clock that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


@contextmanager
def stream(shards: int, clock: Clock, *, seconds: float = 1) -> Iterator[tuple[KinesisShards, Any]]:
    """An endpoint and a client, that many seconds after its first request, which its empty shards refuse."""
    with KinesisShards(shards, clock=clock) as endpoint:
        client: KinesisClient = boto3.client(
            "kinesis",
            endpoint_url=endpoint.origin,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )
        if shards:
            put(client, 1)
        clock.now += seconds
        yield endpoint, client


def put(client: Any, count: int, size: int = 1) -> list[dict[str, str]]:
    """The results of a request with that many records of ``size`` bytes and a key."""
    records = [{"Data": b"x" * size, "PartitionKey": _KEY}] * count
    return list(client.put_records(StreamName="bench", Records=records)["Records"])


def taken(results: list[dict[str, str]]) -> int:
    """How many were accepted."""
    return sum("SequenceNumber" in result for result in results)


def test_a_shard_begins_empty() -> None:
    """What it would have saved up counts for no benchmark."""
    with stream(1, Clock(), seconds=0) as (_, client):
        assert taken(put(client, 10)) == 0


def test_a_second_is_good_for_a_thousand_records() -> None:
    """However small they are."""
    with stream(1, Clock()) as (_, client):
        found = [taken(put(client, 500)) for _ in range(3)]

        assert found == [500, RECORDS_A_SECOND - 500, 0]


def test_a_second_is_good_for_one_mebibyte_of_data_and_keys() -> None:
    """However few records they are."""
    with stream(1, Clock()) as (_, client):
        assert taken(put(client, 500, size=10_240)) == BYTES_A_SECOND // (10_240 + len(_KEY))


def test_more_than_a_second_is_not_saved() -> None:
    """After a long rest a shard takes no more than after one second."""
    with stream(1, Clock(), seconds=60) as (_, client):
        assert [taken(put(client, 500)) for _ in range(3)] == [500, 500, 0]


def test_a_shard_fills_steadily() -> None:
    """A quarter of a second is good for a quarter of the records."""
    clock = Clock()
    with stream(1, clock) as (_, client):
        put(client, 500), put(client, 500)
        clock.now += 0.25

        assert taken(put(client, 500)) == RECORDS_A_SECOND // 4


def test_a_refused_record_takes_no_room() -> None:
    """A small one after it is accepted."""
    with stream(1, Clock()) as (_, client):
        sizes = (BYTES_A_SECOND - 10_000, 20_000, 5_000)
        records = [{"Data": b"x" * size, "PartitionKey": _KEY} for size in sizes]
        results = client.put_records(StreamName="bench", Records=records)["Records"]

        assert ["SequenceNumber" in result for result in results] == [True, False, True]


def test_each_refusal_in_a_batch_says_why() -> None:
    """The call succeeds, and counts what it refused."""
    with stream(1, Clock(), seconds=0.0015) as (_, client):
        records = [{"Data": b"x", "PartitionKey": _KEY}] * 2
        answer = client.put_records(StreamName="bench", Records=records)

        assert (answer["FailedRecordCount"], answer["Records"][1]["ErrorCode"]) == (
            1,
            "ProvisionedThroughputExceededException",
        )


def test_a_refused_single_record_is_an_error() -> None:
    """PutRecord raises what it raises with the service."""
    with stream(1, Clock(), seconds=0) as (_, client), pytest.raises(ClientError) as caught:
        client.put_record(StreamName="bench", Data=b"x", PartitionKey=_KEY)

    assert caught.value.response["Error"]["Code"] == "ProvisionedThroughputExceededException"


def test_a_key_decides_the_shard_by_its_hash() -> None:
    """Each record is in the shard whose range has the MD5 of its key."""
    with stream(3, Clock()) as (_, client):
        ranges = {each["ShardId"]: each["HashKeyRange"] for each in client.list_shards()["Shards"]}
        keys = [f"key {number} ü" for number in range(100)]
        records = [{"Data": b"x", "PartitionKey": key} for key in keys]
        results = client.put_records(StreamName="bench", Records=records)["Records"]
        hashes = [int(md5(key.encode(), usedforsecurity=False).hexdigest(), 16) for key in keys]
        found = [ranges[result["ShardId"]] for result in results]

        assert all(
            int(range_["StartingHashKey"]) <= hash_ <= int(range_["EndingHashKey"])
            for hash_, range_ in zip(hashes, found, strict=True)
        )


def test_a_full_shard_does_not_stop_another() -> None:
    """Each has a limit of its own."""
    with stream(2, Clock()) as (_, client):
        results = [put(client, 500), put(client, 500), put(client, 500)]
        other = next(key for key in map(str, range(100)) if _half(key) != _half(_KEY))
        client.put_record(StreamName="bench", Data=b"x", PartitionKey=other)

        assert sum(map(taken, results)) == RECORDS_A_SECOND


def _half(key: str) -> int:
    return md5(key.encode(), usedforsecurity=False).digest()[0] >> 7


def test_without_shards_there_is_no_limit() -> None:
    """Everything is accepted, in no time."""
    with stream(0, Clock(), seconds=0) as (_, client):
        assert sum(taken(put(client, 500, size=10_000)) for _ in range(3)) == 1_500


@pytest.mark.parametrize(
    ("count", "size"), [(501, 1), (1, 1024 * 1024), (500, 21_000)], ids=["records", "record", "request"]
)
def test_what_is_over_the_limits_of_a_request_is_refused_for_good(count: int, size: int) -> None:
    """As the service refuses it, with an error that no repetition heals."""
    with stream(0, Clock()) as (_, client), pytest.raises(ClientError) as caught:
        put(client, count, size)

    assert caught.value.response["Error"]["Code"] == "InvalidArgumentException"


def test_what_was_accepted_is_kept_and_what_was_refused_is_not() -> None:
    """A benchmark counts the source's records in it."""
    with stream(1, Clock(), seconds=0.0025) as (endpoint, client):
        records = [{"Data": data, "PartitionKey": _KEY} for data in (b"one", b"two", b"three")]
        client.put_records(StreamName="bench", Records=records)

        assert (endpoint.accepted, endpoint.refused) == ([b"one", b"two"], 2)


@pytest.mark.parametrize(("size", "units"), [(24_999, 1), (25_000, 2)])
def test_a_unit_is_25_kb_of_data_and_key(size: int, units: int) -> None:
    """A byte more is another unit."""
    with stream(0, Clock()) as (endpoint, client):
        put(client, 1, size)

        assert endpoint.units == units


def test_the_time_ends_with_the_last_accepted_record() -> None:
    """What is refused after it does not count."""
    clock = Clock()
    with stream(1, clock, seconds=2) as (endpoint, client):
        put(client, 500), put(client, 500)
        clock.now += 0.0001
        put(client, 1)

        assert endpoint.seconds == 2
