"""Slack: errors come as 200 with ok: false, the cursor in response_metadata, limits as 429."""

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

SECRET = {"token": "xoxb-1"}
SINCE = 1_704_067_200
Answer = tuple[int, dict[str, Any], dict[str, str]]


def message(number: int) -> dict[str, Any]:
    """One message; those up to number 20 are older than the recipe's time, number 20 exactly as old."""
    return {"type": "message", "user": "U1", "text": f"Grüße {number}", "ts": f"{SINCE - 20 + number}.000000"}


def failed_with(error: str) -> Answer:
    """An error as the API writes it: a good answer."""
    return 200, {"ok": False, "error": error}, {}


@dataclass
class Slack:
    """As https://docs.slack.dev/reference/methods/conversations.history says."""

    messages: list[dict[str, Any]] = field(default_factory=lambda: [message(n) for n in range(620, 0, -1)])
    good_pages: int = 1_000
    pages: int = 0
    limit_at: int = -1
    limited_until: float = 0
    too_early: int = 0
    error_once_at: int = -1
    grows: bool = False
    most: int = 999

    @property
    def expected(self) -> list[dict[str, Any]]:
        """The messages after the recipe's time, the newest first."""
        return self.messages[:600]

    def __call__(self, connection: Connection, request: Request) -> None:
        """Answer one request."""
        status, body, headers = self._answer(request)
        answer(json.dumps(body).encode(), status=status, headers=headers)(connection, request)

    def _answer(self, request: Request) -> Answer:
        token = request.headers.get("authorization")
        if token != "Bearer xoxb-1":
            return failed_with("invalid_auth" if token else "not_authed")
        asked, limit = dict(request.query), request.query.get("limit", "100")
        if asked.get("channel") != "C012AB3CD":
            return failed_with("channel_not_found")
        if not limit.isdecimal() or not 1 <= int(limit) <= 999:
            return failed_with("invalid_limit")
        if self.pages == self.limit_at:
            self.limit_at, self.limited_until = -1, time.monotonic() + 1
            return 429, failed_with("ratelimited")[1], {"Retry-After": "1"}
        if time.monotonic() < self.limited_until - 0.05:
            self.too_early += 1
            return 429, failed_with("ratelimited")[1], {"Retry-After": "1"}
        if self.pages == self.error_once_at:
            self.error_once_at = -1
            return failed_with("internal_error")
        if self.pages == self.good_pages:
            return failed_with("fatal_error")
        return self._page(asked, min(int(limit), self.most))

    def _page(self, asked: dict[str, str], limit: int) -> Answer:
        before = "9" * 20
        if cursor := asked.get("cursor"):
            kind, _, before = base64.b64decode(cursor).decode().partition(":")
            if kind != "next_ts":
                return failed_with("invalid_cursor")
        found = [each for each in self.messages if asked.get("oldest", "0") < each["ts"] < before]
        page, has_more = found[:limit], len(found) > limit
        self.pages += 1
        if self.grows:
            self.messages.insert(0, message(1_000 + self.pages))
        body: dict[str, Any] = {"ok": True, "messages": page, "has_more": has_more, "pin_count": 0}
        if has_more:
            following = base64.b64encode(f"next_ts:{page[-1]['ts']}".encode()).decode()
            body["response_metadata"] = {"next_cursor": following}
        return 200, body, {}


class TestSlack(ResumableContract):
    case = Case(
        "slack",
        Slack,
        paths=["/api/conversations.history"],
        secret=SECRET,
        limit={"limit_at": 1},
        waited={"limit_at": -1, "too_early": 0},
        failure={"good_pages": 1},
        # The API answers 200; the error has its word.
        refusal=Refusal("invalid_auth", secret={"token": "other"}),
    )

    def test_an_app_with_small_pages_gets_every_message(self, api: Slack, source: Source) -> None:
        """The pages of some apps are cut to 15 messages, whatever they ask for."""
        api.most = 15

        assert self.ingested(source).values == api.expected

    def test_messages_written_during_the_walk_shift_nothing(self, api: Slack, source: Source) -> None:
        """Those that were there come once each."""
        api.grows, expected = True, api.expected

        assert self.ingested(source).values == expected

    def test_a_passing_error_in_a_good_answer_is_tried_again(self, api: Slack, source: Source) -> None:
        """It has no messages, which alone would look like the end."""
        api.error_once_at = 2

        stream = self.ingested(source)

        assert (api.error_once_at, stream.values) == (-1, api.expected)
