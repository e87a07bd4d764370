"""Stripe: the cursor is the last record's id."""

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

SECRET = {"token": "rk_live_1"}
START = 1_704_067_200
KNOWN = {
    "limit",
    "starting_after",
    "ending_before",
    "created[gte]",
    "created[gt]",
    "created[lt]",
    "created[lte]",
}


def charge(number: int) -> dict[str, Any]:
    """One charge; a higher number is newer."""
    return {"id": f"ch_{number:04}", "object": "charge", "amount": number, "created": START - 10 + number}


def refused(status: int, kind: str, message: str) -> tuple[int, dict[str, Any]]:
    """An error as the API writes it."""
    return status, {"error": {"type": kind, "message": message}}


@dataclass
class Stripe:
    """As https://docs.stripe.com/api/pagination and /api/errors say."""

    charges: list[dict[str, Any]] = field(default_factory=lambda: [charge(n) for n in range(260, 0, -1)])
    good_pages: int = 1_000
    limited: list[str] = field(default_factory=list)
    is_limiting: bool = False
    grows: bool = False

    @property
    def expected(self) -> list[dict[str, Any]]:
        """The charges since the recipe's date."""
        return [each for each in self.charges if each["created"] >= START]

    def __call__(self, connection: Connection, request: Request) -> None:
        """Answer one request for a list."""
        status, body = self._answer(request)
        answer(json.dumps(body).encode(), status=status)(connection, request)

    def _answer(self, request: Request) -> tuple[int, dict[str, Any]]:
        asked = dict(request.query)
        limit, after = asked.get("limit", "10"), asked.get("starting_after")
        if request.headers.get("authorization") != "Bearer rk_live_1":
            return refused(401, "invalid_request_error", "Invalid API Key provided")
        if unknown := asked.keys() - KNOWN:
            return refused(400, "invalid_request_error", f"Received unknown parameter: {unknown}")
        if not limit.isdecimal() or not 1 <= int(limit) <= 100:
            return refused(400, "invalid_request_error", "Invalid limit")
        if self.is_limiting and after and after not in self.limited:
            self.limited.append(after)
            return refused(429, "invalid_request_error", "Request rate limit exceeded.")
        if self.good_pages == 0:
            return refused(500, "api_error", "An unknown error occurred")
        return self._page(int(limit), after, int(asked.get("created[gte]", "0")))

    def _page(self, limit: int, after: str | None, since: int) -> tuple[int, dict[str, Any]]:
        found = [each for each in self.charges if each["created"] >= since]
        ids = [each["id"] for each in found]
        if after and after not in ids:
            return refused(400, "invalid_request_error", f"No such charge: '{after}'")
        start = ids.index(after) + 1 if after else 0
        self.good_pages -= 1
        if self.grows:
            self.charges.insert(0, charge(1 + self.charges[0]["amount"]))
        page = found[start : start + limit]
        return 200, {
            "object": "list",
            "url": "/v1/charges",
            "has_more": start + limit < len(found),
            "data": page,
        }


class TestStripe(ResumableContract):
    case = Case(
        "stripe",
        Stripe,
        paths=["/v1/charges"],
        secret=SECRET,
        # Each page but the first is answered 429 once.
        limit={"is_limiting": True},
        waited={"limited": 2},
        failure={"good_pages": 1},
        refusal=Refusal("401", secret={"token": "rk_other"}),
    )

    def test_charges_made_during_the_walk_shift_nothing(self, api: Stripe, source: Source) -> None:
        """Those that were there come once; the new ones stand before the first page."""
        api.grows, before = True, api.expected

        assert self.ingested(source).values == before
