"""Salesforce: SOQL by a relative nextRecordsUrl, with an access token that may end during the walk."""

import json
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local_aws.servers.hostile_source import Behaviour, Connection, Request, answer
from tests.recipes.recipe import (
    Case,
    Refusal,
    ResumableContract,
    Source,
)
from url_fetcher.errors import SourceRejected

SECRET = {"client_id": "3MVG9", "client_secret": "s3cret"}
SERVED = 10
QUERY = "/services/data/v62.0/query"
LOCATOR = f"{QUERY}/01gD0000002HU6KIAW"
SINCE = "SELECT Id, Name, SystemModstamp FROM Account WHERE SystemModstamp >= "
ORDER = " ORDER BY SystemModstamp, Id"


def account(number: int, name: str = "Müller") -> dict[str, Any]:
    """An account, with the attributes that Salesforce adds to each record."""
    key = f"001D00000{number:06}AAA"
    about = {"type": "Account", "url": f"/services/data/v62.0/sobjects/Account/{key}"}
    stamp = f"2024-02-01T{10 if name == 'Müller' else 18}:{number:02}:00.000+0000"
    return {"attributes": about, "Id": key, "Name": f"{name} {number}", "SystemModstamp": stamp}


@dataclass
class Salesforce:
    """The API as https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/ says.

    Attributes:
        accounts: What the organisation has now.
        renamed: The number of an account that is renamed after the first page.
        expires_after: The request behind which the first token is no longer valid.
        answered: How many requests are answered before all others fail.
        status: The status with which they fail.
        failed: How many of them fail.
        tokens: How many tokens were given out.
        batches: The values of Sforce-Query-Options that came.
    """

    accounts: list[dict[str, Any]] = field(default_factory=lambda: [account(number) for number in range(45)])
    renamed: int | None = None
    expires_after: int = 1_000
    answered: int = 1_000
    status: int = 500
    failed: int = 1_000
    tokens: int = 0
    valid: str = ""
    requests: int = 0
    batches: set[str] = field(default_factory=set)
    cursor: list[int] = field(default_factory=list)

    def token(self, connection: Connection, request: Request) -> None:
        """An access token for the client; the answer does not say how long it is valid."""
        client = b64encode(f"{SECRET['client_id']}:{SECRET['client_secret']}".encode()).decode()
        is_client = request.headers.get("authorization") == f"Basic {client}"
        if request.method == "POST" and is_client and b"grant_type=client_credentials" in request.body:
            self.tokens += 1
            self.valid = f"00D!token{self.tokens}"
            body = {"access_token": self.valid, "token_type": "Bearer", "instance_url": "https://example"}
            answer(json.dumps(body).encode())(connection, request)
        else:
            answer(b'{"error":"invalid_client"}', status=400)(connection, request)

    def __call__(self, connection: Connection, request: Request) -> None:
        """One page."""
        self.requests += 1
        self.batches.add(request.headers.get("sforce-query-options", ""))
        status, body = self._answered(request)
        headers = {"Sforce-Limit-Info": f"api-usage={self.requests}/15000"}
        answer(json.dumps(body).encode(), status=status, headers=headers)(connection, request)

    def _answered(self, request: Request) -> tuple[int, object]:
        if self.requests == self.expires_after + 1:
            self.valid = ""
        if not self.valid or request.headers.get("authorization") != f"Bearer {self.valid}":
            return 401, [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
        if self.answered < self.requests <= self.answered + self.failed:
            code = "REQUEST_LIMIT_EXCEEDED" if self.status == 403 else "SERVER_UNAVAILABLE"
            return self.status, [{"message": "TotalRequests Limit exceeded.", "errorCode": code}]
        if request.path == QUERY:
            return self._first(request.query.get("q", ""))
        # A locator takes no parameters; which records it has was settled by the query.
        if request.query:
            return 400, [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}]
        return 200, self._page(int(request.path.removeprefix(f"{LOCATOR}-")))

    def _first(self, soql: str) -> tuple[int, object]:
        if not (soql.startswith(SINCE) and soql.endswith(ORDER)):
            return 400, [{"message": "unexpected token", "errorCode": "MALFORMED_QUERY"}]
        since = datetime.fromisoformat(soql.removeprefix(SINCE).removesuffix(ORDER))
        self.cursor = [
            number
            for number, one in enumerate(self.accounts)
            if datetime.fromisoformat(one["SystemModstamp"]) >= since
        ]
        return 200, self._page(0)

    def _page(self, begin: int) -> dict[str, Any]:
        if begin and self.renamed is not None:
            self.accounts[self.renamed] = account(self.renamed, "Renamed")
        end = begin + SERVED
        page: dict[str, Any] = {"totalSize": len(self.cursor), "done": end >= len(self.cursor)}
        if not page["done"]:
            page["nextRecordsUrl"] = f"{LOCATOR}-{end}"
        return {**page, "records": [self.accounts[number] for number in self.cursor[begin:end]]}


class TestSalesforce(ResumableContract):
    case = Case(
        "salesforce",
        Salesforce,
        records="accounts",
        secret=SECRET,
        limit={"answered": 2, "status": 503, "failed": 1},
        failure={"answered": 2},
        # The server reads the query, so the recipe's is known to have no mistake.
        refusal=Refusal("400", settings={"query": {"q": "SELECT Id FORM Account"}}),
    )

    def behaviours(self, api: Salesforce) -> dict[str, Behaviour]:
        """The query, its further pages, and the token of the client."""
        pages = {f"{LOCATOR}-{begin}": api for begin in range(SERVED, 60, SERVED)}
        return {QUERY: api, "/services/oauth2/token": api.token, **pages}

    def test_every_page_has_the_size_that_was_asked_for(self, api: Salesforce, source: Source) -> None:
        """The header with the size is sent for the pages behind the first, too."""
        self.ingested(source)

        assert api.batches == {"batchSize=2000"}

    def test_an_account_that_changes_during_the_walk_comes_as_it_is_then(
        self, api: Salesforce, source: Source
    ) -> None:
        """The query's cursor keeps its place, so no other is missing."""
        api.renamed = 30

        assert self.ingested(source).values == [
            account(number, "Renamed") if number == 30 else account(number) for number in range(45)
        ]

    def test_a_token_that_ends_during_the_walk_is_renewed(self, api: Salesforce, source: Source) -> None:
        """A session that expires in the middle is answered with 401; a new token loses nothing."""
        api.expires_after = 2

        stream = self.ingested(source)

        assert (stream.values, api.tokens) == (api.accounts, 2)

    def test_resume_brings_the_rest_after_the_403_of_the_limit(self, api: Salesforce, source: Source) -> None:
        """It names no wait, and is not tried again."""
        values = self.resumed_after(api, source, {"answered": 2, "status": 403}, SourceRejected)

        assert values == api.accounts
