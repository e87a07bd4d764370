"""Slack: errors come as 200 with ok: false, the cursor in response_metadata, limits as 429."""

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from local_aws.servers.hostile_source import Connection, HostileSource, Request, answer
from tests.recipes.recipe import Stream, at, ingest, recipe, resumed
from url_fetcher.errors import SourceRejected, SourceUnavailable

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


@pytest.fixture
def api() -> Slack:
    """The API's state."""
    return Slack()


@pytest.fixture
def server(api: Slack) -> Iterator[HostileSource]:
    """The API."""
    with HostileSource({"/api/conversations.history": api}) as source:
        yield source


def ingested(server: HostileSource) -> Stream:
    """The stream after the recipe."""
    return ingest(at(server, recipe("slack")), secret=SECRET)


EXPECTED = [message(number) for number in range(620, 20, -1)]


@pytest.mark.parametrize("most", [999, 15])
def test_every_message_is_ingested(api: Slack, server: HostileSource, most: int) -> None:
    """Also from an app whose pages are cut to 15 messages, whatever it asks for."""
    api.most = most

    assert ingested(server).values == EXPECTED


def test_messages_written_during_the_walk_shift_nothing(api: Slack, server: HostileSource) -> None:
    """Those that were there come once each."""
    api.grows = True

    assert ingested(server).values == EXPECTED


def test_a_limit_is_waited_for(api: Slack, server: HostileSource) -> None:
    """No request comes before the time that Retry-After asks for."""
    api.limit_at = 1

    stream = ingested(server)

    assert (api.limit_at, api.too_early, stream.values) == (-1, 0, EXPECTED)


def test_a_passing_error_in_a_good_answer_is_tried_again(api: Slack, server: HostileSource) -> None:
    """It has no messages, which alone would look like the end."""
    api.error_once_at = 2

    stream = ingested(server)

    assert (api.error_once_at, stream.values) == (-1, EXPECTED)


def test_resume_brings_the_rest_after_a_failure(api: Slack, server: HostileSource) -> None:
    """What was accepted and what follows are all messages, each once."""
    source = at(server, recipe("slack"))
    api.good_pages = 1
    with pytest.raises(SourceUnavailable) as failed:
        ingest(source, secret=SECRET, change=lambda each: each["retry"].update(max_attempts=2))
    api.good_pages = 1_000

    values = resumed(source, failed.value, secret=SECRET)

    assert values == EXPECTED


def test_a_wrong_token_is_an_error(server: HostileSource) -> None:
    """The API answers 200; the error has its word."""
    with pytest.raises(SourceRejected, match="invalid_auth"):
        ingest(at(server, recipe("slack")), secret={"token": "other"})
