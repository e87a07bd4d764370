"""What the pipeline of pipeline.toml costs a month, from list prices: the tables of docs/cost.md."""

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from ingestion_pipeline.resources.bill import GIB_MIB, HOURS, MILLION, BillLine, Price, Usage, put_units, sent
from ingestion_pipeline.resources.capability import capabilities
from ingestion_pipeline.settings.file import read
from ingestion_pipeline.settings.forms import GZIP
from ingestion_pipeline.settings.tables.fetch import FetchSettings
from tools.ground.paths import ROOT

REGION, PRICES_AS_OF = "us-east-1", "November 2025"
SOURCES = (1, 20, 100)

STEADY_MIB = (Decimal("0.1"), Decimal(1), Decimal(10))
"""Record lines a second, all the time, for which both packings are compared."""
PACKINGS = {"lines": "lines", GZIP: "gzip members"}
ORDER = (
    *("Kinesis", "EventBridge Scheduler", "Lambda", "SQS", "Firehose", "S3", "CloudWatch", "X-Ray", "KMS"),
    "Secrets Manager",
)
"""The services in the order of the tables; lines of others come last."""


def lines() -> list[BillLine]:
    """The lines of the bill that the capabilities state, in the order of the table."""
    found = [line for each in capabilities().values() for line in each.bill]
    services = [*ORDER, *(_service(line) for line in found)]
    return sorted(found, key=lambda line: services.index(_service(line)))


def prices() -> dict[str, Price]:
    """Every price, by its name."""
    return {name: price for line in lines() for name, price in line.prices.items()}


def price(name: str) -> Decimal:
    """USD for one unit of it."""
    return prices()[name].usd


def _service(line: BillLine) -> str:
    return line.name.partition(":")[0]


def bill(sources: int, environment: str) -> dict[str, Decimal]:
    """USD a month by line, each rounded to a cent; their sum is the bill.

    Args:
        sources: How many there are.
        environment: Of pipeline.toml; its settings decide shards, retention, memory and buffers.
    """
    use = Usage(read(ROOT / "pipeline.toml", environment), sources)
    return {line.name: _cents(line.usd(use)) for line in lines()}


def cost_table(environment: str = "prod") -> str:
    """Markdown: one row a line, one column a number of sources, and the sums."""
    bills = [bill(sources, environment) for sources in SOURCES]
    rows = [_row(name, [each[name] for each in bills]) for name in bills[0]]
    totals = _row("**total, USD a month**", [Decimal(sum(each.values())) for each in bills])
    return _header() + "".join(rows) + totals


def cost_summary(environment: str = "prod") -> str:
    """Markdown: what grows with the sources, what does not, and the sums, for the README."""
    bills = [bill(sources, environment) for sources in SOURCES]
    names = {
        "the stream": [name for name in bills[0] if name.startswith("Kinesis")],
        "the work queue": [name for name in bills[0] if name.startswith("SQS")],
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
        return math.ceil(sent(self.mib, self.packing))

    @property
    def usd(self) -> Decimal:
        """The price of shards, puts and Firehose."""
        mib = sent(self.mib, self.packing) * HOURS * 3600
        puts = put_units(mib, FetchSettings().pack_kib) * price("units") / MILLION
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
    rows = [
        f"| {each.what} | {each.amount} | [{each.service}]({each.page}) |\n" for each in prices().values()
    ]
    header = f"| {REGION}, {PRICES_AS_OF} | USD | |\n|---|--:|---|\n"
    return header + "".join(rows)


def _row(name: str, amounts: list[Decimal]) -> str:
    return f"| {name} | {' | '.join(f'{amount:,.2f}' for amount in amounts)} |\n"


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
