"""Sentry: a Link header that names a next page even where there is none, and says so in an attribute."""

import json
import math
import re
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import Case, Refusal, ResumableContract, Source

SECRET = {"token": "sntrys_1"}
PATH = "/api/0/organizations/example/issues/"
KNOWN = {"query", "statsPeriod", "sort", "limit", "cursor", "project", "environment"}
SORTS = {"date", "freq", "inbox", "new", "trends", "user"}
CURSOR = re.compile(r"0:(\d+):([01])")
OLD, NEW = "2023-12-31T10:00:00Z", "2024-02-01T10:00:00Z"
Answer = tuple[int, object, dict[str, str]]


def issue(number: int) -> dict[str, Any]:
    """An issue; every ninth had no event since the recipe's time, every third is resolved."""
    seen = NEW if number % 9 else OLD
    status = "unresolved" if number % 3 else "resolved"
    return {"id": str(number), "shortId": f"WEB-{number:X}", "status": status, "lastSeen": seen, "count": "1"}


@dataclass
class Sentry:
    """As https://docs.sentry.io/api/pagination/ and /api/events/list-an-organizations-issues/ say.

    Attributes:
        issues: What the organisation has, the newest first.
        reset_seconds: The third request is refused for so long.
        good_pages: Behind so many, everything is 500.
        late: Issues that come up after the first page.
    """

    issues: list[dict[str, Any]] = field(default_factory=lambda: [issue(n) for n in range(300, 0, -1)])
    url: str = ""
    reset_seconds: float = 0
    good_pages: int = 1_000
    late: list[dict[str, Any]] = field(default_factory=list)
    requests: int = 0
    refused: int = 0
    reset_at: float = 0

    @property
    def expected(self) -> list[dict[str, Any]]:
        """The issues that had an event since the recipe's time."""
        return [each for each in self.issues if each["lastSeen"] == NEW]

    def __call__(self, connection: Connection, request: Request) -> None:
        """One page."""
        self.requests += 1
        status, body, headers = self._answered(request)
        answer(json.dumps(body).encode(), status=status, headers=headers)(connection, request)

    def _answered(self, request: Request) -> Answer:
        if request.headers.get("authorization") != "Bearer sntrys_1":
            return 401, {"detail": "Invalid token"}, {}
        if self.reset_seconds and self.requests == 3:
            self.reset_at = math.ceil(time.time() + self.reset_seconds)
        if time.time() < self.reset_at:
            self.refused += 1
            limits = {"Limit": "40", "Remaining": "0", "Reset": str(int(self.reset_at))}
            headers = {f"X-Sentry-Rate-Limit-{name}": value for name, value in limits.items()}
            return 429, {"detail": "You are attempting to use this endpoint too frequently."}, headers
        asked = {"query": "is:unresolved", "limit": "100", "sort": "date", "cursor": "0:0:0", **request.query}
        cursor = CURSOR.fullmatch(asked["cursor"])
        if asked.keys() - KNOWN or asked["sort"] not in SORTS or not cursor:
            return 400, {"detail": "Invalid cursor parameter."}, {}
        if not 1 <= int(asked["limit"]) <= 100 or asked.get("statsPeriod", "14d") not in {
            "24h",
            "14d",
            "90d",
        }:
            return 400, {"detail": "Invalid statsPeriod"}, {}
        if self.good_pages == 0:
            return 500, {"detail": "Internal Error"}, {}
        self.good_pages -= 1
        return self._page(asked, int(cursor.group(1)))

    def _page(self, asked: dict[str, str], begin: int) -> Answer:
        size, query = int(asked["limit"]), asked["query"]
        found = [
            each for each in self.issues if query.startswith("lastSeen") or each["status"] == "unresolved"
        ]
        if query.startswith("lastSeen:>="):
            found = [each for each in found if each["lastSeen"] >= query.removeprefix("lastSeen:>=")]
        links = [
            self._link("previous", asked, max(0, begin - size), 1, begin > 0),
            self._link("next", asked, begin + size, 0, begin + size < len(found)),
        ]
        rows = found[begin : begin + size]
        self.issues, self.late = [*self.late, *self.issues], []
        return 200, rows, {"Link": ", ".join(links), "X-Sentry-Rate-Limit-Remaining": "39"}

    def _link(self, rel: str, asked: dict[str, str], begin: int, is_previous: int, has_results: bool) -> str:
        cursor = f"0:{begin}:{is_previous}"
        url = f"{self.url}{PATH}?{urlencode({**asked, 'cursor': cursor})}"
        return f'<{url}>; rel="{rel}"; results="{str(has_results).lower()}"; cursor="{cursor}"'


class TestSentry(ResumableContract):
    case = Case(
        "sentry",
        Sentry,
        paths=[PATH],
        secret=SECRET,
        # The page behind the last one is never asked for.
        walked={"requests": 3},
        limit={"reset_seconds": 30},
        waited={"refused": 1},
        failure={"good_pages": 1},
        # The largest page that the server allows is the recipe's.
        refusal=Refusal("400", settings={"query": {"limit": 101}}),
    )

    def test_no_issue_is_missed_where_new_ones_come_up(self, api: Sentry, source: Source) -> None:
        """They shift the pages: others come twice, and none is missing."""
        api.late = [issue(number) for number in (305, 304, 302, 301)]
        before = {each["id"] for each in api.expected}

        assert before <= {each["id"] for each in self.ingested(source).values}
