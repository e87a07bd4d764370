"""Reads a source as the handler does, with short limits and without a stream."""

import io
import json
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from local_aws.servers.hostile_source import Behaviour, HostileSource
from url_fetcher.deadline import Deadline
from url_fetcher.http.addresses import AddressPolicy
from url_fetcher.http.connection import Dialer, Resolve, resolve
from url_fetcher.http.transport import Transport
from url_fetcher.intake.decoding import decode_settings
from url_fetcher.intake.source_list import SourceList
from url_fetcher.source.auth.auth_kind import OwnRole, Session
from url_fetcher.source.auth.secrets import SecretCache
from url_fetcher.source.pages.pagination_kind import Resume
from url_fetcher.source.reader import SourceReader
from url_fetcher.source.schema import Source
from url_fetcher.telling.redaction import Redactor

LOCAL = AddressPolicy(allow_http=True, allow_private_networks=True)
IN_TIME_SECONDS = 5.0
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:key"

Hostile = Callable[[Mapping[str, Behaviour]], HostileSource]


class Secrets:
    """Secrets Manager's client, with texts in memory: each is given out once, the last for ever."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.calls = 0
        self.redactor = Redactor()

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803, ARG002 - boto3's name
        """The next text."""
        self.calls += 1
        return {"SecretString": self.texts.pop(0) if len(self.texts) > 1 else self.texts[0]}

    def put_secret_value(self, **_: object) -> dict[str, str]:
        """Nothing is kept."""
        raise NotImplementedError

    def cache(self, clock: Callable[[], float] = lambda: 0.0) -> SecretCache:
        """A cache of this client's secrets."""
        return SecretCache(lambda _: self, self.redactor, clock=clock)


class Objects:
    """S3's client, with one object in memory."""

    uri = "s3://lake/config/sources.json"

    def __init__(self, content: bytes | str = b"[]") -> None:
        self.content = content if isinstance(content, bytes) else content.encode()
        self.calls = 0

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803, ARG002 - boto3's names
        """The object."""
        self.calls += 1
        return {"Body": io.BytesIO(self.content)}

    def list(self) -> SourceList:
        """The sources in it."""
        return SourceList(self.uri, lambda: self)


class Waits:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.seconds: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Remember the wait instead of waiting."""
        self.seconds.append(seconds)
        self.now += seconds

    def deadline(self, seconds: float) -> Deadline:
        """A deadline on this clock."""
        return Deadline(seconds, clock=lambda: self.now, sleep=self.sleep)


def reader_of(
    settings: Mapping[str, Any],
    *,
    deadline: Deadline | None = None,
    policy: AddressPolicy = LOCAL,
    resolve: Resolve = resolve,
    resume: Resume | None = None,
    secrets: Secrets | None = None,
    cache: SecretCache | None = None,
    clock: Callable[[], float] | None = None,
    warn: Callable[[str], None] = lambda _: None,
    role: OwnRole = OwnRole(credentials=lambda: None, region=""),  # noqa: B008 - frozen
) -> SourceReader:
    """A reader of the source with these settings; retries do not wait unless the settings say so."""
    source = decode_settings({"retry": {"max_delay_seconds": 0}, **settings}, Source, where="test")
    limits = source.limits
    deadline = (deadline or Deadline(IN_TIME_SECONDS)).earlier(limits.timeout_seconds)
    dialer = Dialer(
        policy,
        deadline=deadline,
        connect_timeout_seconds=limits.connect_timeout_seconds,
        read_timeout_seconds=limits.read_timeout_seconds,
        ca_certificates=source.ca_certificates,
        resolve=resolve,
    )
    transport = Transport(dialer)
    secrets = secrets or Secrets()
    opened = cache or secrets.cache()
    return SourceReader(
        source,
        transport=transport,
        session=Session(lambda: opened, transport, lambda: role),
        deadline=deadline,
        resume=resume,
        warn=warn,
        clock=clock or time.monotonic,
        clean=secrets.redactor.clean,
    )


def bodies_of(reader: SourceReader) -> list[bytes]:
    """Every page's body; the reader is told what a splitter would tell it of arrays and of ``items``."""
    bodies = []
    for page in reader.pages():
        bodies.append(b"".join(page.chunks))
        value = json.loads(bodies[-1]) if bodies[-1].startswith((b"[", b"{")) else []
        items = value if isinstance(value, list) else value.get("items", [])
        page.finish(
            records=len(items),
            outside=value if isinstance(value, dict) else None,
            digest=zlib.crc32(json.dumps(items).encode()),
        )
    return bodies
