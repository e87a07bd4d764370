"""Heroku: pages asked for by a header, named by a header, and answered with 206."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import Case, Refusal, ResumableContract, Source

SECRET = {"token": "HRKU-1"}
RANGE = re.compile(r"id (\]?)([0-9a-f-]*)\.\.; max=(\d+)")
MAX_PAGE, SERVED = 1_000, 10
Answer = tuple[int, object, dict[str, str]]


def app(number: int) -> dict[str, Any]:
    """An app."""
    key = f"{number:08x}-89ab-cdef-0123-456789abcdef"
    return {"id": key, "name": f"größe-{number}", "updated_at": "2024-02-01T12:00:00Z"}


@dataclass
class Heroku:
    """As https://devcenter.heroku.com/articles/platform-api-reference says of ranges and limits.

    Attributes:
        apps: What the account has, by id.
        limited: So many requests behind the second page are answered with 429.
        good_pages: Behind so many, everything is 503.
        late: Apps that are made after the first page.
    """

    apps: list[dict[str, Any]] = field(default_factory=lambda: [app(number) for number in range(40)])
    limited: int = 0
    good_pages: int = 1_000
    late: list[dict[str, Any]] = field(default_factory=list)
    pages: int = 0

    def __call__(self, connection: Connection, request: Request) -> None:
        """One page."""
        status, body, headers = self._answered(request)
        answer(json.dumps(body).encode(), status=status, headers=headers)(connection, request)

    def _answered(self, request: Request) -> Answer:
        if request.headers.get("accept") != "application/vnd.heroku+json; version=3":
            return 404, {"id": "not_found", "message": "The requested API endpoint was not found."}, {}
        if request.headers.get("authorization") != "Bearer HRKU-1":
            return 401, {"id": "unauthorized", "message": "Invalid credentials provided."}, {}
        asked = RANGE.fullmatch(request.headers.get("range", "id ..; max=200"))
        if not asked or not 1 <= int(asked.group(3)) <= MAX_PAGE:
            return 416, {"id": "invalid_range", "message": "Invalid `Range` header."}, {}
        if self.pages >= 2 and self.limited:
            self.limited -= 1
            return (
                429,
                {"id": "rate_limit", "message": "Your account reached the API rate limit"},
                {"RateLimit-Remaining": "0"},
            )
        if self.pages == self.good_pages:
            return 503, {"id": "service_unavailable", "message": "Please try again later."}, {}
        self.pages += 1
        return self._page(
            behind=asked.group(2) if asked.group(1) else "",
            size=min(int(asked.group(3)), SERVED),
            max_=asked.group(3),
        )

    def _page(self, *, behind: str, size: int, max_: str) -> Answer:
        found = sorted((each for each in self.apps if each["id"] > behind), key=lambda each: str(each["id"]))
        rows = found[:size]
        self.apps, self.late = [*self.apps, *self.late], []
        headers = {"Accept-Ranges": "id, name, updated_at", "RateLimit-Remaining": "4400"}
        if rows:
            headers["Content-Range"] = f"id {rows[0]['id']}..{rows[-1]['id']}"
        if len(found) <= size:
            return 200, rows, headers
        return 206, rows, {**headers, "Next-Range": f"id ]{rows[-1]['id']}..; max={max_}"}


class TestHeroku(ResumableContract):
    case = Case(
        "heroku",
        Heroku,
        paths=["/apps"],
        records="apps",
        secret=SECRET,
        # No page is asked for behind the one without Next-Range.
        walked={"pages": 4},
        limit={"limited": 2},
        waited={"limited": 0},
        failure={"good_pages": 2},
        # The largest page that the server allows is the recipe's.
        refusal=Refusal("416", settings={"pagination": {"first": "id ..; max=1001"}}),
    )

    def test_an_app_that_is_made_during_the_walk_shifts_nothing(self, api: Heroku, source: Source) -> None:
        """The next page begins behind the last app's id."""
        api.late = [app(1_000)]

        assert self.ingested(source).values == [*map(app, range(40)), app(1_000)]
