"""One source through to the stream, without a network: what is counted and where it stops."""

import gzip
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from tests.url_fetcher.streams import MemoryStream, lines_of, sink_to
from url_fetcher.deadline import Deadline
from url_fetcher.delivery.dead_letters import DeadLetters
from url_fetcher.errors import LimitExceeded, MalformedBody
from url_fetcher.ingestion import Ingestion
from url_fetcher.source.exchange import FetchReport
from url_fetcher.source.pages.pagination_kind import Resume
from url_fetcher.source.reader import Page
from url_fetcher.source.schema import Limits, Source
from url_fetcher.telling.redaction import Redactor


class _Reader:
    """Pages of one body each."""

    url = "https://example.com/"
    resume = Resume()
    pages_read = 0

    def __init__(self, bodies: list[bytes]) -> None:
        self.report = FetchReport()
        self._bodies = bodies

    def pages(self) -> Iterator[Page]:
        """As a SourceReader's."""
        for body in self._bodies:
            yield Page(
                timestamp="2026-11-23T01:18:08.129Z", content_type="", chunks=iter([body][: len(body)])
            )
            self.report.pages += 1


class _Bucket:
    """Keeps what is put."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> object:  # noqa: N803, ARG002
        """As boto3's."""
        self.lines += gzip.decompress(Body).splitlines()
        return {}


class _Run:
    """One ingestion of bodies, at its end."""

    def __init__(self, bodies: list[bytes], max_records: int, **settings: Any) -> None:
        stream, bucket = MemoryStream(), _Bucket()
        reader: Any = _Reader(bodies)
        source = Source(url=reader.url, limits=Limits(max_records=max_records), **settings)
        self.ingestion = Ingestion(
            source,
            reader=reader,
            sink=sink_to(stream, dead_letters=DeadLetters("bucket", connect=lambda: bucket)),
            deadline=Deadline(30),
            redactor=Redactor(),
        )
        self.is_over_limit = False
        try:
            self.ingestion.run()
        except LimitExceeded:
            self.is_over_limit = True
        self.found = (len(lines_of(stream.accepted)), len(bucket.lines), self.ingestion.summary.fetched)


@pytest.mark.parametrize(
    ("bodies", "found", "is_over_limit"),
    [
        ([b"1\n2\n{\n{\n"], (2, 2, 4), False),
        ([b"1\n2\n3\n4\n5\n"], (4, 0, 4), True),
        ([b"1\n{\n{\n{\n{\n"], (1, 3, 4), True),
        ([b"{\n{\n{\n{\n{\n"], (0, 4, 4), True),
        ([b"{\n{\n{\n{\n", b"1\n2\n3\n"], (0, 4, 4), True),
        ([b"{\n{\n{\n{\n{\n{\n", b"1\n2\n3\n4\n5\n6\n7\n8\n9\n"], (0, 4, 4), True),
        ([b"1\n2\n3\n{\n{\n{\n", b"4\n"], (3, 1, 4), True),
    ],
)
def test_max_records_counts_rejected_records_too(
    bodies: list[bytes], found: tuple[int, int, int], is_over_limit: bool
) -> None:
    """No more than that many are put or dead-lettered together, whichever come first."""
    run = _Run(bodies, max_records=4, format="ndjson")

    assert (run.found, run.is_over_limit) == (found, is_over_limit)


def _ingest(page: Page, stream: MemoryStream, format: Literal["json", "ndjson"]) -> None:  # noqa: A002
    """One page of several, through to the stream."""
    url = "https://a.test/"
    reader: Any = SimpleNamespace(
        url=url, report=FetchReport(), resume=Resume(), pages_read=0, pages=lambda: [page]
    )
    sink = sink_to(stream, dead_letters=DeadLetters("bucket", connect=_Bucket))
    source = Source(url=url, format=format)
    Ingestion(source, reader=reader, sink=sink, deadline=Deadline(30), redactor=Redactor()).run()


def _digest_of(chunks: list[bytes]) -> int:
    """The digest that a page of NDJSON in these chunks is finished with."""
    page = Page(timestamp="", content_type="", chunks=iter(chunks), is_one_of_many=True)
    _ingest(page, MemoryStream(), "ndjson")
    return page.digest


def test_the_digest_of_a_page_is_that_of_its_records() -> None:
    """It does not depend on where chunks end, and differs with any record, also an undeliverable one."""
    whole = b'{"a": 1}\n{broken\n{"a": 2}\n'
    others = [b'{"a": 1}\n{Broken\n{"a": 2}\n', b'{"a": 2}\n{broken\n{"a": 1}\n', b'{"a": 1}\n{"a": 2}\n']
    cut = [_digest_of([whole[:at], whole[at:]]) for at in range(1, len(whole))]

    assert (len({*cut, _digest_of([whole])}), len({*cut, *(_digest_of([each]) for each in others)})) == (1, 4)


def test_the_digest_of_a_long_page_does_not_depend_on_its_chunks() -> None:
    """Of many records some are enough, and they are the same ones wherever chunks end."""
    lines = [b"%d\n" % number for number in range(500)]
    whole = b"".join(lines)
    cut = [
        _digest_of([whole[at : at + size] for at in range(0, len(whole), size)]) for size in (1, 7, 100, 999)
    ]
    others = [b"".join(lines[:-1]), b"0" + whole[1:] + b"1\n", whole.replace(b"63\n", b"64\n")]

    assert (len(set(cut)), len({cut[0], *(_digest_of([each]) for each in others)})) == (1, 4)


def test_a_page_that_breaks_gives_what_came_before() -> None:
    """Records before a break are delivered, also those of a page that is held until it is known to be new."""
    page = Page(timestamp="", content_type="", chunks=iter([b'[1, 2, {"a": ']), is_one_of_many=True)
    stream = MemoryStream()
    with pytest.raises(MalformedBody):
        _ingest(page, stream, "json")

    assert len(lines_of(stream.accepted)) == 2


@pytest.mark.parametrize(
    "settings", [{"format": "json"}, {"record_path": "items"}, {"format": "ndjson"}, {"format": "csv"}]
)
@pytest.mark.parametrize("body", [b"", b" ", b"\n"])
def test_a_page_of_no_records_is_no_error(body: bytes, settings: dict[str, Any]) -> None:
    """An empty body and one of white space are the same in every format: nothing."""
    run = _Run([body], max_records=4, **settings)

    assert (run.found, run.is_over_limit) == ((0, 0, 0), False)
