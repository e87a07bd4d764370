"""GitHub: pages by the Link header, limits by 403 with X-RateLimit-Reset."""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest

from local_aws.servers.hostile_source import Connection, HostileSource, Request, answer
from tests.recipes.recipe import at, ingest, recipe, resumed
from url_fetcher.errors import DeadlineExceeded, SourceRejected, SourceUnavailable

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
    refusals: int = 0

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
            headers["Link"] = f'<{first}>; rel="first", <{following}>; rel="next"'
        return 200, rows, headers


@pytest.fixture
def api() -> GitHub:
    """The API's state."""
    return GitHub()


@pytest.fixture
def server(api: GitHub) -> Iterator[HostileSource]:
    """The API."""
    with HostileSource({PATH: api, BY_ID: api}) as source:
        api.url = source.url("")
        yield source


def changed_since(api: GitHub) -> list[dict[str, Any]]:
    """What the recipe asks for."""
    return [each for each in api.issues if each["updated_at"] >= "2024-01-01T00:00:00Z"]


def test_every_issue_that_changed_is_ingested(api: GitHub, server: HostileSource) -> None:
    """Open and closed, in the order of their creation, as they were sent."""
    stream = ingest(at(server, recipe("github")), secret=SECRET)

    assert stream.values == changed_since(api)


def test_no_issue_is_missed_where_some_change_during_the_walk(api: GitHub, server: HostileSource) -> None:
    """One that only now belongs to the list shifts the pages: what comes twice is the same record."""
    api.changes = True
    before = {each["number"] for each in changed_since(api)}

    stream = ingest(at(server, recipe("github")), secret=SECRET)

    assert before <= {each["number"] for each in stream.values}


def test_a_used_up_limit_is_waited_for_until_its_reset(api: GitHub, server: HostileSource) -> None:
    """The 403 comes in the middle; the server would refuse again before the reset."""
    api.reset_seconds = 0.5

    stream = ingest(at(server, recipe("github")), secret=SECRET)

    assert (stream.values, api.refusals) == (changed_since(api), 1)


def test_a_reset_behind_the_invocations_end_is_resumed(api: GitHub, server: HostileSource) -> None:
    """The wait is not begun, and the next event goes on at the refused page."""
    source = at(server, recipe("github"))
    api.reset_seconds = 3_000
    with pytest.raises(DeadlineExceeded) as failed:
        ingest(source, secret=SECRET)
    api.reset_at = 0

    values = resumed(source, failed.value, secret=SECRET)

    assert values == changed_since(api)


def test_resume_brings_the_rest_after_a_failure(api: GitHub, server: HostileSource) -> None:
    """What was accepted and what follows are all issues, each once."""
    source = at(server, recipe("github"))
    api.good_pages = 1
    with pytest.raises(SourceUnavailable) as failed:
        ingest(source, secret=SECRET, change=lambda each: each["retry"].update(max_attempts=2))
    api.good_pages = 1_000

    values = resumed(source, failed.value, secret=SECRET)

    assert values == changed_since(api)


def test_a_wrong_token_is_not_tried_again(server: HostileSource) -> None:
    """The API answers 401."""
    with pytest.raises(SourceRejected):
        ingest(at(server, recipe("github")), secret={"token": "other"})
