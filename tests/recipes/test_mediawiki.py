"""MediaWiki: several parameters to continue with, and errors such as maxlag with status 200."""

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

SERVED = 10
KNOWN = {
    "action", "format", "formatversion", "list", "rcstart", "rcdir", "rclimit", "rcprop", "maxlag",
    "rccontinue", "continue",
}  # fmt: skip


def change(number: int) -> dict[str, Any]:
    """A change; two share a second."""
    stamp = f"2024-02-01T00:00:{number // 2:02}Z"
    return {
        "type": "edit",
        "title": f"Ämter {number}",
        "rcid": 900 + number,
        "timestamp": stamp,
        "minor": False,
    }


def place(one: dict[str, Any]) -> str:
    """Where a change is, as `rccontinue` names it."""
    return f"{''.join(filter(str.isdecimal, one['timestamp']))}|{one['rcid']}"


def failure(code: str, info: str) -> dict[str, Any]:
    """An error as it comes with status 200."""
    return {"error": {"code": code, "info": info}}


@dataclass
class Wiki:
    """The API as https://www.mediawiki.org/wiki/ says: API:Continue, Manual:Maxlag_parameter.

    Attributes:
        changes: What the wiki has now.
        added: A change that is made after the first page.
        lags: Whether the replicas lag for a second from the third request on.
        broken_from: The number of changes behind which everything is 500.
        refused: How often a request was refused for the lag.
    """

    changes: list[dict[str, Any]] = field(default_factory=lambda: [change(number) for number in range(45)])
    added: dict[str, Any] | None = None
    lags: bool = False
    broken_from: int = 1_000
    refused: int = 0
    requests: int = 0
    free_at: float = 0

    def __call__(self, connection: Connection, request: Request) -> None:
        """One answer."""
        self.requests += 1
        if self.lags and self.requests == 3:
            self.free_at = time.monotonic() + 1
        if "@" not in request.headers.get("user-agent", ""):
            behave = answer(b"Please set a user-agent", status=403, content_type="text/plain")
        elif time.monotonic() < self.free_at and "maxlag" in request.query:
            self.refused += 1
            error = failure("maxlag", "Waiting for 10.64.48.35: 6.2 seconds lagged.")
            behave = answer(json.dumps(error).encode(), headers={"Retry-After": "1", "X-Database-Lag": "6"})
        else:
            status, body = self._answered(dict(request.query))
            behave = answer(json.dumps(body).encode(), status=status)
        behave(connection, request)

    def _answered(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if asked.get("action") != "query" or asked.get("list") != "recentchanges" or asked.keys() - KNOWN:
            return 200, failure("badvalue", "Unrecognized value for parameter.")
        if asked.get("rclimit") != "max" and int(asked.get("rclimit", "10")) > 500:
            return 200, failure("badinteger", "rclimit must be between 1 and 500.")
        begin = asked.get("rccontinue", "")
        # Both parameters come back together, or the place is not the one that was given.
        if (begin != "") is not (asked.get("continue") == "-||"):
            return 200, failure("badcontinue", "Invalid continue param.")
        if self.added and begin:
            self.changes.append(self.added)
            self.added = None
        rest = [one for one in self.changes if one["timestamp"] >= asked["rcstart"] and place(one) >= begin]
        if len(self.changes) - len(rest) >= self.broken_from:
            return 500, failure("internal_api_error_DBQueryError", "")
        body: dict[str, Any] = {"batchcomplete": True, "query": {"recentchanges": rest[:SERVED]}}
        if len(rest) > SERVED:
            body = {"continue": {"rccontinue": place(rest[SERVED]), "continue": "-||"}, **body}
        return 200, body


class TestMediaWiki(ResumableContract):
    case = Case(
        "mediawiki",
        Wiki,
        paths=["/w/api.php"],
        records="changes",
        # The error of maxlag comes with status 200 and Retry-After.
        limit={"lags": True},
        waited={"refused": 1},
        failure={"broken_from": 20},
        refusal=Refusal("Unrecognized value for parameter", settings={"query": {"list": "recentchange"}}),
    )

    def test_a_change_during_the_walk_is_ingested(self, api: Wiki, source: Source) -> None:
        """What is changed during the walk comes at its end."""
        api.added = change(50)

        assert self.ingested(source).values == [*map(change, range(45)), change(50)]
