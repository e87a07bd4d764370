"""What was aimed at, and whether it was reached."""

from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.many_urls.peers import URL_LOOP
from benchmarks.ours import OURS
from benchmarks.peers import BOTO3
from benchmarks.results import Results
from benchmarks.table import number

_MIB = 1024 * 1024
_BOTO3_CPU_US = 28.5
"""CPU of ``BOTO3`` a record where the goals were set: on an Intel Sapphire Rapids, with Python 3.13."""
_BOTO3_START_MS = 316
"""CPU of boto3's and requests' import and a first client there."""
_SEE_PACKINGS = 'see "Packings" below'
_MEMORY_MB = 100


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


def goals(results: Results) -> list[Goal]:
    """Every goal with what was measured."""
    return [
        *_speed(results),
        *_one_shard(results),
        *_packings(results),
        *_many_urls(results),
        *_start(results),
    ]


def _speed(results: Results) -> Iterator[Goal]:
    first, second = list(results.tables.values())[:2]
    ours, peers = first[0], [figure for figure in first if not figure.variant.startswith(OURS)]
    why = _slower(results)
    yield _at_least("50,000 records of 191 B, 0 ms", ours.rate, 400_000, " records/s", why)
    best = max(peer.rate for peer in peers)
    yield _at_least("the same, beside the best peer", ours.rate / best, 6, " x", why)
    yield _at_least("the same at 20 ms", second[0].rate, 300_000, " records/s", why)


def _one_shard(results: Results) -> Iterator[Goal]:
    gzip, lines = results.one_shard[:2]
    random_gzip, random_lines = results.one_shard_random
    why = 'see "Through one shard" below'
    yield _at_least("gzip through one shard", gzip.rate, 15_000, " records/s", why)
    yield _at_least("the same, beside our lines", gzip.rate / lines.rate, 4.5, " x", why)
    kept = random_gzip.rate / random_lines.rate
    yield _at_least("the same on random text", kept, 0.85, " x", why)
    ours = (gzip, lines, random_gzip, random_lines)
    yield _at_most("records of ours lost there", sum(each.lost for each in ours), 0, "", why)


def _packings(results: Results) -> Iterator[Goal]:
    lines, gzip = results.packings
    yield _at_most("CPU a record, lines", lines.small.cpu_us, 1.6, " µs", _slower(results))
    yield _at_most("CPU a record, gzip", gzip.small.cpu_us, 1.6, " µs", _slower(results))
    beside = gzip.small.cpu_us / lines.small.cpu_us
    yield _at_most("the same, gzip beside lines", beside, 1, " x", _SEE_PACKINGS)
    # By CPU, which is what bounds a small function, and what other work on the machine disturbs least.
    kept = lines.random.cpu_us / gzip.random.cpu_us
    what = "random text without a limit, records a CPU second, gzip beside lines"
    yield _at_least(what, kept, 0.85, " x", _SEE_PACKINGS)
    for name, figure, megabytes, units in (("lines", lines, 110, 20_000), ("gzip", gzip, 70, 3_000)):
        peak = figure.memory[_MEMORY_MB]
        small, large = min(figure.memory), max(figure.memory)
        growth = figure.memory[large] - figure.memory[small]
        yield _at_most(f"peak RSS, source of {_MEMORY_MB} MB, {name}", peak, megabytes, " MB", _SEE_PACKINGS)
        yield _at_most(f"its growth from {small} MB to {large:,} MB", growth, 25, " MB", _SEE_PACKINGS)
        what = f"PUT units a million small records, {name}"
        yield _at_most(what, figure.units_a_million, units, "", _SEE_PACKINGS)


def _many_urls(results: Results) -> Iterator[Goal]:
    why = 'see "Many URLs" below'
    for round_trip_ms, figures in results.many_urls.figures.items():
        ours, loop = figures[0], next(each for each in figures if each.variant == URL_LOOP)
        what = f"many URLs, {round_trip_ms} ms, CPU a URL, beside the plain loop's"
        yield _at_most(what, ours.cpu_us / loop.cpu_us, 0.5, " x", why)
        best = max(each.rate for each in figures[1:])
        yield _at_least("the same, URLs/s, beside the best peer", ours.rate / best, 1, " x", why)


def _start(results: Results) -> Iterator[Goal]:
    boto3_ms = results.boto3_import_seconds * 1000
    yield _at_most(
        "import and first client from the zip, CPU",
        results.import_seconds * 1000,
        230,
        " ms",
        f"boto3 and requests alone take {boto3_ms:,.0f} ms here, {boto3_ms / _BOTO3_START_MS:.1f} times what "
        "they took on the machine that the goal was set on",
    )
    if results.zip_bytes is not None:
        yield _at_most("zip", results.zip_bytes / _MIB, 4, " MiB", "see `lambda/requirements.txt`")


def _slower(results: Results) -> str:
    """What relates this machine to the one that the goals were set on."""
    first = next(iter(results.tables.values()))
    boto3_us = next(figure.cpu_us for figure in first if figure.variant == BOTO3)
    return (
        f"this machine takes {boto3_us:.1f} µs for a record of {BOTO3}, {boto3_us / _BOTO3_CPU_US:.1f} times "
        "what the one took that the goal was set on"
    )


def _at_least(what: str, value: float, goal: float, unit: str, why: str) -> Goal:
    return Goal(what, f"≥ {goal:,}{unit}", f"{number(value)}{unit}", value >= goal, why)


def _at_most(what: str, value: float, goal: float, unit: str, why: str) -> Goal:
    return Goal(what, f"≤ {goal:,}{unit}", f"{number(value)}{unit}", value <= goal, why)
