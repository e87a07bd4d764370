"""Datadog: a search by POST, with the cursor beside the size of a page in the body, and two keys."""

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import pytest

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import Case, Refusal, ResumableContract, Source
from url_fetcher.errors import SourceUnavailable

SECRET = {"api_key": "key-1", "application_key": "app-1"}
MAX_LIMIT = 1_000
FILTER = {"query", "from", "to", "indexes", "storage_tier"}
Answer = tuple[int, dict[str, Any], dict[str, str]]


def log(number: int) -> dict[str, Any]:
    """One log event."""
    attributes = {"timestamp": f"2024-03-01T10:{number % 60:02}:00.000Z", "message": f"größer {number}"}
    return {"id": f"AQAAAX{number:06}", "type": "log", "attributes": attributes}


@dataclass
class Datadog:
    """As https://docs.datadoghq.com/api/latest/logs/search-logs-post/ and /rate-limits/ say.

    Attributes:
        logs: What the search finds, the oldest first.
        served: How many it gives a page at most.
        limited: Whether the third request is answered with 429.
        good_pages: Behind so many, everything is 500.
        timeouts: So many answers behind the first have a part of their logs only.
    """

    logs: list[dict[str, Any]] = field(default_factory=lambda: [log(number) for number in range(40)])
    served: int = 10
    limited: bool = False
    good_pages: int = 1_000
    timeouts: int = 0
    requests: int = 0
    refused: int = 0
    free_at: float = 0

    def __call__(self, connection: Connection, request: Request) -> None:
        """One page."""
        self.requests += 1
        status, body, headers = self._answered(request)
        answer(json.dumps(body).encode(), status=status, headers=headers)(connection, request)

    def _answered(self, request: Request) -> Answer:
        keys = (request.headers.get("dd-api-key"), request.headers.get("dd-application-key"))
        if keys != (SECRET["api_key"], SECRET["application_key"]):
            return 403, {"errors": ["Forbidden"]}, {}
        if request.method != "POST" or "application/json" not in request.headers.get("content-type", ""):
            return 415, {"errors": ["Unsupported Media Type"]}, {}
        if self.limited and self.requests == 3:
            self.free_at = time.monotonic() + 10
        if time.monotonic() < self.free_at:
            self.refused += 1
            limits = {"X-RateLimit-Limit": "2", "X-RateLimit-Period": "10", "X-RateLimit-Remaining": "0"}
            wait = str(int(self.free_at - time.monotonic()) + 1)
            return 429, {"errors": ["Too many requests"]}, {**limits, "X-RateLimit-Reset": wait}
        asked = json.loads(request.body)
        page = asked.get("page", {})
        wrong = asked.keys() - {"filter", "sort", "page", "options"} or asked["filter"].keys() - FILTER
        if wrong or page.keys() - {"limit", "cursor"} or asked.get("sort") not in ("timestamp", "-timestamp"):
            return 400, {"errors": ["Invalid request body"]}, {}
        if not 1 <= page.get("limit", 10) <= MAX_LIMIT:
            return 400, {"errors": ["input_validation_error(Field 'page.limit' is invalid)"]}, {}
        if self.good_pages == 0:
            return 500, {"errors": ["Internal error"]}, {}
        self.good_pages -= 1
        return self._page(page, asked["filter"])

    def _page(self, page: dict[str, Any], span: dict[str, str]) -> Answer:
        found = [each for each in self.logs if is_in(each["attributes"]["timestamp"], span)]
        begin = int(urlsafe_b64decode(page["cursor"])) if "cursor" in page else 0
        limit = min(page.get("limit", 10), self.served)
        if begin and self.timeouts:
            self.timeouts -= 1
            return 200, {"data": found[begin : begin + 3], "meta": {"status": "timeout"}}, {}
        rows = found[begin : begin + limit]
        meta: dict[str, Any] = {"elapsed": 132, "status": "done", "request_id": f"pddv1-{self.requests}"}
        body: dict[str, Any] = {"data": rows, "meta": meta}
        # A full page has a cursor, also where nothing follows: an empty page without one is the last.
        if len(rows) == limit:
            after = urlsafe_b64encode(str(begin + limit).encode()).decode()
            meta["page"] = {"after": after}
            body["links"] = {"next": f"https://api.datadoghq.com/api/v2/logs/events?page[cursor]={after}"}
        return 200, body, {"X-RateLimit-Remaining": "299", "X-RateLimit-Reset": "3000"}


def is_in(time: str, span: dict[str, str]) -> bool:
    """Whether a log is in the span of a search; of a relative one (date math) each is."""
    return span["from"].startswith("now-") or span["from"] <= time < span["to"]


class TestDatadog(ResumableContract):
    case = Case(
        "datadog",
        Datadog,
        paths=["/api/v2/logs/events/search"],
        records="logs",
        secret=SECRET,
        limit={"limited": True},
        waited={"refused": 1},
        failure={"good_pages": 2},
        # The largest page that the server allows is the recipe's.
        refusal=Refusal("400", settings={"body": {"page": {"limit": 1_001}}}),
    )

    def test_a_page_that_was_cut_by_time_is_asked_for_again(self, api: Datadog, source: Source) -> None:
        """Its part of the logs does not stand for the page."""
        api.timeouts = 2

        assert self.ingested(source).values == api.logs

    def test_a_search_that_is_always_too_slow_fails(self, api: Datadog, source: Source) -> None:
        """A part of a page is never the end of the logs."""
        api.timeouts = 1_000

        with pytest.raises(SourceUnavailable, match="timeout"):
            self.ingested(source)

    def test_longer_spans_are_read_by_windows(self, api: Datadog, source: Source) -> None:
        """Their bounds stand in the body, as the recipe says."""
        source["body"]["filter"] |= {"from": "{since}", "to": "{until}"}
        source["windows"] = {"start": "2024-01-01T00:00:00Z", "days": 60}

        assert self.ingested(source).values == api.logs
