"""Everything that a benchmark of the ingestion has measured."""

from dataclasses import dataclass, field

from benchmarks.accounting import Account
from benchmarks.many_urls.scenario import ManyUrls
from benchmarks.measure import Figure
from benchmarks.one_shard import ShardFigure
from benchmarks.packings import PackingFigure


@dataclass
class Results:
    """What was measured, empty where it was not yet.

    Args:
        machine: What it ran on.
        tables: Figures by scenario, in the order they were run.
        one_shard: What got through a shard with limits; ours with gzip is first, ours with lines second.
        one_shard_random: The same of ours, on random text.
        packings: What our packings cost, lines first, gzip second.
        import_seconds: CPU of import and first client, from the unpacked zip.
        boto3_import_seconds: The same of boto3 and requests alone, as the original design needs them.
        paths: Figures of the same records as an array and at paths within an object.
        zip_bytes: Of the function's archive; None when none was built.
        accounts: The outcome under faults, by packing.
        many_urls: What lists of URLs take, and what became of each.
    """

    machine: str
    tables: dict[str, list[Figure]] = field(default_factory=dict)
    one_shard: list[ShardFigure] = field(default_factory=list)
    one_shard_random: list[ShardFigure] = field(default_factory=list)
    packings: list[PackingFigure] = field(default_factory=list)
    import_seconds: float = 0.0
    boto3_import_seconds: float = 0.0
    paths: list[Figure] = field(default_factory=list)
    zip_bytes: int | None = None
    accounts: dict[str, Account] = field(default_factory=dict)
    many_urls: ManyUrls = field(default_factory=ManyUrls)
