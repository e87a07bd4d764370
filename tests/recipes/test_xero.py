"""Xero: numbered pages, only what changed since a time in a header, and an access token for the client."""

import json
import time
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

from local_aws.servers.hostile_source import Behaviour, Connection, Request, answer
from tests.recipes.recipe import Case, Refusal, ResumableContract, Source

SECRET = {"client_id": "app", "client_secret": "s3cret"}
TENANT = "00000000-0000-0000-0000-000000000000"
MAX_PAGE = 1_000
KNOWN = {"page", "pageSize", "order", "where", "Statuses"}
OLD, SINCE, NEW, CHANGED = "2023-06-01", "2024-01-01", "2024-02-01", "2024-03-01"
Answer = tuple[int, object, dict[str, str]]


def invoice(number: int, changed: str = NEW) -> dict[str, Any]:
    """An invoice; a changed one has another day of its last change."""
    return {
        "Type": "ACCREC",
        "InvoiceID": f"{number:08}-0000-0000-0000-000000000000",
        "Contact": {"Name": f"Grüße {number}"},
        "LineItems": [{"Quantity": 1.0, "UnitAmount": 40.00}],
        "Status": "VOIDED" if number % 9 == 0 else "PAID",
        "UpdatedDateUTCString": f"{changed}T16:31:30Z",
    }


@dataclass
class Xero:
    """As https://developer.xero.com/documentation/api/accounting/invoices and /guides/oauth2/limits say.

    Attributes:
        invoices: What the organisation has; every seventh was not changed since the recipe's time.
        limited: Whether the third request is answered with 429 and a minute's wait.
        good_pages: Behind so many, everything is 503.
        changed: Numbers of invoices that are changed after the first page.
    """

    invoices: list[dict[str, Any]] = field(
        default_factory=lambda: [invoice(n, NEW if n % 7 else OLD) for n in range(1, 281)]
    )
    limited: bool = False
    good_pages: int = 1_000
    changed: list[int] = field(default_factory=list)
    requests: int = 0
    refused: int = 0
    free_at: float = 0

    @property
    def expected(self) -> list[dict[str, Any]]:
        """The invoices that changed since the recipe's time."""
        return [each for each in self.invoices if each["UpdatedDateUTCString"] >= SINCE]

    def token(self, connection: Connection, request: Request) -> None:
        """An access token for the client."""
        client = b64encode(f"{SECRET['client_id']}:{SECRET['client_secret']}".encode()).decode()
        if request.headers.get("authorization") == f"Basic {client}":
            body = {"access_token": "token-1", "expires_in": 1800, "token_type": "Bearer"}
            answer(json.dumps(body).encode())(connection, request)
        else:
            answer(b'{"error":"invalid_client"}', status=400)(connection, request)

    def __call__(self, connection: Connection, request: Request) -> None:
        """One page."""
        self.requests += 1
        if request.headers.get("accept") != "application/json":
            answer(b"<Response><Status>OK</Status></Response>", content_type="text/xml")(connection, request)
            return
        status, body, headers = self._answered(request)
        answer(json.dumps(body).encode(), status=status, headers=headers)(connection, request)

    def _answered(self, request: Request) -> Answer:
        if request.headers.get("authorization") != "Bearer token-1":
            return 401, {"Title": "Unauthorized", "Status": 401, "Detail": "AuthenticationUnsuccessful"}, {}
        if request.headers.get("xero-tenant-id") != TENANT:
            return 403, {"Title": "Forbidden", "Status": 403, "Detail": "AuthenticationUnsuccessful"}, {}
        if self.limited and self.requests == 3:
            self.free_at = time.monotonic() + 20
        if time.monotonic() < self.free_at:
            self.refused += 1
            headers = {"Retry-After": "20", "X-Rate-Limit-Problem": "minute", "X-MinLimit-Remaining": "0"}
            return 429, {}, headers
        asked = {"page": "0", "pageSize": "100", **request.query}
        if asked.keys() - KNOWN or not 1 <= int(asked["pageSize"]) <= MAX_PAGE:
            return 400, {"ErrorNumber": 16, "Type": "QueryParseException"}, {}
        if self.good_pages == 0:
            return 503, {"Title": "The Xero API is currently offline for maintenance"}, {}
        self.good_pages -= 1
        return self._page(asked, request.headers.get("if-modified-since", ""))

    def _page(self, asked: dict[str, str], since: str) -> Answer:
        page, size = int(asked["page"]), int(asked["pageSize"])
        found = [each for each in self.invoices if each["UpdatedDateUTCString"] >= since]
        if asked.get("order") != "InvoiceID ASC":
            found.sort(key=lambda each: str(each["UpdatedDateUTCString"]))
        # Without `page` no lines are sent.
        rows = [each if page else {**each, "LineItems": []} for each in found]
        rows = rows[(max(page, 1) - 1) * size :][:size]
        about = {"page": page, "pageSize": size, "pageCount": -(-len(found) // size), "itemCount": len(found)}
        # Each answer has an id of its own, so no two bodies are the same.
        told = {"Id": f"900c500b-{self.requests}", "Status": "OK", "ProviderName": "Example"}
        for number in self.changed:
            self.invoices[number - 1] = invoice(number, CHANGED)
        return 200, {**told, "pagination": about, "Invoices": rows}, {"X-MinLimit-Remaining": "59"}


class TestXero(ResumableContract):
    case = Case(
        "xero",
        Xero,
        secret=SECRET,
        limit={"limited": True},
        waited={"refused": 1},
        failure={"good_pages": 1},
        refusal=Refusal("403", settings={"headers": {"xero-tenant-id": "another"}}),
    )

    def behaviours(self, api: Xero) -> dict[str, Behaviour]:
        """The invoices and the token of the client."""
        return {"/api.xro/2.0/Invoices": api, "/connect/token": api.token}

    def test_nothing_new_is_a_run_without_records(self, api: Xero, source: Source) -> None:
        """There are no pages then, and the count of them is zero."""
        source["headers"]["If-Modified-Since"] = "2025-01-01T00:00:00"

        assert (self.ingested(source).values, api.requests) == ([], 1)

    def test_no_invoice_is_missed_where_some_change_during_the_walk(self, api: Xero, source: Source) -> None:
        """One that only now belongs to the list shifts the pages: others come twice, and none is missing."""
        api.changed = [7, 14, 200]
        before = {each["InvoiceID"] for each in api.expected}

        assert before <= {each["InvoiceID"] for each in self.ingested(source).values}
