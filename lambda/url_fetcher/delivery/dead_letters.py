"""The dead letters: undeliverable records, stored as NDJSON objects beside the lake's data."""

import gzip
import uuid
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, cast

import msgspec

from url_fetcher.aws_calls import client, refusal_in
from url_fetcher.deadline import Deadline, unbounded
from url_fetcher.delivery.envelope import Envelope, Origin
from url_fetcher.errors import DeadLettersRejected, DeadLettersUnavailable
from url_fetcher.formats.splitter import Rejected

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_FLUSH_BYTES = 4 * 1024 * 1024
_NEVER_CODES = frozenset(
    {"AccessDenied", "AllAccessDisabled", "InvalidBucketName", "NoSuchBucket", "PermanentRedirect"}
)


class PutsObjects(Protocol):
    """The call of an S3 client that is used here."""

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> object:  # noqa: N803
        """As boto3's."""


class DeadLetters:
    """Writes rejected records to ``s3://<bucket>/<prefix>year=/month=/day=/hour=/<unique>.json.gz``.

    One line a record: ``timestamp``, ``sourceUrl``, ``id``, ``reason``, ``offset``, ``data`` as text or
    ``dataBase64`` when it is not UTF-8, ``truncated``, ``totalBytes``. ``id`` is that of the record's line
    in the stream, or null if `whole_record` finds none. Without a bucket nothing can be kept, and ``close``
    raises if anything had to be.

    Args:
        bucket: Name of the bucket; empty for none.
        prefix: Beginning of each key; ends in a slash.
        deadline: No object is waited for after it; default: none.
        connect: Makes the S3 client; called for the first object, because most runs write none.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str = "dead-letters/",
        *,
        deadline: Deadline | None = None,
        connect: Callable[[], PutsObjects] | None = None,
    ) -> None:
        self.count = 0
        self._bucket = bucket
        self._prefix = prefix
        self._deadline = deadline or unbounded()
        self._connect = connect or s3_client
        self._client: PutsObjects | None = None
        self._lines: list[bytes] = []
        self._size = 0
        self._first_reason = ""

    def put(self, origin: Origin, rejected: Rejected) -> None:
        """Takes a record, which waits in memory until 4 MiB have gathered.

        Raises:
            DeadLettersRejected: When the bucket is missing or denied.
            DeadLettersUnavailable: When it fails or does not answer; retryable.
        """
        self.count += 1
        if not self._bucket:
            self._first_reason = self._first_reason or rejected.reason
            return
        line = _line(origin, rejected)
        self._lines.append(line)
        self._size += len(line)
        if self._size >= _FLUSH_BYTES:
            self._write()

    def close(self) -> None:
        """Writes the records that wait.

        Raises:
            DeadLettersRejected: When there is something to keep and no bucket, or it is missing or denied.
            DeadLettersUnavailable: When it fails or does not answer; retryable.
        """
        if self.count and not self._bucket:
            raise DeadLettersRejected(
                f"{self.count} records are undeliverable and there is no place to store them; the "
                f"first {self._first_reason}; name a bucket in DEAD_LETTER_BUCKET",
                rejected=self.count,
            )
        if self._lines:
            self._write()

    def _write(self) -> None:
        key = f"{self._prefix}{datetime.now(UTC):year=%Y/month=%m/day=%d/hour=%H}/{uuid.uuid4().hex}.json.gz"
        body = gzip.compress(b"".join(self._lines), mtime=0)
        try:
            self._deadline.bounded(lambda: self._put_object(key, body))
        except Exception as error:
            is_final = refusal_in(error).code in _NEVER_CODES
            failure = DeadLettersRejected if is_final else DeadLettersUnavailable
            raise failure(
                f"{len(self._lines)} records cannot be kept at s3://{self._bucket}/{key}: {error}",
                rejected=len(self._lines),
            ) from error
        self._lines.clear()
        self._size = 0

    def _put_object(self, key: str, body: bytes) -> None:
        self._client = self._client or self._connect()
        self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/gzip")


def s3_client() -> "S3Client":
    """Makes a client of S3."""
    return cast("S3Client", client("s3"))


def whole_record(data: bytes) -> bytes:
    """Returns the data as one line, as the stream would have it; empty if it is not one JSON value."""
    # Imported by need: most runs have no dead letters.
    from url_fetcher.formats.json_values import NotJson, check_value, one_line
    from url_fetcher.formats.ndjson import SPACE

    try:
        return b"" if check_value(data) else one_line(data.strip(SPACE))
    except (NotJson, RecursionError):
        return b""


def _line(origin: Origin, rejected: Rejected) -> bytes:
    try:
        name, data = "data", rejected.data.decode()
    except UnicodeDecodeError:
        name, data = "dataBase64", b64encode(rejected.data).decode()
    fields = {
        "timestamp": origin.timestamp,
        "sourceUrl": origin.source_url,
        "id": _id(origin, rejected),
        "reason": rejected.reason,
        "offset": rejected.offset,
        name: data,
        "truncated": rejected.total_bytes > len(rejected.data),
        "totalBytes": rejected.total_bytes or len(rejected.data),
    }
    return msgspec.json.encode(fields) + b"\n"


def _id(origin: Origin, rejected: Rejected) -> str | None:
    is_whole = rejected.is_record and rejected.total_bytes <= len(rejected.data)
    record = whole_record(rejected.data) if is_whole else b""
    return Envelope(origin).id_of(record) if record else None
