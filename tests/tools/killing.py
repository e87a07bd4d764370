"""A way to AWS on which a process dies at a certain request."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Self

from local_aws.emulator.instance import HOST, Emulator
from tests.checkout import ROOT

FORKED = """
import os, sys
for _ in sys.stdin:
    if not (child := os.fork()):
        os.dup2(2, 1)  # what the command prints is no answer of its parent
        break
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()
raise SystemExit(main([]))
"""
"""Calls `main` in a process of its own for each line that comes in, so that all of them import it once."""


class Killing:
    """Passes requests on to the local AWS, and kills the process that sends them before one of them.

    Args:
        aws: Where requests go.
        imports: Python that imports or defines ``main``, the command.
        variables: The command's environment.
    """

    def __init__(self, aws: Emulator, imports: str, variables: Mapping[str, str]) -> None:
        self.requests = 0
        self._port = aws.port
        self._process = self._last = 0
        self._lock = Lock()
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        # Closing the server waits for the threads of requests that a killed process has left.
        self._server.daemon_threads = False
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        here = f"http://{HOST}:{self._server.server_port}"
        self._parent = subprocess.Popen(
            [sys.executable, "-c", imports + FORKED],
            cwd=ROOT,
            env={**kept, **variables, "AWS_ENDPOINT_URL": here},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        """The way, open."""
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._parent.communicate(timeout=60)
        self._server.shutdown()
        self._server.server_close()

    def run(self, *, before: int = 0) -> None:
        """Run the command to its end, or until it is killed.

        Args:
            before: The number of the request, from 1, that AWS does not get any more; 0: it gets all. What
                AWS knows then is the same as if the process died after the request before that one.
        """
        assert self._parent.stdin
        assert self._parent.stdout
        with self._lock:
            self.requests, self._last = 0, before
            self._parent.stdin.write("\n")
            self._parent.stdin.flush()
            self._process = int(self._parent.stdout.readline())
        assert int(self._parent.stdout.readline()) == (-signal.SIGKILL if before else 0)

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
                    os.kill(outer._process, signal.SIGKILL)
                    self.close_connection = True
                    return
                with closing(HTTPConnection(HOST, outer._port, timeout=60)) as connection:
                    connection.request(self.command, self.path, body, dict(self.headers))
                    answer = connection.getresponse()
                    content = answer.read()
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
