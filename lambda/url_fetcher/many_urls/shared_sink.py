"""One sink for the records of many URLs, fetched at once."""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from url_fetcher.delivery.counters import DeliveryReport
from url_fetcher.errors import DeadlineExceeded, DeliveryError, IngestionError

if TYPE_CHECKING:
    from url_fetcher.delivery.sink import Origin, Sink
    from url_fetcher.formats.splitter import Rejected

T = TypeVar("T")


class SharedSink:
    """Serialises access to a sink. While one thread waits for the stream, the others wait too.

    This bounds the memory as for one source: each thread holds the records of one piece of a body.

    Args:
        sink: Closed with this one.
    """

    def __init__(self, sink: "Sink") -> None:
        self.failure: Exception | None = None
        """The error after which no more records are taken: records of any URL may be lost with it."""
        self.report = sink.report
        """Counts the records of all URLs."""
        self._sink = sink
        self._turn = threading.Lock()
        self._is_closed = False

    def put(self, origin: "Origin", records: Sequence[bytes]) -> None:
        """As ``Sink.put``.

        Raises:
            DeliveryError: As ``Sink.put``, and to every thread after an error of any kind.
            DeadlineExceeded: When the sink was closed meanwhile; retryable.
        """
        self._take(self._sink.put, origin, records)

    def reject(self, origin: "Origin", rejected: "Rejected") -> None:
        """As ``Sink.reject``; raises what ``put`` raises."""
        self._take(self._sink.reject, origin, rejected)

    def close(self) -> None:
        """As ``Sink.close``: once it returns, the stream has every record that was put.

        Raises:
            Exception: Whatever ended the sink before, also in a thread that nobody waits for any more.
        """
        with self._turn:
            self._is_closed = True
            self._sink.close()
            if self.failure:
                raise self.failure

    def _take(self, take: "Callable[[Origin, T], None]", origin: "Origin", given: T) -> None:
        with self._turn:
            if self.failure:
                raise DeliveryError(f"no record is taken after an error: {self.failure}")
            if self._is_closed:
                raise DeadlineExceeded("the invocation's time is up")
            try:
                take(origin, given)
            except Exception as error:  # whatever it is, records of other URLs may be lost with it
                self.failure = error
                if isinstance(error, IngestionError):
                    # A copy, because the thread that gets the error adds its own URL to it.
                    self.failure = type(error)(str(error), **error.details)
                    self.failure.__cause__ = error.__cause__
                raise


class Part:
    """Takes the records of one URL; they are on the stream for certain once the shared sink is closed."""

    def __init__(self, shared: SharedSink) -> None:
        self.report = DeliveryReport()
        self.put = shared.put
        self.reject = shared.reject

    def close(self) -> None:
        """Does nothing, because the other URLs go on."""
