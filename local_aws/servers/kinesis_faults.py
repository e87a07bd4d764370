"""A Kinesis endpoint on loopback that answers PutRecords over HTTP, wrongly as often as it is told to.

It keeps the records that it accepted, those that it accepted without acknowledging them (``unacknowledged``),
and all records of requests whose answer leaves that open (``unclear``), so that a test can account for each.
"""

import random
import socket
import struct
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

from local_aws.servers.kinesis_requests import KinesisEndpoint, limit_problem

Fault: TypeAlias = Literal[
    "partial",  # a third of the records is refused
    "throttled",  # the call is refused
    "error",  # 500, nothing accepted
    "error_after",  # 500, all accepted
    "reset",  # the connection is reset, nothing accepted
    "reset_after",  # the connection is reset, all accepted
    "silent_after",  # no answer, all accepted
    "miscounted",  # one result too few, all accepted
]

_MAX_REQUEST_BYTES = 5 * 1024 * 1024
_MAX_SILENCE_SECONDS = 300
_REFUSED_SHARE = 1 / 3
_CODES = ("ProvisionedThroughputExceededException", "InternalFailure")


class KinesisFaults(KinesisEndpoint):
    """An endpoint with faults.

    Args:
        faults: Probability of each fault in a request, from 0 to 1; together at most 1.
        seed: Decides which requests fail, given their order.
        delay_seconds: Delay of each answer.
        forward: Called with the entries that are accepted, one request after the other: to put them on a
            real stream.
    """

    def __init__(
        self,
        faults: Mapping[Fault, float] | None = None,
        *,
        seed: int = 0,
        delay_seconds: float = 0,
        forward: Callable[[list[dict[str, Any]]], object] = lambda _: None,
    ) -> None:
        self.accepted: list[bytes] = []
        self.unacknowledged: list[bytes] = []
        self.unclear: list[bytes] = []
        self.requests: list[dict[str, Any]] = []
        self.faults_done: dict[Fault, int] = {}
        self._faults = dict(faults or {})
        self._random = random.Random(seed)
        self._delay_seconds = delay_seconds
        self._forward = forward
        self._lock = threading.Lock()
        super().__init__()

    def answer(
        self,
        operation: str,  # noqa: ARG002 - always PutRecords
        body: dict[str, Any],
        connection: socket.socket,
    ) -> tuple[int, dict[str, Any]] | None:
        """Takes every call for PutRecords."""
        status, answer, fault = self.put(body)
        if fault in ("reset", "reset_after"):
            # No lingering: the client gets a reset instead of an orderly end.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            return None
        if fault == "silent_after":
            connection.settimeout(_MAX_SILENCE_SECONDS)
            connection.recv(1)  # nothing, when the client has hung up
            return None
        return status, answer

    def put(self, body: dict[str, Any]) -> tuple[int, dict[str, Any], Fault | None]:
        """Status and answer to a PutRecords request, and the fault that the connection must show."""
        time.sleep(self._delay_seconds)
        entries = body["Records"]
        data = [b64decode(entry["Data"]) for entry in entries]
        if problem := limit_problem(entries, data, _MAX_REQUEST_BYTES):
            return 400, {"__type": "ValidationException", "message": problem}, None
        with self._lock:
            fault = self._draw()
            self.requests.append({"records": len(entries), "bytes": sum(map(len, data)), "fault": fault})
            if fault not in (None, "partial", "throttled"):
                self.unclear += data
            if fault in ("throttled", "error", "reset"):
                return _refusal(fault)
            refused = (
                [self._random.random() < _REFUSED_SHARE for _ in data]
                if fault == "partial"
                else [False] * len(data)
            )
            taken = [each for each, no in zip(data, refused, strict=True) if not no]
            self.accepted += taken
            if taken:
                self._forward([entry for entry, no in zip(entries, refused, strict=True) if not no])
            if fault not in (None, "partial"):
                self.unacknowledged += taken
            return self._results(refused, fault)

    def _results(self, refused: list[bool], fault: Fault | None) -> tuple[int, dict[str, Any], Fault | None]:
        if fault == "error_after":
            return 500, {"__type": "InternalFailure", "message": "accepted, but not saying so"}, fault
        results: list[dict[str, str]] = [
            {"ErrorCode": self._random.choice(_CODES), "ErrorMessage": "refused"}
            if no
            else {"SequenceNumber": str(number), "ShardId": "shardId-000000000000"}
            for number, no in enumerate(refused)
        ]
        if fault == "miscounted":
            results.pop()
        return 200, {"FailedRecordCount": sum(refused), "Records": results}, fault

    def _draw(self) -> Fault | None:
        drawn = self._random.random()
        for fault, share in self._faults.items():
            drawn -= share
            if drawn < 0:
                # How many requests there are depends on their timing. So each fault happens once before
                # any happens again: a short run shows them all, too.
                first = next((each for each in self._faults if each not in self.faults_done), fault)
                self.faults_done[first] = self.faults_done.get(first, 0) + 1
                return first
        return None


def _refusal(fault: Fault) -> tuple[int, dict[str, Any], Fault]:
    if fault == "throttled":
        return 400, {"__type": "ProvisionedThroughputExceededException", "message": "slow down"}, fault
    return 500, {"__type": "InternalFailure", "message": "nothing accepted"}, fault
