"""GitHub: the issues of each repository of an organisation, one list of requests for each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from local_aws.servers.hostile_source import Behaviour, Connection, Request, answer
from tests.recipes.recipe import Case, Refusal, ResumableContract, Source

SECRET = {"token": "github_pat_1"}
ORGANIZATION = "/orgs/octo-org/repos"
OLD, NEW = "2023-05-01T00:00:00Z", "2024-02-01T00:00:00Z"
WITHOUT_ISSUES, EMPTY = 3, 4
Answer = tuple[int, object, dict[str, str]]


def repository(number: int) -> dict[str, Any]:
    """A repository; issues are switched off in one of them."""
    name = f"repo-{number:03}"
    has_issues = number != WITHOUT_ISSUES
    return {"id": number, "name": name, "full_name": f"octo-org/{name}", "has_issues": has_issues}


def issue(repository: int, number: int) -> dict[str, Any]:
    """An issue; every fifth was not changed since the recipe's time."""
    return {"id": repository * 1_000 + number, "number": number, "updated_at": NEW if number % 5 else OLD}


@dataclass
class GitHub:
    """As https://docs.github.com/en/rest/repos/repos and /issues/issues say.

    Attributes:
        repositories: What the organisation has.
        issues: So many issues has each repository but the empty one.
        limited: So many requests for issues are answered with 403 and a second's wait.
        good_lists: Behind so many lists of issues, everything is 502.
    """

    repositories: list[dict[str, Any]] = field(default_factory=lambda: [repository(n) for n in range(1, 8)])
    issues: int = 250
    url: str = ""
    limited: int = 0
    good_lists: int = 1_000
    lists: int = 0

    @property
    def expected(self) -> list[dict[str, Any]]:
        """The issues that changed since the recipe's time, repository by repository."""
        return [
            {"parent": {"name": one["name"]}, "record": each}
            for one in self.repositories
            for each in self.of(one)
            if each["updated_at"] == NEW
        ]

    def of(self, one: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The issues of a repository."""
        has_none = one["id"] in (WITHOUT_ISSUES, EMPTY)
        return [] if has_none else [issue(one["id"], number) for number in range(1, self.issues + 1)]

    def __call__(self, connection: Connection, request: Request) -> None:
        """Answer one request."""
        status, body, headers = self._answered(request)
        answer(json.dumps(body).encode(), status=status, headers=headers)(connection, request)

    def _answered(self, request: Request) -> Answer:
        if request.headers.get("authorization") != "Bearer github_pat_1":
            return 401, {"message": "Bad credentials"}, {}
        asked = {"per_page": "30", "page": "1", **request.query}
        if asked.get("type", "all") not in {"all", "public", "private", "forks", "sources", "member"}:
            return 422, {"message": "Validation Failed"}, {}
        if request.path == ORGANIZATION:
            return self._page(request.path, asked, self.repositories)
        return self._issues(request.path, asked)

    def _issues(self, path: str, asked: dict[str, str]) -> Answer:
        one = next(each for each in self.repositories if path == f"/repos/{each['full_name']}/issues")
        if not one["has_issues"]:
            return 410, {"message": "Issues has been disabled in this repository."}, {}
        if self.lists and self.limited:
            self.limited -= 1
            return 403, {"message": "You have exceeded a secondary rate limit."}, {"Retry-After": "1"}
        if self.lists >= self.good_lists:
            return 502, {"message": "Server Error"}, {}
        self.lists += 1
        found = [each for each in self.of(one) if each["updated_at"] >= asked.get("since", "")]
        return self._page(path, asked, found if asked.get("state") == "all" else found[:1])

    def _page(self, path: str, asked: dict[str, str], found: list[dict[str, Any]]) -> Answer:
        size, page = min(int(asked["per_page"]), 100), int(asked["page"])
        headers = {"X-RateLimit-Remaining": "4000"}
        if page * size < len(found):
            following = f"{self.url}{path}?{urlencode({**asked, 'page': page + 1})}"
            headers["Link"] = f'<{following}>; rel="next"'
        return 200, found[(page - 1) * size : page * size], headers


class TestGitHubOrganization(ResumableContract):
    case = Case(
        "github-organization",
        GitHub,
        secret=SECRET,
        limit={"limited": 2},
        waited={"limited": 0},
        failure={"good_lists": 4},
        refusal=Refusal("401", secret={"token": "other"}),
    )

    def behaviours(self, api: GitHub) -> dict[str, Behaviour]:
        """The repositories, and the issues of each."""
        issues = {f"/repos/{each['full_name']}/issues": api for each in api.repositories}
        return {ORGANIZATION: api, **issues}

    def test_an_organization_without_repositories_has_no_issues(self, api: GitHub, source: Source) -> None:
        """Nothing is asked for behind the list."""
        api.repositories = []

        assert (self.ingested(source).values, api.lists) == ([], 0)
