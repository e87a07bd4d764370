"""GitLab: pages by X-Next-Page, projects by key with a Link header, limits as 429 with RateLimit-Reset."""

import json
import math
import time
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any
from urllib.parse import urlencode

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import (
    Case,
    Refusal,
    ResumableContract,
    Source,
)

SECRET = {"api_key": "glpat-1"}
ISSUES, PROJECTS = "/api/v4/projects/278964/issues", "/api/v4/projects"
OLD, NEW, CHANGED = "2023-05-01T00:00:00.000Z", "2024-02-01T00:00:00.000Z", "2024-03-01T00:00:00.000Z"
Answer = tuple[int, Any, dict[str, str]]


def issue(number: int) -> dict[str, Any]:
    """One issue; every tenth was not changed since the recipe's date."""
    created = f"2022-01-01T{number // 60:02}:{number % 60:02}:00.000Z"
    return {
        "id": 7_000 + number,
        "iid": number,
        "created_at": created,
        "updated_at": NEW if number % 10 else OLD,
    }


def project(number: int) -> dict[str, Any]:
    """One project; ids have gaps."""
    return {"id": number * 3, "path_with_namespace": f"group/project-{number}"}


@dataclass
class GitLab:
    """As https://docs.gitlab.com/api/rest/#pagination, /api/issues/ and /api/projects/ say.

    Attributes:
        path: Of the list that is read.
    """

    path: str
    issues: list[dict[str, Any]] = field(default_factory=lambda: [issue(n) for n in range(1, 291)])
    projects: list[dict[str, Any]] = field(default_factory=lambda: [project(n) for n in range(1, 251)])
    url: str = ""
    good_pages: int = 1_000
    pages: int = 0
    limit_at: int = -1
    reset_at: int = 0
    refusals: int = 0
    changes: bool = False

    def __call__(self, connection: Connection, request: Request) -> None:
        """Answer one request."""
        status, body, headers = self._answer(request)
        answer(json.dumps(body).encode(), status=status, headers=headers)(connection, request)

    def _answer(self, request: Request) -> Answer:
        if request.headers.get("private-token") != "glpat-1":
            return 401, {"message": "401 Unauthorized"}, {}
        if self.pages == self.limit_at:
            self.limit_at, self.reset_at = -1, math.ceil(time.time() + 0.3)
        if time.time() < self.reset_at:
            self.refusals += 1
            headers = {
                "RateLimit-Limit": "2000",
                "RateLimit-Remaining": "0",
                "RateLimit-Reset": str(self.reset_at),
                "RateLimit-ResetTime": formatdate(self.reset_at, usegmt=True),
            }
            return 429, "Retry later", headers
        if self.pages == self.good_pages:
            return 500, {"message": "500 Internal Server Error"}, {}
        asked = {"order_by": "created_at", "sort": "desc", "per_page": "20", **request.query}
        if asked["sort"] not in ("asc", "desc") or not asked["per_page"].isdecimal():
            return 400, {"error": "sort does not have a valid value"}, {}
        found = self._issues(asked) if request.path == ISSUES else self._projects(asked)
        self.pages += found[0] == 200
        return found

    def _issues(self, asked: dict[str, str]) -> Answer:
        if asked.get("pagination") == "keyset":
            return 405, {"error": "Keyset pagination is not yet available for this type of request"}, {}
        if asked["order_by"] not in ("created_at", "updated_at") or not asked.get("page", "1").isdecimal():
            return 400, {"error": "order_by does not have a valid value"}, {}
        found = [each for each in self.issues if each["updated_at"] >= asked.get("updated_after", "")]
        found.sort(key=lambda each: (each[asked["order_by"]], each["id"]), reverse=asked["sort"] == "desc")
        page, size = int(asked.get("page", "1")), min(int(asked["per_page"]), 100)
        rows = json.loads(json.dumps(found[(page - 1) * size : page * size]))
        following = str(page + 1) if page * size < len(found) else ""
        if self.changes and page == 1:
            self.issues[4]["updated_at"] = self.issues[9]["updated_at"] = CHANGED
        headers = {"X-Page": str(page), "X-Per-Page": str(size), "X-Next-Page": following}
        return 200, rows, headers

    def _projects(self, asked: dict[str, str]) -> Answer:
        if asked.get("pagination") != "keyset" or asked["order_by"] != "id":
            return 405, {"error": "Keyset pagination by id is what this server has"}, {}
        size, after = min(int(asked["per_page"]), 100), int(asked.get("id_after", "0"))
        found = sorted((each for each in self.projects if each["id"] > after), key=lambda each: each["id"])
        rows = found[:size]
        headers = {}
        # The API names a page after a full one, even if it is empty.
        if len(rows) == size:
            following = urlencode({**asked, "id_after": rows[-1]["id"]})
            headers["Link"] = f'<{self.url}{PROJECTS}?{following}>; rel="next"'
        if self.changes and after == 0:
            self.projects = [*self.projects[10:], project(1_000)]
        return 200, rows, headers

    @property
    def expected(self) -> list[dict[str, Any]]:
        """All projects, or the issues that changed since the recipe's date."""
        if self.path == PROJECTS:
            return list(self.projects)
        return [each for each in self.issues if each["updated_at"] >= "2024-01-01T00:00:00Z"]


class GitLabContract(ResumableContract):
    """What either source of the recipe promises besides."""

    def test_no_record_is_missed_where_some_change_during_the_walk(self, api: GitLab, source: Source) -> None:
        """An issue more shifts the pages forward; projects that are deleted shift nothing."""
        api.changes = True
        before = {each["id"] for each in api.expected}

        stream = self.ingested(source)

        assert before <= {each["id"] for each in stream.values}


OF_ISSUES = Case(
    "gitlab",
    lambda: GitLab(ISSUES),
    paths=[ISSUES],
    secret=SECRET,
    limit={"limit_at": 1},
    waited={"refusals": 1},
    failure={"good_pages": 2},
    refusal=Refusal("401", secret={"api_key": "other"}),
)


class TestIssues(GitLabContract):
    case = OF_ISSUES


class TestProjects(GitLabContract):
    case = replace(OF_ISSUES, api=lambda: GitLab(PROJECTS), paths=[PROJECTS], index=1)

    def test_a_last_page_by_key_may_be_full(self, api: GitLab, source: Source) -> None:
        """The page after it is empty, and names no other."""
        api.projects = api.projects[:200]

        stream = self.ingested(source)

        assert (stream.values, api.pages) == (api.projects, 3)
