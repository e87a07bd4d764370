"""Goes from page to page: within limits, on the source's host, and never in a loop."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime

import xxhash

from url_fetcher.errors import AddressRefused, LimitExceeded, PaginationLoop
from url_fetcher.http.addresses import same_host
from url_fetcher.source.pages.pagination import Pagination
from url_fetcher.source.pages.pagination_kind import PageResult, Pages, Resume, Step
from url_fetcher.source.pages.windows import Windows, WindowWalk
from url_fetcher.telling.redaction import public_url

_MAX_URL_CHARACTERS = 16_384  # servers and proxies take between 8 and 16 KiB


class Pager:
    """Goes over the pages of one source and stops at a loop.

    Args:
        pagination: The source's settings.
        url: The first page's URL, without the pagination's parameters.
        resume: The page to begin with; default: the first.
        warn: Called with the reason why a source that ended may have more pages.
        windows: Spans of time, each with pages of its own; None if the source has no windows.
    """

    def __init__(
        self,
        pagination: Pagination,
        url: str,
        resume: Resume | None = None,
        *,
        warn: Callable[[str], None],
        windows: Windows | None = None,
    ) -> None:
        self._pagination = pagination
        self._url = url
        self._windows = WindowWalk(windows, url, datetime.now(UTC))
        self._pages = 1
        self._last_digest = 0
        self._warn = warn
        # A resumed run does not know how long a full page is, and its settings have worked before.
        self._max_records = 0.0 if resume is None else math.inf
        self.step = self._first(self._windows.begin(resume))
        self._refuse_bad_request(self.step)
        # Digests of 8 bytes: a million URLs with cursors would not fit into memory.
        self._seen = {_digest(self.step)}

    def advance(self, result: PageResult) -> bool:
        """Goes to the next page. Returns False at the end of the source.

        Raises:
            PaginationLoop: When the next page was already read, or the same page came twice; not retryable.
            LimitExceeded: When there are more pages than max_pages, or a URL is too long; not retryable.
            AddressRefused: When the next page is on another host; not retryable.
            MalformedBody: When the value that names the next page has the wrong type, or is missing although
                there is more; not retryable.
        """
        following = self._pagination.next(self._windows.url, self.step, result)
        if following is None:
            is_full = result.records >= self._max_records
            if doubt := self._pagination.doubt(result, is_full=is_full):
                self._warn(f"there may be more pages than were read ({self._pages}): {doubt}")
            if not self._windows.advance():
                return False
            # Two windows may have the same records; that is no loop.
            self._last_digest = 0
            self._go_to(self._first(None), result)
            return True
        following = self._windows.marked(following)
        self._refuse_bad_request(following)
        self._refuse_loop(following, result)
        self._go_to(following, result)
        return True

    def _first(self, resume: Resume | None) -> Step:
        """The first page of the current window."""
        return self._windows.marked(self._pagination.first(self._windows.url, resume))

    def _go_to(self, following: Step, result: PageResult) -> None:
        """Makes a step the current one, unless there are too many pages."""
        self._max_records = max(self._max_records, result.records)
        self.step = following
        if isinstance(self._pagination, Pages) and self._pages >= self._pagination.max_pages:
            raise LimitExceeded(
                f"there are more pages than pagination.max_pages = {self._pagination.max_pages}; raise it, "
                "or go on with `resume`",
                max_pages=self._pagination.max_pages,
            )
        self._pages += 1

    def _refuse_loop(self, following: Step, result: PageResult) -> None:
        if _digest(following) in self._seen:
            raise PaginationLoop(
                f"the page {public_url(following.url)} comes again after {self._pages} pages"
            )
        # The URL alone does not show a source that ignores the parameter: its number keeps growing.
        if result.records and result.digest == self._last_digest:
            raise PaginationLoop(
                f"pages {self._pages - 1} and {self._pages} are the same byte for byte: the source seems to "
                "ignore its pagination's parameter; check the parameter's name"
            )
        self._seen.add(_digest(following))
        self._last_digest = result.digest

    def _refuse_bad_request(self, step: Step) -> None:
        """Refuses a request that is too long for servers, or that goes to another host without permission.

        Without that check a hostile page could send the source's headers and credentials elsewhere.
        """
        if not isinstance(self._pagination, Pages):
            return
        if len(step.url) > _MAX_URL_CHARACTERS:
            raise LimitExceeded(
                f"the next page's URL has {len(step.url)} characters, over {_MAX_URL_CHARACTERS}: its cursor "
                "or link is too long for a URL; ask for less a page, or choose another pagination.kind",
                limit_characters=_MAX_URL_CHARACTERS,
            )
        if len(_sent(step)) > _MAX_URL_CHARACTERS:
            raise LimitExceeded(
                f"the next page's cursor has over {_MAX_URL_CHARACTERS} bytes; ask for less a page, or "
                "choose another pagination.kind",
                limit_bytes=_MAX_URL_CHARACTERS,
            )
        is_elsewhere = not same_host(step.url, self._url)
        if is_elsewhere and not self._pagination.allow_other_hosts:
            raise AddressRefused(
                f"the next page {public_url(step.url)} is on another host; "
                "set pagination.allow_other_hosts = true if that is meant"
            )


def _digest(step: Step) -> int:
    return xxhash.xxh3_64_intdigest(step.url.encode() + b"\0" + _sent(step))


def _sent(step: Step) -> bytes:
    """All that a step sends beside its URL."""
    # Unlike msgspec, json takes half of a surrogate pair, which is refused where it is written.
    return json.dumps([dict(step.members), dict(step.values)]).encode()
