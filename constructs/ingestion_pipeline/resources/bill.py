"""Prices, and the lines that a capability adds to the monthly bill."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from ingestion_pipeline.settings.forms import GZIP
from ingestion_pipeline.settings.settings import Settings

HOURS = 730
RUNS = HOURS
"""A source is fetched once an hour."""
RUN_SECONDS = 10
RUN_MIB = 1
"""Record lines of one run, such as 1,000 of 1 KiB."""
COMPRESSION = 5
"""Compression ratio of GZIP on JSON, in Firehose and with `fetch.packing`."""
RUN_LOG_KIB = 5
POLLERS, POLL_SECONDS = 5, 20
"""Lambda's, of a queue whose concurrency is bounded, and how long SQS lets one wait at most:
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html and
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html"""
REQUESTS_PER_EVENT = 3
"""It is sent, received and deleted."""
METRICS_PER_SOURCE = 5
"""At most; one that is zero is not sent, and is billed only for the hours in which it is sent."""
UNIT_KIB = 25
FIRST_RETENTION_HOURS = 24
KEY_CALLS_PER_SHARD_HOUR = 24
"""Kinesis asks for a new data key every five minutes, to encrypt and to decrypt."""
GIB_MIB = 1024
MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    """The list price of one unit.

    Attributes:
        what: The unit, in words.
        amount: USD, as the page prints it.
        service: Part of the page's address.
    """

    what: str
    amount: str
    service: str

    @property
    def page(self) -> str:
        """The page that states the price."""
        return f"https://aws.amazon.com/{self.service}/pricing/"

    @property
    def usd(self) -> Decimal:
        """The price to compute with."""
        return Decimal(self.amount)


@dataclass(frozen=True)
class Usage:
    """The usage of a number of sources in a month.

    Attributes:
        settings: Settings of the environment.
        sources: Number of sources, each with a secret of its own.
    """

    settings: Settings
    sources: int

    @property
    def runs(self) -> int:
        """Invocations."""
        return RUNS * self.sources

    @property
    def gib(self) -> Decimal:
        """Record lines, uncompressed."""
        return Decimal(self.runs * RUN_MIB) / GIB_MIB

    @property
    def sent_mib(self) -> Decimal:
        """MiB that the function puts on the stream and Firehose reads."""
        return sent(Decimal(self.runs * RUN_MIB), self.settings.fetch.packing)

    @property
    def shard_hours(self) -> int:
        """Hours of all shards."""
        return self.settings.stream.shard_count * HOURS

    @property
    def units(self) -> Decimal:
        """Units of 25 KiB, for what is put on the stream."""
        return put_units(self.sent_mib, self.settings.fetch.pack_kib)

    @property
    def polls(self) -> int:
        """Requests to a queue that holds nothing, as long as it is consumed."""
        return HOURS * 3600 // POLL_SECONDS * POLLERS

    @property
    def objects(self) -> int:
        """At most one each time that Firehose's buffer is flushed, and none if nothing came."""
        return min(self.runs, HOURS * 3600 // max(1, self.settings.delivery.buffer_seconds))


@dataclass(frozen=True)
class BillLine:
    """One line of the monthly bill.

    Attributes:
        name: Such as ``Kinesis: shards``; the service comes first.
        prices: Prices by name; `tools.docs.cost` looks them up.
        usd: The amount for a month's usage.
    """

    name: str
    prices: dict[str, Price]
    usd: Callable[[Usage], Decimal]


def sent(mib: Decimal, packing: str) -> Decimal:
    """The size of record lines on the stream."""
    return mib / COMPRESSION if packing == GZIP else mib


def put_units(mib: Decimal, pack_kib: int) -> Decimal:
    """Units of 25 KiB; a packed Kinesis record is billed as so many as it begins."""
    return mib * 1024 / pack_kib * -(-pack_kib // UNIT_KIB)
