"""Our packings beside each other: what they cost the function, and what they cost on the stream."""

from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.benchmark_server import BenchmarkServer
from benchmarks.measure import Figure, alternated, measure
from benchmarks.ours import GZIPPED, PACKED
from benchmarks.sources import RANDOM_BYTES, SMALL_BYTES, source
from local_aws.servers.kinesis_shards import KinesisShards

PACKINGS = (PACKED, GZIPPED)
_MILLION = 1_000_000
_STREAMED_RECORDS = 200_000


@dataclass
class PackingFigure:
    """What one packing costs.

    Args:
        variant: Ours with that packing.
        small: Small records, which compress well.
        random: Records of random text, which do not.
        units_a_million: PUT payload units for a million small records.
        mb_a_million: Data and partition keys of them, in 10^6 bytes.
        memory: Peak RSS of one run by size of the source in MB.
    """

    variant: str
    small: Figure
    random: Figure
    units_a_million: int = 0
    mb_a_million: float = 0.0
    memory: dict[int, float] = field(default_factory=dict)


def packings(far: BenchmarkServer, folder: Path, *, quick: bool) -> list[PackingFigure]:
    """A figure for each of ``PACKINGS``.

    Args:
        far: Serves ``folder`` and takes everything.
        folder: Where the sources lie or are put.
        quick: Smaller sources, fewer rounds.
    """
    rounds = 3 if quick else 5
    small = source(folder, records=50_000 if quick else 500_000)
    random = source(folder, records=20_000 if quick else 100_000, record_bytes=RANDOM_BYTES, random_text=True)
    taken = [alternated(PACKINGS, f"{far.url}/{name}", far.url, rounds=rounds) for name in (small, random)]
    figures = [PackingFigure(figure.variant, figure, other) for figure, other in zip(*taken, strict=True)]
    for figure in figures:
        _stream(far, folder, figure)
        _memory(far, folder, figure, (10, 100) if quick else (10, 100, 1_000))
        print(
            f"{figure.variant:45} {figure.small.cpu_us:>6.2f} us CPU, "
            f"random text {figure.random.cpu_us:.2f}, "
            f"{figure.units_a_million:,} PUT units a million, {max(figure.memory.values()):.0f} MB",
            flush=True,
        )
    return figures


def _stream(far: BenchmarkServer, folder: Path, figure: PackingFigure) -> None:
    """Counted by an endpoint that reads every record."""
    with KinesisShards(0) as stream:
        url = f"{far.url}/{source(folder, records=_STREAMED_RECORDS)}"
        measure(figure.variant, url, stream.origin, runs=0)
    figure.units_a_million = stream.units * _MILLION // _STREAMED_RECORDS
    figure.mb_a_million = stream.received_bytes / _STREAMED_RECORDS


def _memory(far: BenchmarkServer, folder: Path, figure: PackingFigure, sizes: tuple[int, ...]) -> None:
    for megabytes in sizes:
        name = source(folder, records=megabytes * _MILLION // SMALL_BYTES)
        run = measure(figure.variant, f"{far.url}/{name}", far.url, runs=0)
        figure.memory[megabytes] = run.peak_rss_mb
