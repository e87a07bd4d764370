"""Many URLs through the work queue, beside what others do with a list of them."""

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from benchmarks.benchmark_server import BenchmarkServer
from benchmarks.many_urls.account import UrlAccount, account_urls
from benchmarks.many_urls.cost import Quantities, bill, function_memory_mib
from benchmarks.many_urls.peers import URL_DLT, URL_LOOP, URL_ORIGINAL, URL_THREADS
from benchmarks.many_urls.queue import QUEUED, Queues
from benchmarks.many_urls.sources import prepare, url_list
from benchmarks.measure import Figure, measure
from local_aws.emulator.instance import Emulator

ROUND_TRIPS_MS = (0, 20)
_VARIANTS = (QUEUED, URL_LOOP, URL_THREADS, URL_DLT, URL_ORIGINAL)
_URLS, _QUICK_URLS = 4_000, 1_000
# Of what does one request after the other, a sample says as much as the whole and ends today.
_SAMPLES = {URL_LOOP: 400, URL_ORIGINAL: 40}
_ACCOUNT_URLS, _QUICK_ACCOUNT_URLS = 100_000, 2_000


@dataclass
class ManyUrls:
    """What was measured of many URLs, empty where it was not yet.

    Args:
        figures: By round trip in ms, ours first; what they count as records are URLs.
        account: What became of each URL when some failed.
        memory_mib: Of the function whose price is told.
        bill: What a million URLs cost, USD by line.
    """

    figures: dict[int, list[Figure]] = field(default_factory=dict)
    account: UrlAccount | None = None
    memory_mib: int = 0
    bill: dict[str, Decimal] = field(default_factory=dict)


def many_urls(folder: Path, code: Path, *, quick: bool) -> ManyUrls:
    """Measure ours and the peers, account for every URL, and compute the price.

    Args:
        folder: Where sources lie or are put.
        code: The function's zip, unpacked.
        quick: Fewer URLs, fewer runs.
    """
    prepare(folder)
    results = ManyUrls()
    with BenchmarkServer(folder) as far, Emulator() as aws:
        environment = Queues.made(aws).environment(aws, code)
        for round_trip_ms in ROUND_TRIPS_MS:
            far.delay(round_trip_ms)
            results.figures[round_trip_ms] = [
                _figure(far, folder, variant, environment, quick=quick) for variant in _VARIANTS
            ]
    urls = _QUICK_ACCOUNT_URLS if quick else _ACCOUNT_URLS
    print(f"accounting for {urls:,} URLs of which one in a hundred fails …", flush=True)
    results.account = account_urls(folder, urls, code)
    _add_price(results)
    return results


def _figure(
    far: BenchmarkServer, folder: Path, variant: str, environment: dict[str, str], *, quick: bool
) -> Figure:
    urls = _QUICK_URLS if quick else _URLS
    name = url_list(folder, far.url, _SAMPLES.get(variant, urls))
    figure = measure(
        variant,
        f"{far.url}/{name}",
        far.url,
        runs=1 if quick else 2,
        environment=environment if variant == QUEUED else None,
    )
    print(
        f"{variant:55} {figure.records:>8,} URLs{figure.rate:>10,.0f} /s {figure.cpu_us:>9,.0f} us CPU a URL "
        f"{figure.peak_rss_mb:>5.0f} MB",
        flush=True,
    )
    return figure


def _add_price(results: ManyUrls) -> None:
    """By the longer round trip."""
    assert results.account
    results.memory_mib = function_memory_mib()
    ours = results.figures[ROUND_TRIPS_MS[-1]][0]
    results.bill = bill(Quantities.of(ours, results.account, memory_mib=results.memory_mib))
