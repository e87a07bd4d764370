"""Reads some pages of a source with the function's own reader, from the first page or from a later one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tools.probe.bodies import Page
from tools.probe.client import MAX_DECOMPRESSED_MIB, BoundReached, Client, Closed
from url_fetcher.delivery.counters import DeliveryReport
from url_fetcher.delivery.envelope import Origin
from url_fetcher.errors import IngestionError
from url_fetcher.formats.splitter import Rejected
from url_fetcher.ingestion import Ingestion
from url_fetcher.source.auth.auth import NoAuth
from url_fetcher.source.pages.pagination_kind import Resume
from url_fetcher.source.reader import Page as ReadPage
from url_fetcher.source.reader import SourceReader
from url_fetcher.source.schema import Retry, Source
from url_fetcher.telling.redaction import Redactor


@dataclass
class Walk:
    """The pages that were read.

    Attributes:
        pages: The pages, as far as each was read.
        has_ended: True if the function would not ask for another page.
        error: The function's error; None if there was none.
        warnings: The function's warnings, such as a sign that there is more.
        resume: Where the function would go on.
    """

    pages: list[Page] = field(default_factory=list)
    has_ended: bool = False
    error: IngestionError | None = None
    warnings: list[str] = field(default_factory=list)
    resume: Resume = field(default_factory=Resume)

    @property
    def problem(self) -> str:
        """The function's error in words; empty if there was none."""
        return str(self.error or "").partition('; go on with "resume"')[0]

    @property
    def records(self) -> int:
        """The number of records on all pages."""
        return sum(len(page.records) for page in self.pages)


class _Pages(SourceReader):
    """A reader that refuses to ask for more than some pages, and notes each of them."""

    def __init__(self, source: Source, client: Client, walk: Walk, resume: Resume | None, pages: int) -> None:
        super().__init__(
            source,
            transport=client.transport,
            session=client.session,
            deadline=client.deadline,
            resume=resume,
            warn=walk.warnings.append,
        )
        self._kept = client.transport
        self._walk = walk
        self._most = pages

    def pages(self) -> Iterator[ReadPage]:
        for page in super().pages():
            answer = self._kept.last
            noted = Page([], None, answer.headers if answer else {}, answer.url if answer else "")
            self._walk.pages.append(noted)
            self._kept.is_closed = len(self._walk.pages) >= self._most
            page.is_repeat = lambda _: False  # a probe has to see which records come again
            yield page
            noted.outside = page.outside
            noted.is_whole = True
            noted.is_repeat = page.records > len(noted.records) + len(noted.rejected)


class _Records:
    """A sink that keeps the records of the page that is being read."""

    def __init__(self, walk: Walk) -> None:
        self.report = DeliveryReport()
        self._walk = walk

    def put(self, origin: Origin, records: Sequence[bytes]) -> None:  # noqa: ARG002 - the sink's
        self._walk.pages[-1].records.extend(map(bytes, records))

    def reject(self, origin: Origin, rejected: Rejected) -> None:  # noqa: ARG002 - the sink's
        self._walk.pages[-1].rejected.append(rejected.reason)

    def close(self) -> None:
        """Does nothing."""


def walk(source: Source, client: Client, *, pages: int, resume: Resume | None = None) -> Walk:
    """Reads up to ``pages`` pages as the function would, without retries and child requests.

    Args:
        source: The source.
        client: Sends the requests.
        pages: The most pages to read.
        resume: The page to begin with; default: the first.

    Raises:
        BoundReached: When no request is left, or a body is larger than what a probe reads.
    """
    limits, most_mib = source.limits, min(source.limits.max_decompressed_mib, MAX_DECOMPRESSED_MIB)
    once: dict[str, Any] = {
        "children": None,
        "retry": Retry(max_attempts=1),
        "limits": msgspec.structs.replace(limits, max_decompressed_mib=most_mib),
    }
    if client.secrets.given is not None:
        once["auth"] = NoAuth()
    source = msgspec.structs.replace(source, **once)
    found = Walk()
    reader = None
    try:
        reader = _Pages(source, client, found, resume, pages)
        Ingestion(
            source, reader=reader, sink=_Records(found), deadline=client.deadline, redactor=Redactor()
        ).run()
        found.has_ended = True
    except Closed:
        pass
    except IngestionError as error:
        if error.details.get("limit_mib") == most_mib < limits.max_decompressed_mib:
            raise BoundReached(f"a probe decompresses {most_mib} MiB of a body at most") from error
        found.error = error
    finally:
        client.transport.is_closed = False
    if reader:
        found.resume = reader.resume
    return found
