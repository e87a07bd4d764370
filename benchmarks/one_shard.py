"""How much each tool gets through one shard, which refuses what is over its limits as the service does.

The shard takes the time, from the first request to the last record it accepts, and keeps what it accepts,
so that a record that a tool lost or sent twice is seen.
"""

import gzip
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.benchmark_server import BenchmarkServer
from benchmarks.measure import measure
from benchmarks.ours import GZIPPED, PACKED
from benchmarks.peers import AGGREGATED, ASYNC_KINESIS_LIMITED, BOTO3, ORIGINAL
from benchmarks.sources import source
from local_aws.servers.kinesis_shards import KinesisShards

ROUND_TRIP_SECONDS = 0.02
# About ten seconds of each.
_RECORDS = {
    GZIPPED: 160_000,
    PACKED: 32_000,
    ORIGINAL: 400,
    BOTO3: 10_000,
    AGGREGATED: 25_000,
    ASYNC_KINESIS_LIMITED: 32_000,
}
_NUMBER = re.compile(rb'"data": ?\{"id": ?(\d+),')
_GZIP = b"\x1f\x8b"


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
    """Every tool's figure; ours with ``gzip`` comes first, then ours with ``lines``.

    Args:
        far: Serves ``folder``.
        folder: Where the sources lie or are put.
        quick: Half the records.
    """
    figures = []
    for variant, count in _RECORDS.items():
        records = count // 2 if quick else count
        url = f"{far.url}/{source(folder, records=records)}"
        with KinesisShards(1, delay_seconds=ROUND_TRIP_SECONDS) as stream:
            measure(variant, url, stream.origin, runs=0)
        figures.append(_figure(variant, records, stream))
        print(f"{variant:45} {figures[-1].rate:>12,.0f} /s through one shard", flush=True)
    return figures


def numbers(accepted: Iterable[bytes]) -> Counter[int]:
    """How often each record of the source is in what a stream accepted, by its number.

    Args:
        accepted: The data of Kinesis records: lines, gzip of lines, or an aggregate of the KPL's format,
            which holds its records as they are.
    """
    found: Counter[int] = Counter()
    for data in accepted:
        text = gzip.decompress(data) if data.startswith(_GZIP) else data
        found.update(map(int, _NUMBER.findall(text)))
    return found


def _figure(variant: str, records: int, stream: KinesisShards) -> ShardFigure:
    found = numbers(stream.accepted)
    return ShardFigure(
        variant=variant,
        delivered=len(found),
        lost=records - len(found),
        duplicates=found.total() - len(found),
        kinesis_records=len(stream.accepted),
        refused=stream.refused,
        accepted_bytes=sum(map(len, stream.accepted)),
        seconds=stream.seconds,
    )
