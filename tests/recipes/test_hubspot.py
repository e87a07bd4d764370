"""HubSpot: a search by POST, which gives 10,000 results at most, read by key in the body."""

import json
from dataclasses import dataclass, field
from typing import Any

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import (
    Case,
    Refusal,
    ResumableContract,
    Source,
)

SECRET = {"token": "pat-na1-1"}
SINCE = 1_704_067_200_000
MAX_LIMIT = 200
KEYS = {"limit", "after", "properties", "sorts", "filterGroups", "query"}
OPERATORS = {"GT": int.__gt__, "GTE": int.__ge__, "LT": int.__lt__, "LTE": int.__le__, "EQ": int.__eq__}
NUMBERS = {"hs_object_id", "lastmodifieddate"}


def contact(number: int) -> dict[str, Any]:
    """One contact; every seventh was not changed since the recipe's time. Ids differ in length."""
    changed = SINCE + number if number % 7 else SINCE - 1
    properties = {
        "email": f"{number}@example.com",
        "hs_object_id": str(number),
        "lastmodifieddate": str(changed),
    }
    return {"id": str(number), "properties": properties, "archived": False}


def contacts(count: int) -> list[dict[str, Any]]:
    """So many contacts, in no order."""
    return [contact(number) for number in sorted(range(1, count + 1), key=lambda number: number % 101)]


@dataclass
class HubSpot:
    """As https://developers.hubspot.com/docs/api-reference/search/guide says."""

    contacts: list[dict[str, Any]] = field(default_factory=lambda: contacts(700))
    good_pages: int = 1_000
    max_results: int = 10_000
    secondly_limit_at: int = 0
    changes: bool = False
    pages: int = 0

    @property
    def expected(self) -> list[dict[str, Any]]:
        """The contacts that changed since the recipe's time, by id."""
        found = [each for each in self.contacts if int(each["properties"]["lastmodifieddate"]) >= SINCE]
        return sorted(found, key=lambda each: int(each["id"]))

    def __call__(self, connection: Connection, request: Request) -> None:
        """Answer one search."""
        status, body = self._answer(request)
        answer(json.dumps(body).encode(), status=status)(connection, request)

    def _answer(self, request: Request) -> tuple[int, dict[str, Any]]:
        if request.headers.get("authorization") != "Bearer pat-na1-1":
            return 401, {"status": "error", "category": "INVALID_AUTHENTICATION"}
        if request.method != "POST":
            return 405, {"status": "error", "message": "Method Not Allowed"}
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return 415, {"status": "error", "message": "Unsupported Media Type"}
        asked = json.loads(request.body)
        if problem := refusal(asked):
            return 400, {"status": "error", "category": "VALIDATION_ERROR", "message": problem}
        if self.pages == self.secondly_limit_at > 0:
            self.secondly_limit_at = 0
            return 429, {"status": "error", "errorType": "RATE_LIMIT", "policyName": "SECONDLY"}
        if self.pages == self.good_pages:
            return 500, {"status": "error", "message": "internal error"}
        return self._page(asked)

    def _page(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        found = [each for each in self.contacts if matches(each, asked.get("filterGroups", []))]
        for sort in asked.get("sorts", []):
            name = sort["propertyName"]
            found.sort(
                key=lambda each: int(each["properties"][name]), reverse=sort["direction"] == "DESCENDING"
            )
        after, limit = int(asked.get("after", 0)), asked.get("limit", 10)
        if after + limit > self.max_results:
            return 400, {"status": "error", "message": "There is a maximum of 10000 results per query"}
        self.pages += 1
        page = json.loads(json.dumps(found[after : after + limit]))
        if self.changes:
            self._change()
        following = {"paging": {"next": {"after": str(after + limit)}}} if after + limit < len(found) else {}
        return 200, {"total": len(found), "results": page, **following}

    def _change(self) -> None:
        """A contact that was read and one that was not are saved; a new one is made."""
        for each in (self.contacts[0], self.contacts[-1]):
            each["properties"]["lastmodifieddate"] = str(SINCE + 10_000 + self.pages)
        if self.pages == 1:
            self.contacts.append(contact(100_001))


def refusal(asked: dict[str, Any]) -> str:
    """What is wrong with a search."""
    groups = asked.get("filterGroups", [])
    filters = [each for group in groups for each in group["filters"]]
    if unknown := asked.keys() - KEYS:
        return f"Invalid input JSON: unknown {sorted(unknown)}"
    if not 1 <= asked.get("limit", 10) <= MAX_LIMIT:
        return "limit must be at most 200"
    if len(groups) > 5 or len(filters) > 18 or len(asked.get("sorts", [])) > 1:
        return "too many filters or sorts"
    if any(each["operator"] not in OPERATORS or not str(each["value"]).isdecimal() for each in filters):
        return "Invalid filter"
    return "" if {each["propertyName"] for each in filters} <= NUMBERS else "Property does not exist"


def matches(record: dict[str, Any], groups: list[dict[str, Any]]) -> bool:
    """Whether all filters of any group hold."""
    return not groups or any(
        all(
            OPERATORS[each["operator"]](int(record["properties"][each["propertyName"]]), int(each["value"]))
            for each in group["filters"]
        )
        for group in groups
    )


class TestHubSpot(ResumableContract):
    case = Case(
        "hubspot",
        HubSpot,
        paths=["/crm/v3/objects/contacts/search"],
        secret=SECRET,
        limit={"secondly_limit_at": 2},
        waited={"secondly_limit_at": 0},
        failure={"good_pages": 2},
        refusal=Refusal("401", secret={"token": "other"}),
    )

    def test_more_results_than_a_search_gives_are_ingested(self, api: HubSpot, source: Source) -> None:
        """The API refuses to page beyond them within one search."""
        api.max_results = 400
        expected = api.expected

        stream = self.ingested(source)

        assert (len(expected) > api.max_results, stream.values) == (True, expected)

    def test_contacts_saved_during_the_walk_are_not_missed(self, api: HubSpot, source: Source) -> None:
        """The order by id stays; a contact that is made meanwhile comes, too."""
        api.changes = True
        before = [each["id"] for each in api.expected]

        stream = self.ingested(source)

        found = [each["id"] for each in stream.values]
        assert (set(before) - set(found), len(found) - len(set(found)), found[-1]) == (set(), 0, "100001")
