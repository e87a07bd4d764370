"""GitHub: pages by the Link header, limits by 403 with X-RateLimit-Reset."""

import json
import math
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import (
    Case,
    Refusal,
    ResumableContract,
    Source,
    resumed,
)
from url_fetcher.errors import DeadlineExceeded

SECRET = {"token": "github_pat_1"}
PATH, BY_ID = "/repos/octocat/Hello-World/issues", "/repositories/1296269/issues"
OLD, NEW, CHANGED = "2023-05-01T00:00:00Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"
ALLOWED = {
    "state": {"open", "closed", "all"},
    "sort": {"created", "updated", "comments"},
    "direction": {"asc", "desc"},
}
Answer = tuple[int, object, dict[str, str]]


def issue(number: int) -> dict[str, Any]:
    """One issue; every tenth was not changed since the recipe's date."""
    state, updated = ("closed" if number % 3 else "open"), (NEW if number % 10 else OLD)
    created = f"2022-01-01T{number // 60:02}:{number % 60:02}:00Z"
    return {
        "id": 9_000 + number,
        "number": number,
        "state": state,
        "created_at": created,
        "updated_at": updated,
    }


@dataclass
class GitHub:
    """As https://docs.github.com/en/rest/issues/issues and its pages on paging and limits say."""

    issues: list[dict[str, Any]] = field(default_factory=lambda: [issue(n) for n in range(1, 281)])
    url: str = ""
    good_pages: int = 1_000
    reset_seconds: float = 0
    changes: bool = False
    is_burst: bool = False
    refusals: int = 0

    @property
    def expected(self) -> list[dict[str, Any]]:
        """The issues that changed since the recipe's date."""
        return [each for each in self.issues if each["updated_at"] >= "2024-01-01T00:00:00Z"]

    def __call__(self, connection: Connection, request: Request) -> None:
        """Answer one request."""
        status, body, headers = self._answer(request)
        answer(json.dumps(body).encode(), status=status, headers=headers)(connection, request)

    def _answer(self, request: Request) -> Answer:
        asked = {"state": "open", "sort": "created", "direction": "desc", **request.query}
        if not request.headers.get("user-agent"):
            return 403, {"message": "Request forbidden by administrative rules."}, {}
        if request.headers.get("authorization") != "Bearer github_pat_1":
            return 401, {"message": "Bad credentials"}, {}
        if request.headers.get("x-github-api-version") not in ("2022-11-28", None):
            return 400, {"message": "Unsupported API version"}, {}
        if any(asked[name] not in allowed for name, allowed in ALLOWED.items()):
            return 422, {"message": "Validation Failed"}, {}
        if self.reset_seconds and asked.get("page") == "2" and not self.refusals:
            return self._limited()
        if self.good_pages == 0:
            return 502, {"message": "Server Error"}, {}
        return self._page(asked)

    def _limited(self) -> Answer:
        self.refusals += 1
        self.reset_at = math.ceil(time.time() + self.reset_seconds)
        headers = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0"}
        if self.is_burst:
            # The limit of an hour has something left, and resets much later.
            wait = str(math.ceil(self.reset_at - time.time()))
            left = {"X-RateLimit-Remaining": "4000", "X-RateLimit-Reset": str(self.reset_at + 3_000)}
            return (
                403,
                {"message": "You have exceeded a secondary rate limit."},
                {"Retry-After": wait, **left},
            )
        return (
            403,
            {"message": "API rate limit exceeded for user ID 1."},
            {**headers, "X-RateLimit-Reset": str(self.reset_at)},
        )

    def _page(self, asked: dict[str, str]) -> Answer:
        if self.refusals and time.time() < self.reset_at:
            return self._limited()
        size, page = min(int(asked.get("per_page", "30")), 100), int(asked.get("page", "1"))
        states = {"open", "closed"} if asked["state"] == "all" else {asked["state"]}
        found = [each for each in self.issues if each["updated_at"] >= asked.get("since", "")]
        found = sorted(
            (each for each in found if each["state"] in states),
            key=lambda each: (each[f"{asked['sort']}_at"], each["number"]),
            reverse=asked["direction"] == "desc",
        )
        rows = json.loads(json.dumps(found[(page - 1) * size : page * size]))
        self.good_pages -= 1
        if self.changes and page == 1:
            self.issues[4]["updated_at"] = CHANGED
            self.issues[9]["updated_at"] = CHANGED
        headers = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4000", "X-RateLimit-Reset": "1"}
        if page * size < len(found):
            following = f"{self.url}{BY_ID}?{urlencode({**asked, 'page': page + 1})}"
            first = f"{self.url}{BY_ID}?{urlencode({**asked, 'page': 1})}"
            last = f"{self.url}{BY_ID}?{urlencode({**asked, 'page': -(-len(found) // size)})}"
            headers["Link"] = f'<{first}>; rel="first", <{following}>; rel="next", <{last}>; rel="last"'
        return 200, rows, headers


class TestGitHub(ResumableContract):
    case = Case(
        "github",
        GitHub,
        paths=[PATH, BY_ID],
        secret=SECRET,
        # The 403 comes in the middle; the server would refuse again before the reset.
        limit={"reset_seconds": 0.5},
        waited={"refusals": 1},
        failure={"good_pages": 1},
        refusal=Refusal("401", secret={"token": "other"}),
    )

    def test_no_issue_is_missed_where_some_change_during_the_walk(self, api: GitHub, source: Source) -> None:
        """One that only now belongs to the list shifts the pages: what comes twice is the same record."""
        api.changes = True
        before = {each["number"] for each in api.expected}

        stream = self.ingested(source)

        assert before <= {each["number"] for each in stream.values}

    def test_a_burst_is_waited_for_as_long_as_it_takes(self, api: GitHub, source: Source) -> None:
        """A secondary limit is over before the reset of the hour's."""
        api.reset_seconds, api.is_burst = 30, True

        assert (self.ingested(source).values, api.refusals) == (api.expected, 1)

    def test_a_reset_behind_the_invocations_end_is_resumed(self, api: GitHub, source: Source) -> None:
        """The wait is not begun, and the next event goes on at the refused page."""
        api.reset_seconds = 3_000
        with pytest.raises(DeadlineExceeded) as failed:
            self.ingested(source)
        api.reset_at = 0

        assert resumed(source, failed.value, secret=SECRET) == api.expected
