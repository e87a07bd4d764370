"""Jira Cloud: search/jql by nextPageToken, with an e-mail address and an API token."""

import json
import re
import time
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import (
    Case,
    Refusal,
    ResumableContract,
    Source,
)

SECRET = {"username": "data@example.com", "password": "ATATT3x"}
SERVED = 10
KNOWN = {"jql", "fields", "maxResults", "nextPageToken"}
JQL = re.compile(r'updated >= "(\d{4}-\d\d-\d\d) (\d\d:\d\d)" ORDER BY updated ASC, key ASC')


def issue(number: int, updated: int | None = None) -> dict[str, Any]:
    """An issue; two were changed in the same minute."""
    minute = (number if updated is None else updated) // 2
    fields = {"summary": f"Größe {number}", "updated": f"2024-03-01T10:{minute:02}:00.000+0000"}
    return {"id": str(10_000 + number), "key": f"ING-{number:03}", "fields": fields}


def place(one: dict[str, Any]) -> list[str]:
    """Where an issue is in the order of the recipe's JQL."""
    return [one["fields"]["updated"], one["key"]]


@dataclass
class Jira:
    """The API as https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/ says.

    Attributes:
        issues: What the site has now.
        changed: Issues that are changed after the first page, by number.
        is_limited: Whether the third request is answered with 429 and a second's wait.
        broken_from: The number of issues behind which everything is 500.
        refused: How often 429 was answered.
    """

    issues: list[dict[str, Any]] = field(default_factory=lambda: [issue(number) for number in range(45)])
    changed: list[dict[str, Any]] = field(default_factory=list)
    is_limited: bool = False
    broken_from: int = 1_000
    refused: int = 0
    requests: int = 0
    free_at: float = 0

    def __call__(self, connection: Connection, request: Request) -> None:
        """One page."""
        self.requests += 1
        status, body, headers = self._answered(request)
        answer(json.dumps(body).encode(), status=status, headers=headers)(connection, request)

    def _answered(self, request: Request) -> tuple[int, dict[str, Any], dict[str, str]]:
        user = b64encode(f"{SECRET['username']}:{SECRET['password']}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {user}":
            return 401, {"message": "Client must be authenticated to access this resource."}, {}
        if self.is_limited and self.requests == 3:
            self.free_at = time.monotonic() + 1
        if time.monotonic() < self.free_at:
            self.refused += 1
            limits = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2024-05-10T11:00Z"}
            return 429, {}, {"Retry-After": "1", "RateLimit-Reason": "jira-burst-based", **limits}
        asked = request.query
        bounded = JQL.fullmatch(asked.get("jql", ""))
        token = asked.get("nextPageToken", "")
        if not bounded or asked.keys() - KNOWN or not 1 <= int(asked.get("maxResults", "50")) <= 5_000:
            return 400, {"errorMessages": ["Unbounded JQL queries are not allowed here."], "errors": {}}, {}
        if token and self.changed:
            keys = {one["key"] for one in self.changed}
            self.issues = [one for one in self.issues if one["key"] not in keys] + self.changed
            self.changed = []
        return self._page("T".join(bounded.groups()), token, asked)

    def _page(self, since: str, token: str, asked: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
        behind = json.loads(urlsafe_b64decode(token)) if token else [since, ""]
        found = sorted(self.issues, key=place)
        rest = [one for one in found if place(one) > behind]
        if len(found) - len(rest) >= self.broken_from:
            return 500, {"errorMessages": ["Internal server error"]}, {}
        page = rest[: min(SERVED, int(asked.get("maxResults", "50")))]
        # Without `fields`, an issue is its id alone.
        shown = page if asked.get("fields") == "*all" else [{"id": one["id"]} for one in page]
        body: dict[str, Any] = {"issues": shown, "isLast": len(page) == len(rest)}
        if len(page) < len(rest):
            body["nextPageToken"] = urlsafe_b64encode(json.dumps(place(page[-1])).encode()).decode()
        return 200, body, {}


class TestJira(ResumableContract):
    case = Case(
        "jira",
        Jira,
        paths=["/rest/api/3/search/jql"],
        records="issues",
        secret=SECRET,
        limit={"is_limited": True},
        waited={"refused": 1},
        failure={"broken_from": 20},
        refusal=Refusal("401", secret=SECRET | {"password": "wrong"}),
    )

    def test_issues_that_change_during_the_walk_come_as_they_are_then(
        self, api: Jira, source: Source
    ) -> None:
        """One that was read comes again, one that was not comes at the end, and no other is missing."""
        api.changed = [issue(3, 98), issue(30, 99)]

        values = self.ingested(source).values

        unmoved = [issue(number) for number in range(45) if number != 30]
        assert values == [*unmoved, issue(3, 98), issue(30, 99)]
