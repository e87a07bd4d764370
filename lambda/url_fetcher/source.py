"""Reads a source page by page: paced, retried, authenticated, and in time."""

import math
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import xxhash

from url_fetcher.body import MIB, Body
from url_fetcher.errors import LimitExceeded, SourceRejected, SourceTimeout, SourceUnavailable
from url_fetcher.pager import Pager
from url_fetcher.pagination import Outcome, Resume
from url_fetcher.redaction import public_url
from url_fetcher.retry import delay_seconds, is_retried, retry_after_seconds
from url_fetcher.schema import CursorPagination, NoPagination, Source
from url_fetcher.transport import Request, Response, Transport, with_query

if TYPE_CHECKING:
    from url_fetcher.auth import Authenticator
    from url_fetcher.deadline import Deadline

_WITH_RECORDS = {200, 201, 203}
_WITHOUT_BODY = {204, 205}
_UNAUTHORIZED = 401


@dataclass
class FetchReport:
    """What reading has done so far; bytes are those of finished and unfinished pages alike."""

    pages: int = 0
    requests: int = 0
    retried: int = 0
    received_bytes: int = 0
    decompressed_bytes: int = 0
    fetch_seconds: float = 0.0


@dataclass
class Page:
    """One page: read ``chunks`` to the end, then say what was in them with ``finish``.

    ``timestamp`` is when its body began to arrive, UTC with milliseconds. ``chunks`` raises what
    ``SourceReader.pages`` raises.
    """

    timestamp: str
    content_type: str
    chunks: Iterator[bytes]
    records: int = field(default=0, init=False)
    outside: object = field(default=None, init=False)

    def finish(self, *, records: int, outside: object) -> None:
        """Tell how many records the page had, and its decoded body without them (None where it has none)."""
        self.records = records
        self.outside = outside


class SourceReader:
    """Reads the pages of one source, once.

    Args:
        source: Its settings.
        transport: Sends requests to allowed addresses.
        authenticator: Gives the credentials.
        deadline: When reading ends, at the latest.
        resume: Where to begin instead of at the first page.
        clock: Gives seconds on a monotonic scale, for pacing and for the report.
    """

    def __init__(
        self,
        source: Source,
        *,
        transport: Transport,
        authenticator: "Authenticator",
        deadline: "Deadline",
        resume: Resume | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.report = FetchReport()
        self.url = with_query(source.url, {name: _parameter(value) for name, value in source.query.items()})
        self._source = source
        self._transport = transport
        self._authenticator = authenticator
        self._deadline = deadline
        self._clock = clock
        self._last_request_at = -math.inf
        self._headers, self._body = _payload(source)
        self._pager = Pager(source.pagination, self.url, resume)

    @property
    def resume(self) -> Resume:
        """The page that is being read, or that would come next: where to go on after an error."""
        return self._pager.step.resume

    def pages(self) -> Iterator[Page]:
        """Yield each page; the next is asked for when the last one was finished.

        Raises:
            AddressRefused: When a URL, a redirect, a next page or a peer is not allowed; not retryable.
            SourceRejected: When the source answers with a status that will not change; not retryable.
            SourceUnavailable: When it fails until the attempts are used up, or in the middle of a
                page of which chunks were already given out; retryable.
            SourceTimeout: As before, for waits; retryable.
            LimitExceeded, MalformedBody, PaginationLoop, ConfigurationError: Not retryable.
            DeadlineExceeded: When a wait does not fit into the time that is left; retryable.
        """
        with closing(self._transport):
            while (yield from self._page()):
                pass

    def _page(self) -> Generator[Page, None, bool]:
        """Yield the current page; whether there is another."""
        with closing(self._opened()) as opened:
            digest = xxhash.xxh3_64()
            page = Page(
                timestamp=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                content_type=opened.response.headers.get("Content-Type", ""),
                chunks=self._counted(opened, digest),
            )
            yield page
            self.report.pages += 1
            return self._pager.advance(self._outcome(opened.response, page, digest.intdigest()))

    def _outcome(self, response: Response, page: Page, digest: int) -> Outcome:
        pagination = self._source.pagination
        header = pagination.header if isinstance(pagination, CursorPagination) else ""
        return Outcome(
            url=response.url,
            link_header=response.headers.get("Link", ""),
            cursor_header=response.headers.get(header, "") if header else "",
            records=page.records,
            outside=page.outside,
            digest=digest,
        )

    def _counted(self, opened: "_Opened", digest: "xxhash.xxh3_64") -> Iterator[bytes]:
        """The chunks of a page, timed, counted and, for the loop guard, digested."""
        is_guarded = not isinstance(self._source.pagination, NoPagination)
        chunk, received = opened.first, 0
        while chunk:
            self.report.received_bytes += opened.body.received_bytes - received
            received = opened.body.received_bytes
            self.report.decompressed_bytes += len(chunk)
            if is_guarded:
                digest.update(chunk)
            yield chunk
            began = self._clock()
            try:
                chunk = next(opened.chunks, b"")
            finally:
                self.report.fetch_seconds += self._clock() - began
        self.report.received_bytes += opened.body.received_bytes - received

    def _opened(self) -> "_Opened":
        """The current page, its first chunk in hand; tried again until that works or may not."""
        failures, was_refreshed = 0, False
        while True:
            self._pace()
            began = self._clock()
            try:
                return self._attempt()
            except SourceRejected as error:
                is_unauthorized = error.details.get("status") == _UNAUTHORIZED
                if was_refreshed or not is_unauthorized or not self._authenticator.refresh():
                    raise
                was_refreshed = True
            except (SourceUnavailable, SourceTimeout) as error:
                failures += 1
                if failures >= self._source.retry.max_attempts or self._deadline.passed:
                    error.details["attempts"] = failures
                    raise
                self._wait(failures, error)
            finally:
                self.report.fetch_seconds += self._clock() - began

    def _attempt(self) -> "_Opened":
        """One request and the first chunk of its answer."""
        credentials = self._authenticator.credentials()
        request = Request(
            url=self._pager.step.url,
            home=self._source.url,
            method=self._source.method,
            headers=self._headers,
            body=self._body,
        )
        self.report.requests += 1
        response = self._transport.open(request, credentials)
        try:
            self._refuse_status(response)
            return _Opened(response, self._body_of(response))
        except BaseException:
            response.close()
            raise

    def _body_of(self, response: Response) -> Body:
        """The answer's body under this source's limits."""
        limits = self._source.limits
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > limits.max_body_mib * MIB:
            raise LimitExceeded(
                f"the body of {int(length)} bytes is over limits.max_body_mib = {limits.max_body_mib}; "
                "raise it or ask for less a page",
                limit_mib=limits.max_body_mib,
            )
        return Body(
            (lambda _: b"") if response.status in _WITHOUT_BODY else response.read,
            content_encoding=response.headers.get("Content-Encoding", ""),
            content_type=response.headers.get("Content-Type", ""),
            max_body_mib=limits.max_body_mib,
            max_decompressed_mib=limits.max_decompressed_mib,
        )

    def _refuse_status(self, response: Response) -> None:
        """Pass the statuses that may carry records."""
        status, url = response.status, public_url(response.url)
        if status in _WITH_RECORDS or status in _WITHOUT_BODY:
            return
        if is_retried(status):
            asked = retry_after_seconds(response.headers.get("Retry-After"))
            raise SourceUnavailable(
                f"{url}: answers {status}; raise retry.max_attempts or ask later",
                status=status,
                retry_after_seconds=asked,
            )
        raise SourceRejected(
            f"{url}: answers {status}; check `url`, `method`, `query` and `auth`", status=status
        )

    def _wait(self, failures: int, error: SourceUnavailable | SourceTimeout) -> None:
        """Wait before the next attempt, or give up at once when the wait does not fit."""
        asked = error.details.get("retry_after_seconds")
        delay = delay_seconds(
            failures,
            asked_seconds=asked if isinstance(asked, float) else None,
            max_delay_seconds=self._source.retry.max_delay_seconds,
        )
        self.report.retried += 1
        self._deadline.wait(delay, reason=f"{error}; waiting to try again")

    def _pace(self) -> None:
        """Keep the least interval between two requests."""
        due_seconds = self._last_request_at + self._source.rate.min_interval_seconds - self._clock()
        if due_seconds > 0:
            self._deadline.wait(due_seconds, reason="keeping rate.min_interval_seconds")
        self._last_request_at = self._clock()


class _Opened:
    """An answer whose first chunk has come; closing it frees the connection."""

    def __init__(self, response: Response, body: Body) -> None:
        self.response = response
        self.body = body
        self.chunks = iter(body)
        self.first = next(self.chunks, b"")

    def close(self) -> None:
        self.response.close()


def _parameter(value: str | float | bool) -> str:
    """A query parameter's text; booleans as JSON writes them."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _payload(source: Source) -> tuple[dict[str, str], bytes]:
    """The headers and the body to send; a table becomes JSON."""
    headers = dict(source.headers)
    if isinstance(source.body, str):
        return headers, source.body.encode()
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    return headers, msgspec.json.encode(source.body)
