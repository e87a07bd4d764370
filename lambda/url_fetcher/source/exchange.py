"""Requests one page: paced, authenticated, and repeated until it succeeds or must stop."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from url_fetcher.errors import (
    LimitExceeded,
    SourceRejected,
    SourceTimeout,
    SourceUnavailable,
)
from url_fetcher.http.body import MIB, Body
from url_fetcher.http.retry import MAY_BE_A_LIMIT, asked_seconds, delay_seconds, is_retried
from url_fetcher.http.small_body import body_of_error
from url_fetcher.http.transport import Response, Transport
from url_fetcher.source.pages.pagination_kind import Step
from url_fetcher.source.refusal import Refusal
from url_fetcher.source.request import request_of
from url_fetcher.source.schema import Source
from url_fetcher.source.verdict import UNREAD, Answer, found, refuse_failed, shown
from url_fetcher.telling.redaction import public_url

if TYPE_CHECKING:
    from url_fetcher.deadline import Deadline
    from url_fetcher.source.auth.auth_kind import Session

_PARTIAL = 206
_GOOD = {200, 201, 203, 204, 205, _PARTIAL}
WITHOUT_BODY = {204, 205}
_CONTENT_RANGE = re.compile(r"(?:([A-Za-z][\w-]{0,31})[ =]+)?([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_UNAUTHORIZED = 401
_MAX_DIGITS = 18


@dataclass
class FetchReport:
    """Counters of what was read so far; bytes include those of unfinished pages.

    ``warnings`` counts the signs that the source had more pages than were read, or that its only record is an
    error; ``parents`` are the records whose children were asked for, with so many of the requests.
    """

    pages: int = 0
    requests: int = 0
    retried: int = 0
    received_bytes: int = 0
    decompressed_bytes: int = 0
    warnings: int = 0
    parents: int = 0
    child_requests: int = 0
    fetch_seconds: float = 0.0
    last_request_at: float = -math.inf


class Exchange:
    """Sends the requests of one source.

    Args:
        source: Its settings.
        transport: Sends requests to allowed addresses.
        session: Secrets and tokens for the source's authentication.
        deadline: No request and no wait goes beyond it.
        clock: Returns monotonic seconds, for pacing and for the report.
        clean: Removes secrets from a text of the source's.
        next_start: Returns the time, on that clock, at which the next request may start, if other
            sources share the pace; default: this source's own ``rate``.
        report: The counters, and the time of the last request; shared with the requests for children.
    """

    def __init__(
        self,
        source: Source,
        *,
        transport: Transport,
        session: "Session",
        deadline: "Deadline",
        clock: Callable[[], float],
        clean: Callable[[str], str] = str,
        next_start: Callable[[], float] | None = None,
        report: FetchReport | None = None,
    ) -> None:
        self.report = report or FetchReport()
        self._source = source
        self._transport = transport
        self._session = session
        self._deadline = deadline
        self._clock = clock
        self._clean = clean
        self._next_start = next_start or self._own_next_start
        self._failures = 0

    def open(self, step: Step) -> "OpenedResponse":
        """Returns the page's answer after its first chunk has arrived, with as many retries as are allowed.

        Raises:
            IngestionError: As ``SourceReader.pages``.
        """
        self._failures = 0
        return self._open(step)

    def open_again(self, step: Step, error: SourceUnavailable) -> "OpenedResponse":
        """Requests the same page again, because its body turned out to be an error.

        Raises:
            IngestionError: As ``SourceReader.pages``.
        """
        self._fail(error)
        return self._open(step)

    def _open(self, step: Step) -> "OpenedResponse":
        was_refreshed = False
        while True:
            # Retries and redirects are paced, too: they count against the source's rate limit.
            self._pace()
            began = self._clock()
            try:
                return self._attempt(step)
            except SourceRejected as error:
                # A rotated secret or a token that was revoked early shows as 401: read it anew, once.
                is_unauthorized = error.details.get("status") == _UNAUTHORIZED
                if was_refreshed or not is_unauthorized or not self._forgets():
                    raise
                was_refreshed = True
            except (SourceUnavailable, SourceTimeout) as error:
                self._fail(error)
            finally:
                self.report.fetch_seconds += self._clock() - began

    def _attempt(self, step: Step) -> "OpenedResponse":
        """Sends one request and reads the first chunk of the answer."""
        with self._session.turn:
            credentials = self._source.auth.credentials(self._session)
        request = request_of(self._source, step, self._pace)
        self.report.requests += 1
        response = self._transport.open(request, credentials)
        try:
            return OpenedResponse(response, self._accepted(response))
        # Also for KeyboardInterrupt: an open response keeps the pool's only connection.
        except BaseException:
            response.close()
            raise

    def _forgets(self) -> bool:
        """Drops cached secrets and tokens; False if the authentication has none."""
        with self._session.turn:
            return self._source.auth.forget(self._session)

    def _body_of(self, response: Response) -> Body:
        """Returns the answer's body, bounded by this source's limits."""
        limits = self._source.limits
        length = response.headers.get("Content-Length", "")
        # Refused before a byte is read. More digits exceed every limit, and Python's int() stops at 4,300.
        if length.isdecimal() and (len(length) > _MAX_DIGITS or int(length) > limits.max_body_mib * MIB):
            raise LimitExceeded(
                f"the body of {length[:_MAX_DIGITS]} bytes is over limits.max_body_mib = "
                f"{limits.max_body_mib}; raise it or ask for less a page",
                limit_mib=limits.max_body_mib,
            )
        return Body(
            (lambda _: b"") if response.status in WITHOUT_BODY else response.read,
            content_encoding=response.headers.get("Content-Encoding", ""),
            # An explicit format counts more.
            content_type=response.headers.get("Content-Type", "") if self._source.format == "auto" else "",
            max_body_mib=limits.max_body_mib,
            max_decompressed_mib=limits.max_decompressed_mib,
        )

    def _accepted(self, response: Response) -> Body:
        """Returns the answer's body, which is empty if the answer means that there are no records.

        Raises:
            SourceUnavailable: When the answer is an error that may pass; retryable.
            SourceRejected: When it is an error that will not; not retryable.
        """
        source, status = self._source, response.status
        part = _part_of(response, is_paged=source.pagination.kind != "none") if status == _PARTIAL else ""
        is_good = status in _GOOD and not part
        # Most pages: there is nothing by which they could be refused.
        if is_good and not (source.retry_when or source.fail_when or source.empty_when):
            return self._body_of(response)
        url = public_url(response.url)
        refusal = Refusal(b"" if is_good else body_of_error(response))
        answer = Answer(status, UNREAD) if is_good else Answer(status, refusal.value, refusal.message)
        may_pass = is_retried(status, response.headers) or (
            status in MAY_BE_A_LIMIT and refusal.is_of_a_limit
        )
        try:
            refuse_failed(
                answer, retry_when=source.retry_when, fail_when=source.fail_when, url=url, clean=self._clean
            )
            if found(answer, source.empty_when):
                return _empty()
            if is_good:
                return self._body_of(response)
            said = part or (refusal.message and f": {shown(refusal.message, self._clean)}")
            if may_pass:
                raise SourceUnavailable(
                    f"{url}: answers {status}{said}; raise retry.max_attempts or ask later"
                )
            raise SourceRejected(f"{url}: answers {status}{said}; check `url`, `method`, `query` and `auth`")
        except SourceUnavailable as error:
            asked = asked_seconds(status, response.headers)
            error.details |= {"status": status, "retry_after_seconds": asked}
            raise
        except SourceRejected as error:
            error.details["status"] = status
            raise

    def _fail(self, error: SourceUnavailable | SourceTimeout) -> None:
        """Waits before the next attempt; raises after the last one, or if the deadline comes first."""
        self._failures += 1
        if self._failures >= self._source.retry.max_attempts or self._deadline.passed:
            error.details["attempts"] = self._failures
            raise error
        asked = error.details.get("retry_after_seconds")
        delay = delay_seconds(
            self._failures,
            asked_seconds=asked if isinstance(asked, float) else None,
            max_delay_seconds=self._source.retry.max_delay_seconds,
        )
        self.report.retried += 1
        self._deadline.wait(delay, reason=f"{error}; waiting to try again")

    def _pace(self) -> None:
        """Waits until the interval between two requests has passed."""
        due_seconds = self._next_start() - self._clock()
        if due_seconds > 0:
            self._deadline.wait(due_seconds, reason="keeping rate.min_interval_seconds")
        # Counted from start to start, so that slow answers do not lower the rate.
        self.report.last_request_at = self._clock()

    def _own_next_start(self) -> float:
        return self.report.last_request_at + self._source.rate.min_interval_seconds


class OpenedResponse:
    """An answer whose first chunk has arrived: ``first``, empty for an empty body, then ``chunks``.

    A connection that breaks before that first chunk can be retried, because nothing was delivered yet.
    """

    def __init__(self, response: Response, body: Body) -> None:
        self.response = response
        self.body = body
        self.chunks = iter(body)
        self.first = next(self.chunks, b"")


def _empty() -> Body:
    """The body of a page without records."""
    return Body(lambda _: b"", max_body_mib=1, max_decompressed_mib=1)


def _part_of(response: Response, *, is_paged: bool) -> str:
    """Describes the part that a 206 has of a body, for a message; empty if nothing is missing.

    No Range was sent, so a part of the bytes is a body with missing records. A range of another unit, as in
    ``items 0-24/100``, PostgREST's ``0-24/100`` or Heroku's ``id a..b``, is a page, from which the pagination
    goes on.
    """
    header = response.headers.get("Content-Range", "").strip()
    if header and is_paged and not header.lower().startswith("bytes"):
        return ""
    match = _CONTENT_RANGE.fullmatch(header)
    if not match:
        return ", a part of a body, without a Content-Range that says which"
    unit, first, last, total = match.groups()
    if total.isdecimal() and int(first) == 0 and int(last) + 1 == int(total):
        return ""
    return f" with {unit or 'items'} {first} to {last} of {'more' if total == '*' else total} only"
