"""The report on a benchmark: goals and tables."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from benchmarks.goals import goals
from benchmarks.many_urls.report import many_urls_section
from benchmarks.measure import Figure
from benchmarks.one_shard import ROUND_TRIP_SECONDS, ShardFigure
from benchmarks.ours import OURS
from benchmarks.packings import PackingFigure
from benchmarks.results import Results
from benchmarks.sources import RANDOM_BYTES, SMALL_BYTES
from benchmarks.table import number, table

_MIB = 1024 * 1024

_PEERS_TEXT = """\
Every tool fetches the same array over HTTP, wraps each record and puts it on the same endpoint, in
a process of its own; medians after one run to warm up. `url_fetcher` is the real handler, invoked as
Lambda does. The original design is measured on 1,000 records. async-kinesis runs with its limits for one
shard lifted. dlt does more than move bytes (schema, typing, state): read its row as the cost of that."""

_ONE_SHARD_TEXT = f"""\
The endpoint refuses what is over a shard's limits, 1 MiB of data and keys and 1,000 records a second,
each record by itself, as the service does. Its shard begins empty, so that nothing counts that it would
have saved up, and takes the time from the first request to the last record it accepts. What it accepted
is searched for every record of the source. Each tool puts again what was refused; "refused" is that
share of the Kinesis records that were put. Records of {SMALL_BYTES} B, round trip
{ROUND_TRIP_SECONDS * 1000:.0f} ms."""

_PACKINGS_TEXT = f"""\
With `lines` a Kinesis record is lines of JSON, with `gzip` a gzip member of them. Processes of both took
turns. The records are of {SMALL_BYTES} B; random text is records of {RANDOM_BYTES:,} B, filled with
base64, hexadecimal digits or ideographs drawn at random."""


def document(results: Results) -> str:
    """The whole report in Markdown."""
    aims = goals(results)
    parts = [
        "# Benchmarks",
        "Made by `make bench`; the figures of each half, ingestion and synthesis, are from one run.",
        _conditions(results),
        "## Goals",
        table(
            ("figure", "goal", "measured", "met"),
            [(aim.what, aim.goal, aim.measured, "yes" if aim.met else "**no**") for aim in aims],
        ),
        "\n".join(f"- {aim.what}: {aim.why}" for aim in aims if not aim.met),
        "![Records a second, by tool](benchmarks.svg)",
        "## Through one shard",
        _ONE_SHARD_TEXT,
        _one_shard(results.one_shard),
        f"### Random text, records of {RANDOM_BYTES:,} B",
        _one_shard(results.one_shard_random),
        "## Beside the others",
        _PEERS_TEXT,
        *(f"### {title}\n\n{_figures(figures)}" for title, figures in results.tables.items()),
        "## Many URLs",
        *many_urls_section(results.many_urls),
        "## Packings",
        _PACKINGS_TEXT,
        _packings(results.packings),
        "## Paths",
        _paths(results.paths),
        "## Accounting under faults",
        *_accounts(results),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _conditions(results: Results) -> str:
    versions: dict[str, str] = {}
    for figures in results.tables.values():
        for figure in figures:
            versions |= figure.versions
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"{datetime.now(UTC):%Y-%m-%d}; {results.machine}; {listed}."


def _one_shard(figures: Sequence[ShardFigure]) -> str:
    ours = figures[0]
    rows = [
        (
            figure.variant,
            number(figure.rate),
            "" if figure is ours else f"{ours.rate / figure.rate:,.1f} x",
            f"{figure.accepted_bytes / figure.seconds / _MIB:.2f}",
            number(figure.kinesis_records / figure.seconds),
            f"{figure.refused / (figure.refused + figure.kinesis_records):.0%}",
            f"{figure.lost:,}",
            f"{figure.duplicates:,}",
        )
        for figure in figures
    ]
    head = (
        "tool",
        "records/s",
        "gzip is faster by",
        "MiB/s",
        "Kinesis records/s",
        "refused",
        "lost",
        "twice",
    )
    return table(head, rows)


def _figures(figures: Sequence[Figure]) -> str:
    ours = figures[0]
    rows = [
        (
            figure.variant,
            number(figure.rate),
            "" if figure is ours else f"{ours.rate / figure.rate:,.1f} x",
            f"{figure.cpu_us:,.2f}",
            f"{figure.peak_rss_mb:.0f}",
        )
        for figure in figures
    ]
    return table(("tool", "records/s", f"{OURS} is faster by", "CPU µs/record", "peak RSS MB"), rows)


def _packings(figures: Sequence[PackingFigure]) -> str:
    rows = [
        ("CPU a record", *(f"{each.small.cpu_us:.2f} µs" for each in figures)),
        ("records/s", *(number(each.small.rate) for each in figures)),
        ("CPU a record, random text", *(f"{each.random.cpu_us:.2f} µs" for each in figures)),
        ("records/s, random text", *(number(each.random.rate) for each in figures)),
        ("on the stream, a million small records", *(f"{each.mb_a_million:.0f} MB" for each in figures)),
        ("PUT units, a million small records", *(f"{each.units_a_million:,}" for each in figures)),
        *(
            (f"peak RSS, source of {size:,} MB", *(f"{each.memory[size]:.0f} MB" for each in figures))
            for size in figures[0].memory
        ),
    ]
    return table(("", "lines", "gzip"), rows)


def _paths(figures: Sequence[Figure]) -> str:
    """What it costs to look for the records, beside an array that has nothing else."""
    rows = [
        (each.variant, f"{each.rate:,.0f}", f"{each.cpu_us:.2f}", f"{each.cpu_us / figures[0].cpu_us:.2f} x")
        for each in figures
    ]
    return table(("records", "records/s", "CPU µs/record", "CPU, to the array"), rows)


def _accounts(results: Results) -> Iterator[str]:
    for packing, account in results.accounts.items():
        faults = ", ".join(f"{count} {fault.replace('_', ' ')}" for fault, count in account.faults.items())
        verdict = "The promise holds." if account.holds else "**The promise does not hold.**"
        yield (
            f"{packing}: {account.sent:,} records through an endpoint that fails ({faults}), the first "
            "process killed in the middle and the event replayed: "
            f"{account.lost:,} lost, {account.duplicates:,} duplicates, of which {account.explained:,} are "
            "explained by what the endpoint accepted without saying so and by the crash, "
            f"{account.other_ids:,} with another id; {account.seconds:.0f} s. {verdict}"
        )
