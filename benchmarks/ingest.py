"""Measures the function beside its peers and writes docs/benchmarks.md and its picture.

python -m benchmarks.ingest [--quick]

``--quick`` takes five to nine minutes (after the peers are installed once) and prints instead of writing.
"""

import argparse
import sys
import warnings
from pathlib import Path

from benchmarks.accounting import account
from benchmarks.benchmark_server import BenchmarkServer
from benchmarks.environment import FOLDER, machine
from benchmarks.many_urls import many_urls
from benchmarks.measure import BOTO3_STARTED, OURS_STARTED, Figure, measure, start_seconds, unpacked_zip
from benchmarks.one_shard import one_shard, one_shard_random
from benchmarks.ours import DOTTED, GZIPPED, PACKED, POINTER, UNPACKED
from benchmarks.packings import packings
from benchmarks.peers import AGGREGATED, ASYNC_KINESIS, BOTO3, ORIGINAL, VARIANTS
from benchmarks.picture import picture
from benchmarks.report import document
from benchmarks.results import Results
from benchmarks.sources import LARGE_BYTES, SMALL_BYTES, source
from tools.ground.paths import ROOT

_QUICK_PEERS = (BOTO3, AGGREGATED, ASYNC_KINESIS)
_SAMPLE_RECORDS = 1_000
_MANY_RECORDS = 500_000


class Bench:
    """One run of everything.

    Args:
        quick: Fewer runs, fewer peers, smaller sources.
    """

    def __init__(self, *, quick: bool) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        self._quick = quick
        self._runs = 1 if quick else 3
        self._results = Results(machine())

    def run(self) -> Results:
        """Measure everything; takes minutes."""
        results = self._results
        starts = 3 if self._quick else 9
        results.import_seconds = start_seconds(OURS_STARTED, starts, unpacked_zip())
        results.boto3_import_seconds = start_seconds(BOTO3_STARTED, starts, unpacked_zip())
        results.many_urls = many_urls(FOLDER, unpacked_zip(), quick=self._quick)
        with BenchmarkServer(FOLDER) as server:
            for title, records, size, round_trip_ms, variants in self._scenarios():
                server.delay(round_trip_ms)
                results.tables[title] = [self._figure(server, each, records, size) for each in variants]
            server.delay(0)
            results.packings = packings(server, FOLDER, quick=self._quick)
            self._paths(server)
            results.one_shard = one_shard(server, FOLDER, quick=self._quick)
            results.one_shard_random = one_shard_random(server, FOLDER, quick=self._quick)
        results.zip_bytes = _newest_zip()
        records = 100_000 if self._quick else 1_000_000
        for packing in ("lines", "gzip"):
            print(f"accounting for {records:,} records under faults, {packing} …", flush=True)
            name = source(FOLDER, records=records)
            results.accounts[packing] = account(FOLDER, name, records, packing=packing)
        return results

    def _scenarios(self) -> list[tuple[str, int, int, int, tuple[str, ...]]]:
        """Title, records, bytes of each, round trip in ms and variants."""
        some = (PACKED, GZIPPED, *_QUICK_PEERS)
        everyone = some if self._quick else (PACKED, GZIPPED, UNPACKED, *VARIANTS)
        small = f"records of {SMALL_BYTES} B"
        scenarios = [
            (f"50,000 {small}, round trip 0 ms", 50_000, SMALL_BYTES, 0, everyone),
            (f"50,000 {small}, round trip 20 ms", 50_000, SMALL_BYTES, 20, everyone),
        ]
        if self._quick:
            return scenarios
        return [
            *scenarios,
            (f"1,000 {small}, round trip 0 ms", 1_000, SMALL_BYTES, 0, some),
            (f"1,000 {small}, round trip 20 ms", 1_000, SMALL_BYTES, 20, some),
            (f"500,000 {small}, round trip 0 ms", 500_000, SMALL_BYTES, 0, some),
            (
                f"500,000 {small}, round trip 20 ms",
                500_000,
                SMALL_BYTES,
                20,
                (PACKED, GZIPPED, ASYNC_KINESIS),
            ),
            ("5,000 records of 10 KiB, round trip 0 ms", 5_000, LARGE_BYTES, 0, some),
            ("5,000 records of 10 KiB, round trip 20 ms", 5_000, LARGE_BYTES, 20, some),
        ]

    def _figure(self, server: BenchmarkServer, variant: str, records: int, size: int) -> Figure:
        # One request a record: a sample says as much as the whole and ends today.
        if variant == ORIGINAL:
            records = _SAMPLE_RECORDS
        name = source(FOLDER, records=records, record_bytes=size)
        runs = self._runs if records < _MANY_RECORDS else min(self._runs, 2)
        figure = self._measure(server, variant, name, 3 * runs if variant in (PACKED, GZIPPED) else runs)
        print(
            f"{variant:45} {figure.records:>8,} records of {size:>6} B"
            f"{figure.rate:>12,.0f} /s {figure.cpu_us:>9.2f} us CPU {figure.peak_rss_mb:>6.0f} MB",
            flush=True,
        )
        return figure

    def _measure(self, server: BenchmarkServer, variant: str, name: str, runs: int) -> Figure:
        return measure(variant, f"{server.url}/{name}", server.url, runs=runs)

    def _paths(self, server: BenchmarkServer) -> None:
        """The same records as an array, and as one within an object at both forms of a path."""
        records = 50_000 if self._quick else _MANY_RECORDS
        for variant in (PACKED, DOTTED, POINTER):
            name = source(FOLDER, records=records, in_object=variant != PACKED)
            figure = self._measure(server, variant, name, self._runs)
            self._results.paths.append(figure)
            print(f"{variant}: {figure.cpu_us:.2f} us CPU", flush=True)


def _newest_zip() -> int | None:
    zips = sorted((ROOT / "build").glob("**/*.zip"), key=lambda path: path.stat().st_mtime)
    return zips[-1].stat().st_size if zips else None


def main() -> None:
    """Measure, then print or write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="five to nine minutes; prints, writes nothing")
    quick = parser.parse_args().quick
    warnings.simplefilter("ignore")
    results = Bench(quick=quick).run()
    text = document(results)
    if quick:
        print(f"\n{text}")
        return
    docs = ROOT / "docs"
    docs.mkdir(exist_ok=True)
    (docs / "benchmarks.md").write_text(text)
    (docs / "benchmarks.svg").write_text(picture(results))
    print(f"written: {Path('docs/benchmarks.md')}, {Path('docs/benchmarks.svg')}")
    urls = results.many_urls.account
    if not all(each.holds for each in results.accounts.values()) or (urls and not urls.holds):
        sys.exit("the accounting does not hold")


if __name__ == "__main__":
    main()
