"""Measures the function beside its peers and writes docs/benchmarks.md and its picture.

python -m benchmarks.ingest [--quick]

``--quick`` takes about a minute (after the peers are installed once) and prints instead of writing.
"""

import argparse
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.accounting import Account, account
from benchmarks.environment import FOLDER, ROOT, machine, peers_python
from benchmarks.far_end import FarEnd, compiled
from benchmarks.measure import BOTO3_STARTED, OURS_STARTED, Figure, measure, start_seconds
from benchmarks.peers import VARIANTS
from benchmarks.report import document, picture
from benchmarks.sources import LARGE_BYTES, SMALL_BYTES, source

PACKED, UNPACKED = "url_fetcher", 'url_fetcher, packing = "none"'
ORIGINAL = next(iter(VARIANTS))
_QUICK_PEERS = ("boto3 put_records", "aws_kinesis_agg + put_records", "async-kinesis, lines")
_SAMPLE_RECORDS = 1_000
_MANY_RECORDS = 500_000


@dataclass
class Results:
    """Everything that was measured.

    Args:
        machine: What it ran on.
        compiled: Whether the far ends were compiled and so no bottleneck.
        tables: Figures by scenario, in the order they were run.
        import_seconds: CPU of import and first client.
        boto3_import_seconds: The same of boto3 and requests alone, as the original design needs them.
        memory: Peak RSS of one run by size of the source in MB.
        zip_bytes: Of the function's archive; None when none was built.
        put_units_a_million: PUT payload units for a million small records.
        account: The outcome under faults.
    """

    machine: str
    compiled: bool
    tables: dict[str, list[Figure]] = field(default_factory=dict)
    import_seconds: float = 0.0
    boto3_import_seconds: float = 0.0
    memory: dict[int, float] = field(default_factory=dict)
    zip_bytes: int | None = None
    put_units_a_million: int = 0
    account: Account | None = None


class Bench:
    """One run of everything.

    Args:
        quick: Fewer runs, fewer peers, smaller sources.
    """

    def __init__(self, *, quick: bool) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        self._quick = quick
        self._runs = 1 if quick else 3
        self._peers = peers_python()
        self._results = Results(machine(), compiled(FOLDER)[0] != sys.executable)

    def run(self) -> Results:
        """Measure everything; takes minutes."""
        results = self._results
        starts = 3 if self._quick else 9
        results.import_seconds = start_seconds(OURS_STARTED, starts)
        results.boto3_import_seconds = start_seconds(BOTO3_STARTED, starts)
        with FarEnd(FOLDER) as far:
            for title, records, size, round_trip_ms, variants in self._scenarios():
                far.delay(round_trip_ms)
                results.tables[title] = [self._figure(far, each, records, size) for each in variants]
            far.delay(0)
            self._memory(far)
            self._put_units(far)
        results.zip_bytes = _newest_zip()
        records = 100_000 if self._quick else 1_000_000
        print(f"accounting for {records:,} records under faults …", flush=True)
        results.account = account(FOLDER, source(FOLDER, records=records), records)
        return results

    def _scenarios(self) -> list[tuple[str, int, int, int, tuple[str, ...]]]:
        """Title, records, bytes of each, round trip in ms and variants."""
        some = (PACKED, *_QUICK_PEERS)
        everyone = some if self._quick else (PACKED, UNPACKED, *VARIANTS)
        small = f"records of {SMALL_BYTES} B"
        scenarios = [
            (f"50,000 {small}, round trip 0 ms", 50_000, SMALL_BYTES, 0, everyone),
            (f"50,000 {small}, round trip 20 ms", 50_000, SMALL_BYTES, 20, (PACKED, *everyone[1:])),
        ]
        if self._quick:
            return scenarios
        return [
            *scenarios,
            (f"1,000 {small}, round trip 0 ms", 1_000, SMALL_BYTES, 0, some),
            (f"1,000 {small}, round trip 20 ms", 1_000, SMALL_BYTES, 20, some),
            (f"500,000 {small}, round trip 0 ms", 500_000, SMALL_BYTES, 0, some),
            (f"500,000 {small}, round trip 20 ms", 500_000, SMALL_BYTES, 20, (PACKED, *_QUICK_PEERS[2:])),
            ("5,000 records of 10 KiB, round trip 0 ms", 5_000, LARGE_BYTES, 0, some),
            ("5,000 records of 10 KiB, round trip 20 ms", 5_000, LARGE_BYTES, 20, some),
        ]

    def _figure(self, far: FarEnd, variant: str, records: int, size: int) -> Figure:
        # One request a record: a sample says as much as the whole and ends today.
        if variant == ORIGINAL:
            records = _SAMPLE_RECORDS
        name = source(FOLDER, records=records, record_bytes=size)
        runs = self._runs if records < _MANY_RECORDS else min(self._runs, 2)
        figure = self._measure(far, variant, name, 3 * runs if variant == PACKED else runs)
        print(
            f"{variant:45} {figure.records:>8,} records of {size:>6} B"
            f"{figure.rate:>12,.0f} /s {figure.cpu_us:>9.2f} us CPU {figure.peak_rss_mb:>6.0f} MB",
            flush=True,
        )
        return figure

    def _measure(self, far: FarEnd, variant: str, name: str, runs: int) -> Figure:
        python = sys.executable if variant in (PACKED, UNPACKED) else self._peers
        return measure(variant, f"{far.url}/{name}", far.url, python=python, runs=runs)

    def _memory(self, far: FarEnd) -> None:
        for megabytes in (10, 100) if self._quick else (10, 100, 1_000):
            name = source(FOLDER, records=megabytes * 1_000_000 // SMALL_BYTES)
            figure = self._measure(far, PACKED, name, 0)
            self._results.memory[megabytes] = figure.peak_rss_mb
            print(f"{megabytes} MB source: {figure.peak_rss_mb:.0f} MB peak", flush=True)

    def _put_units(self, far: FarEnd) -> None:
        # A Kinesis record is kept below one unit of 25 KiB, so that records are units.
        records = 50_000
        before = far.counts()["records"]
        self._measure(far, PACKED, source(FOLDER, records=records), 0)
        self._results.put_units_a_million = (far.counts()["records"] - before) * 1_000_000 // records


def _newest_zip() -> int | None:
    zips = sorted((ROOT / "build").glob("**/*.zip"), key=lambda path: path.stat().st_mtime)
    return zips[-1].stat().st_size if zips else None


def main() -> None:
    """Measure, then print or write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="about a minute; prints, writes nothing")
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
    if results.account and not results.account.holds:
        sys.exit("the accounting does not hold")


if __name__ == "__main__":
    main()
