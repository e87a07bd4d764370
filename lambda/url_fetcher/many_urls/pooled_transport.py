"""A transport that serves one URL after the other and keeps its connections to their hosts."""

from typing import TYPE_CHECKING

from url_fetcher.http.transport import Transport

if TYPE_CHECKING:
    from url_fetcher.deadline import Deadline
    from url_fetcher.source.schema import Source


class PooledTransport(Transport):
    """Keeps its connections for the next URL of the same host; used by one thread."""

    def serve(self, source: "Source", deadline: "Deadline") -> None:
        """Applies the limits of another source from now on."""
        self._dialer.deadline = deadline
        self._dialer.connect_timeout_seconds = source.limits.connect_timeout_seconds
        self._dialer.read_timeout_seconds = source.limits.read_timeout_seconds
        self._dialer.ca_certificates = source.ca_certificates

    def close(self) -> None:
        """Does nothing: the reader of each URL calls it, and the next URL needs the connections."""

    def end(self) -> None:
        """Closes all connections."""
        super().close()
