"""World Bank: records at index 1, pages by number, errors with status 200."""

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
INVALID = [
    {"message": [{"id": "120", "key": "Invalid value", "value": "The provided parameter value is not valid"}]}
]


def value(year: int, number: int | None = None) -> dict[str, Any]:
    """One year's value, which may be null."""
    return {
        "indicator": {"id": "SP.POP.TOTL", "value": "Population, total"},
        "countryiso3code": "AFE",
        "date": str(year),
        "value": number,
        "unit": "",
    }


@dataclass
class WorldBank:
    """The API as https://datahelpdesk.worldbank.org/knowledgebase/articles/898581 and 898620 say.

    Attributes:
        values: What it has now, the latest year first.
        added: The value of a new year, which is there after the first page.
        is_limited: Whether the third request is answered with 503 and a second's wait.
        broken_from: The page from which on everything is 500.
        refused: How often 503 was answered.
    """

    values: list[dict[str, Any]] = field(
        default_factory=lambda: [
            value(year, year * 7 if year % 5 else None) for year in range(2004, 1959, -1)
        ]
    )
    added: dict[str, Any] | None = None
    is_limited: bool = False
    broken_from: int = 1_000
    refused: int = 0
    requests: int = 0
    free_at: float = 0

    def __call__(self, connection: Connection, request: Request) -> None:
        """One page."""
        self.requests += 1
        if self.is_limited and self.requests == 3:
            self.free_at = time.monotonic() + 1
        asked = request.query
        if time.monotonic() < self.free_at:
            self.refused += 1
            behave = answer(b"<html>busy</html>", status=503, headers={"Retry-After": "1"})
        elif asked.get("format") != "json":
            behave = answer(b"<wb:countries/>", content_type="text/xml")
        elif int(asked.get("page", "1")) >= self.broken_from:
            behave = answer(b"<html>Internal Server Error</html>", status=500)
        else:
            behave = answer(json.dumps(self._page(asked.get("page", "1"), asked)).encode())
        behave(connection, request)

    def _page(self, number: str, asked: Any) -> list[Any]:
        first, _, last = asked.get("date", "0:9999").partition(":")
        page, per_page = int(number), int(asked.get("per_page", "50"))
        if page < 1 or per_page < 1 or not (first.isdecimal() and last.isdecimal()):
            return INVALID
        if self.added and page > 1:
            self.values.insert(0, self.added)
            self.added = None
        found = [one for one in self.values if int(first) <= int(one["date"]) <= int(last)]
        if not found:
            return [{"page": 0, "pages": 0, "per_page": 0, "total": 0, "sourceid": None}, None]
        size = min(per_page, SERVED)
        about = {"page": page, "pages": -(-len(found) // size), "per_page": size, "total": len(found)}
        return [about, found[(page - 1) * size : page * size]]


class TestWorldBank(ResumableContract):
    case = Case(
        "world-bank",
        WorldBank,
        paths=["/v2/country/all/indicator/SP.POP.TOTL"],
        records="values",
        walked={"requests": 5},
        limit={"is_limited": True},
        waited={"refused": 1},
        failure={"broken_from": 3},
        # The API refuses with status 200; the error has its words.
        refusal=Refusal(
            "The provided parameter value is not valid", settings={"query": {"date": "yesterday"}}
        ),
    )

    def test_a_value_that_is_inserted_during_the_walk_hides_none(
        self, api: WorldBank, source: Source
    ) -> None:
        """A record that moves to the next page comes twice with one id; none that was there is missing."""
        api.added, before = value(2005, 1), list(api.values)

        lines = self.ingested(source).lines

        unique = {line["id"]: line["data"] for line in lines}
        assert (list(unique.values()), len(lines)) == (before, 46)

    def test_years_without_values_are_no_records(self, source: Source) -> None:
        """The null in place of the records is none."""
        source["query"]["date"] = "1900:1950"

        assert self.ingested(source).values == []
