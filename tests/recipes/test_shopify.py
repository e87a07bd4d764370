"""Shopify: orders by links with an opaque page_info, an access token, and a bucket that leaks."""

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

PATH = "/admin/api/2025-01/orders.json"
SECRET = {"api_key": "shpat_0123456789abcdef"}
MAX_LIMIT, SERVED = 250, 10
BUCKET, LEAKS_SECONDS = 40, 1.2
BESIDE_PAGE_INFO = {"page_info", "limit", "fields"}
FILTERS = {"status", "limit", "updated_at_min"}


def order(number: int, updated_at: str = "2024-06-01T10:00:00Z", note: str = "") -> dict[str, Any]:
    """An order as the API gives it."""
    return {"id": 450_789_469 + number, "name": f"#{number}", "note": note, "updated_at": updated_at}


@dataclass
class Shop:
    """The orders of a shop as https://shopify.dev/docs/api/admin-rest gives them: the newest first.

    Attributes:
        orders: By number.
        drops: What is in the bucket; a request over its size is refused until ``LEAKS_SECONDS`` have passed.
        fails_at: Pages before an answer of 500; None: never.
        on_page: Numbers of orders that are changed or added behind a page, by the number of pages.
    """

    orders: dict[int, dict[str, Any]] = field(default_factory=lambda: {n: order(n) for n in range(45)})
    drops: int = 0
    refused: list[float] = field(default_factory=list)
    fails_at: int | None = None
    on_page: dict[int, int] = field(default_factory=dict)
    pages: int = 0

    @property
    def expected(self) -> list[dict[str, Any]]:
        """The orders, the newest first."""
        return [self.orders[n] for n in reversed(range(45))]

    def __call__(self, connection: Connection, request: Request) -> None:
        """One request."""
        fault = self._fault(request)
        if fault:
            status, headers = fault
            body = json.dumps({"errors": f"refused with {status}"}).encode()
            answer(body, status=status, headers=headers)(connection, request)
            return
        page, link = self._page(request)
        answer(json.dumps({"orders": page}).encode(), headers=link)(connection, request)
        self.pages += 1
        if (changed := self.on_page.get(self.pages)) is not None:
            self.orders[changed] = order(changed, "2024-07-01T10:00:00Z", "changed")

    def _fault(self, request: Request) -> tuple[int, dict[str, str]] | None:
        if request.headers.get("x-shopify-access-token") != SECRET["api_key"]:
            return 401, {}
        if self._overflows():
            return 429, {"Retry-After": f"{LEAKS_SECONDS:.1f}", "X-Shopify-Shop-Api-Call-Limit": "40/40"}
        known = BESIDE_PAGE_INFO if "page_info" in request.query else FILTERS
        if not request.query.keys() <= known or int(request.query.get("limit", "50")) > MAX_LIMIT:
            return 400, {}
        return (500, {}) if self.pages == self.fails_at else None

    def _overflows(self) -> bool:
        now = time.monotonic()
        if self.refused and now - self.refused[0] >= LEAKS_SECONDS:
            self.drops = 0
        self.drops += 1
        if self.drops > BUCKET:
            self.refused.append(now)
        return self.drops > BUCKET

    def _page(self, request: Request) -> tuple[list[dict[str, Any]], dict[str, str]]:
        asked = dict(request.query)
        state: dict[str, Any] = {"since": asked.get("updated_at_min", ""), "below": len(self.orders) + 1}
        if "page_info" in asked:
            state = json.loads(base64.urlsafe_b64decode(asked["page_info"]))
        below = state["below"]
        fitting = [n for n in sorted(self.orders, reverse=True) if n < below]
        fitting = [n for n in fitting if self.orders[n]["updated_at"] >= state["since"]]
        size = min(int(asked.get("limit", "50")), SERVED)
        numbers = fitting[:size]
        links = [] if "page_info" not in asked else [link(request, "previous", {"below": 0, "since": ""})]
        if len(fitting) > size:
            links.append(link(request, "next", {**state, "below": numbers[-1]}))
        return [self.orders[n] for n in numbers], {"Link": ", ".join(links)} if links else {}


def link(request: Request, rel: str, state: dict[str, Any]) -> str:
    """One link of the header."""
    page_info = base64.urlsafe_b64encode(json.dumps(state).encode()).decode()
    limit = request.query.get("limit", "50")
    return f'<http://{request.headers["host"]}{PATH}?limit={limit}&page_info={page_info}>; rel="{rel}"'


class TestShopify(ResumableContract):
    case = Case(
        "shopify",
        Shop,
        paths=[PATH],
        secret=SECRET,
        # One request is refused; the next comes when the bucket has leaked.
        limit={"drops": BUCKET - 2},
        waited={"refused": 1},
        failure={"fails_at": 2},
        refusal=Refusal("401", secret={"api_key": "shpat_wrong"}),
    )

    def test_orders_changed_during_the_walk_come_with_the_next_run(self, api: Shop, source: Source) -> None:
        """One that was read already and one that is new come by updated_at_min; the walk misses no other."""
        old = api.expected
        api.on_page = {2: 40, 3: 45}

        first = self.ingested(source)
        source["query"]["updated_at_min"] = "2024-06-15T00:00:00Z"
        second = self.ingested(source)

        assert (first.values, second.values) == (old, [api.orders[45], api.orders[40]])
