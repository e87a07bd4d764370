"""A real HTTP API on loopback with known records: ``python -m local_aws.servers.sample_api``.

- ``/posts``: every record in one JSON array.
- ``/posts?page=2&per_page=100``: a page of them, with a ``Link`` header to the next and last page.
- ``/posts.ndjson``: one record a line.
"""

import argparse
import contextlib
import threading
from http.server import BaseHTTPRequestHandler
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from local_aws.processes.supervise import stop_with_parent
from local_aws.servers.loopback import HOST, LoopbackServer
from local_aws.servers.sample_data import records, stored_form

LARGEST_PAGE = 500
DEFAULT_PAGE = 100


class SampleApi(LoopbackServer):
    """The API, serving inside the ``with`` block.

    Args:
        port: A certain port, or 0 for any free one.
    """

    def __init__(self, port: int = 0) -> None:
        super().__init__(_Handler, port)

    @property
    def url(self) -> str:
        """The URL of all records, ``http://127.0.0.1:<port>/posts``."""
        return f"{self.origin}/posts"


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD; keeps connections open as an API behind a load balancer does."""

    protocol_version = "HTTP/1.1"
    types: ClassVar[dict[str, str]] = {"/posts": "application/json", "/posts.ndjson": "application/x-ndjson"}

    def do_GET(self) -> None:
        """Sends records, a page of them, or an error."""
        target = urlsplit(self.path)
        query = parse_qs(target.query)
        if target.path not in self.types:
            self.send_error(404)
        elif target.path == "/posts.ndjson":
            self._send(b"".join(stored_form(record) + b"\n" for record in records()), self.types[target.path])
        elif "page" not in query:
            self._send(_array(records()), self.types[target.path])
        else:
            self._send_page(query)

    do_HEAD = do_GET  # noqa: N815 -- the name that the standard library calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the inherited name
        """Logs nothing."""

    def _send_page(self, query: dict[str, list[str]]) -> None:
        try:
            page, size = int(query["page"][0]), int(query.get("per_page", [str(DEFAULT_PAGE)])[0])
        except ValueError:
            page = size = 0
        if page < 1 or not 1 <= size <= LARGEST_PAGE:
            self.send_error(400, f"page is a number from 1, per_page from 1 to {LARGEST_PAGE}")
            return
        last = -(-len(records()) // size)
        links = {"next": page + 1, "last": last} if page < last else {"last": last}
        base = f"http://{self.headers.get('Host', HOST)}/posts"
        link = ", ".join(
            f'<{base}?page={number}&per_page={size}>; rel="{name}"' for name, number in links.items()
        )
        self._send(_array(records()[(page - 1) * size : page * size]), self.types["/posts"], link)

    def _send(self, body: bytes, content_type: str, link: str = "") -> None:
        self.send_response(200)
        self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if link:
            self.send_header("Link", link)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def _array(items: tuple[bytes, ...]) -> bytes:
    return b"[\n" + b",\n".join(items) + b"\n]\n"


def main() -> None:
    """Serves until Ctrl-C, SIGTERM or, with ``--until-stdin-closes``, the end of whoever started it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop when standard input ends")
    options = parser.parse_args()
    if options.until_stdin_closes:
        stop_with_parent()
    with SampleApi(options.port) as api, contextlib.suppress(KeyboardInterrupt):
        print(f"{len(records())} records at {api.url}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
