"""A stream in memory behind the client's seam, and what was put on a stream."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from local_aws.servers.stream_records import lines_of_record
from url_fetcher.deadline import Deadline
from url_fetcher.delivery.dead_letters import DeadLetters
from url_fetcher.delivery.kinesis import PutsRecords
from url_fetcher.delivery.sink import Origin, Sink, SinkSettings

ORIGIN = Origin("https://example.com/posts", "2026-11-23T01:18:08.129Z", "posts")
QUICK = {"first_pause_seconds": 0.001, "max_pause_seconds": 0.01}


class MemoryStream:
    """Takes records as Kinesis does and keeps them.

    Args:
        refuse: Says for a record whether it is refused, given the number of the request, from 1.
    """

    def __init__(self, refuse: Callable[[int, Mapping[str, Any]], bool] = lambda *_: False) -> None:
        self.requests: list[list[Mapping[str, Any]]] = []
        self.accepted: list[bytes] = []
        self._refuse = refuse
        self._lock = threading.Lock()

    def put_records(self, *, StreamName: str, Records: Sequence[Any]) -> Mapping[str, Any]:  # noqa: N803, ARG002
        """As boto3's."""
        with self._lock:
            self.requests.append(list(Records))
            results = []
            for record in Records:
                if self._refuse(len(self.requests), record):
                    results.append({"ErrorCode": "ProvisionedThroughputExceededException"})
                else:
                    self.accepted.append(record["Data"])
                    results.append({"SequenceNumber": "1"})
            failed = sum("ErrorCode" in result for result in results)
            return {"FailedRecordCount": failed, "Records": results}


def sink_to(
    client: PutsRecords,
    *,
    settings: SinkSettings | None = None,
    dead_letters: DeadLetters | None = None,
    seconds: float = 30,
    clock: Callable[[], float] = time.monotonic,
) -> Sink:
    """A sink with pauses of milliseconds."""
    return Sink(
        client,
        "stream",
        deadline=Deadline(seconds, clock=clock),
        settings=settings or SinkSettings(first_pause_seconds=0.001, max_pause_seconds=0.01),
        dead_letters=dead_letters or DeadLetters(""),
    )


def lines_of(data: Iterable[bytes]) -> list[dict[str, Any]]:
    """The decoded lines of Kinesis records."""
    return [json.loads(line) for line in b"".join(map(lines_of_record, data)).split(b"\n")[:-1]]


def records(count: int, *, size: int = 0) -> list[bytes]:
    """That many distinct records."""
    return [b'{"n":%d,"v":"%b"}' % (number, b"x" * size) for number in range(count)]
