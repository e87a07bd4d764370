"""Socrata: rows by $offset and $limit, in an order that has to be asked for, with an app token."""

import json
import random
import re
from dataclasses import dataclass, field
from typing import Any

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import (
    Case,
    Refusal,
    ResumableContract,
    Source,
)

PATH = "/resource/ijzp-q8t2.json"
SECRET = {"api_key": "Zt5cXvB8mN1qW3eR6tY9uI2oP"}
MAX_LIMIT, DEFAULT_LIMIT, PAGE = 50_000, 1_000, 10
SINCE = re.compile(r":updated_at > '([0-9T:.Z-]+)'")
OPTIONS = {"$select", "$order", "$where", "$limit", "$offset"}


def row(name: str, updated_at: str = "2024-05-01T00:00:00.000Z") -> dict[str, Any]:
    """A row with its system fields."""
    return {":id": f"row-{name}", ":updated_at": updated_at, "case_number": name.upper(), "arrest": False}


@dataclass
class DataSet:
    """A data set as https://dev.socrata.com/docs/ says.

    Attributes:
        rows: In no order; so are answers to a query without ``$order``.
        throttled: How many requests are still refused from the second page on.
        fails_at: The offset at which an answer is 500; None: never.
        late: A row that is added behind the second page.
    """

    rows: list[dict[str, Any]] = field(default_factory=lambda: [row(f"k{n:02}") for n in range(45)])
    throttled: int = 0
    fails_at: int | None = None
    late: dict[str, Any] | None = None

    def __call__(self, connection: Connection, request: Request) -> None:
        """One request."""
        asked = dict(request.query)
        offset = int(asked.get("$offset", "0"))
        if status := self._fault(request, offset):
            code = {403: "permission_denied", 429: "too_many_requests", 500: "internal_error"}
            body = {
                "code": code.get(status, "query.soql.no-such-column"),
                "error": True,
                "message": "refused",
            }
            answer(json.dumps(body).encode(), status=status)(connection, request)
            return
        limit = int(asked.get("$limit", str(DEFAULT_LIMIT)))
        page = self._rows(asked)[offset : offset + limit]
        answer(json.dumps(page).encode())(connection, request)
        if offset == PAGE and self.late:
            self.rows.append(self.late)
            self.late = None

    def _fault(self, request: Request, offset: int) -> int | None:
        asked = request.query
        if "x-app-token" in request.headers and request.headers["x-app-token"] != SECRET["api_key"]:
            return 403
        if "x-app-token" not in request.headers or (offset and self.throttled):
            self.throttled -= 1
            return 429
        where = asked.get("$where")
        unknown = any(name.startswith("$") and name not in OPTIONS for name in asked)
        if unknown or (where is not None and not SINCE.fullmatch(where)):
            return 400
        if not 0 <= int(asked.get("$limit", "0")) <= MAX_LIMIT:
            return 400
        return 500 if offset == self.fails_at else None

    def _rows(self, asked: dict[str, str]) -> list[dict[str, Any]]:
        since = SINCE.fullmatch(asked.get("$where", ""))
        rows = [each for each in self.rows if not since or each[":updated_at"] > since[1]]
        random.shuffle(rows)
        if order := asked.get("$order"):
            rows.sort(key=lambda each: str(each[order]))
        if asked.get("$select") != ":*, *":
            rows = [{name: value for name, value in each.items() if name[0] != ":"} for each in rows]
        return rows


class TestSocrata(ResumableContract):
    case = Case(
        "socrata",
        DataSet,
        paths=[PATH],
        records="rows",
        secret=SECRET,
        settings={"pagination": {"size": PAGE}},
        limit={"throttled": 2},
        waited={"throttled": 0},
        failure={"fails_at": 2 * PAGE},
        refusal=Refusal("403", secret={"api_key": "not-a-token"}),
    )

    def test_without_an_order_rows_would_be_missed(self, api: DataSet, source: Source) -> None:
        """The server does not keep an order of its own, so the recipe's is what makes it complete."""
        random.seed(7)
        source["query"] = {"$select": ":*, *"}

        stream = self.ingested(source)

        assert {each[":id"] for each in stream.values} < {each[":id"] for each in api.rows}

    def test_a_row_added_during_the_walk_hides_none(self, api: DataSet, source: Source) -> None:
        """It moves one row to the next page, which comes twice with one id; the next run brings it."""
        old = list(api.rows)
        api.late = row("a00", "2024-06-02T00:00:00.000Z")

        first = self.ingested(source)
        source["query"]["$where"] = ":updated_at > '2024-06-01T00:00:00Z'"
        second = self.ingested(source)

        assert first.values == old[: 2 * PAGE] + old[2 * PAGE - 1 :]
        assert len({line["id"] for line in first.lines}) == len(old)
        assert second.values == [row("a00", "2024-06-02T00:00:00.000Z")]
