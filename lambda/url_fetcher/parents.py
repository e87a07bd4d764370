"""The records for which child requests are made, and the sink for the records of these."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

import xxhash

from url_fetcher.delivery.envelope import Origin
from url_fetcher.errors import LimitExceeded
from url_fetcher.formats.splitter import Rejected
from url_fetcher.source.children import Children, NoChild, Parent

if TYPE_CHECKING:
    from url_fetcher.delivery.counters import DeliveryReport

_MAX_WAITING_BYTES = 32 * 1024 * 1024


class TakesRecords(Protocol):
    """The part of a ``Sink`` that an ingestion uses."""

    @property
    def report(self) -> "DeliveryReport":
        """The counters of the records so far."""

    def put(self, origin: Origin, records: Sequence[bytes]) -> None:
        """Takes records."""

    def reject(self, origin: Origin, rejected: Rejected) -> None:
        """Takes an undeliverable record."""

    def close(self) -> None:
        """Ends the delivery."""


class Parents:
    """The parents of a page, whose children are read once the page was read to its end.

    Args:
        settings: The source's ``children``.
        resumed: How many parents of the first page are done, and their digest; None for none.
    """

    def __init__(self, settings: Children, resumed: tuple[int, str] | None) -> None:
        self.are_delivered = settings.deliver_parents
        self._settings = settings
        self._resumed = resumed
        self._waiting: list[tuple[Parent, str]] = []
        self._waiting_bytes = 0
        self._left = settings.max_parents
        self._done, self._digest = 0, xxhash.xxh3_64()

    @property
    def done(self) -> tuple[int, str] | None:
        """How many parents of the current page are done, and their digest; None if none is."""
        return (self._done, self._digest.hexdigest()) if self._done else None

    def note(self, records: Sequence[bytes], timestamp: str) -> Iterator[tuple[bytes, str]]:
        """Notes the parents among a page's records; yields each of the others with the reason.

        Raises:
            LimitExceeded: When the parents of a page take too much memory; not retryable.
        """
        most = self._left + 1 + (self._resumed[0] if self._resumed else 0)
        for record in records:
            # More are over the limit, and only take memory.
            if len(self._waiting) == most:
                return
            try:
                parent = self._settings.parent_of(record)
            except NoChild as error:
                yield bytes(record), str(error)
                continue
            self._waiting.append((parent, timestamp))
            self._waiting_bytes += len(parent.fields)
            if self._waiting_bytes > _MAX_WAITING_BYTES:
                raise LimitExceeded(
                    f"the fields of one page's parents take over {_MAX_WAITING_BYTES} bytes; ask for less a "
                    "page, or for fewer `children.fields`",
                    limit_bytes=_MAX_WAITING_BYTES,
                )

    def take(self) -> Iterator[tuple[Parent, str]]:
        """Yields each parent of the page that is not done, with the time at which the page came.

        Raises:
            LimitExceeded: When there are more than ``max_parents`` in the run; not retryable.
        """
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if not waiting:
            # The page may be asked for again: what a resume has done still counts.
            return
        for each in waiting[: self._skip(waiting)]:
            self._add(each[0])
        for parent, timestamp in waiting[self._done :]:
            if not self._left:
                raise LimitExceeded(
                    f"there are more parents than children.max_parents = {self._settings.max_parents}; raise "
                    "it, or go on with `resume`",
                    max_parents=self._settings.max_parents,
                )
            self._left -= 1
            yield parent, timestamp
            self._add(parent)
        self._done, self._digest = 0, xxhash.xxh3_64()

    def _skip(self, waiting: Sequence[tuple[Parent, str]]) -> int:
        """How many of the first parents a run before this one has done; none if they are others now."""
        resumed, self._resumed = self._resumed, None
        if resumed is None:
            return 0
        digest = xxhash.xxh3_64()
        for parent, _ in waiting[: resumed[0]]:
            digest.update(_identity(parent))
        return resumed[0] if digest.hexdigest() == resumed[1] else 0

    def _add(self, parent: Parent) -> None:
        self._digest.update(_identity(parent))
        self._done += 1


class OfParent:
    """Takes the records of a child request: each becomes an object of its parent's fields and itself."""

    def __init__(self, sink: TakesRecords, parent: Parent) -> None:
        self._sink = sink
        self._before = b'{"parent":' + parent.fields + b',"record":'

    @property
    def report(self) -> "DeliveryReport":
        """As ``Sink``'s."""
        return self._sink.report

    def put(self, origin: Origin, records: Sequence[bytes]) -> None:
        """As ``Sink``'s."""
        self._sink.put(origin, [self._before + record + b"}" for record in records])

    def reject(self, origin: Origin, rejected: Rejected) -> None:
        """As ``Sink``'s."""
        self._sink.reject(origin, rejected)

    def close(self) -> None:
        """Does nothing: the sink is that of the parents, too."""


def _identity(parent: Parent) -> bytes:
    return parent.fields + b"\n"
