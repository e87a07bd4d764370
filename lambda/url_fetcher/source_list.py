"""The configured sources: read from the object that the deployment names, when they are first needed."""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from url_fetcher.deadline import unbounded
from url_fetcher.decoding import decode_settings
from url_fetcher.errors import ConfigurationError, ConfigurationUnavailable
from url_fetcher.source.schema import Source

_URI = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<key>.+)")
_DIGEST = re.compile(r"-(?P<digest>[0-9a-f]{64})\.json$")
_FIRST_SERVER_ERROR = 500


class GetsObjects(Protocol):
    """What the list needs of an S3 client."""

    def get_object(self, *, Bucket: str, Key: str) -> Mapping[str, Any]:  # noqa: N803
        """As boto3's."""


class SourceList:
    """The configured sources, in their order; the first is the default.

    The object's name holds the hash of its content. So it never changes, and is read once.

    Args:
        uri: ``s3://<bucket>/<key>``; empty when no sources are configured.
        client: Gives the S3 client when the object is read.
    """

    def __init__(self, uri: str, client: Callable[[], GetsObjects]) -> None:
        self._uri = uri
        self._client = client
        self._sources: tuple[Source, ...] | None = None
        self.deadline = unbounded()
        """The object is not waited for after it; each invocation sets its own."""

    @property
    def all(self) -> tuple[Source, ...]:
        """Every source.

        Raises:
            ConfigurationError: When the object is missing, may not be read, or is not what was deployed;
                not retryable.
            ConfigurationUnavailable: When S3 fails; retryable.
        """
        if self._sources is None:
            self._sources = _decoded(self._read(), self._uri) if self._uri else ()
        return self._sources

    def named(self, name: str) -> Source:
        """The source of that name.

        Raises:
            ConfigurationError: When there is none; not retryable. Beside that, as ``all``.
        """
        for source in self.all:
            if source.name == name:
                return source
        names = ", ".join(source.name for source in self.all if source.name) or "none"
        raise ConfigurationError(
            f"the event: source {name[:80]!r} is not configured; configured are: {names[:2000]}"
        )

    def _read(self) -> bytes:
        found = _URI.fullmatch(self._uri)
        if not found:
            raise ConfigurationError(f"SOURCES_URI is {self._uri[:200]!r}; write it as s3://bucket/key")
        try:
            return self.deadline.bounded(lambda: self._content(**found.groupdict()))
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            failure = ConfigurationUnavailable if status >= _FIRST_SERVER_ERROR else ConfigurationError
            raise failure(
                f"the sources at {self._uri} cannot be read ({code or status}): deploy again"
            ) from error
        except (BotoCoreError, TimeoutError) as error:
            reason = type(error).__name__
            raise ConfigurationUnavailable(
                f"the sources at {self._uri}: no answer from S3 ({reason})"
            ) from error

    def _content(self, bucket: str, key: str) -> bytes:
        return bytes(self._client().get_object(Bucket=bucket, Key=key)["Body"].read())


def _decoded(content: bytes, uri: str) -> tuple[Source, ...]:
    """The sources of the object, a JSON array; their names, where they have one, are distinct."""
    digest = _DIGEST.search(uri)
    if digest and hashlib.sha256(content).hexdigest() != digest["digest"]:
        raise ConfigurationError(f"the sources at {uri} are not those that were deployed: deploy again")
    try:
        settings = _without_nulls(msgspec.json.decode(content))
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConfigurationError(f"the sources at {uri} are not JSON: {error}") from error
    sources = decode_settings(settings, tuple[Source, ...], where="the sources")
    names = [source.name for source in sources if source.name]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"the sources: name {name!r} is given twice; give each source its own")
    return sources


def _without_nulls(value: object) -> object:
    """Settings without what Terraform's optional attributes leave as null, but for a source's ``body``."""
    if isinstance(value, list):
        return [_without_nulls(each) for each in value]
    if isinstance(value, dict):
        return {
            key: each if key == "body" else _without_nulls(each)
            for key, each in value.items()
            if each is not None
        }
    return value
