"""GitHub's API, as far as the workflow that plans uses it."""

import json
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from local_aws.servers.loopback import LoopbackServer


class GitHub:
    """As much of GitHub's API as comments and labels of pull request 7 need, on loopback.

    Args:
        comments: Those that are there, the first with number 0.
        labels: Names of the pull request's labels.

    Attributes:
        written: Method, path and text of each comment that was written or changed.
    """

    def __init__(self, *, comments: Sequence[dict[str, Any]] = (), labels: Sequence[str] = ()) -> None:
        self.written: list[tuple[str, str, str]] = []
        lists = {
            "/repos/a/b/issues/7/comments": [{"id": at, **each} for at, each in enumerate(comments)],
            "/repos/a/b/issues/7/labels": [{"name": name} for name in labels],
        }
        written = self.written

        class Api(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.headers["Authorization"] == "Bearer wrong":
                    return self._answer(401, {"message": "Bad credentials"})
                url = urlsplit(self.path)
                query = {name: int(values[0]) for name, values in parse_qs(url.query).items()}
                start = (query["page"] - 1) * query["per_page"]
                return self._answer(200, lists[url.path][start : start + query["per_page"]])

            def do_POST(self) -> None:
                if self.headers["Authorization"] != "Bearer secret":
                    return self._answer(403, {"message": "Resource not accessible by integration"})
                content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                written.append((self.command, self.path, content["body"]))
                return self._answer(200, {"html_url": "https://github.example/a/b/pull/7#1"})

            def do_PATCH(self) -> None:
                self.do_POST()

            def _answer(self, status: int, content: object) -> None:
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Nothing."""

        self._server = LoopbackServer(Api)

    @property
    def variables(self) -> dict[str, str]:
        """Those of a job on the pull request."""
        return {
            "GITHUB_API_URL": self._server.origin,
            "GITHUB_REPOSITORY": "a/b",
            "NUMBER": "7",
            "GH_TOKEN": "secret",
        }

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)
