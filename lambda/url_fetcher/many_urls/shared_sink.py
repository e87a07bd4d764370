"""One sink for the records of many URLs, fetched at once."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from url_fetcher.delivery.counters import DeliveryReport
from url_fetcher.errors import DeadlineExceeded, DeliveryError

if TYPE_CHECKING:
    from url_fetcher.delivery.sink import Origin, Sink
    from url_fetcher.formats.splitter import Rejected


class SharedSink:
    """Serialises access to a sink. While one thread waits for the stream, the others wait too.

    So what is in memory is bounded as for one source: each thread holds the records of one piece of a body.

    Args:
        sink: Closed with this one.
    """

    def __init__(self, sink: "Sink") -> None:
        self.failure: DeliveryError | None = None
        """Why no more records are taken: it concerns all URLs."""
        self._sink = sink
        self._turn = threading.Lock()
        self._is_closed = False

    @property
    def report(self) -> DeliveryReport:
        """What became of the records of all URLs."""
        return self._sink.report

    def part(self) -> "Part":
        """What takes the records of one URL."""
        return Part(self)

    def put(self, origin: "Origin", records: Sequence[bytes]) -> None:
        """As ``Sink.put``.

        Raises:
            DeliveryError: As ``Sink.put``, and again to every other thread.
            DeadlineExceeded: When the sink was closed meanwhile; retryable.
        """
        with self._turn:
            self._refuse()
            try:
                self._sink.put(origin, records)
            except DeliveryError as error:
                self._fail(error)
                raise

    def reject(self, origin: "Origin", rejected: "Rejected") -> None:
        """As ``Sink.reject``; raises what ``put`` raises."""
        with self._turn:
            self._refuse()
            try:
                self._sink.reject(origin, rejected)
            except DeliveryError as error:
                self._fail(error)
                raise

    def close(self) -> None:
        """As ``Sink.close``: when it returns, the stream has every record that was put."""
        with self._turn:
            self._is_closed = True
            self._sink.close()

    def _fail(self, error: DeliveryError) -> None:
        # A copy: whoever gets the error adds what it was doing.
        self.failure = type(error)(str(error), **error.details)
        self.failure.__cause__ = error.__cause__

    def _refuse(self) -> None:
        if self.failure:
            raise type(self.failure)(str(self.failure), **self.failure.details)
        if self._is_closed:
            raise DeadlineExceeded("the invocation's time is up")


class Part:
    """Takes the records of one URL; that they are on the stream is known when the shared sink is closed."""

    def __init__(self, shared: SharedSink) -> None:
        self.report = DeliveryReport()
        self.put = shared.put
        self.reject = shared.reject

    def close(self) -> None:
        """Nothing: the other URLs go on."""
