"""Firebase Realtime Database: records that are the values of an object, asked for by an indexed child."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import Case, RecipeContract, Refusal, Source
from url_fetcher.errors import SourceRejected

SECRET = {"api_key": "database-secret"}
PATH = "/orders.json"
KNOWN = {"auth", "orderBy", "startAt", "endAt", "equalTo", "limitToFirst", "limitToLast", "print", "shallow"}
INDEXED = {"updatedAt"}
SINCE = 1_704_067_200_000
Answer = tuple[int, object]


def order(number: int) -> dict[str, Any]:
    """An order; every seventh was not changed since the recipe's time."""
    return {"title": f"größer {number}", "updatedAt": SINCE + (number if number % 7 else -number - 1)}


def orders(count: int) -> dict[str, dict[str, Any]]:
    """So many orders, by the keys that Firebase gives them."""
    return {f"-NqPush{number:06}": order(number) for number in range(count)}


@dataclass
class Firebase:
    """As https://firebase.google.com/docs/database/rest/retrieve-data says.

    Attributes:
        orders: What is at the path; None: nothing, not even an empty object.
        busy: So many requests are answered with 503.
    """

    orders: dict[str, dict[str, Any]] | None = field(default_factory=lambda: orders(50))
    busy: int = 0

    @property
    def expected(self) -> list[dict[str, Any]]:
        """The orders that changed since the recipe's time."""
        found = (self.orders or {}).items()
        return [{"key": key, "value": each} for key, each in found if each["updatedAt"] >= SINCE]

    def __call__(self, connection: Connection, request: Request) -> None:
        """Answer one request."""
        status, body = self._answered(request.query)
        answer(json.dumps(body).encode(), status=status)(connection, request)

    def _answered(self, asked: Mapping[str, str]) -> Answer:
        if asked.get("auth") != SECRET["api_key"]:
            return 401, {"error": "Unauthorized request."}
        if self.busy:
            self.busy -= 1
            return 503, {"error": "The specified Firebase database is temporarily unavailable."}
        if asked.keys() - KNOWN:
            return 400, {"error": "Invalid query parameter"}
        try:
            child, start = (
                json.loads(asked.get("orderBy", '"$key"')),
                json.loads(asked.get("startAt", "null")),
            )
        except ValueError:
            return 400, {"error": "orderBy must be a valid JSON encoded path"}
        if child not in INDEXED:
            return 400, {
                "error": f'Index not defined, add ".indexOn": "{child}", for path "/orders", to the rules'
            }
        if self.orders is None:
            return 200, None
        found = {key: value for key, value in self.orders.items() if value[child] >= (start or 0)}
        return 200, found


class TestFirebase(RecipeContract):
    case = Case(
        "firebase",
        Firebase,
        paths=[PATH],
        secret=SECRET,
        limit={"busy": 2},
        waited={"busy": 0},
        refusal=Refusal("401", secret={"api_key": "another"}),
    )

    @pytest.mark.parametrize("there", [None, {}])
    def test_nothing_is_a_run_without_records(self, api: Firebase, source: Source, there: Any) -> None:
        """A path without data is null; a query that finds nothing is an object without keys."""
        api.orders = there

        assert self.ingested(source).values == []

    def test_an_index_that_is_missing_is_an_error(self, source: Source) -> None:
        """Firebase filters by indexed children only; its message tells what to add."""
        source["query"]["orderBy"] = '"title"'

        with pytest.raises(SourceRejected, match="400"):
            self.ingested(source)
