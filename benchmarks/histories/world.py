"""What is beside the queues, in memory: sources that fail in many ways, lists in a bucket, and the stream."""

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from requests.structures import CaseInsensitiveDict

from benchmarks.histories.faults import Faults, refusal
from local_aws.servers.stream_records import lines_of_record

LISTS = "s3://lake/lists/"
_FOUND, _MISSING, _BUSY = 200, 404, 503
_PRECONDITION_FAILED, _BEYOND_END = 412, 416


@dataclass
class Page:
    """What a URL has, and what it does before it answers with that.

    Attributes:
        records: How many records it has.
        fault: ``busy``, ``cut`` (some records, then the body breaks) or ``deadly`` (the process that reads it
            dies), for as often as ``times`` says; ``missing`` for ever.
        times: How often it still does that.
    """

    records: int
    fault: str = ""
    times: int = 0


class Answer:
    """An answer whose body is not read yet, as the transport gives it."""

    def __init__(self, url: str, status: int, body: bytes) -> None:
        self.url, self.status = url, status
        self.headers = CaseInsensitiveDict({"Content-Type": "application/json"})
        self._body = io.BytesIO(body)
        self.read = self._body.read
        self.close = self._body.close

    @contextmanager
    def hurried(self, _: float) -> Iterator[None]:
        """As the transport's."""
        yield


class Site:
    """All sources.

    Args:
        pages: By their URLs.
    """

    def __init__(self, pages: dict[str, Page]) -> None:
        self.pages = pages

    def get(self, url: str, process: Faults) -> Answer:
        """The answer to a request of a process."""
        page = self.pages[url]
        if page.fault == "missing":
            return Answer(url, _MISSING, b"")
        page.times -= 1
        fault = page.fault if page.times >= 0 else ""
        if fault == "deadly":
            with process.lock:
                process.die()
        if fault == "busy":
            return Answer(url, _BUSY, b"")
        body = json.dumps(records_of(url, page)).encode()
        return Answer(url, _FOUND, body[:-2] if fault == "cut" else body)

    def mend(self) -> None:
        """From now on each URL answers that has anything."""
        for page in self.pages.values():
            page.times = 0


def records_of(url: str, page: Page) -> list[dict[str, Any]]:
    """All records of a URL."""
    return [{"url": url, "number": number} for number in range(page.records)]


@dataclass
class MemoryStream:
    """The stream, which outlives every process.

    Attributes:
        numbers: Those of the records that are on it, by URL.
        foreign: Lines of what no URL has.
    """

    numbers: dict[str, set[int]] = field(default_factory=dict)
    foreign: list[bytes] = field(default_factory=list)

    def take(self, data: bytes, pages: Mapping[str, Page]) -> None:
        """Take a record of the stream."""
        for line in lines_of_record(data).splitlines():
            found = json.loads(line)
            url, record = found["sourceUrl"], found["data"]
            if url in pages and record in records_of(url, pages[url]):
                self.numbers.setdefault(url, set()).add(record["number"])
            else:
                self.foreign.append(line)


class MemoryKinesis:
    """A client of one process."""

    def __init__(self, stream: MemoryStream, pages: Mapping[str, Page], faults: Faults) -> None:
        self._stream, self._pages, self._faults = stream, pages, faults

    def put_records(self, *, StreamName: str, Records: Sequence[Any]) -> Any:  # noqa: N803, ARG002
        """As boto3's."""

        def act() -> Any:
            results: list[dict[str, str]] = []
            for each in Records:
                if self._faults.is_refused("PutRecords"):
                    results.append({"ErrorCode": "ProvisionedThroughputExceededException"})
                else:
                    self._stream.take(each["Data"], self._pages)
                    results.append({"SequenceNumber": "1"})
            return {"FailedRecordCount": sum("ErrorCode" in each for each in results), "Records": results}

        return self._faults.call("PutRecords", act)


class MemoryS3:
    """A client of one process, for lists; it hands out less than is asked for."""

    def __init__(self, lists: Mapping[str, bytes], chance: Random, faults: Faults) -> None:
        self._lists, self._chance, self._faults = lists, chance, faults

    def get_object(self, *, Bucket: str, Key: str, Range: str, IfMatch: str = "") -> Any:  # noqa: N803
        """As boto3's."""

        def act() -> Any:
            text = self._lists[f"s3://{Bucket}/{Key}"]
            etag = f'"{hash(text):x}"'
            (start,) = map(int, re.findall(r"bytes=(\d+)-", Range))
            if IfMatch not in {"", etag}:
                raise refusal("GetObject", "PreconditionFailed", _PRECONDITION_FAILED)
            if start >= len(text):
                raise refusal("GetObject", "InvalidRange", _BEYOND_END)
            return {"ETag": etag, "Body": io.BytesIO(text[start : start + self._chance.randint(50, 2_000)])}

        return self._faults.call("GetObject", act)
