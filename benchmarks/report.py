"""The report on a benchmark: goals, tables and a picture."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import NamedTuple

from benchmarks.accounting import Account
from benchmarks.measure import Figure

_MIB = 1024 * 1024
_OURS = "url_fetcher"
_BOTO3 = "boto3 put_records"
_BOTO3_CPU_US = 28.5
"""CPU of ``_BOTO3`` a record where the goals were set: on an Intel Sapphire Rapids, with Python 3.13."""
_BOTO3_START_MS = 316
"""CPU of boto3's and requests' import and a first client there."""


class Goal(NamedTuple):
    """A figure that was aimed at.

    Args:
        what: What it is of.
        goal: What was aimed at.
        measured: What came out.
        met: Whether that is good enough.
        why: What to know when it is not.
    """

    what: str
    goal: str
    measured: str
    met: bool
    why: str = ""


@dataclass
class Results:
    """Everything that was measured.

    Args:
        machine: What it ran on.
        tables: Figures by scenario, in the order they were run.
        import_seconds: CPU of import and first client, from the unpacked zip.
        boto3_import_seconds: The same of boto3 and requests alone, as the original design needs them.
        paths: Figures of the same records as an array and at paths within an object.
        memory: Peak RSS of one run by size of the source in MB.
        zip_bytes: Of the function's archive; None when none was built.
        put_units_a_million: PUT payload units for a million small records.
        account: The outcome under faults.
    """

    machine: str
    tables: dict[str, list[Figure]] = field(default_factory=dict)
    import_seconds: float = 0.0
    boto3_import_seconds: float = 0.0
    paths: list[Figure] = field(default_factory=list)
    memory: dict[int, float] = field(default_factory=dict)
    zip_bytes: int | None = None
    put_units_a_million: int = 0
    account: Account | None = None


def document(results: Results) -> str:
    """The whole report in Markdown."""
    goals = _goals(results)
    parts = [
        "# Benchmarks",
        "Made by `make bench`; the figures of each half, ingestion and synthesis, are from one run.",
        _conditions(results),
        "## Goals",
        _table(
            ("figure", "goal", "measured", "met"),
            [(g.what, g.goal, g.measured, "yes" if g.met else "**no**") for g in goals],
        ),
        "\n".join(f"- {goal.what}: {goal.why}" for goal in goals if not goal.met),
        "![Records a second, by tool](benchmarks.svg)",
        "## Beside the others",
        _TEXT,
        *(f"### {title}\n\n{_figures(figures)}" for title, figures in results.tables.items()),
        "## Paths",
        _paths(results.paths),
        "## Memory",
        _table(
            ("source", "peak RSS"),
            [(f"{size:,} MB", f"{peak:.0f} MB") for size, peak in results.memory.items()],
        ),
        "## Accounting under faults",
        _account(results),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


_TEXT = """Every tool fetches the same array over HTTP, wraps each record and puts it on the same endpoint, in
a process of its own; medians after one run to warm up. `url_fetcher` is the real handler, invoked as
Lambda does. The original design is measured on 1,000 records. async-kinesis runs with its limits for one
shard lifted. dlt does more than move bytes (schema, typing, state): read its row as the cost of that."""


def _paths(figures: list[Figure]) -> str:
    """What it costs to look for the records, beside an array that has nothing else."""
    rows = [
        (each.variant, f"{each.rate:,.0f}", f"{each.cpu_us:.2f}", f"{each.cpu_us / figures[0].cpu_us:.2f} x")
        for each in figures
    ]
    return _table(("records", "records/s", "CPU µs/record", "CPU, to the array"), rows)


def _conditions(results: Results) -> str:
    versions: dict[str, str] = {}
    for figures in results.tables.values():
        for figure in figures:
            versions |= figure.versions
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"{datetime.now(UTC):%Y-%m-%d}; {results.machine}; {listed}."


def _goals(results: Results) -> list[Goal]:
    tables = list(results.tables.values())
    ours, peers = tables[0][0], [f for f in tables[0] if not f.variant.startswith(_OURS)]
    best = max(peer.rate for peer in peers)
    boto3_us = next(peer.cpu_us for peer in peers if peer.variant == _BOTO3)
    slower = boto3_us / _BOTO3_CPU_US
    why = (
        f"this machine takes {boto3_us:.1f} µs for a record of {_BOTO3}, {slower:.1f} times what the one "
        "took that the goal was set on"
    )
    boto3_ms = results.boto3_import_seconds * 1000
    small, large = min(results.memory), max(results.memory)
    growth = results.memory[large] - results.memory[small]
    goals = [
        _at_least("50,000 records of 191 B, 0 ms", ours.rate, 400_000, " records/s", why),
        _at_least("the same, beside the best peer", ours.rate / best, 6, " x", why),
        _at_least("the same at 20 ms", tables[1][0].rate, 300_000, " records/s", why),
        _at_most("CPU a record", ours.cpu_us, 2.2, " µs", why),
        _at_most("peak RSS, source of 100 MB", results.memory[100], 110, " MB", "see the table below"),
        _at_most(f"its growth from {small} MB to {large:,} MB", growth, 25, " MB", "see the table below"),
        _at_most(
            "import and first client from the zip, CPU",
            results.import_seconds * 1000,
            230,
            " ms",
            f"boto3 and requests alone take {boto3_ms:,.0f} ms here, {boto3_ms / _BOTO3_START_MS:.1f} times "
            "what they took on the machine that the goal was set on",
        ),
        _at_most("PUT units a million small records", results.put_units_a_million, 20_000, "", ""),
    ]
    if results.zip_bytes is not None:
        goals.append(_at_most("zip", results.zip_bytes / _MIB, 2, " MiB", "see `lambda/requirements.txt`"))
    return goals


def _at_least(what: str, value: float, goal: float, unit: str, why: str) -> Goal:
    return Goal(what, f"≥ {goal:,}{unit}", f"{_number(value)}{unit}", value >= goal, why)


def _at_most(what: str, value: float, goal: float, unit: str, why: str) -> Goal:
    return Goal(what, f"≤ {goal:,}{unit}", f"{_number(value)}{unit}", value <= goal, why)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def _figures(figures: "Sequence[Figure]") -> str:
    ours = figures[0]
    rows = [
        (
            figure.variant,
            _number(figure.rate),
            "" if figure is ours else f"{ours.rate / figure.rate:,.1f} x",
            f"{figure.cpu_us:,.2f}",
            f"{figure.peak_rss_mb:.0f}",
        )
        for figure in figures
    ]
    return _table(("tool", "records/s", f"{_OURS} is faster by", "CPU µs/record", "peak RSS MB"), rows)


def _account(results: Results) -> str:
    account = results.account
    if account is None:
        return ""
    faults = ", ".join(f"{count} {fault.replace('_', ' ')}" for fault, count in account.faults.items())
    verdict = "The promise holds." if account.holds else "**The promise does not hold.**"
    return (
        f"{account.sent:,} records through an endpoint that fails ({faults}), the first process killed in "
        f"the middle and the event replayed: {account.lost:,} lost, {account.duplicates:,} duplicates, of "
        f"which {account.explained:,} are explained by what the endpoint accepted without saying so and by "
        f"the crash, {account.other_ids:,} with another id; {account.seconds:.0f} s. {verdict}"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_WIDTH, _LEFT, _BAR, _GAP, _TOP = 860, 310, 15, 14, 74
_COLOURS = ("#2f6f9f", "#d08c2e")


def picture(results: Results) -> str:
    """Records a second for each tool at both round trips, as bars on a logarithmic scale, in SVG."""
    (first, fast), (second, slow) = list(results.tables.items())[:2]
    most = max(figure.rate for figure in (*fast, *slow))
    height = _TOP + len(fast) * (2 * _BAR + _GAP) + 10
    text = '<text x="{}" y="{}" {}>{}</text>'.format
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        'font-family="sans-serif" font-size="13" fill="#222">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        text(16, 24, 'font-size="16" font-weight="bold"', "Records a second, more is better (logarithmic)"),
    ]
    for index, title in enumerate((first, second)):
        y = 40 + 16 * index
        parts.append(f'<rect x="16" y="{y}" width="11" height="11" fill="{_COLOURS[index]}"/>')
        parts.append(text(34, y + 10, "", escape(title)))
    for row, pair in enumerate(zip(fast, slow, strict=True)):
        y = _TOP + row * (2 * _BAR + _GAP) + 4
        weight = 'font-weight="bold"' if row == 0 else ""
        parts.append(text(_LEFT - 10, y + _BAR + 4, f'text-anchor="end" {weight}', escape(pair[0].variant)))
        for index, figure in enumerate(pair):
            length = _length(figure.rate, most)
            top = y + index * _BAR
            bar = f'<rect x="{_LEFT}" y="{top}" width="{length:.0f}" height="{_BAR - 2}"'
            parts.append(f'{bar} fill="{_COLOURS[index]}"/>')
            parts.append(text(f"{_LEFT + length + 6:.0f}", top + 11, 'font-size="11"', f"{figure.rate:,.0f}"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _length(rate: float, most: float) -> float:
    from math import log10

    least = 10.0
    return max(1.0, (log10(rate) - log10(least)) / (log10(most) - log10(least)) * (_WIDTH - _LEFT - 80))
