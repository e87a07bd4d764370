"""Notion: the cursor goes into the body of a POST, and a query ends at 10,000 results."""

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import (
    Case,
    Refusal,
    ResumableContract,
    Source,
)
from url_fetcher.errors import SourceRejected

SECRET = {"token": "ntn_1"}
PATH = "/v1/data_sources/248104cd-477e-80af-bc30-000bd28de8f9/query"
SINCE = "2024-01-01T00:00:00Z"
MAX_PAGE = 100
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
    max_results: int = 10_000
    limit_seconds: int = 0
    limited_until: float = 0
    too_early: int = 0
    edits: bool = False

    @property
    def expected(self) -> list[dict[str, Any]]:
        """The pages that were edited since the recipe's time."""
        return [each for each in self.pages if each["last_edited_time"] >= SINCE]

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
        capped = found[: self.max_results]
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
        is_cut = cursor is None and len(found) > self.max_results
        reason = {"incomplete_reason": "query_result_limit_reached"} if is_cut else {}
        status = {"type": "incomplete" if is_cut else "complete", **reason}
        body = {"object": "list", "results": rows, "next_cursor": cursor, "has_more": cursor is not None}
        return 200, {**body, "type": "page_or_data_source", "request_status": status}, {}

    def _edit(self) -> None:
        """One page that was read, one that was not, and one that only now belongs to the answer."""
        for each in (self.pages[0], self.pages[-1], self.pages[8]):
            each["last_edited_time"] = "2024-06-01T10:00:00.000Z"


class TestNotion(ResumableContract):
    case = Case(
        "notion",
        Notion,
        paths=[PATH],
        secret=SECRET,
        limit={"limit_seconds": 1},
        waited={"limit_seconds": 0, "too_early": 0},
        failure={"good_pages": 2},
        refusal=Refusal("401", secret={"token": "other"}),
    )

    def test_pages_edited_during_the_walk_are_not_missed(self, api: Notion, source: Source) -> None:
        """The order by creation stays."""
        api.edits = True
        before = {each["id"] for each in api.expected}

        stream = self.ingested(source)

        assert before <= {each["id"] for each in stream.values}

    def test_a_query_that_is_cut_fails(self, api: Notion, source: Source) -> None:
        """The API says so in a good answer; the error has its reason."""
        api.max_results = len(api.expected) - 1

        with pytest.raises(SourceRejected, match="query_result_limit_reached"):
            self.ingested(source)
