"""Okta's System Log: windows of time, and a Link header for each relation."""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import Case, Refusal, ResumableContract, Source

SECRET = {"token": "00okta"}
PATH = "/api/v1/logs"
KNOWN = {"since", "until", "after", "limit", "sortOrder", "filter", "q"}
MAX_LIMIT, SERVED = 1_000, 4
START = datetime(2024, 1, 1, tzinfo=UTC)
Answer = tuple[int, object, dict[str, str]]


def event(number: int) -> dict[str, Any]:
    """An event: two days have fifteen each, and the second day's first is at a window's bound."""
    published = START + timedelta(days=number // 15, minutes=number % 15)
    stamp = published.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"uuid": f"e-{number}", "published": stamp, "eventType": "user.session.start"}


@dataclass
class Okta:
    """As https://developer.okta.com/docs/api/openapi/okta-management/management/tag/SystemLog/ says.

    Attributes:
        events: What the log has, the oldest first.
        reset_seconds: The third request is refused for so long.
        good_pages: Behind so many, everything is 500.
    """

    events: list[dict[str, Any]] = field(default_factory=lambda: [event(number) for number in range(30)])
    url: str = ""
    reset_seconds: float = 0
    good_pages: int = 10_000
    pages: int = 0
    refused: int = 0
    reset_at: float = 0

    def __call__(self, connection: Connection, request: Request) -> None:
        """One page."""
        status, body, headers = self._answered(request)
        answer(json.dumps(body).encode(), status=status, headers=headers)(connection, request)

    def _answered(self, request: Request) -> Answer:
        if request.headers.get("authorization") != "SSWS 00okta":
            return 401, {"errorCode": "E0000011", "errorSummary": "Invalid token provided"}, {}
        asked = request.query
        wrong = asked.keys() - KNOWN or asked.get("sortOrder") not in ("ASCENDING", "DESCENDING", None)
        if wrong or not 0 <= int(asked.get("limit", "100")) <= MAX_LIMIT:
            return 400, {"errorCode": "E0000001", "errorSummary": "Api validation failed: limit"}, {}
        if self.reset_seconds and self.pages == 2 and not self.refused:
            self.reset_at = math.ceil(time.time() + self.reset_seconds)
        if time.time() < self.reset_at:
            self.refused += 1
            headers = {"X-Rate-Limit-Limit": "60", "X-Rate-Limit-Remaining": "0"}
            headers["X-Rate-Limit-Reset"] = str(int(self.reset_at))
            return 429, {"errorCode": "E0000047", "errorSummary": "API call exceeded rate limit"}, headers
        if self.pages == self.good_pages:
            return 500, {"errorCode": "E0000009", "errorSummary": "Internal Server Error"}, {}
        self.pages += 1
        return self._page(asked)

    def _page(self, asked: Mapping[str, str]) -> Answer:
        since, until = asked["since"], asked.get("until", "9999")
        found = [each for each in self.events if since <= each["published"] < until]
        behind = int(asked.get("after", "0"))
        size = min(int(asked.get("limit", "100")), SERVED)
        rows = found[behind : behind + size]
        # Two headers, as Okta sends them. Without `until`, there is always a next page.
        headers = {
            "Link": f'<{self.url}{PATH}?{urlencode(asked)}>; rel="self"',
            "X-Rate-Limit-Remaining": "59",
        }
        if behind + size < len(found) or "until" not in asked:
            query = urlencode({**asked, "after": behind + len(rows)})
            headers["link"] = f'<{self.url}{PATH}?{query}>; rel="next"'
        return 200, rows, headers


class TestOkta(ResumableContract):
    case = Case(
        "okta",
        Okta,
        paths=[PATH],
        records="events",
        secret=SECRET,
        # A year a window, so that the tests take a few requests only.
        settings={"windows": {"days": 365}},
        limit={"reset_seconds": 30},
        waited={"refused": 1},
        failure={"good_pages": 2},
        # The largest page that the server allows is the recipe's.
        refusal=Refusal("400", settings={"query": {"limit": 1_001}}),
    )

    def test_an_event_at_the_bound_of_two_windows_comes_once(self, api: Okta, source: Source) -> None:
        """A window's start belongs to it, its end does not."""
        source["windows"]["days"] = 1
        source["windows"]["start"] = (datetime.now(UTC) - timedelta(days=9)).strftime("%Y-%m-%dT00:00:00Z")
        moved = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=5)
        api.events = [{**event(0), "published": moved.strftime("%Y-%m-%dT%H:%M:%S.000Z")}]

        assert self.ingested(source).values == api.events
