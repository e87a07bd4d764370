"""A transport that serves one URL after the other, and so keeps its connections to their hosts."""

from typing import TYPE_CHECKING

from url_fetcher.http.transport import Transport

if TYPE_CHECKING:
    from url_fetcher.deadline import Deadline
    from url_fetcher.http.connection import Dialer
    from url_fetcher.source.schema import Source


class PooledTransport(Transport):
    """Keeps its connections for the next URL of the same host; used by one thread."""

    def __init__(self, dialer: "Dialer") -> None:
        super().__init__(dialer)
        self._kept_dialer = dialer

    def serve(self, source: "Source", deadline: "Deadline") -> None:
        """Hold to the limits of another source from now on."""
        self._kept_dialer.deadline = deadline
        self._kept_dialer.connect_timeout_seconds = source.limits.connect_timeout_seconds
        self._kept_dialer.read_timeout_seconds = source.limits.read_timeout_seconds

    def close(self) -> None:
        """Nothing: the reader of one URL closes it, and the next one goes on."""

    def end(self) -> None:
        """Close all connections."""
        super().close()
