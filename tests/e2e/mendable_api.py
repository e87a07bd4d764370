"""An HTTP API of which some addresses fail until they are mended."""

import json
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from threading import Lock

from local_aws.servers.loopback import LoopbackServer

RECORDS = 2
"""At each address."""


def records_of(path: str) -> list[bytes]:
    """The records at an address, which no other has; each is nested two levels deep."""
    return [json.dumps({"path": path, "record": [number]}).encode() for number in range(RECORDS)]


class MendableApi(LoopbackServer):
    """Answers any GET with the records of its path, serving inside the ``with`` block.

    Args:
        broken: The status with which a path is answered instead until it is mended.

    Attributes:
        requests: How often each path was asked for.
    """

    def __init__(self, broken: Mapping[str, int]) -> None:
        self.requests: Counter[str] = Counter()
        self._broken = dict(broken)
        self._lock = Lock()
        api = self

        class Handler(BaseHTTPRequestHandler):
            """Keeps connections open, as an API behind a load balancer does."""

            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                """Sends the records, or the status."""
                status = api.status_of(self.path)
                body = b"[%s]" % b",".join(records_of(self.path)) if status == 200 else b""
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the inherited name
                """Nothing: the requests are counted."""

        super().__init__(Handler)

    def url(self, path: str) -> str:
        """Where the records of a path are."""
        return f"{self.origin}{path}"

    def mend(self) -> None:
        """Let every address have its records from now on."""
        self._broken.clear()

    def status_of(self, path: str) -> int:
        """The status of the answer to a request, which is counted."""
        with self._lock:
            self.requests[path] += 1
        return self._broken.get(path, 200)
