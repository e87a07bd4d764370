"""Reads an object in S3 that lists URLs piece by piece, and notices if it changes meanwhile."""

import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from url_fetcher.aws_calls import Refusal, refusal_in
from url_fetcher.errors import ConfigurationError, ConfigurationUnavailable
from url_fetcher.formats.first_bytes import binary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_s3 import S3Client

    from url_fetcher.deadline import Deadline

PIECE_BYTES = 1024 * 1024
_MAX_KEY_BYTES = 1024
_CHANGED, _BEYOND_END = 412, 416
_MARK = rb"(?:\xef\xbb\xbf)?\s*"
_FORMS = {
    rb"\x1f\x8b": "compressed with gzip",
    rb"BZh": "compressed with bzip2",
    rb"\x28\xb5\x2f\xfd": "compressed with zstd",
    rb"\xff\xfe|\xfe\xff|[^\x00]{0,511}\x00": "UTF-16, or no text",
    _MARK + rb"\[": "a JSON array",
    _MARK + rb"\{[ \t\r]*\n": "a JSON object over several lines",
    _MARK + rb"<": "HTML or XML",
}


class ListObject:
    """Reads a list by ranges, all of the same version of the object.

    Args:
        client: Returns the S3 client.
        uri: The object's, ``s3://<bucket>/<key>``.
        etag: The version that was read before; empty for the first range.
        deadline: No range is waited for after it.
    """

    def __init__(
        self, client: "Callable[[], S3Client]", uri: str, *, etag: str, deadline: "Deadline"
    ) -> None:
        self.etag = etag
        self._client = client
        self._deadline = deadline
        self._uri = uri

    def piece(self, offset: int) -> bytes:
        """Returns up to 1 MiB from an offset on; nothing at the end.

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
        bucket, _, key = self._uri.removeprefix("s3://").partition("/")
        found = self._client().get_object(
            Bucket=bucket,
            Key=key,
            Range=f"bytes={offset}-{offset + PIECE_BYTES - 1}",
            **matching,
        )
        self.etag = self.etag or found["ETag"]
        # An endpoint that ignores the range must not fill the memory.
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


def refuse_other_places(uri: object, *, allowed: str) -> None:
    """Refuses a list that is not below the place for lists.

    Args:
        uri: The list's, from an event.
        allowed: ``s3://<bucket>/<folder>/``; empty if no place is configured.

    Raises:
        ConfigurationError: When the list is elsewhere; not retryable.
    """
    if not allowed:
        raise ConfigurationError("the event: urls_from: no place for lists is configured (LISTS_URI)")
    is_below = isinstance(uri, str) and uri.startswith(allowed) and len(uri) > len(allowed)
    if not is_below or len(str(uri).encode(errors="replace")) > _MAX_KEY_BYTES:
        raise ConfigurationError(
            f"the event: urls_from is {str(uri)[:200]!r}; lists are read below {allowed} only: "
            "upload it there"
        )


def refuse_other_forms(start: bytes) -> None:
    """Refuses a body that is no list of lines, before each of its lines becomes a dead letter.

    Raises:
        ConfigurationError: When it is compressed, in another encoding, or a document; not retryable.
    """
    form = binary(start) or next((name for each, name in _FORMS.items() if re.match(each, start)), "")
    if form:
        raise ConfigurationError(
            f"the list of URLs is {form}; upload it as text in UTF-8, not compressed, with one URL or one "
            "JSON object a line"
        )
