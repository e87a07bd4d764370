"""Goes from page to page: within limits, on the source's host, and never in a loop."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from types import MappingProxyType

import xxhash

from url_fetcher.errors import AddressRefused, LimitExceeded, PaginationLoop
from url_fetcher.http.addresses import same_host
from url_fetcher.source.pages.followed_pages import FollowedPages
from url_fetcher.source.pages.pagination import Pagination
from url_fetcher.source.pages.pagination_kind import PageResult, Pages, Resume, Step
from url_fetcher.source.pages.walk import Walk
from url_fetcher.source.pages.windows import Windows, WindowWalk
from url_fetcher.source.placeholders import Values, filled_url
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
        parent: Values of the parent's record in a child request.

    Raises:
        MalformedBody: When a value of the parent's cannot stand in the URL; not retryable.
    """

    def __init__(
        self,
        pagination: Pagination,
        url: str,
        resume: Resume | None = None,
        *,
        warn: Callable[[str], None],
        windows: Windows | None = None,
        parent: Values = MappingProxyType({}),
    ) -> None:
        self._pagination = pagination
        url = filled_url(url, parent)
        self._url = url
        self._parent = parent
        self._windows = WindowWalk(windows, url, datetime.now(UTC))
        self._pages = 1
        self._warn_of = warn
        resume = resume if resume != Resume() else None
        # A resumed run does not know how long a full page is, and its settings have worked before.
        self._walk = Walk(is_resumed=resume is not None)
        self._is_asked_again = False
        self._promise = self._named if resume else ""
        self.step = self._first(self._windows.begin(resume))
        self._identity = self._checked(self.step)
        # Digests of 8 bytes: a million URLs with cursors would not fit into memory.
        self._seen = {self._identity}

    @property
    def _named(self) -> str:
        """The words for a page that the source itself has named; empty if the pagination counts pages."""
        is_named = isinstance(self._pagination, FollowedPages) and self._pagination.names_next
        return "the page before it leads there" if is_named else ""

    def is_repeat(self, digest: int) -> bool:
        """True if the current page has the records of a page before it, by the digest of its records."""
        return self._walk.is_repeat(digest)

    def refusal_of_nothing(self, *, may_be_end: bool) -> str:
        """Returns the reason why an answer without a byte is no page here; empty if it is one.

        Args:
            may_be_end: True if such an answer is a usual page without records: a 204, or a format of lines.
        """
        if self._walk.pages == 0 and not self._walk.is_resumed:
            return ""
        if self._promise:
            return f"the answer is empty, although {self._promise}"
        if may_be_end or self._walk.has_surely_all:
            return ""
        return (
            "the answer is empty, which is no page without records: if that is the source's end, name it by "
            "`format`, `has_more_path`, a total or `stop_on_short_page`"
        )

    def advance(self, result: PageResult) -> bool:
        """Goes to the next page. Returns False at the end of the source.

        Raises:
            PaginationLoop: When the next page was already read, or the second page is the first one; not
                retryable.
            LimitExceeded: When there are more pages than max_pages, or a URL is too long; not retryable.
            AddressRefused: When the next page is on another host; not retryable.
            MalformedBody: When the value that names the next page has the wrong type, or is missing although
                there is more; not retryable.
        """
        found = self._following(result)
        if found is None:
            if not self._windows.advance():
                return False
            # Two windows may have the same records; that is no loop.
            self._walk, self._promise = Walk(), ""
            first = self._first(None)
            found = first, _digest(first, _sent(first))
        following, identity = found
        self._is_asked_again = identity == self._identity
        self._identity = identity
        self._go_to(following)
        return True

    def _following(self, result: PageResult) -> tuple[Step, int] | None:
        """The next page and its digest; None at the end of the source or window, with a warning in doubt."""
        walk, pagination = self._walk, self._pagination
        if result.records and walk.is_repeat(result.digest):
            self._end_at_repeat(result)
            return None
        is_full = result.records >= walk.longest
        walk.add(result.records, result.digest, pagination.total(result))
        following = pagination.next(self._windows.url, self.step, result)
        if following is None:
            self._warn(pagination.doubt(self.step, result, walk, is_full=is_full))
            return None
        following = self._marked(following)
        identity = self._checked(following)
        more = pagination.more(self.step, result, walk)
        if self._is_over(following, identity, result, more):
            return None
        self._promise = more or self._named
        return following, identity

    def _is_over(self, following: Step, identity: int, result: PageResult, more: str) -> bool:
        """True if the source is over although the page leads to another one.

        Args:
            following: That other page.
            identity: Its digest.
            result: That of the page.
            more: The reason why there are more records behind the page; empty if it does not say so.

        Raises:
            PaginationLoop: When that page was already read; not retryable.
        """
        walk, pagination = self._walk, self._pagination
        is_known, is_itself = identity in self._seen, identity == self._identity
        self._seen.add(identity)
        if not isinstance(pagination, FollowedPages):
            return False
        if result.records:
            # One handle may lead to every page, so a page that leads to itself is asked for again.
            if not is_known or (is_itself and pagination.names_next):
                return False
            # Its last record is where it began, as where a key is asked for with >= instead of >.
            if is_itself and result.records < walk.longest:
                in_doubt = (
                    "the last record is the one that the page was asked for by" if walk.is_resumed else ""
                )
                self._warn(more or in_doubt)
                return True
            raise PaginationLoop(
                f"the page {public_url(following.url)} comes again after {self._pages} pages"
            )
        if is_known or walk.has_surely_all:
            self._warn(more)
            return True
        if pagination.any_flag(result).says_more or walk.empty_pages < pagination.max_empty_pages:
            return False
        # With 1 the user has said that an empty page is the end.
        if pagination.max_empty_pages > 1:
            more = more or (
                f"{walk.empty_pages} pages in a row had no records, and the last one leads to another page; "
                "set pagination.max_empty_pages to 1 if an empty page is the end, or else higher"
            )
        self._warn(more)
        return True

    def _end_at_repeat(self, result: PageResult) -> None:
        """Ends the walk at a page that came before; warns if it cannot be known that it is the end.

        Raises:
            PaginationLoop: When the second page is the first one, so that nothing behind it can be read.
        """
        walk, pagination = self._walk, self._pagination
        more = pagination.more(self.step, result, walk)
        is_itself = self._is_asked_again or self._leads_to_itself(result)
        is_short = not walk.is_resumed and result.records < walk.longest
        # The other ends: a total, or a short last page that comes for each number behind it.
        if is_itself or walk.has_all or is_short:
            self._warn(more)
            return
        if walk.pages > 1 or walk.is_resumed:
            self._warn(more or "the last page has the records of a page before it again")
            return
        parameter = getattr(pagination, "parameter", "")
        raise PaginationLoop(
            "pages 1 and 2 have the same records: the source seems to ignore "
            + (
                f"pagination.parameter = {parameter!r}; check the name, or "
                if parameter
                else "its next link; "
            )
            + "if it has one page, say so with a total, a flag or pagination.kind = 'none'"
        )

    def _leads_to_itself(self, result: PageResult) -> bool:
        """True if the source names the page's own URL as the next one."""
        if self._pagination.resumed_by != "url":
            return False
        following = self._pagination.next(self._windows.url, self.step, result)
        return following is not None and _digest(following, _sent(following)) == self._identity

    def _warn(self, doubt: str) -> None:
        if doubt:
            self._warn_of(f"there may be more pages than were read ({self._pages}): {doubt}")

    def _first(self, resume: Resume | None) -> Step:
        """The first page of the current window."""
        return self._marked(self._pagination.first(self._windows.url, resume))

    def _marked(self, step: Step) -> Step:
        """The step with the values that hold for each page of a window or of a parent's children."""
        step = self._windows.marked(step)
        return step._replace(values={**step.values, **self._parent}) if self._parent else step

    def _go_to(self, following: Step) -> None:
        """Makes a step the current one, unless there are too many pages."""
        self.step = following
        if isinstance(self._pagination, Pages) and self._pages >= self._pagination.max_pages:
            raise LimitExceeded(
                f"there are more pages than pagination.max_pages = {self._pagination.max_pages}; raise it, "
                "or go on with `resume`",
                max_pages=self._pagination.max_pages,
            )
        self._pages += 1

    def _checked(self, step: Step) -> int:
        """Returns the digest of a request that is neither too long nor to another host without permission.

        Without that check a hostile page could send the source's headers and credentials elsewhere.
        """
        sent = _sent(step)
        if not isinstance(self._pagination, Pages) and not self._parent:
            return _digest(step, sent)
        if len(step.url) > _MAX_URL_CHARACTERS:
            raise LimitExceeded(
                f"the next page's URL has {len(step.url)} characters, over {_MAX_URL_CHARACTERS}: its cursor "
                "or link is too long for a URL; ask for less a page, or choose another pagination.kind",
                limit_characters=_MAX_URL_CHARACTERS,
            )
        if len(sent) > _MAX_URL_CHARACTERS:
            raise LimitExceeded(
                f"the next page's cursor has over {_MAX_URL_CHARACTERS} bytes; ask for less a page, or "
                "choose another pagination.kind",
                limit_bytes=_MAX_URL_CHARACTERS,
            )
        is_elsewhere = not same_host(step.url, self._url)
        if is_elsewhere and isinstance(self._pagination, Pages) and not self._pagination.allow_other_hosts:
            raise AddressRefused(
                f"the next page {public_url(step.url)} is on another host; "
                "set pagination.allow_other_hosts = true if that is meant"
            )
        return _digest(step, sent)


def _digest(step: Step, sent: bytes) -> int:
    return xxhash.xxh3_64_intdigest(step.url.encode() + b"\0" + sent)


def _sent(step: Step) -> bytes:
    """All that a step sends beside its URL."""
    if not step.members and not step.values:
        return b""
    # Unlike msgspec, json takes half of a surrogate pair, which is refused where it is written.
    return json.dumps([dict(step.members), dict(step.values)]).encode()
