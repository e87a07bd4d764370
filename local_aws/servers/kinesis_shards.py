"""A Kinesis endpoint on loopback whose shards take what the service's do, and refuse the rest as it does.

What is known of the service: a shard takes 1 MiB of data with its partition keys and 1,000 records a second
(docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html), like a tank that refills at a steady
rate (docs.aws.amazon.com/streams/latest/dev/large-records.html), and decides on each record of a request by
itself. How much the tank holds is not documented; here it is one second's worth. What is accepted is kept, so
that a benchmark can say what became of each record.
"""

import math
import socket
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from hashlib import md5
from itertools import pairwise
from typing import Any

from local_aws.servers.kinesis_requests import KinesisEndpoint, limit_problem

BYTES_A_SECOND = 1024 * 1024
RECORDS_A_SECOND = 1_000
UNIT_BYTES = 25_000
"""A PUT payload unit, which is billed: aws.amazon.com/kinesis/data-streams/pricing."""

_MAX_REQUEST_BYTES = 10 * 1024 * 1024
_HASHES = 2**128
_THROTTLED = "ProvisionedThroughputExceededException"


class Shard:
    """Two tanks, of bytes and of records, that hold one second's worth and begin empty.

    Empty, because a benchmark asks what a shard takes for good, not what it has saved up.

    Args:
        now: Seconds, on the clock of ``admit``.
    """

    def __init__(self, now: float) -> None:
        self._bytes = self._records = 0.0
        self._filled_at = now

    def admit(self, size: int, now: float) -> bool:
        """Takes a record of ``size`` bytes, its key included; returns False if there is no room for it."""
        passed = now - self._filled_at
        self._bytes = min(BYTES_A_SECOND, self._bytes + passed * BYTES_A_SECOND)
        self._records = min(RECORDS_A_SECOND, self._records + passed * RECORDS_A_SECOND)
        self._filled_at = now
        if size > self._bytes or self._records < 1:
            return False
        self._bytes -= size
        self._records -= 1
        return True


class KinesisShards(KinesisEndpoint):
    """The endpoint of a stream.

    Args:
        shards: Number of shards, with equal ranges of hashes; 0 is one shard without limits.
        delay_seconds: Delay of each answer.
        clock: Returns monotonic seconds; a test may pass its own.
    """

    def __init__(
        self, shards: int, *, delay_seconds: float = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.accepted: list[bytes] = []
        self.requests = self.refused = self.units = self.received_bytes = 0
        self._count = shards
        self._delay_seconds = delay_seconds
        self._clock = clock
        self._shards: list[Shard] = []
        self._begun = self._last_accepted = 0.0
        self._lock = threading.Lock()
        super().__init__()

    @property
    def seconds(self) -> float:
        """From the first request to the last record that was accepted."""
        return self._last_accepted - self._begun

    def answer(
        self,
        operation: str,
        body: dict[str, Any],
        connection: socket.socket,  # noqa: ARG002 - every call is answered
    ) -> tuple[int, dict[str, Any]]:
        """As ``KinesisEndpoint.answer``; always answers."""
        if operation not in ("PutRecord", "PutRecords"):
            return 200, self._description(operation)
        time.sleep(self._delay_seconds)
        entries = body["Records"] if operation == "PutRecords" else [body]
        data = [b64decode(entry["Data"]) for entry in entries]
        if problem := limit_problem(entries, data, _MAX_REQUEST_BYTES):
            return 400, {"__type": "InvalidArgumentException", "message": problem}
        results = self._put(entries, data)
        if operation == "PutRecords":
            failed = sum("ErrorCode" in result for result in results)
            return 200, {"FailedRecordCount": failed, "Records": results}
        if "ErrorCode" in results[0]:
            return 400, {"__type": _THROTTLED, "message": results[0]["ErrorMessage"]}
        return 200, results[0]

    def _put(self, entries: Sequence[Mapping[str, Any]], data: Sequence[bytes]) -> list[dict[str, str]]:
        with self._lock:
            now = self._clock()
            if not self.requests:
                self._begun = now
                self._shards = [Shard(now) for _ in range(self._count)]
            self.requests += 1
            return [self._result(entry, each, now) for entry, each in zip(entries, data, strict=True)]

    def _result(self, entry: Mapping[str, Any], data: bytes, now: float) -> dict[str, str]:
        key = entry["PartitionKey"].encode()
        size = len(data) + len(key)
        self.received_bytes += size
        index = int.from_bytes(md5(key, usedforsecurity=False).digest()) * max(1, self._count) // _HASHES
        shard = f"shardId-{index:012d}"
        if self._shards and not self._shards[index].admit(size, now):
            self.refused += 1
            message = f"Rate exceeded for shard {shard} in stream bench under account 000000000000."
            return {"ErrorCode": _THROTTLED, "ErrorMessage": message}
        self.accepted.append(data)
        self.units += math.ceil(size / UNIT_BYTES)
        self._last_accepted = now
        return {"SequenceNumber": f"{len(self.accepted):056d}", "ShardId": shard}

    def _description(self, operation: str) -> dict[str, Any]:
        """Answers the calls of a producer before its first record."""
        count = max(1, self._count)
        bounds = [_HASHES * number // count for number in range(count + 1)]
        shards = [
            {
                "ShardId": f"shardId-{number:012d}",
                "HashKeyRange": {"StartingHashKey": str(start), "EndingHashKey": str(end - 1)},
                "SequenceNumberRange": {"StartingSequenceNumber": "1"},
            }
            for number, (start, end) in enumerate(pairwise(bounds))
        ]
        if operation == "ListShards":
            return {"Shards": shards}
        kind = "StreamDescriptionSummary" if operation.endswith("Summary") else "StreamDescription"
        stream = {
            "StreamName": "bench",
            "StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/bench",
            "StreamStatus": "ACTIVE",
            "RetentionPeriodHours": 24,
            "StreamCreationTimestamp": 1,
            "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
            "OpenShardCount": count,
            "HasMoreShards": False,
            "Shards": shards,
        }
        return {kind: stream}
