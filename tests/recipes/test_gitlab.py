"""GitLab: pages by X-Next-Page, projects by key with a Link header, limits as 429 with RateLimit-Reset."""

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
from url_fetcher.errors import SourceRejected, SourceUnavailable

SECRET = {"api_key": "glpat-1"}
ISSUES, PROJECTS = "/api/v4/projects/278964/issues", "/api/v4/projects"
OLD, NEW, CHANGED = "2023-05-01T00:00:00.000Z", "2024-02-01T00:00:00.000Z", "2024-03-01T00:00:00.000Z"
RECIPE_INDEX = {ISSUES: 0, PROJECTS: 1}
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
    """As https://docs.gitlab.com/api/rest/#pagination, /api/issues/ and /api/projects/ say."""

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

    def wanted(self, path: str) -> list[dict[str, Any]]:
        """What the recipe of the path asks for."""
        if path == PROJECTS:
            return list(self.projects)
        return [each for each in self.issues if each["updated_at"] >= "2024-01-01T00:00:00Z"]


@pytest.fixture
def api() -> GitLab:
    """The API's state."""
    return GitLab()


@pytest.fixture
def server(api: GitLab) -> Iterator[HostileSource]:
    """The API."""
    with HostileSource({ISSUES: api, PROJECTS: api}) as source:
        api.url = source.url("")
        yield source


def source_of(server: HostileSource, path: str) -> dict[str, Any]:
    """The recipe's source of that path."""
    return at(server, recipe("gitlab", RECIPE_INDEX[path]))


@pytest.mark.parametrize("path", [ISSUES, PROJECTS])
def test_every_record_is_ingested(api: GitLab, server: HostileSource, path: str) -> None:
    """Each once, as it was sent."""
    stream = ingest(source_of(server, path), secret=SECRET)

    assert stream.values == api.wanted(path)


def test_a_last_page_by_key_may_be_full(api: GitLab, server: HostileSource) -> None:
    """The page after it is empty, and names no other."""
    api.projects = api.projects[:200]

    stream = ingest(source_of(server, PROJECTS), secret=SECRET)

    assert (stream.values, api.pages) == (api.projects, 3)


@pytest.mark.parametrize("path", [ISSUES, PROJECTS])
def test_no_record_is_missed_where_some_change_during_the_walk(
    api: GitLab, server: HostileSource, path: str
) -> None:
    """An issue more shifts the pages forward; projects that are deleted shift nothing."""
    api.changes = True
    before = {each["id"] for each in api.wanted(path)}

    stream = ingest(source_of(server, path), secret=SECRET)

    assert before <= {each["id"] for each in stream.values}


@pytest.mark.parametrize("path", [ISSUES, PROJECTS])
def test_a_limit_is_waited_for_until_its_reset(api: GitLab, server: HostileSource, path: str) -> None:
    """One request is refused, and none comes before the reset."""
    api.limit_at = 1

    stream = ingest(source_of(server, path), secret=SECRET)

    assert (api.refusals, stream.values) == (1, api.wanted(path))


@pytest.mark.parametrize("path", [ISSUES, PROJECTS])
def test_resume_brings_the_rest_after_a_failure(api: GitLab, server: HostileSource, path: str) -> None:
    """What was accepted and what follows are all records, each once."""
    source = source_of(server, path)
    api.good_pages = 2
    with pytest.raises(SourceUnavailable) as failed:
        ingest(source, secret=SECRET, change=lambda each: each["retry"].update(max_attempts=2))
    api.good_pages = 1_000

    values = resumed(source, failed.value, secret=SECRET)

    assert values == api.wanted(path)


def test_a_wrong_token_is_not_tried_again(server: HostileSource) -> None:
    """The API answers 401."""
    with pytest.raises(SourceRejected):
        ingest(source_of(server, ISSUES), secret={"api_key": "other"})
