"""A way to AWS on which a process dies at a certain request."""

import os
import signal
from collections.abc import Mapping
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

from local_aws.emulator.instance import HOST, Emulator
from tests.tools.parts import start

if TYPE_CHECKING:
    import subprocess


class Killing:
    """Passes requests on to the local AWS, and kills the process that sends them before one of them.

    Args:
        aws: Where requests go.
    """

    def __init__(self, aws: Emulator) -> None:
        self.requests = 0
        self._port = aws.port
        self._process: subprocess.Popen[str] | None = None
        self._last = 0
        self._lock = Lock()
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        self._server.daemon_threads = True

    def __enter__(self) -> Self:
        """The way, open."""
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def run(self, code: str, variables: Mapping[str, str], *, before: int = 0) -> None:
        """Run a piece of Python to its end, or until it is killed.

        Args:
            code: What the process runs.
            variables: Its environment.
            before: The number of the request, from 1, that AWS does not get any more; 0: it gets all. What
                AWS knows then is the same as if the process died after the request before that one.
        """
        with self._lock:
            self.requests, self._last = 0, before
            here = f"http://{HOST}:{self._server.server_port}"
            self._process = start(code, {**variables, "AWS_ENDPOINT_URL": here})
        _, said = self._process.communicate(timeout=300)
        assert self._process.returncode == (-signal.SIGKILL if before else 0), said

    def _kill(self) -> None:
        if self._process:
            os.kill(self._process.pid, signal.SIGKILL)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            """Passes one connection's requests on."""

            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                """Pass one request on, and the answer back."""
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                with outer._lock:
                    outer.requests += 1
                    number = outer.requests
                if number == outer._last:
                    outer._kill()
                    self.close_connection = True
                    return
                connection = HTTPConnection(HOST, outer._port, timeout=60)
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                content = answer.read()
                connection.close()
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 - the base class's names

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's
                """Nothing."""

        return Handler
