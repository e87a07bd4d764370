"""How much each tool gets through one shard, which refuses what is over its limits as the service does.

The shard takes the time, from the first request to the last record it accepts, and keeps what it accepts,
so that a record that a tool lost or sent twice is seen.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.benchmark_server import BenchmarkServer
from benchmarks.measure import measure
from benchmarks.ours import GZIPPED, PACKED
from benchmarks.peers import AGGREGATED, ASYNC_KINESIS_LIMITED, BOTO3, ORIGINAL
from benchmarks.sources import RANDOM_BYTES, SMALL_BYTES, source
from local_aws.servers.kinesis_shards import KinesisShards
from local_aws.servers.stream_records import lines_of_record

ROUND_TRIP_SECONDS = 0.02
_NUMBER = re.compile(rb'"data": ?\{"id": ?(\d+),')


class _Run(NamedTuple):
    variant: str
    records: int  # about ten seconds of them
    random_text: bool = False


_RUNS = (
    _Run(GZIPPED, 160_000),
    _Run(PACKED, 32_000),
    _Run(ORIGINAL, 400),
    _Run(BOTO3, 10_000),
    _Run(AGGREGATED, 25_000),
    _Run(ASYNC_KINESIS_LIMITED, 32_000),
)
_RANDOM_RUNS = (_Run(GZIPPED, 11_000, random_text=True), _Run(PACKED, 8_500, random_text=True))


@dataclass(frozen=True)
class ShardFigure:
    """What one tool got through.

    Args:
        variant: Its name.
        delivered: How many different records of the source the shard accepted.
        lost: How many it did not.
        duplicates: How many it accepted again.
        kinesis_records: How many records of the stream they became.
        refused: How many of those the shard refused, each time counted.
        accepted_bytes: In what was accepted.
        seconds: From the first request to the last record accepted.
    """

    variant: str
    delivered: int
    lost: int
    duplicates: int
    kinesis_records: int
    refused: int
    accepted_bytes: int
    seconds: float

    @property
    def rate(self) -> float:
        """Records of the source a second."""
        return self.delivered / self.seconds


def one_shard(far: BenchmarkServer, folder: Path, *, quick: bool) -> list[ShardFigure]:
    """Every tool's figure on small records; ours with ``gzip`` comes first, then ours with ``lines``.

    Args:
        far: Serves ``folder``.
        folder: Where the sources lie or are put.
        quick: Half the records.
    """
    return [_figure(far, folder, run, quick=quick) for run in _RUNS]


def one_shard_random(far: BenchmarkServer, folder: Path, *, quick: bool) -> list[ShardFigure]:
    """The same of ours alone, on records of ``RANDOM_BYTES`` of random text."""
    return [_figure(far, folder, run, quick=quick) for run in _RANDOM_RUNS]


def numbers(accepted: Iterable[bytes]) -> Counter[int]:
    """How often each record of the source is in what a stream accepted, by its number.

    Args:
        accepted: The data of Kinesis records: lines, gzip of lines, or an aggregate of the KPL's format,
            which holds its records as they are.
    """
    found: Counter[int] = Counter()
    for data in accepted:
        found.update(map(int, _NUMBER.findall(lines_of_record(data))))
    return found


def _figure(far: BenchmarkServer, folder: Path, run: _Run, *, quick: bool) -> ShardFigure:
    records = run.records // 2 if quick else run.records
    size = RANDOM_BYTES if run.random_text else SMALL_BYTES
    name = source(folder, records=records, record_bytes=size, random_text=run.random_text)
    with KinesisShards(1, delay_seconds=ROUND_TRIP_SECONDS) as stream:
        measure(run.variant, f"{far.url}/{name}", stream.origin, runs=0)
    found = numbers(stream.accepted)
    figure = ShardFigure(
        variant=run.variant,
        delivered=len(found),
        lost=records - len(found),
        duplicates=found.total() - len(found),
        kinesis_records=len(stream.accepted),
        refused=stream.refused,
        accepted_bytes=sum(map(len, stream.accepted)),
        seconds=stream.seconds,
    )
    print(
        f"{run.variant:45} {records:>8,} records of {size:>6} B{figure.rate:>12,.0f} /s through one shard",
        flush=True,
    )
    return figure
