"""Kinesis's protocol, for the endpoints on loopback: requests in JSON, and the limits of what is put."""

import json
import socket
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar

from local_aws.servers.loopback import LoopbackServer

_MAX_RECORDS = 500
_MAX_RECORD_BYTES = 1024 * 1024


class KinesisEndpoint(LoopbackServer):
    """The base of endpoints; a context manager that listens on a free port until it is left."""

    def __init__(self) -> None:
        super().__init__(type("Handler", (_Handler,), {"endpoint": self}))

    def answer(
        self, operation: str, body: dict[str, Any], connection: socket.socket
    ) -> tuple[int, dict[str, Any]] | None:
        """Returns status and answer to a call, such as ``PutRecords``; None closes the connection."""
        raise NotImplementedError


class _Handler(BaseHTTPRequestHandler):
    endpoint: ClassVar[KinesisEndpoint]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Reads a request and sends its answer."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        operation = self.headers["X-Amz-Target"].partition(".")[2]
        answered = self.endpoint.answer(operation, body, self.connection)
        if answered is None:
            self.close_connection = True
            return
        status, answer = answered
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Logs nothing."""


def limit_problem(entries: Sequence[Mapping[str, Any]], data: Sequence[bytes], max_request_bytes: int) -> str:
    """The limit that a PutRecords request breaks; empty if it breaks none.

    Args:
        entries: The request's records, whose partition keys count too.
        data: Their data, decoded.
        max_request_bytes: Limit of the whole request.
    """
    sizes = [
        len(each) + len(entry["PartitionKey"].encode()) for entry, each in zip(entries, data, strict=True)
    ]
    if not 1 <= len(entries) <= _MAX_RECORDS:
        return f"{len(entries)} records, 1 to {_MAX_RECORDS} are allowed"
    if max(sizes) > _MAX_RECORD_BYTES:
        return f"a record of {max(sizes)} bytes, {_MAX_RECORD_BYTES} are allowed"
    if sum(sizes) > max_request_bytes:
        return f"{sum(sizes)} bytes, {max_request_bytes} are allowed"
    return ""
