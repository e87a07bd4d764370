"""QuickBooks Online: the number of the first record in the text of a query, and a refresh token."""

import json
import re
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

from local_aws.servers.hostile_source import Behaviour, Connection, Request, answer
from tests.recipes.recipe import Case, Refusal, ResumableContract, Source

SECRET = {"client_id": "app", "client_secret": "s3cret", "refresh_token": "refresh-1"}
PATH = "/v3/company/1234567890/query"
QUERY = re.compile(
    r"SELECT \* FROM Invoice WHERE MetaData\.LastUpdatedTime >= '([^']+)' ORDERBY (\w+)"
    r"( STARTPOSITION (\d+))?( MAXRESULTS (\d+))?"
)
MAX_RESULTS, SERVED = 1_000, 10
OLD, NEW, CHANGED = "2023-12-31T23:00:00-08:00", "2024-02-01T00:00:00-08:00", "2024-03-01T00:00:00-08:00"
Answer = tuple[int, dict[str, Any]]


def invoice(number: int, changed: str = NEW) -> dict[str, Any]:
    """An invoice, with the time of its last change."""
    return {"Id": str(number), "DocNumber": f"Ü-{number}", "MetaData": {"LastUpdatedTime": changed}}


@dataclass
class QuickBooks:
    """As https://developer.intuit.com/app/developer/qbo/docs/ says of queries, limits and faults.

    Attributes:
        invoices: What the company has, by id; every seventh was not changed since the recipe's time.
        throttled: So many requests behind the first page are answered with 429.
        good_pages: Behind so many, everything is 500.
        changed: Numbers of invoices that are changed after the first page.
    """

    invoices: list[dict[str, Any]] = field(
        default_factory=lambda: [invoice(n, NEW if n % 7 else OLD) for n in range(1, 46)]
    )
    throttled: int = 0
    good_pages: int = 1_000
    changed: list[int] = field(default_factory=list)
    pages: int = 0
    refreshed: int = 0

    @property
    def expected(self) -> list[dict[str, Any]]:
        """The invoices that changed since the recipe's time."""
        return [each for each in self.invoices if each["MetaData"]["LastUpdatedTime"] >= "2024"]

    def token(self, connection: Connection, request: Request) -> None:
        """An access token for the refresh token, and the refresh token to take from now on."""
        client = b64encode(f"{SECRET['client_id']}:{SECRET['client_secret']}".encode()).decode()
        is_client = request.headers.get("authorization") == f"Basic {client}"
        if is_client and b"grant_type=refresh_token" in request.body and b"refresh-1" in request.body:
            self.refreshed += 1
            body = {"access_token": "token-1", "refresh_token": "refresh-2", "expires_in": 3600}
            answer(json.dumps({**body, "token_type": "bearer"}).encode())(connection, request)
        else:
            answer(b'{"error":"invalid_grant"}', status=400)(connection, request)

    def __call__(self, connection: Connection, request: Request) -> None:
        """One query."""
        if request.headers.get("accept") != "application/json":
            answer(b"<IntuitResponse/>", content_type="application/xml")(connection, request)
            return
        status, body = self._answered(request)
        answer(json.dumps(body).encode(), status=status)(connection, request)

    def _answered(self, request: Request) -> Answer:
        if request.headers.get("authorization") != "Bearer token-1":
            return 401, fault("AUTHENTICATION", "3200", "message=AuthenticationFailed")
        asked = QUERY.fullmatch(request.query.get("query", ""))
        if not asked or request.query.keys() - {"query", "minorversion"}:
            return 400, fault("ValidationFault", "4000", "Error parsing query")
        start, size = int(asked.group(4) or 1), int(asked.group(6) or 100)
        if size > MAX_RESULTS:
            text = f"QueryValidationError: value {size} is too large. Max allowed value is 1000"
            return 400, fault("ValidationFault", "4001", text)
        if start < 1:
            return 400, fault("ValidationFault", "4001", "QueryValidationError: value 0 is too small")
        if self.pages and self.throttled:
            self.throttled -= 1
            text = "message=ThrottleExceeded; errorCode=003001; statusCode=429"
            return 429, fault("SERVICE", "3001", text)
        if self.good_pages == 0:
            return 500, fault("SERVICE", "10000", "An application error has occurred")
        self.good_pages -= 1
        return self._page(asked, start, min(size, SERVED))

    def _page(self, asked: re.Match[str], start: int, size: int) -> Answer:
        self.pages += 1
        since = asked.group(1)[:10]
        found = [each for each in self.invoices if each["MetaData"]["LastUpdatedTime"] >= since]
        if asked.group(2) != "Id":
            found.sort(key=lambda each: str(each["MetaData"]["LastUpdatedTime"]))
        rows = found[start - 1 :][:size]
        for number in self.changed:
            self.invoices[number - 1] = invoice(number, CHANGED)
        # Nothing found is an object without keys.
        about = {"Invoice": rows, "startPosition": start, "maxResults": len(rows)} if rows else {}
        return 200, {"QueryResponse": about, "time": f"2024-03-02T00:00:0{self.pages}.000-08:00"}


def fault(kind: str, code: str, message: str) -> dict[str, Any]:
    """The body of an error."""
    return {"Fault": {"Error": [{"Message": message, "Detail": message, "code": code}], "type": kind}}


class TestQuickBooks(ResumableContract):
    case = Case(
        "quickbooks",
        QuickBooks,
        secret=SECRET,
        walked={"refreshed": 1},
        limit={"throttled": 2},
        waited={"throttled": 0},
        failure={"good_pages": 2},
        refusal=Refusal("400", settings={"query": {"query": "SELECT * FROM Invoice STARTPOSITION {offset}"}}),
    )

    def behaviours(self, api: QuickBooks) -> dict[str, Behaviour]:
        """The query and the token."""
        return {PATH: api, "/oauth2/v1/tokens/bearer": api.token}

    def test_nothing_new_is_a_run_without_records(self, api: QuickBooks, source: Source) -> None:
        """The first page is as the one behind the last: without the list."""
        source["query"]["query"] = source["query"]["query"].replace("2024-01", "2025-01")

        assert (self.ingested(source).values, api.pages) == ([], 1)

    def test_no_invoice_is_missed_where_some_change_during_the_walk(
        self, api: QuickBooks, source: Source
    ) -> None:
        """One that only now belongs to the list shifts the pages: others come twice, and none is missing."""
        api.changed = [7, 14, 28]
        before = {each["Id"] for each in api.expected}

        assert before <= {each["Id"] for each in self.ingested(source).values}
