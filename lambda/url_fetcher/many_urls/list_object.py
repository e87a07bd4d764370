"""An object in S3 that lists URLs: read piece by piece, and the same from the first to the last."""

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from url_fetcher.aws_calls import Refusal, refusal_in
from url_fetcher.errors import ConfigurationError, ConfigurationUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_s3 import S3Client

    from url_fetcher.deadline import Deadline

PIECE_BYTES = 1024 * 1024
_MAX_KEY_BYTES = 1024
_CHANGED, _BEYOND_END = 412, 416


class Address(NamedTuple):
    """Where a list lies."""

    bucket: str
    key: str

    @classmethod
    def of(cls, uri: object, *, allowed: str) -> "Address":
        """The address that an event names.

        Args:
            uri: ``s3://<bucket>/<key>``.
            allowed: What it begins with, ``s3://<bucket>/<folder>/``; empty if no place is allowed.

        Raises:
            ConfigurationError: When it lies elsewhere; not retryable.
        """
        if not allowed:
            raise ConfigurationError("the event: urls_from: no place for lists is configured (LISTS_URI)")
        is_below = isinstance(uri, str) and uri.startswith(allowed) and len(uri) > len(allowed)
        if not isinstance(uri, str) or not is_below or len(uri.encode(errors="replace")) > _MAX_KEY_BYTES:
            raise ConfigurationError(
                f"the event: urls_from is {str(uri)[:200]!r}; lists are read below {allowed} only: "
                "upload it there"
            )
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return cls(bucket, key)


class ListObject:
    """Reads a list by ranges; each is of the object that the first one was of.

    Args:
        client: Gives the S3 client.
        address: The object's.
        etag: What it must still be; empty for the first range.
        deadline: No range is waited for after it.
    """

    def __init__(
        self, client: "Callable[[], S3Client]", address: Address, *, etag: str, deadline: "Deadline"
    ) -> None:
        self.etag = etag
        self._client = client
        self._address = address
        self._deadline = deadline
        self._uri = f"s3://{address.bucket}/{address.key}"

    def piece(self, offset: int) -> bytes:
        """The bytes from there on, up to 1 MiB; none at the end.

        Raises:
            ConfigurationError: When the object is missing, may not be read or has changed; not retryable.
            ConfigurationUnavailable: When S3 fails; retryable.
        """
        try:
            return self._deadline.bounded(lambda: self._read(offset))
        except ClientError as error:
            refusal = refusal_in(error)
            if refusal.status == _BEYOND_END:
                return b""
            raise self._failure(refusal) from error
        except (BotoCoreError, TimeoutError, OSError) as error:
            reason = type(error).__name__
            raise ConfigurationUnavailable(f"{self._uri}: no answer from S3 ({reason})") from error

    def _read(self, offset: int) -> bytes:
        matching: Mapping[str, Any] = {"IfMatch": self.etag} if self.etag else {}
        found = self._client().get_object(
            Bucket=self._address.bucket,
            Key=self._address.key,
            Range=f"bytes={offset}-{offset + PIECE_BYTES - 1}",
            **matching,
        )
        self.etag = self.etag or found["ETag"]
        # Whatever answers, no more than was asked for is kept.
        return found["Body"].read(PIECE_BYTES)

    def _failure(self, refusal: Refusal) -> ConfigurationError | ConfigurationUnavailable:
        if refusal.is_servers_fault:
            return ConfigurationUnavailable(f"{self._uri} cannot be read now ({refusal.name})")
        if refusal.status == _CHANGED:
            return ConfigurationError(
                f"{self._uri} has changed since its first part was read: what was read before stays in the "
                "queue; upload each list under a name of its own and send that"
            )
        return ConfigurationError(
            f"{self._uri} cannot be read ({refusal.name}): check that it is there and that the function may "
            "read it"
        )


def refuse_other_forms(start: bytes) -> None:
    """Refuse what begins as no list of lines does, before each line of it becomes a dead letter.

    Raises:
        ConfigurationError: Saying what it is; not retryable.
    """
    if start.startswith(b"\x1f\x8b"):
        raise ConfigurationError("the list of URLs is compressed; upload it as it is, one URL a line")
    if re.match(rb"\s*\[", start):
        raise ConfigurationError("the list of URLs is a JSON array; give one URL or one JSON object a line")
