"""One object: read into a file, and moved to ``replayed/`` once its records are on the stream."""

import gzip
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from ingestion_pipeline.settings.sources.sources import REPLAYED_FOLDER
from tools.ground.aws import AwsError, explained
from tools.operate.replay.listing import Found

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

GZIP = b"\x1f\x8b"
CHUNK_BYTES = 1024 * 1024
IN_MEMORY_BYTES = 4 * 1024 * 1024
MAX_OBJECT_BYTES = 8 * 1024 * 1024 * 1024
"""Of one object, decompressed: Firehose writes 128 MiB at most, the function some 4 MiB."""

GONE = {"404", "412", "NoSuchKey", "PreconditionFailed", "ConditionalRequestConflict"}
"""Codes of S3 for an object that another run has moved."""

OF_THE_OBJECT = {
    "InvalidObjectState",
    "KMS.DisabledException",
    "KMS.KMSInvalidStateException",
    "KMS.NotFoundException",
}
"""Codes of S3 for an object that is archived, or whose key is gone: the others may be readable.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""


class Unreadable(ValueError):
    """Why an object stays where it is as a whole."""


class Gone(Exception):
    """When the object is no longer what was listed: another run has taken it."""


class Content(NamedTuple):
    """What was read of an object.

    Attributes:
        file: Its lines, decompressed; at the beginning.
        is_gzip: Whether they were compressed.
        headers: What the object is to have again if it is written again.
    """

    file: IO[bytes]
    is_gzip: bool
    headers: Mapping[str, Any]


def spool() -> IO[bytes]:
    """A file that is in memory while it is small; gone when it is closed."""
    return SpooledTemporaryFile(IN_MEMORY_BYTES)


def read(s3: "S3Client", bucket: str, found: Found, file: IO[bytes]) -> Content:
    """The content of an object, in ``file``.

    It is read to its end before any of it is put: a connection would not wait for a busy stream, and what is
    broken further on must not be put again with each run.

    Raises:
        Gone: When it is no longer there.
        Unreadable: When S3 does not hand out this object, or it is broken.
        AwsError: When AWS refuses what it would refuse for any object, or cannot be reached.
    """
    try:
        with _unless_gone():
            answer = s3.get_object(Bucket=bucket, Key=found.key, IfMatch=found.etag)
            chunks = iter(lambda: answer["Body"].read(CHUNK_BYTES), b"")
            first = next(chunks, b"")
            is_gzip = first.startswith(GZIP)
            pieces = chain([first], chunks)
            size = 0
            for piece in _decompressed(pieces) if is_gzip else pieces:
                size += len(piece)
                if size > MAX_OBJECT_BYTES:
                    raise Unreadable(f"is over {MAX_OBJECT_BYTES} bytes")
                file.write(piece)
    except AwsError as error:
        # The key may be another object's; S3 names what is denied.
        is_denied_key = error.code == "AccessDenied" and "kms:Decrypt" in str(error)
        if error.code in OF_THE_OBJECT or is_denied_key:
            raise Unreadable(f"cannot be read: {error}") from error
        raise AwsError(f"{found.key}: {error}", error.status, error.code) from error
    file.seek(0)
    names = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentType", "Metadata")
    headers: dict[str, Any] = {name: answer[name] for name in names if answer.get(name)}  # type: ignore[literal-required]
    if answer.get("TagCount"):
        with explained():
            tags = s3.get_object_tagging(Bucket=bucket, Key=found.key)["TagSet"]
        headers["Tagging"] = urlencode({tag["Key"]: tag["Value"] for tag in tags})
    return Content(file, is_gzip, headers)


def move(s3: "S3Client", bucket: str, found: Found, content: Content, remaining: IO[bytes]) -> None:
    """Move an object to ``replayed/``, but for the lines that remain; those stay under its key.

    Its copy is there before it is gone, and each step is taken only if no other run has changed it: that one
    then moves it. If lines remain, the copy's key ends with the ETag, because a later run copies what remains
    and must not overwrite it.

    Raises:
        AwsError: When AWS refuses or cannot be reached.
    """
    is_rest_kept, etag = bool(remaining.tell()), found.etag.strip('"')
    with suppress(Gone), _unless_gone():
        s3.copy_object(
            Bucket=bucket,
            Key=REPLAYED_FOLDER + found.key + (f".{etag}" if is_rest_kept else ""),
            CopySource={"Bucket": bucket, "Key": found.key},
            CopySourceIfMatch=found.etag,
        )
        if not is_rest_kept:
            s3.delete_object(Bucket=bucket, Key=found.key, IfMatch=found.etag)
            return
        with spool() as body:
            _write(remaining, body, is_gzip=content.is_gzip)
            s3.put_object(Bucket=bucket, Key=found.key, Body=body, IfMatch=found.etag, **content.headers)


@contextmanager
def _unless_gone() -> Iterator[None]:
    """Raises `Gone` where S3 says that the object has changed, and `AwsError` for its other errors."""
    try:
        with explained():
            yield
    except AwsError as error:
        if error.code in GONE:
            raise Gone from error
        raise


def _decompressed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """What is in gzip members, a bounded piece at a time.

    Raises:
        Unreadable: When they are broken or end early.
    """
    inflater = zlib.decompressobj(wbits=31)
    for chunk in chunks:
        data = chunk
        while data:
            if inflater.eof:
                inflater = zlib.decompressobj(wbits=31)
            try:
                yield inflater.decompress(data, CHUNK_BYTES)
            except zlib.error as error:
                raise Unreadable(f"is broken gzip: {error}") from error
            data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
    if not inflater.eof:
        raise Unreadable("is gzip that ends early")


def _write(lines: IO[bytes], body: IO[bytes], *, is_gzip: bool) -> None:
    """Write lines into a body as they were stored before."""
    lines.seek(0)
    target: Any = gzip.GzipFile(fileobj=body, mode="wb", mtime=0) if is_gzip else body
    while chunk := lines.read(CHUNK_BYTES):
        target.write(chunk)
    if is_gzip:
        target.close()
    body.seek(0)
