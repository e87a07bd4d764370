"""Reads a source page by page: paced, retried, authenticated, and in time."""

import re
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from url_fetcher.errors import ConfigurationError, SourceUnavailable
from url_fetcher.formats.detect import may_be_blank
from url_fetcher.http.retry import asked_seconds
from url_fetcher.http.transport import Response, Transport
from url_fetcher.http.urls import from_header
from url_fetcher.source.auth.auth_kind import Session
from url_fetcher.source.exchange import WITHOUT_BODY, Exchange, FetchReport, OpenedResponse
from url_fetcher.source.identity import configured_url, request_url, url_of_child
from url_fetcher.source.pages.pager import Pager
from url_fetcher.source.pages.pagination_kind import NoPagination, PageResult, Resume
from url_fetcher.source.placeholders import Values
from url_fetcher.source.request import request_of
from url_fetcher.source.schema import Source
from url_fetcher.telling.redaction import public_url

if TYPE_CHECKING:
    from url_fetcher.deadline import Deadline

_BLANK = re.compile(rb"[\s\xef\xbb\xbf]*")  # white space, with or without the mark of UTF-8


@dataclass
class Page:
    """One page: read ``chunks`` to the end, then report their contents with ``finish``.

    ``timestamp`` is when its body began to arrive, UTC with milliseconds. ``chunks`` raises the same errors
    as ``SourceReader.pages``. ``is_one_of_many`` is True if more pages may follow: ``finish`` then needs a
    digest, and ``is_repeat`` says by it if the page came before, so that its records need not come twice.
    """

    timestamp: str
    content_type: str
    chunks: Iterator[bytes]
    status: int = 200
    is_one_of_many: bool = False
    is_repeat: Callable[[int], bool] = field(default=lambda _: False)
    records: int = field(default=0, init=False)
    outside: object = field(default=None, init=False)
    last: bytes = field(default=b"", init=False)
    digest: int = field(default=0, init=False)
    failure: SourceUnavailable | None = field(default=None, init=False)

    def finish(self, *, records: int, outside: object, last: bytes = b"", digest: int = 0) -> None:
        """Reports the contents of the page, from which the next page is found.

        Args:
            records: Number of records.
            outside: The decoded body without its records; None if there is nothing else in it.
            last: The last record that is not over a limit; empty if there is none.
            digest: That of the records; 0 if it is not known.
        """
        self.records = records
        self.outside = outside
        self.last = last
        self.digest = digest

    def refuse(self, failure: SourceUnavailable) -> None:
        """Reports that the body is a temporary error: the page is requested again, as after a status 503."""
        self.failure = failure


class SourceReader:
    """Reads the pages of one source, once.

    Example:
        >>> for page in reader.pages():
        ...     body = b"".join(page.chunks)
        ...     page.finish(records=count_of(body), outside=None)

    Args:
        source: Its settings.
        transport: Sends requests to allowed addresses.
        session: Secrets and tokens for its authentication.
        deadline: No request and no wait goes beyond it.
        resume: The page to begin with; default: the first.
        warn: Called with a message about a possible mistake, such as an early end; calls are counted.
        clock: Returns monotonic seconds, for pacing and for the report.
        clean: As ``Exchange``'s.
        next_start: As ``Exchange``'s.
        parent: Values of the parent's record, if these are its children.
        report: As ``Exchange``'s.
    """

    def __init__(
        self,
        source: Source,
        *,
        transport: Transport,
        session: Session,
        deadline: "Deadline",
        resume: Resume | None = None,
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        clean: Callable[[str], str] = str,
        next_start: Callable[[], float] | None = None,
        parent: Values = MappingProxyType({}),
        report: FetchReport | None = None,
    ) -> None:
        self.url = url_of_child(source, parent) if parent else configured_url(source)
        self._is_child = bool(parent)
        self._child = partial(
            SourceReader,
            transport=transport,
            session=session,
            deadline=deadline,
            warn=warn,
            clock=clock,
            next_start=next_start,
            clean=clean,
        )
        self.parents_done = resume.parents if resume else None
        if self.parents_done and not source.children:
            raise ConfigurationError("the event's resume: parents does not fit a source without `children`")
        if resume:
            resume = msgspec.structs.replace(resume, parents=None)
        self._source = source
        self._transport = transport
        self._clock = clock
        self._is_blank = False
        self._exchange = Exchange(
            source,
            transport=transport,
            session=session,
            deadline=deadline,
            clock=clock,
            clean=clean,
            next_start=next_start,
            report=report,
        )
        self.report = self._exchange.report
        self.pages_read = 0
        self._warn = warn
        self._pager = Pager(
            source.placed_pagination,
            request_url(source),
            resume,
            windows=source.windows,
            warn=self.warn,
            parent=parent,
        )
        if parent:
            # Refuses a value of the parent's before anything is asked for.
            request_of(source, self._pager.step)

    def of_child(self, source: Source, parent: Values) -> "SourceReader":
        """Returns the reader of a parent's children, with this reader's connections, pace and counters.

        Raises:
            MalformedBody: When a value of the parent's cannot stand in the request; not retryable.
        """
        return self._child(source, parent=parent, report=self.report)

    @property
    def resume(self) -> Resume:
        """The current page, from which another run can continue after an error."""
        return self._pager.step.resume

    def pages(self) -> Iterator[Page]:
        """Yields each page; the next one is requested after ``finish`` of the one before.

        Raises:
            AddressRefused: When a URL, a redirect, a next page or a peer is not allowed; not retryable.
            SourceRejected: When the source answers with a permanent error; not retryable.
            SourceUnavailable: When all attempts fail, or when a page breaks off after some of its
                chunks were yielded; retryable.
            SourceTimeout: The same for an answer that takes too long; retryable.
            LimitExceeded, MalformedBody, PaginationLoop, ConfigurationError: Not retryable.
            DeadlineExceeded: When a wait would pass the deadline; retryable.
        """
        # A consumer that stops early closes the generator, and so the connections.
        with nullcontext() if self._is_child else closing(self._transport):
            while (yield from self._page()):
                pass

    def warn(self, message: str) -> None:
        """Warns of what cannot be known, and counts it."""
        self.report.warnings += 1
        self._warn(f"{public_url(self.url)}: {message}" if self._is_child else message)

    def _page(self) -> Generator[Page, None, bool]:
        """Yields the current page, again as long as it is refused. Returns True if another page follows."""
        opened = self._exchange.open(self._pager.step)
        while isinstance(result := (yield from self._opened_page(opened)), SourceUnavailable):
            opened = self._exchange.open_again(self._pager.step, result)
        self.report.pages += 1
        self.pages_read += 1
        return self._pager.advance(result)

    def _opened_page(self, opened: OpenedResponse) -> Generator[Page, None, PageResult | SourceUnavailable]:
        """Yields one answer as a page. Returns its result, or the error that it was refused with."""
        response = opened.response
        with closing(response):
            page = Page(
                timestamp=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                content_type=response.headers.get("Content-Type", ""),
                chunks=self._counted(opened),
                status=response.status,
                is_one_of_many=not isinstance(self._source.pagination, NoPagination),
                is_repeat=self._pager.is_repeat,
            )
            self._is_blank = True
            yield page
            if not page.failure and self._is_blank and (reason := self._refusal_of_nothing(response)):
                page.refuse(SourceUnavailable(f"{public_url(response.url)}: {reason}"))
            if page.failure:
                asked = asked_seconds(response.status, response.headers)
                page.failure.details["retry_after_seconds"] = asked
            return page.failure or self._result(response, page)

    def _refusal_of_nothing(self, response: Response) -> str:
        """The reason why an answer without a byte cannot be the current page; empty if it can."""
        source = self._source
        # Any other error that comes here means, by `empty_when`, that there is nothing.
        is_said = response.status in WITHOUT_BODY or response.status >= 300
        is_usual = is_said or may_be_blank(
            source.format,
            record_path=source.record_path,
            content_type=response.headers.get("Content-Type", ""),
            url=source.url,
        )
        return self._pager.refusal_of_nothing(may_be_end=is_usual)

    def _result(self, response: Response, page: Page) -> PageResult:
        header = self._source.pagination.response_header
        return PageResult(
            url=response.url,
            header=from_header(response.headers.get(header, "")) if header else "",
            records=page.records,
            outside=page.outside,
            digest=page.digest,
            last=page.last,
            headers=response.headers,
        )

    def _counted(self, opened: OpenedResponse) -> Iterator[bytes]:
        """Yields the chunks of a page, counts them, and notes if they are nothing but white space."""
        chunk, received = opened.first, 0
        while chunk:
            self.report.received_bytes += opened.body.received_bytes - received
            received = opened.body.received_bytes
            self.report.decompressed_bytes += len(chunk)
            self._is_blank = self._is_blank and _BLANK.fullmatch(chunk) is not None
            yield chunk
            # Only the wait for the source counts: the consumer's own work happens inside ``yield``.
            began = self._clock()
            try:
                chunk = next(opened.chunks, b"")
            finally:
                self.report.fetch_seconds += self._clock() - began
        self.report.received_bytes += opened.body.received_bytes - received
