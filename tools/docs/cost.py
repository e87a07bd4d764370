"""What the pipeline of pipeline.toml costs a month, from list prices: the tables of docs/cost.md."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from ingestion_pipeline.settings.file import read
from ingestion_pipeline.settings.forms import GZIP
from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.tables.fetch import FetchSettings
from tools.ground.paths import ROOT

REGION, PRICES_AS_OF = "us-east-1", "November 2025"
SOURCES = (1, 20, 100)

HOURS = 730
RUNS = HOURS
"""A source is fetched once an hour."""
RUN_SECONDS = 10
RUN_MIB = 1
"""Record lines of one run, such as 1,000 of 1 KiB."""
COMPRESSION = 5
"""How many times smaller GZIP makes JSON, Firehose's and that of `fetch.packing`."""
STEADY_MIB = (Decimal("0.1"), Decimal(1), Decimal(10))
"""Record lines a second, all the time, for which both packings are compared."""
PACKINGS = {"lines": "lines", GZIP: "gzip members"}
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

PRICES = {
    "shard": ("a shard, an hour", "0.015", "https://aws.amazon.com/kinesis/data-streams/pricing/"),
    "retention": (
        "retention of 1 to 7 days, a shard, an hour",
        "0.020",
        "https://aws.amazon.com/kinesis/data-streams/pricing/",
    ),
    "units": (
        "a million puts of up to 25 KiB",
        "0.014",
        "https://aws.amazon.com/kinesis/data-streams/pricing/",
    ),
    "schedules": (
        "a million runs of schedules",
        "1.00",
        "https://aws.amazon.com/eventbridge/pricing/",
    ),
    "requests": ("a million invocations", "0.20", "https://aws.amazon.com/lambda/pricing/"),
    "compute": ("a GB-second on arm64", "0.0000133334", "https://aws.amazon.com/lambda/pricing/"),
    "queue_requests": ("a million requests to SQS", "0.40", "https://aws.amazon.com/sqs/pricing/"),
    "firehose": ("Firehose, a GB", "0.029", "https://aws.amazon.com/firehose/pricing/"),
    "objects": ("a thousand PUTs to S3", "0.005", "https://aws.amazon.com/s3/pricing/"),
    "storage": ("S3 Standard, a GB, a month", "0.023", "https://aws.amazon.com/s3/pricing/"),
    "metric": ("a custom metric, a month", "0.30", "https://aws.amazon.com/cloudwatch/pricing/"),
    "logs": ("logs, a GB", "0.50", "https://aws.amazon.com/cloudwatch/pricing/"),
    "traces": ("a million traces", "5.00", "https://aws.amazon.com/xray/pricing/"),
    "key_calls": ("ten thousand requests to KMS", "0.03", "https://aws.amazon.com/kms/pricing/"),
    "secret": ("a secret, a month", "0.40", "https://aws.amazon.com/secrets-manager/pricing/"),
    "secret_calls": (
        "ten thousand requests for a secret",
        "0.05",
        "https://aws.amazon.com/secrets-manager/pricing/",
    ),
}
"""What is billed, USD, and the page that says so."""


@dataclass(frozen=True)
class Usage:
    """What so many sources use in a month.

    Attributes:
        settings: Of the environment.
        sources: How many there are, each with a secret of its own.
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
        """What is put on the stream, and what Firehose reads."""
        return _sent(Decimal(self.runs * RUN_MIB), self.settings.fetch.packing)

    @property
    def shard_hours(self) -> int:
        """Of all shards."""
        return self.settings.stream.shard_count * HOURS

    @property
    def units(self) -> Decimal:
        """Units of 25 KiB, for what is put on the stream."""
        return _units(self.sent_mib, self.settings.fetch.pack_kib)

    @property
    def polls(self) -> int:
        """Requests to a queue that holds nothing, as long as it is consumed."""
        return HOURS * 3600 // POLL_SECONDS * POLLERS

    @property
    def objects(self) -> int:
        """At most one each time that Firehose's buffer is flushed, and none if nothing came."""
        return min(self.runs, HOURS * 3600 // max(1, self.settings.delivery.buffer_seconds))


def _sent(mib: Decimal, packing: str) -> Decimal:
    """What record lines become on the stream."""
    return mib / COMPRESSION if packing == GZIP else mib


def _units(mib: Decimal, pack_kib: int) -> Decimal:
    """Units of 25 KiB; a packed Kinesis record is billed as so many as it begins."""
    return mib * 1024 / pack_kib * -(-pack_kib // UNIT_KIB)


def price(name: str) -> Decimal:
    """USD for one unit of it."""
    return Decimal(PRICES[name][1])


LINES: Mapping[str, Callable[[Usage], Decimal]] = {
    "Kinesis: shards": lambda use: use.shard_hours * price("shard"),
    "Kinesis: retention beyond 24 hours": lambda use: (
        use.shard_hours * price("retention") * (use.settings.stream.retention_hours > FIRST_RETENTION_HOURS)
    ),
    "Kinesis: puts": lambda use: use.units * price("units") / MILLION,
    "EventBridge Scheduler": lambda use: use.runs * price("schedules") / MILLION,
    "Lambda": lambda use: (
        use.runs * price("requests") / MILLION
        + use.runs * RUN_SECONDS * Decimal(use.settings.function.memory_mib) / 1024 * price("compute")
    ),
    "SQS: polling, if the work queue is consumed": lambda use: use.polls * price("queue_requests") / MILLION,
    "SQS: events": lambda use: use.runs * REQUESTS_PER_EVENT * price("queue_requests") / MILLION,
    "Firehose": lambda use: use.sent_mib / GIB_MIB * price("firehose"),
    "S3: objects": lambda use: use.objects * price("objects") / 1000,
    "S3: each month's data, for every month that it is kept": lambda use: (
        use.gib / COMPRESSION * price("storage")
    ),
    "CloudWatch: metrics": lambda use: use.sources * METRICS_PER_SOURCE * price("metric"),
    "CloudWatch: logs": lambda use: use.runs * Decimal(RUN_LOG_KIB) / 1024 / GIB_MIB * price("logs"),
    "X-Ray": lambda use: use.runs * price("traces") / MILLION * use.settings.function.tracing,
    "KMS": lambda use: use.shard_hours * KEY_CALLS_PER_SHARD_HOUR * price("key_calls") / 10_000,
    "Secrets Manager": lambda use: use.sources * price("secret") + use.runs * price("secret_calls") / 10_000,
}
"""What each service bills for a month, in the order of the table."""


def bill(sources: int, environment: str) -> dict[str, Decimal]:
    """USD a month by line, each rounded to a cent; their sum is the bill.

    Args:
        sources: How many there are.
        environment: Of pipeline.toml; its settings decide shards, retention, memory and buffers.
    """
    use = Usage(read(ROOT / "pipeline.toml", environment), sources)
    return {name: _cents(line(use)) for name, line in LINES.items()}


def cost_table(environment: str = "prod") -> str:
    """Markdown: one row a line, one column a number of sources, and the sums."""
    bills = [bill(sources, environment) for sources in SOURCES]
    rows = [_row(name, [each[name] for each in bills]) for name in LINES]
    totals = _row("**total, USD a month**", [Decimal(sum(each.values())) for each in bills])
    return _header() + "".join(rows) + totals


def cost_summary(environment: str = "prod") -> str:
    """Markdown: what grows with the sources, what does not, and the sums, for the README."""
    bills = [bill(sources, environment) for sources in SOURCES]
    names = {
        "the stream": [name for name in LINES if name.startswith("Kinesis")],
        "the work queue": [name for name in LINES if name.startswith("SQS")],
        "metrics": ["CloudWatch: metrics"],
        "secrets": ["Secrets Manager"],
    }
    rows = {
        row: [Decimal(sum(each[name] for name in named)) for each in bills] for row, named in names.items()
    }
    rows["**with everything else**"] = [Decimal(sum(each.values())) for each in bills]
    return _header() + "".join(_row(name, amounts) for name, amounts in rows.items())


@dataclass(frozen=True)
class Steady:
    """What a steady flow of records uses in a month, with the default size of packs.

    Attributes:
        mib: Record lines a second.
        packing: The setting ``fetch.packing``.
    """

    mib: Decimal
    packing: str

    @property
    def shards(self) -> int:
        """As many as take it: 1 MiB a second each."""
        return math.ceil(_sent(self.mib, self.packing))

    @property
    def usd(self) -> Decimal:
        """The price of shards, puts and Firehose."""
        mib = _sent(self.mib, self.packing) * HOURS * 3600
        puts = _units(mib, FetchSettings().pack_kib) * price("units") / MILLION
        return _cents(self.shards * HOURS * price("shard") + puts + mib / GIB_MIB * price("firehose"))


def packing_table() -> str:
    """Markdown: shards and price of both packings, by the records that flow."""
    lines = [
        f"| | {' | '.join(f'{mib} MiB a second' for mib in STEADY_MIB)} |\n|---|{'--:|' * len(STEADY_MIB)}\n"
    ]
    for packing, name in PACKINGS.items():
        flows = [Steady(mib, packing) for mib in STEADY_MIB]
        lines.append(f"| shards for {name} | {' | '.join(str(flow.shards) for flow in flows)} |\n")
        lines.append(_row(f"USD a month for {name}", [flow.usd for flow in flows]))
    return "".join(lines)


def packing_summary() -> str:
    """One sentence for the README: the price of both packings, and where it says when to switch."""
    lines, members = (Steady(Decimal(1), packing).usd for packing in PACKINGS)
    return (
        f"\nAt a steady 1 MiB of lines a second, shards, puts and Firehose cost {lines:.2f} USD a month,\n"
        f'with `fetch.packing = "gzip"` {members:.2f} ([when and how to switch](docs/packing.md)).\n'
    )


def _header() -> str:
    columns = [f"{sources} source{'s' if sources > 1 else ''}" for sources in SOURCES]
    return f"| | {' | '.join(columns)} |\n|---|{'--:|' * len(columns)}\n"


def prices_table() -> str:
    """Markdown: one row a price, under the date."""
    rows = [f"| {what} | {amount} | [{_service(page)}]({page}) |\n" for what, amount, page in PRICES.values()]
    header = f"| {REGION}, {PRICES_AS_OF} | USD | |\n|---|--:|---|\n"
    return header + "".join(rows)


def _service(page: str) -> str:
    return page.removeprefix("https://aws.amazon.com/").removesuffix("/pricing/")


def _row(name: str, amounts: list[Decimal]) -> str:
    return f"| {name} | {' | '.join(f'{amount:,.2f}' for amount in amounts)} |\n"


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
