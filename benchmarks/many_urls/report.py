"""What the report says of many URLs."""

from collections.abc import Iterator, Sequence

from benchmarks.many_urls.account import UrlAccount
from benchmarks.many_urls.cost import URLS_A_MESSAGE
from benchmarks.many_urls.scenario import ROUND_TRIPS_MS, ManyUrls
from benchmarks.many_urls.sources import FAILS_EVERY, RECORDS_A_URL
from benchmarks.measure import Figure
from benchmarks.sources import SMALL_BYTES
from benchmarks.table import number, table
from tools.docs.cost import PRICES_AS_OF, REGION

_TEXT = f"""\
A list of URLs, each of which answers {RECORDS_A_URL} records of {SMALL_BYTES} B of its own.
Sources and stream answer after the round trip. Ours is the function from its zip: the list is uploaded to
S3, cut into messages, and consumed from a queue of SQS by one process, which does what Lambda does with a
queue. All of that counts; S3 and SQS are those of the local AWS. The others get the list and go through it,
in one process each; the two that do one request after the other are measured on a sample."""


def many_urls_section(results: ManyUrls) -> Iterator[str]:
    """Paragraphs and tables of the section; none if nothing was measured."""
    if not results.account:
        return
    yield _TEXT
    for round_trip_ms, figures in results.figures.items():
        yield f"### Round trip {round_trip_ms} ms\n\n{_figures(figures)}"
    yield f"### One URL in {FAILS_EVERY} fails\n\n{_account(results.account)}"
    yield f"### The price of a million URLs\n\n{_price(results)}"


def _figures(figures: Sequence[Figure]) -> str:
    ours = figures[0]
    rows = [
        (
            figure.variant,
            number(figure.rate),
            "" if figure is ours else f"{ours.rate / figure.rate:,.1f} x",
            f"{figure.cpu_us:,.0f}",
            "" if figure is ours else f"{figure.cpu_us / ours.cpu_us:,.1f} x",
            f"{figure.peak_rss_mb:.0f}",
        )
        for figure in figures
    ]
    head = ("tool", "URLs/s", "ours is faster by", "CPU µs/URL", "CPU, to ours", "peak RSS MB")
    return table(head, rows)


def _account(account: UrlAccount) -> str:
    verdict = "The promise holds." if account.holds else "**The promise does not hold.**"
    return (
        f"{account.sent:,} URLs, consumed by two processes; {account.failing:,} of them answer 404. "
        f"{account.seconds:.0f} s later the queue was empty: {account.on_stream:,} URLs had every record on "
        f"the stream, compared byte by byte, {account.dead:,} were among the dead letters, in "
        f"{account.dead_messages:,} messages, and {account.astray:,} were where they should not be. Then the "
        f"server was mended, the code of `make redrive` sent {account.redriven:,} dead letters again, and "
        f"{account.redrive_seconds:.0f} s later the queue was empty: {account.lost:,} URLs without every "
        f"record on the stream, {account.dead_at_end:,} dead letters, {account.duplicates:,} records twice, "
        f"{account.other_ids:,} with another id, {account.foreign:,} lines that are no record of their URL. "
        f"{verdict}"
    )


def _price(results: ManyUrls) -> str:
    rows = [(name, f"{amount:.3f}") for name, amount in results.bill.items()]
    rows.append(("**total**", f"{sum(results.bill.values()):.3f}"))
    return (
        f"Messages of {URLS_A_MESSAGE} URLs; bytes on the stream as above; the function's seconds as "
        f"measured at {ROUND_TRIPS_MS[-1]} ms, with the CPU time taking as much longer as "
        f"{results.memory_mib} MiB have less of a processor; the prices of [cost.md](cost.md). What costs "
        "the same without any URL is not in it.\n\n" + table((f"{REGION}, {PRICES_AS_OF}", "USD"), rows)
    )
