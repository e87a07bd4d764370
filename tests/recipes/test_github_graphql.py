"""GitHub GraphQL: the cursor in the body's variables, and errors and limits in answers 200."""

import json
import math
import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import pytest

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import Case, Refusal, ResumableContract, Source
from url_fetcher.errors import SourceRejected

SECRET = {"token": "github_pat_1"}
OLD, NEW = "2023-05-01T00:00:00Z", "2024-02-01T00:00:00Z"
DECLARED = re.compile(r"\$(\w+): (\w+)(!?)")
CONNECTION = re.compile(
    r"issues\(first: (\d+), after: \$after, filterBy: \{since: \$since\}, orderBy: (\{[^}]*\})\)"
)
PLACE = "cursor:v2:"
Answer = tuple[int, object, dict[str, str]]


def issue(number: int) -> dict[str, Any]:
    """One issue as the recipe asks for it; every tenth was not changed since the recipe's time."""
    labels = {"nodes": [{"name": "größer"}] if number % 2 else []}
    return {
        "id": f"I_{number:06}",
        "number": number,
        "createdAt": f"2022-01-01T{number // 60:02}:{number % 60:02}:00Z",
        "updatedAt": NEW if number % 10 else OLD,
        "labels": labels,
    }


@dataclass
class GitHubGraphQL:
    """As https://docs.github.com/en/graphql and its pages on paging and limits say.

    Attributes:
        issues: What the repository has now.
        reset_seconds: The second page is refused for so long, as where the points are used up.
        is_burst: As this by a secondary limit.
        good_pages: Behind so many, everything is 502.
        errors: Of every answer, beside its data.
    """

    issues: list[dict[str, Any]] = field(default_factory=lambda: [issue(n) for n in range(1, 281)])
    reset_seconds: float = 0
    is_burst: bool = False
    good_pages: int = 1_000
    errors: list[dict[str, Any]] = field(default_factory=list)
    refusals: int = 0
    reset_at: float = 0

    @property
    def expected(self) -> list[dict[str, Any]]:
        """The issues that changed since the recipe's time."""
        return [each for each in self.issues if each["updatedAt"] >= "2024-01-01T00:00:00Z"]

    def __call__(self, connection: Connection, request: Request) -> None:
        """Answer one query."""
        status, body, headers = self._answer(request)
        answer(json.dumps(body).encode(), status=status, headers=headers)(connection, request)

    def _answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != "Bearer github_pat_1":
            return 401, {"message": "Bad credentials"}, {}
        if request.method != "POST" or not request.headers.get("user-agent"):
            return 403, {"message": "Request forbidden by administrative rules."}, {}
        asked = json.loads(request.body)
        if problem := mistake(asked):
            return 200, {"errors": [{"message": problem}]}, {}
        after = asked["variables"].get("after")
        if after and self.reset_seconds and not self.refusals:
            self.reset_at = math.ceil(time.time() + self.reset_seconds)
        if time.time() < self.reset_at:
            return self._limited()
        if self.good_pages == 0:
            return 502, {"message": "We couldn't respond to your request in time."}, {}
        self.good_pages -= 1
        return self._page(asked, after)

    def _limited(self) -> Answer:
        self.refusals += 1
        if self.is_burst:
            wait = str(math.ceil(self.reset_at - time.time()))
            return 403, {"message": "You have exceeded a secondary rate limit."}, {"retry-after": wait}
        error = {
            "type": "RATE_LIMIT",
            "code": "graphql_rate_limit",
            "message": "API rate limit already exceeded",
        }
        headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(self.reset_at))}
        return 200, {"errors": [error]}, headers

    def _page(self, asked: dict[str, Any], after: str | None) -> Answer:
        variables = asked["variables"]
        if (variables["owner"], variables["name"]) != ("octocat", "Hello-World"):
            error = {
                "type": "NOT_FOUND",
                "path": ["repository"],
                "message": "Could not resolve to a Repository",
            }
            return 200, {"data": {"repository": None}, "errors": [error]}, {}
        first = int(CONNECTION.search(asked["query"]).group(1))  # type: ignore[union-attr]
        begin = int(urlsafe_b64decode(after).decode().removeprefix(PLACE)) if after else 0
        found = [each for each in self.issues if each["updatedAt"] >= variables["since"]]
        rows = found[begin : begin + first]
        end = urlsafe_b64encode(f"{PLACE}{begin + len(rows)}".encode()).decode() if rows else None
        info = {"hasNextPage": begin + first < len(found), "endCursor": end}
        body: dict[str, Any] = {"data": {"repository": {"issues": {"pageInfo": info, "nodes": rows}}}}
        headers = {"x-ratelimit-remaining": "4000", "x-ratelimit-reset": str(int(time.time()) + 3_000)}
        return 200, body | ({"errors": self.errors} if self.errors else {}), headers


def mistake(asked: dict[str, Any]) -> str:
    """What is wrong with a query, by the rules that GraphQL and GitHub have for its shape."""
    if asked.keys() - {"query", "variables", "operationName"} or not isinstance(asked.get("query"), str):
        return "A query attribute must be specified and must be a string."
    declared = {name: bool(required) for name, _, required in DECLARED.findall(asked["query"])}
    if missing := [
        name for name, required in declared.items() if required and name not in asked["variables"]
    ]:
        return f"Variable ${missing[0]} of type was provided invalid value"
    connection = CONNECTION.search(asked["query"])
    if not connection or not {"after", "since"} <= declared.keys():
        return "Parse error on the query"
    if not 1 <= int(connection.group(1)) <= 100:
        return f"Requesting {connection.group(1)} records exceeds the `first` limit of 100 records."
    return ""


class TestGitHubGraphQL(ResumableContract):
    case = Case(
        "github-graphql",
        GitHubGraphQL,
        paths=["/graphql"],
        secret=SECRET,
        # The API would refuse again before the reset.
        limit={"reset_seconds": 30},
        waited={"refusals": 1},
        failure={"good_pages": 1},
        refusal=Refusal("401", secret={"token": "other"}),
    )

    def test_a_burst_is_waited_for(self, api: GitHubGraphQL, source: Source) -> None:
        """A secondary limit answers 403, with the wait in a header."""
        api.reset_seconds, api.is_burst = 30, True

        assert (self.ingested(source).values, api.refusals) == (api.expected, 1)

    def test_a_repository_that_is_not_there_is_an_error(self, source: Source) -> None:
        """The API's own message tells what is wrong, although the status is 200."""
        source["body"]["variables"]["name"] = "Other"

        with pytest.raises(SourceRejected, match="Could not resolve to a Repository"):
            self.ingested(source)

    def test_nothing_of_a_page_that_was_cut_is_put(self, api: GitHubGraphQL, source: Source) -> None:
        """Where a query takes too much, GitHub answers with a part of the data and an error."""
        api.errors = [{"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits exceeded"}]

        with pytest.raises(SourceRejected, match="Resource limits") as failed:
            self.ingested(source)

        assert vars(failed.value)["stream"].lines == []
