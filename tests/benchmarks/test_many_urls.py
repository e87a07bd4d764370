"""That the accounting of many URLs sees what is lost, foreign or twice, and that their price is added up."""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from benchmarks.benchmark_server import BenchmarkServer
from benchmarks.many_urls.account import UrlAccount
from benchmarks.many_urls.arrivals import Arrived
from benchmarks.many_urls.cost import FULL_PROCESSOR_MIB, Quantities, bill
from benchmarks.many_urls.queue import Poller
from benchmarks.many_urls.report import many_urls_section
from benchmarks.many_urls.scenario import ManyUrls
from benchmarks.many_urls.sources import RECORDS_A_URL, Expected, prepare
from benchmarks.measure import Figure

_ACCOUNT = UrlAccount(
    sent=1_000,
    failing=10,
    on_stream=990,
    dead=10,
    dead_messages=10,
    astray=0,
    redriven=10,
    lost=0,
    dead_at_end=0,
    duplicates=4,
    other_ids=0,
    foreign=0,
    units=150,
    stream_mib=3.6,
    seconds=50,
    redrive_seconds=2,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the server answers from."""
    path = tmp_path_factory.mktemp("urls")
    prepare(path)
    return path


@pytest.fixture(scope="module")
def far(folder: Path) -> Iterator[BenchmarkServer]:
    """The compiled server."""
    with BenchmarkServer(folder) as server:
        yield server


def _get(far: BenchmarkServer, number: int) -> tuple[int, bytes]:
    """Status and body of a URL."""
    answer = requests.get(f"{far.url}/-/url/{number}", timeout=10)
    return answer.status_code, answer.content


def _lines(far: BenchmarkServer, number: int, *, id_: str = "0", url: int | None = None) -> bytes:
    """The lines of a URL's records on a stream, as the function writes them."""
    return b"".join(
        b'{"timestamp":"2026-01-01T00:00:00.000Z","sourceUrl":"http://far/-/url/%d","id":"%s","data":%s}\n'
        % (
            number if url is None else url,
            id_.encode() * 32,
            json.dumps(each, ensure_ascii=False, separators=(",", ":")).encode(),
        )
        for each in json.loads(_get(far, number)[1])
    )


@pytest.mark.parametrize("number", [0, 7, 99_999])
def test_each_url_answers_the_records_of_its_number(far: BenchmarkServer, folder: Path, number: int) -> None:
    """The server and the accounting agree on every byte."""
    arrived = Arrived.of([_lines(far, number)], Expected(folder))

    assert (arrived.urls, arrived.foreign) == ({number}, 0)


def test_a_url_without_one_of_its_records_has_not_arrived(far: BenchmarkServer, folder: Path) -> None:
    """Nine of ten are not enough."""
    lines = b"".join(_lines(far, 3).splitlines(keepends=True)[:-1])

    assert Arrived.of([lines], Expected(folder)).urls == set()


@pytest.mark.parametrize(
    ("was", "becomes"), [(b'"userId"', b'"userid"'), (b"/-/url/3", b"/-/url/4")], ids=["content", "url"]
)
def test_a_record_that_is_not_as_its_url_answers_it_is_foreign(
    far: BenchmarkServer, folder: Path, was: bytes, becomes: bytes
) -> None:
    """Whether its content or its URL differs."""
    arrived = Arrived.of([_lines(far, 3).replace(was, becomes)], Expected(folder))

    assert (arrived.urls, arrived.foreign) == (set(), RECORDS_A_URL)


def test_a_copy_with_another_id_is_told_from_one_with_the_same(far: BenchmarkServer, folder: Path) -> None:
    """Ten records came three times, and one of the copies of each has an id of its own."""
    arrived = Arrived.of([_lines(far, 3), _lines(far, 3), _lines(far, 3, id_="1")], Expected(folder))

    assert (arrived.counts.total(), len(arrived.counts), len(arrived.ids)) == (30, 10, 20)


def test_one_url_in_a_hundred_fails_until_the_server_is_mended(far: BenchmarkServer) -> None:
    """The same ones each time."""
    statuses = []
    for some in (True, False):
        far.fail(some=some)
        statuses.append([_get(far, number)[0] for number in (6, 7, 107)])

    assert statuses == [[200, 404, 404], [200, 200, 200]]


def test_an_account_with_duplicates_of_the_same_id_holds() -> None:
    """At least once is what is promised."""
    assert _ACCOUNT.holds


@pytest.mark.parametrize(
    "wrong",
    [
        {"astray": 1},
        {"lost": 1},
        {"dead_at_end": 1},
        {"other_ids": 1},
        {"foreign": 1},
        {"dead_messages": 11},
        {"redriven": 9},
        {"dead": 9},
    ],
    ids=str,
)
def test_an_account_with_one_thing_wrong_does_not_hold(wrong: dict[str, Any]) -> None:
    """However small."""
    assert not replace(_ACCOUNT, **wrong).holds


@pytest.mark.parametrize("lost", [0, 1])
def test_the_report_says_whether_the_promise_holds(lost: int) -> None:
    """One URL decides."""
    text = "".join(many_urls_section(ManyUrls(account=replace(_ACCOUNT, lost=lost))))

    assert ("The promise holds." in text, "does not hold" in text) == (not lost, bool(lost))


def test_cpu_takes_longer_with_less_memory_and_waiting_does_not() -> None:
    """Half of a processor makes one of three seconds two."""
    figure = Figure("ours", 1_000, seconds=3, cpu_seconds=1, peak_rss_mb=60, versions={})
    slower = Quantities.of(figure, _ACCOUNT, memory_mib=FULL_PROCESSOR_MIB // 2)

    assert round(slower.seconds / 1_000, 1) == Decimal(4)


def test_the_bill_is_made_of_quantities_and_list_prices() -> None:
    """A round number of each."""
    use = Quantities(
        messages=10_000,
        seconds=Decimal(3_000),
        memory_mib=512,
        units=Decimal(1_000_000),
        stream_mib=Decimal(7_168),
    )
    amounts = {name: round(amount, 4) for name, amount in bill(use).items()}

    assert amounts == {
        "SQS: requests": Decimal("0.0120"),
        "Lambda: invocations": Decimal("0.0020"),
        "Lambda: GB-seconds": Decimal("0.0200"),
        "Kinesis: puts": Decimal("0.0140"),
        "Kinesis: a shard, for the hours that it needs for them": Decimal("0.0300"),
        "Firehose": Decimal("0.2030"),
        "S3: a month": Decimal("0.0322"),
        "CloudWatch: logs": Decimal("0.0238"),
    }


class _Queue:
    """The calls of SQS that a poller makes."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    def receive_message(self, **_: object) -> dict[str, Any]:
        """One message."""
        return {
            "Messages": [
                {"MessageId": "m", "ReceiptHandle": "r", "Body": "{}", "Attributes": {"SentTimestamp": "1"}}
            ]
        }

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> None:  # noqa: ARG002, N803 - boto3's names
        """Note it."""
        self.deleted.append(ReceiptHandle)


@pytest.mark.parametrize(("failures", "deleted"), [([], ["r"]), ([{"itemIdentifier": "m"}], [])])
def test_a_message_is_deleted_only_if_the_function_does_not_name_it(
    failures: list[Any], deleted: list[str]
) -> None:
    """As Lambda does; make bench runs the poller on a real queue."""
    queue: Any = _Queue()
    Poller(queue, "url", lambda *_: {"batchItemFailures": failures}).step(wait_seconds=0)

    assert queue.deleted == deleted
