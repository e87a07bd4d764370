"""The configured sources: read from the object that the deployment names, when they are first needed."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from url_fetcher.aws_calls import refusal_in
from url_fetcher.deadline import unbounded
from url_fetcher.errors import ConfigurationError, ConfigurationUnavailable
from url_fetcher.intake.decoding import decode_settings, without_nulls
from url_fetcher.source.schema import Source

_URI = re.compile(r"s3://([^/]+)/(.+)")
_DIGEST = re.compile(r"-(?P<digest>[0-9a-f]{64})\.json$")


class GetsObjects(Protocol):
    """The call of an S3 client that is used here."""

    def get_object(self, *, Bucket: str, Key: str) -> Mapping[str, Any]:  # noqa: N803
        """As boto3's."""


class Configured(NamedTuple):
    """One configured source, or the reason why it cannot be used.

    Attributes:
        name: Its name, valid or not; empty if it has none.
        source: Its settings; None if they are wrong.
        problem: The mistake in the settings.
    """

    name: str
    source: Source | None
    problem: str = ""

    def usable(self) -> Source:
        """Its settings.

        Raises:
            ConfigurationError: When they are wrong; not retryable.
        """
        if self.source is None:
            raise ConfigurationError(self.problem)
        return self.source


class SourceList:
    """The configured sources, in their order; the first is the default.

    Each is decoded by itself: a wrong one fails only the events that ask for it. The object's name has the
    hash of its content. So it never changes, and is read once.

    Args:
        uri: ``s3://<bucket>/<key>``; empty when no sources are configured.
        client: Returns the S3 client; called when the object is read.
    """

    def __init__(self, uri: str, client: Callable[[], GetsObjects]) -> None:
        self._uri = uri
        self._client = client
        self._configured: tuple[Configured, ...] | None = None
        self.deadline = unbounded()
        """The object is not waited for after it; set by each invocation."""
        self.warn: Callable[[str], None] = lambda _: None
        """Called for each source that cannot be used, when the object is read; set by each invocation."""

    @property
    def all(self) -> tuple[Source, ...]:
        """Every source that can be used.

        Raises:
            ConfigurationError: As ``configured``.
            ConfigurationUnavailable: As ``configured``.
        """
        return tuple(each.source for each in self.configured if each.source is not None)

    @property
    def configured(self) -> tuple[Configured, ...]:
        """Every source, usable or not.

        Raises:
            ConfigurationError: When the object is missing, may not be read, or is not what was deployed;
                not retryable.
            ConfigurationUnavailable: When S3 fails; retryable.
        """
        if self._configured is None:
            self._configured = _decoded(self._read(), self._uri) if self._uri else ()
            for each in self._configured:
                if each.problem:
                    self.warn(each.problem)
        return self._configured

    def default(self) -> Source | None:
        """The first source; None if none is configured.

        Raises:
            ConfigurationError: When the first cannot be used; not retryable. Beside that, as ``configured``.
        """
        return self.configured[0].usable() if self.configured else None

    def named(self, name: str) -> Source:
        """The source of that name.

        Raises:
            ConfigurationError: When there is none, or it cannot be used; not retryable. Beside that, as
                ``configured``.
        """
        for each in self.configured:
            if each.name == name:
                return each.usable()
        names = ", ".join(each.name for each in self.configured if each.name) or "none"
        raise ConfigurationError(
            f"the event: source {name[:80]!r} is not configured; configured are: {names[:2000]}"
        )

    def _read(self) -> bytes:
        found = _URI.fullmatch(self._uri)
        if not found:
            raise ConfigurationError(f"SOURCES_URI is {self._uri[:200]!r}; write it as s3://bucket/key")
        try:
            return self.deadline.bounded(
                lambda: bytes(self._client().get_object(Bucket=found[1], Key=found[2])["Body"].read())
            )
        except ClientError as error:
            refusal = refusal_in(error)
            failure = ConfigurationUnavailable if refusal.is_servers_fault else ConfigurationError
            raise failure(
                f"the sources at {self._uri} cannot be read ({refusal.name}): deploy again"
            ) from error
        except (BotoCoreError, TimeoutError) as error:
            reason = type(error).__name__
            raise ConfigurationUnavailable(
                f"the sources at {self._uri}: no answer from S3 ({reason})"
            ) from error


def _decoded(content: bytes, uri: str) -> tuple[Configured, ...]:
    """The sources of the object, a JSON array."""
    digest = _DIGEST.search(uri)
    if digest and hashlib.sha256(content).hexdigest() != digest["digest"]:
        raise ConfigurationError(f"the sources at {uri} are not those that were deployed: deploy again")
    try:
        settings = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConfigurationError(f"the sources at {uri} are not JSON: {error}") from error
    if not isinstance(settings, list):
        raise ConfigurationError(
            f"the sources at {uri} are no array but {type(settings).__name__}: deploy again"
        )
    given = [each for each in settings if each is not None]
    try:
        # All at once is the fast way, and almost always all are right.
        sources = decode_settings(without_nulls(given), tuple[Source, ...], where="the sources")
        configured = [Configured(source.name, source) for source in sources]
    except (ConfigurationError, RecursionError):
        configured = [_one(index, each) for index, each in enumerate(settings) if each is not None]
    counts = Counter(each.name for each in configured if each.name)
    return tuple(_ambiguous(each) if counts[each.name] > 1 else each for each in configured)


def _one(index: int, settings: object) -> Configured:
    """Decodes one source by itself."""
    given = settings.get("name") if isinstance(settings, dict) else None
    name = given if isinstance(given, str) else ""
    where = f"the configured source {name[:80]!r} (sources[{index}])" if name else f"sources[{index}]"
    try:
        return Configured(name, decode_settings(without_nulls(settings), Source, where=where))
    except ConfigurationError as error:
        problem = str(error)
    except RecursionError:
        problem = f"{where}: is nested too deeply"
    return Configured(name, None, f"{problem}; correct it and deploy again")


def _ambiguous(twice: Configured) -> Configured:
    """Replaces a source whose name another source has, too."""
    problem = (
        f"the sources: name {twice.name[:80]!r} is given twice; give each source its own and deploy again"
    )
    return Configured(twice.name, None, problem)
