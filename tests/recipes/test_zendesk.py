"""Zendesk: the incremental export by cursor, which end_of_stream ends."""

import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import (
    Case,
    Refusal,
    ResumableContract,
    Source,
)

SECRET = {"username": "agent@example.com/token", "password": "key-1"}
CREDENTIALS = "Basic " + base64.b64encode(b"agent@example.com/token:key-1").decode()
PATH = "/api/v2/incremental/tickets/cursor.json"
SINCE = 1_704_067_200
MAX_PAGE, MINUTE = 1_000, 60
Answer = tuple[int, dict[str, Any], dict[str, str]]


def ticket(number: int) -> dict[str, Any]:
    """One ticket; those up to number 50 were not changed since the recipe's time."""
    return {"id": number, "subject": f"Ticket {number}", "generated_timestamp": SINCE - 51 + number}


@dataclass
class Zendesk:
    """As Zendesk says of its incremental exports (the address is in the recipe)."""

    tickets: dict[int, dict[str, Any]] = field(
        default_factory=lambda: {n: ticket(n) for n in range(1, 2_351)}
    )
    url: str = ""
    good_pages: int = 1_000
    pages: int = 0
    limit_at: int = -1
    limited_until: float = 0
    too_early: int = 0
    changes: bool = False

    @property
    def expected(self) -> list[dict[str, Any]]:
        """The tickets that changed since the recipe's time."""
        return [self.tickets[number] for number in range(51, 2_351)]

    def __call__(self, connection: Connection, request: Request) -> None:
        """Answer one request."""
        status, body, headers = self._answer(request)
        answer(json.dumps(body).encode(), status=status, headers=headers)(connection, request)

    def _answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != CREDENTIALS:
            return 401, {"error": "Couldn't authenticate you"}, {}
        if self.pages == self.limit_at:
            self.limit_at, self.limited_until = -1, time.monotonic() + 1
        if time.monotonic() < self.limited_until - 0.05:
            self.too_early += 1
            return (
                429,
                {"error": "Number of allowed incremental export API requests exceeded"},
                {"Retry-After": "1"},
            )
        if self.pages == self.good_pages:
            return 503, {"error": "Service Unavailable"}, {"Retry-After": "0"}
        cursor, size = request.query.get("cursor"), request.query.get("per_page", str(MAX_PAGE))
        if not size.isdecimal() or not 1 <= int(size) <= MAX_PAGE:
            return 400, {"error": "InvalidPerPage"}, {}
        if cursor is None:
            return self._start(request.query.get("start_time", ""), int(size))
        try:
            stamp, _, number = base64.b64decode(cursor, validate=True).decode().rstrip("|").partition("||")
            return self._page((int(stamp.removesuffix(".0")), int(number)), int(size))
        except ValueError:
            return 400, {"error": "InvalidCursor"}, {}

    def _start(self, start: str, size: int) -> Answer:
        if not start.isdecimal():
            return 400, {"error": "InvalidStartTime"}, {}
        if int(start) > time.time() - MINUTE:
            return 422, {"error": "InvalidValue", "description": "Too recent start_time."}, {}
        return self._page((int(start), 0), size)

    def _page(self, after: tuple[int, int], size: int) -> Answer:
        def key(each: dict[str, Any]) -> tuple[int, int]:
            return each["generated_timestamp"], each["id"]

        found = sorted((each for each in self.tickets.values() if key(each) > after), key=key)
        rows = found[:size]
        stamp, number = key(rows[-1]) if rows else after
        cursor = base64.b64encode(f"{stamp}.0||{number}|".encode()).decode()
        self.pages += 1
        if self.changes and self.pages == 1:
            for changed in (60, 2_000):
                self.tickets[changed] = {
                    **ticket(changed),
                    "generated_timestamp": SINCE + 9_999,
                    "status": "solved",
                }
        body = {
            "tickets": rows,
            "after_cursor": cursor,
            "after_url": f"{self.url}{PATH}?cursor={cursor.replace('=', '%3D')}",
            "before_cursor": None,
            "before_url": None,
            "end_of_stream": len(found) <= size,
        }
        return 200, body, {}


class TestZendesk(ResumableContract):
    case = Case(
        "zendesk",
        Zendesk,
        paths=[PATH],
        secret=SECRET,
        # The last page's URL is not followed.
        walked={"pages": 3},
        limit={"limit_at": 1},
        waited={"too_early": 1},
        failure={"good_pages": 1},
        refusal=Refusal("401", secret={**SECRET, "password": "other"}),
    )

    def test_a_ticket_changed_during_the_walk_comes_as_it_is_now(self, api: Zendesk, source: Source) -> None:
        """One that was read before comes a second time, and no other is missed."""
        api.changes, expected = True, api.expected

        stream = self.ingested(source)

        unchanged = [each for each in expected if each["id"] != 2_000]
        assert stream.values == [*unchanged, api.tickets[60], api.tickets[2_000]]
