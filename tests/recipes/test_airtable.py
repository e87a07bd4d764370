"""Airtable: an opaque offset, five requests a second, and a pause after a 429 that names none."""

import json
import re
import time
from base64 import b32encode
from dataclasses import dataclass, field
from typing import Any

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import (
    Case,
    Refusal,
    ResumableContract,
    Source,
    recipe,
)

SECRET = {"token": "patExample.s3cret"}
SERVED = 10
KNOWN = {"pageSize", "offset", "filterByFormula"}
SINCE = re.compile(r"IS_AFTER\(LAST_MODIFIED_TIME\(\), '([^']*)'\)")
PENALTY_SECONDS = 0.5
REQUESTS_A_SECOND = 5


def task(number: int, name: str = "Prüfen") -> dict[str, Any]:
    """A record; a field that is empty is left out, as Airtable does."""
    fields = {"Name": f"{name} {number}"} if number % 7 else {}
    return {"id": f"rec{number:014}", "createdTime": "2024-02-01T10:00:00.000Z", "fields": fields}


def failure(kind: str, message: str) -> dict[str, Any]:
    """An error's body."""
    return {"error": {"type": kind, "message": message}}


@dataclass
class Airtable:
    """The API as https://airtable.com/developers/web/api/list-records and /rate-limits say.

    Attributes:
        tasks: What the table has now.
        renamed: The number of a record that is renamed after the first page.
        added: A record that is added after the first page.
        is_limited: Whether the third request is over the limit, whose penalty is half a second here.
        keeps_rate: Whether more than five requests a second are over the limit, too.
        broken_from: The number of records behind which everything is 500.
        refused: How often 429 was answered.
    """

    tasks: list[dict[str, Any]] = field(default_factory=lambda: [task(number) for number in range(75)])
    renamed: int | None = None
    added: dict[str, Any] | None = None
    is_limited: bool = False
    keeps_rate: bool = False
    broken_from: int = 1_000
    refused: int = 0
    times: list[float] = field(default_factory=list)
    offsets: dict[str, str] = field(default_factory=dict)
    free_at: float = 0

    def __call__(self, connection: Connection, request: Request) -> None:
        """One page."""
        self.times.append(time.monotonic())
        status, body = self._answered(request)
        answer(json.dumps(body).encode(), status=status)(connection, request)

    def _answered(self, request: Request) -> tuple[int, dict[str, Any]]:
        if request.headers.get("authorization") != f"Bearer {SECRET['token']}":
            return 401, failure("AUTHENTICATION_REQUIRED", "Authentication required")
        if self._is_over_the_limit():
            self.refused += 1
            return 429, {"errors": [{"error": "RATE_LIMIT_REACHED", "message": "Rate limit exceeded."}]}
        asked = request.query
        since = SINCE.fullmatch(asked.get("filterByFormula", ""))
        if not since or asked.keys() - KNOWN or not 1 <= int(asked.get("pageSize", "100")) <= 100:
            return 422, failure("INVALID_REQUEST_UNKNOWN", "Invalid request: parameter validation failed.")
        offset = asked.get("offset", "")
        if offset and offset not in self.offsets:
            return 422, failure("LIST_RECORDS_ITERATOR_NOT_AVAILABLE", "The iterator has expired.")
        return self._page(self.offsets.get(offset, ""), int(asked.get("pageSize", "100")))

    def _is_over_the_limit(self) -> bool:
        now = self.times[-1]
        recent = [each for each in self.times if now - each < 1]
        if (self.is_limited and len(self.times) == 3) or (
            self.keeps_rate and len(recent) > REQUESTS_A_SECOND
        ):
            self.free_at = now + PENALTY_SECONDS
        return now < self.free_at

    def _page(self, first: str, size: int) -> tuple[int, dict[str, Any]]:
        if first and self.renamed is not None:
            self.tasks[self.renamed] = task(self.renamed, "Renamed")
        if first and self.added:
            self.tasks.append(self.added)
            self.added = None
        rest = [one for one in self.tasks if one["id"] >= first]
        if len(self.tasks) - len(rest) >= self.broken_from:
            return 500, failure("SERVER_ERROR", "Try again.")
        served = min(size, SERVED)
        body: dict[str, Any] = {"records": rest[:served]}
        if len(rest) > served:
            following = rest[served]["id"]
            body["offset"] = f"itr{b32encode(following[-9:].encode()).decode()}/{following}"
            self.offsets[body["offset"]] = following
        return 200, body


class TestAirtable(ResumableContract):
    case = Case(
        "airtable",
        Airtable,
        paths=["/v0/appExample1234567/Tasks"],
        records="tasks",
        secret=SECRET,
        limit={"is_limited": True},
        failure={"broken_from": 20},
        # A walk that goes on too late ends with an error instead of beginning anew unasked.
        refusal=Refusal("422", event={"resume": {"cursor": "itrOLD/rec00000000000007"}}),
    )

    def test_a_limit_is_waited_for(self, api: Airtable, source: Source) -> None:
        """After a 429, attempts go on until the API answers again, and nothing is lost."""
        api.is_limited = True
        source["retry"]["max_delay_seconds"] = 1

        stream = self.ingested(source)

        assert (stream.values, api.refused >= 1) == (api.tasks, True)

    def test_what_changes_behind_the_walk_comes_as_it_is_then(self, api: Airtable, source: Source) -> None:
        """A record that is renamed before it is read, and one that is added, are ingested."""
        api.renamed, api.added = 60, task(80)

        values = self.ingested(source).values

        assert (values[60], values[75], len(values)) == (task(60, "Renamed"), task(80), 76)

    def test_the_rate_of_the_recipe_keeps_the_limit(self, api: Airtable, source: Source) -> None:
        """With the interval that the recipe sets, no request of eight in a row is over five a second."""
        api.keeps_rate, source["rate"] = True, recipe("airtable")["rate"]

        stream = self.ingested(source)

        assert (stream.values, api.refused) == (api.tasks, 0)

    def test_the_attempts_of_the_recipe_span_the_penalty(self) -> None:
        """The waits grow as docs/sources/limits.md says, on average half of each: far over 30 s."""
        retry = recipe("airtable")["retry"]
        caps = [
            min(0.5 * 2**number, retry["max_delay_seconds"]) for number in range(retry["max_attempts"] - 1)
        ]

        assert sum(caps) / 2 > 60
