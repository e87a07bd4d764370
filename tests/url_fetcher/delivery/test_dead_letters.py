import base64
import gzip
import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from url_fetcher.delivery.dead_letters import DeadLetters
from url_fetcher.delivery.envelope import Envelope, Origin
from url_fetcher.errors import DeadLettersRejected, DeadLettersUnavailable, DeliveryError
from url_fetcher.formats.json_values import one_line
from url_fetcher.formats.splitter import Rejected

_ORIGIN = Origin("https://example.com/", "2026-11-23T01:18:08.129Z", "example")


class _Store:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> object:  # noqa: N803, ARG002
        self.objects[f"{Bucket}/{Key}"] = Body
        return {}

    @property
    def lines(self) -> list[dict[str, Any]]:
        text = b"".join(map(gzip.decompress, self.objects.values()))
        return [json.loads(line) for line in text.splitlines()]


def _written(*rejected: Rejected) -> _Store:
    store = _Store()
    letters = DeadLetters("bucket", "dead/", connect=lambda: store)
    for each in rejected:
        letters.put(_ORIGIN, each)
    letters.close()
    return store


def test_a_line_says_what_was_rejected_and_why() -> None:
    """Time, source, reason, offset and the record itself are there."""
    assert _written(Rejected(b"{bad", "is not JSON", 7)).lines == [
        {
            "timestamp": _ORIGIN.timestamp,
            "sourceUrl": _ORIGIN.source_url,
            "id": None,
            "reason": "is not JSON",
            "offset": 7,
            "data": "{bad",
            "truncated": False,
            "totalBytes": 4,
        }
    ]


@pytest.mark.parametrize("data", [b'{"a": [[1]]}', b' {"a":\n[[1]]} '], ids=["one line", "spread over lines"])
def test_a_whole_record_has_the_id_of_its_line(data: bytes) -> None:
    """A replay gives it the id that it has when its source is read again under another limit."""
    line = _written(Rejected(data, "is nested 3 levels deep; the limit is 2", 0)).lines[0]
    delivered = Envelope(_ORIGIN).lines([one_line(data.strip())])

    assert line["id"] == json.loads(delivered.joined())["id"]


@pytest.mark.parametrize(
    "rejected",
    [
        Rejected(b"12", "has 5000000 bytes; the limit is 2", 0, total_bytes=5_000_000),
        Rejected(b"12", "is not a row of the CSV: 1 field", 0, is_record=False),
        Rejected(b"NaN", "holds NaN, which is not JSON", 0),
        Rejected(b"\xff", "is not JSON", 0),
    ],
    ids=["cut short", "a row", "not JSON", "not text"],
)
def test_what_is_no_whole_record_has_no_id(rejected: Rejected) -> None:
    """Nothing is put on the stream again that never was a record."""
    assert _written(rejected).lines[0]["id"] is None


def test_bytes_that_are_no_text_are_base64() -> None:
    """What is not UTF-8 is kept byte for byte."""
    line = _written(Rejected(b"\xff\x00", "is not JSON", 0)).lines[0]

    assert base64.b64decode(line["dataBase64"]) == b"\xff\x00"


def test_a_record_cut_short_says_so() -> None:
    """The length in the source tells how much is missing."""
    line = _written(Rejected(b"xx", "is too long", 0, total_bytes=5_000_000)).lines[0]

    assert (line["truncated"], line["totalBytes"]) == (True, 5_000_000)


def test_objects_lie_under_the_prefix_by_hour() -> None:
    """The key is hive-style, so that a table can be partitioned by it."""
    (key,) = _written(Rejected(b"x", "is not JSON", 0)).objects

    assert re.fullmatch(r"bucket/dead/year=\d{4}/month=\d\d/day=\d\d/hour=\d\d/[0-9a-f]{32}\.json\.gz", key)


def test_much_is_written_before_the_end() -> None:
    """Every 4 MiB there is an object, so that memory does not grow."""
    store = _Store()
    letters = DeadLetters("bucket", connect=lambda: store)
    for _ in range(9):
        letters.put(_ORIGIN, Rejected(b"x" * 1_000_000, "is not JSON", 0))

    assert len(store.objects) == 1


def test_nothing_rejected_needs_no_client() -> None:
    """Without rejected records no S3 client is made."""

    def connect() -> _Store:
        raise AssertionError

    DeadLetters("bucket", connect=connect).close()


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject"), DeadLettersRejected),
        (ClientError({"Error": {"Code": "NoSuchBucket"}}, "PutObject"), DeadLettersRejected),
        (ClientError({"Error": {"Code": "SlowDown"}}, "PutObject"), DeadLettersUnavailable),
        (ReadTimeoutError(endpoint_url="https://s3.example.com"), DeadLettersUnavailable),
    ],
    ids=["denied", "missing", "throttled", "silent"],
)
def test_a_store_that_fails_fails_the_delivery(failure: Exception, expected: type[DeliveryError]) -> None:
    """Rejected records that cannot be kept are not lost silently, and what may pass is retryable."""

    class Failing(_Store):
        def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> object:  # noqa: N803, ARG002
            raise failure

    letters = DeadLetters("bucket", connect=Failing)
    letters.put(_ORIGIN, Rejected(b"x", "is not JSON", 0))

    with pytest.raises(expected, match=re.escape(str(failure))) as caught:
        letters.close()
    assert caught.value.retryable == (expected is DeadLettersUnavailable)


def test_closing_twice_writes_once() -> None:
    """What was written is not written again."""
    store = _Store()
    letters = DeadLetters("bucket", connect=lambda: store)
    letters.put(_ORIGIN, Rejected(b"x", "is not JSON", 0))
    letters.close()
    letters.close()

    assert len(store.objects) == 1
