"""Google Calendar: windows into the future, empty pages in the middle, and limits that are a 403."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from local_aws.servers.hostile_source import Behaviour, Connection, Request, answer
from tests.recipes.recipe import Case, Refusal, ResumableContract, Source
from url_fetcher.errors import SourceRejected

SECRET = {"client_id": "app", "client_secret": "s3cret", "refresh_token": "refresh-1"}
PATH = "/calendar/v3/calendars/primary/events"
KNOWN = {
    "singleEvents",
    "orderBy",
    "maxResults",
    "pageToken",
    "timeMin",
    "timeMax",
    "updatedMin",
    "showDeleted",
}
MAX_RESULTS, SERVED = 2_500, 2
BOUND = datetime(2024, 1, 1, tzinfo=UTC) + 3 * timedelta(days=90)
Answer = tuple[int, dict[str, Any]]


def event(number: int, start: datetime, hours: float = 1) -> dict[str, Any]:
    """An event."""
    times = {"start": start, "end": start + timedelta(hours=hours)}
    written = {name: {"dateTime": time.isoformat().replace("+00:00", "Z")} for name, time in times.items()}
    return {"kind": "calendar#event", "id": f"e{number}", "summary": f"Größe {number}", **written}


def events() -> list[dict[str, Any]]:
    """Events of each third week, from 300 days ago to 340 days ahead, each within a day."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return [event(n, today + timedelta(days=21 * n - 300, hours=10)) for n in range(31)]


def refusal(code: int, reason: str) -> Answer:
    """The status and the body of an error."""
    details = [{"domain": "usageLimits" if code == 403 else "global", "reason": reason, "message": reason}]
    return code, {"error": {"errors": details, "code": code, "message": reason}}


@dataclass
class Calendar:
    """As https://developers.google.com/workspace/calendar/api/ says of events, pages and errors.

    Attributes:
        events: What the calendar has in the windows.
        beyond: What it has behind the last window.
        limited: So many requests behind the second page are answered with a 403 of the limit.
        forbidden: Whether every answer is a 403 for another reason.
        good_pages: Behind so many, everything is 500.
        empty_first: Whether the first page of each window is empty although others follow.
    """

    events: list[dict[str, Any]] = field(default_factory=events)
    beyond: list[dict[str, Any]] = field(
        default_factory=lambda: [event(99, datetime.now(UTC) + timedelta(days=370))]
    )
    limited: int = 0
    forbidden: bool = False
    good_pages: int = 1_000
    empty_first: bool = False
    pages: int = 0

    def token(self, connection: Connection, request: Request) -> None:
        """An access token for the refresh token; there is no new refresh token."""
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if ({"grant_type": "refresh_token"} | SECRET).items() <= form.items():
            body = {"access_token": "token-1", "expires_in": 3599, "token_type": "Bearer"}
            answer(json.dumps(body).encode())(connection, request)
        else:
            answer(b'{"error":"invalid_grant"}', status=400)(connection, request)

    def __call__(self, connection: Connection, request: Request) -> None:
        """One page."""
        status, body = self._answered(request)
        answer(json.dumps(body).encode(), status=status)(connection, request)

    def _answered(self, request: Request) -> Answer:
        if request.headers.get("authorization") != "Bearer token-1":
            return refusal(401, "authError")
        if self.forbidden:
            return refusal(403, "insufficientPermissions")
        asked = request.query
        if asked.keys() - KNOWN or not 1 <= int(asked.get("maxResults", "250")) <= MAX_RESULTS:
            return refusal(400, "invalidParameter")
        if asked.get("orderBy") == "startTime" and asked.get("singleEvents") != "true":
            return refusal(400, "badRequest")
        low, high = (datetime.fromisoformat(asked[name]) for name in ("timeMin", "timeMax"))
        if low.tzinfo is None or low >= high:
            return refusal(400, "timeRangeEmpty")
        if self.pages >= 2 and self.limited:
            self.limited -= 1
            return refusal(403, "rateLimitExceeded")
        if self.pages >= self.good_pages:
            return refusal(500, "backendError")
        self.pages += 1
        return 200, self._page(low, high, asked.get("pageToken", ""))

    def _page(self, low: datetime, high: datetime, token: str) -> dict[str, Any]:
        found = [
            each
            for each in [*self.events, *self.beyond]
            # The end of an event counts for the lower bound, its start for the upper one.
            if time(each, "end") > low and time(each, "start") < high
        ]
        begin = int(token.removeprefix("p~") or 0)
        size = 0 if self.empty_first and not token else SERVED
        body = {"kind": "calendar#events", "etag": f'"{self.pages}"', "items": found[begin : begin + size]}
        return body | ({"nextPageToken": f"p~{begin + size}"} if begin + size < len(found) else {})


def time(one: dict[str, Any], name: str) -> datetime:
    """When an event starts or ends."""
    return datetime.fromisoformat(one[name]["dateTime"])


class TestGoogleCalendar(ResumableContract):
    case = Case(
        "google-calendar",
        Calendar,
        records="events",
        secret=SECRET,
        limit={"limited": 2},
        waited={"limited": 0},
        failure={"good_pages": 9},
        # The largest page that the server allows is the recipe's.
        refusal=Refusal("400", settings={"query": {"maxResults": 2_501}}),
    )

    def behaviours(self, api: Calendar) -> dict[str, Behaviour]:
        """The events and the token."""
        return {PATH: api, "/token": api.token}

    def test_an_empty_page_with_a_token_does_not_end_a_window(self, api: Calendar, source: Source) -> None:
        """The API says that a page may have no events although there are more."""
        api.empty_first = True

        assert self.ingested(source).values == api.events

    def test_an_event_over_the_bound_of_two_windows_has_one_id(self, api: Calendar, source: Source) -> None:
        """It comes in both."""
        api.events = [event(7, BOUND - timedelta(hours=12), hours=24)]

        lines = self.ingested(source).lines

        assert (len(lines), len({line["id"] for line in lines})) == (2, 1)

    def test_another_403_is_final(self, api: Calendar, source: Source) -> None:
        """A permission that is missing does not come by waiting."""
        api.forbidden = True

        with pytest.raises(SourceRejected, match="403"):
            self.ingested(source)
