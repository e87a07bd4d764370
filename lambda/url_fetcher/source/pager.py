"""Walks over a source's pages: in bounds, on its host, and never in a circle."""

from url_fetcher.errors import AddressRefused, LimitExceeded, PaginationLoop
from url_fetcher.http.addresses import same_host
from url_fetcher.redaction import public_url
from url_fetcher.source.pagination import Outcome, Pages, Pagination, Resume, Step


class Pager:
    """Walks over the pages of one source and refuses to walk in a circle.

    Args:
        pagination: The source's settings.
        url: The first page's URL without what the pagination adds.
        resume: Where to begin instead of at the first page.
    """

    def __init__(self, pagination: Pagination, url: str, resume: Resume | None = None) -> None:
        self._pagination = pagination
        self._url = url
        self._pages = 1
        self._last_digest = 0
        self.step = pagination.first(url, resume)
        self._refuse_other_host(self.step)
        self._seen = {self.step.url}

    def advance(self, outcome: Outcome) -> bool:
        """Go to the next page; False at the end of the source.

        Raises:
            PaginationLoop: When the next page was already read, or the same page came twice; not retryable.
            LimitExceeded: When there are more pages than max_pages; not retryable.
            AddressRefused: When the next page is on another host; not retryable.
            MalformedBody: When what should say where the next page is has the wrong type; not retryable.
        """
        following = self._pagination.next(self._url, self.step, outcome)
        if following is None or not isinstance(self._pagination, Pages):
            return False
        self._refuse_loop(following, outcome)
        self._refuse_other_host(following)
        self.step = following
        if self._pages >= self._pagination.max_pages:
            raise LimitExceeded(
                f"there are more pages than pagination.max_pages = {self._pagination.max_pages}; raise it, "
                "or go on with `resume`",
                max_pages=self._pagination.max_pages,
            )
        self._pages += 1
        return True

    def _refuse_loop(self, following: Step, outcome: Outcome) -> None:
        if following.url in self._seen:
            raise PaginationLoop(
                f"the page {public_url(following.url)} comes again after {self._pages} pages"
            )
        if outcome.records and outcome.digest == self._last_digest:
            raise PaginationLoop(
                f"pages {self._pages - 1} and {self._pages} are the same byte for byte: the source seems to "
                "ignore its pagination's parameter; check the parameter's name"
            )
        self._seen.add(following.url)
        self._last_digest = outcome.digest

    def _refuse_other_host(self, step: Step) -> None:
        """Keep to the source's host unless it says that its pages lie on others."""
        if not isinstance(self._pagination, Pages) or self._pagination.allow_other_hosts:
            return
        if not same_host(step.url, self._url):
            raise AddressRefused(
                f"the next page {public_url(step.url)} is on another host; "
                "set pagination.allow_other_hosts = true if that is meant"
            )
