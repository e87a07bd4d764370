"""Notion: the cursor goes into the body of a POST, and a query ends at 10,000 results."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from local_aws.servers.hostile_source import Connection, HostileSource, Request, answer
from tests.recipes.recipe import at, ingest, recipe, resumed
from url_fetcher.errors import SourceRejected, SourceUnavailable

SECRET = {"token": "ntn_1"}
PATH = "/v1/data_sources/248104cd-477e-80af-bc30-000bd28de8f9/query"
SINCE = "2024-01-01T00:00:00Z"
MAX_RESULTS, MAX_PAGE = 10_000, 100
KEYS = {"page_size", "start_cursor", "sorts", "filter", "archived", "in_trash", "result_type"}
Answer = tuple[int, dict[str, Any], dict[str, str]]


def page(number: int) -> dict[str, Any]:
    """One page; every ninth was not edited since the recipe's time."""
    created = f"2023-02-{1 + number // 1_440:02}T{number // 60 % 24:02}:{number % 60:02}:00.000Z"
    edited = "2024-05-01T10:00:00.000Z" if number % 9 else created
    return {
        "object": "page",
        "id": str(uuid.UUID(int=number)),
        "created_time": created,
        "last_edited_time": edited,
        "properties": {"Name": {"title": [{"plain_text": f"Page {number}"}]}},
    }


def refused(status: int, code: str, message: str = "") -> Answer:
    """An error as the API writes it."""
    return status, {"object": "error", "status": status, "code": code, "message": message}, {}


@dataclass
class Notion:
    """As https://developers.notion.com/reference/query-a-data-source and its guide for large ones say."""

    pages: list[dict[str, Any]] = field(default_factory=lambda: [page(number) for number in range(1, 380)])
    cursors: dict[str, tuple[str, str]] = field(default_factory=dict)
    good_pages: int = 1_000
    limit_seconds: int = 0
    limited_until: float = 0
    too_early: int = 0
    edits: bool = False

    def __call__(self, connection: Connection, request: Request) -> None:
        """Answer one query."""
        status, body, headers = self._answer(request)
        answer(json.dumps(body).encode(), status=status, headers=headers)(connection, request)

    def _answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != "Bearer ntn_1":
            return refused(401, "unauthorized", "API token is invalid.")
        if request.headers.get("notion-version") != "2025-09-03":
            return refused(400, "missing_version")
        if request.method != "POST" or request.headers.get("content-type") != "application/json":
            return refused(400, "invalid_request")
        asked = json.loads(request.body)
        if asked.keys() - KEYS or not 1 <= asked.get("page_size", MAX_PAGE) <= MAX_PAGE:
            return refused(400, "validation_error", "body failed validation")
        if "start_cursor" in asked and asked["start_cursor"] not in self.cursors:
            return refused(400, "validation_error", "The start_cursor provided is invalid")
        if self.limit_seconds and self.cursors:
            self.limited_until, self.limit_seconds = time.monotonic() + self.limit_seconds, 0
            return *refused(429, "rate_limited")[:2], {"Retry-After": "1"}
        if time.monotonic() < self.limited_until - 0.05:
            self.too_early += 1
            return *refused(429, "rate_limited")[:2], {"Retry-After": "1"}
        if self.good_pages == 0:
            return refused(503, "service_unavailable")
        return self._page(asked)

    def _page(self, asked: dict[str, Any]) -> Answer:
        (sort,), edited = asked["sorts"], asked["filter"]["last_edited_time"]["on_or_after"]
        found = [each for each in self.pages if each["last_edited_time"] >= edited.replace("Z", ".000Z")]
        found.sort(
            key=lambda each: (each[sort["timestamp"]], each["id"]), reverse=sort["direction"] == "descending"
        )
        capped = found[:MAX_RESULTS]
        keys = [(each[sort["timestamp"]], each["id"]) for each in capped]
        after = self.cursors.get(asked.get("start_cursor", ""), ("", ""))
        start = next((index for index, key in enumerate(keys) if key > after), len(keys))
        stop = start + asked.get("page_size", MAX_PAGE)
        rows = json.loads(json.dumps(capped[start:stop]))
        cursor = None
        if stop < len(capped):
            cursor = str(uuid.uuid4())
            self.cursors[cursor] = keys[stop - 1]
        self.good_pages -= 1
        if self.edits:
            self._edit()
        is_cut = cursor is None and len(found) > MAX_RESULTS
        reason = {"incomplete_reason": "query_result_limit_reached"} if is_cut else {}
        status = {"type": "incomplete" if is_cut else "complete", **reason}
        body = {"object": "list", "results": rows, "next_cursor": cursor, "has_more": cursor is not None}
        return 200, {**body, "type": "page_or_data_source", "request_status": status}, {}

    def _edit(self) -> None:
        """One page that was read, one that was not, and one that only now belongs to the answer."""
        for each in (self.pages[0], self.pages[-1], self.pages[8]):
            each["last_edited_time"] = "2024-06-01T10:00:00.000Z"


@pytest.fixture
def api() -> Notion:
    """The API's state."""
    return Notion()


@pytest.fixture
def server(api: Notion) -> Iterator[HostileSource]:
    """The API."""
    with HostileSource({PATH: api}) as source:
        yield source


def edited_since(api: Notion) -> list[dict[str, Any]]:
    """What the recipe asks for."""
    return [each for each in api.pages if each["last_edited_time"] >= SINCE]


def test_every_edited_page_is_ingested(api: Notion, server: HostileSource) -> None:
    """Each once, as it was sent."""
    stream = ingest(at(server, recipe("notion")), secret=SECRET)

    assert stream.values == edited_since(api)


def test_pages_edited_during_the_walk_are_not_missed(api: Notion, server: HostileSource) -> None:
    """The order by creation stays."""
    api.edits = True
    before = {each["id"] for each in edited_since(api)}

    stream = ingest(at(server, recipe("notion")), secret=SECRET)

    assert before <= {each["id"] for each in stream.values}


def test_a_query_that_is_cut_at_ten_thousand_fails(api: Notion, server: HostileSource) -> None:
    """The API says so in a good answer; the error has its reason."""
    api.pages = [page(number) for number in range(1, 11_400)]

    with pytest.raises(SourceRejected, match="query_result_limit_reached"):
        ingest(at(server, recipe("notion")), secret=SECRET)


def test_a_limit_is_waited_for(api: Notion, server: HostileSource) -> None:
    """No request comes before the time that Retry-After asks for."""
    api.limit_seconds = 1

    stream = ingest(at(server, recipe("notion")), secret=SECRET)

    assert (api.limit_seconds, api.too_early, stream.values) == (0, 0, edited_since(api))


def test_resume_brings_the_rest_after_a_failure(api: Notion, server: HostileSource) -> None:
    """What was accepted and what follows are all pages, each once."""
    source = at(server, recipe("notion"))
    api.good_pages = 2
    with pytest.raises(SourceUnavailable) as failed:
        ingest(source, secret=SECRET, change=lambda each: each["retry"].update(max_attempts=2))
    api.good_pages = 1_000

    values = resumed(source, failed.value, secret=SECRET)

    assert values == edited_since(api)


def test_a_wrong_token_is_not_tried_again(server: HostileSource) -> None:
    """The API answers 401."""
    with pytest.raises(SourceRejected):
        ingest(at(server, recipe("notion")), secret={"token": "other"})
