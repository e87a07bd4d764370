"""Microsoft Graph: OData by @odata.nextLink, with an access token for the client."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, quote

import pytest

from local_aws.servers.hostile_source import Connection, HostileSource, Request, answer
from tests.recipes.recipe import at, ingest, recipe, resumed
from url_fetcher.errors import SourceRejected, SourceUnavailable

SECRET = {"client_id": "app", "client_secret": "s3cret"}
MAX_TOP = 999
SERVED = 10
ALLOWED = {"$top", "$select", "$skiptoken"}


def user(number: int) -> dict[str, Any]:
    """A user as Graph writes it."""
    return {"id": f"{number:04}", "displayName": f"Ünser {number}", "mail": None, "accountEnabled": True}


@dataclass
class Graph:
    """The API as https://learn.microsoft.com/graph/paging and /graph/throttling say.

    Attributes:
        users: What the directory holds now.
        limited: Whether the third request is answered with 429 and a second's wait.
        broken_from: The page from which on everything is 500.
        refused: How often 429 was answered.
        joins: Who is added after the first page.
    """

    users: list[dict[str, Any]] = field(default_factory=lambda: [user(number) for number in range(45)])
    limited: bool = False
    broken_from: int = 1_000
    refused: int = 0
    tokens: int = 0
    requests: int = 0
    free_at: float = 0
    joins: dict[str, Any] | None = None

    def token(self, connection: Connection, request: Request) -> None:
        """An access token for the client that proves itself in the form."""
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        wanted = {"grant_type": "client_credentials", **SECRET}
        if wanted.items() <= form.items() and form.get("scope", "").endswith("/.default"):
            self.tokens += 1
            body = {"token_type": "Bearer", "expires_in": 3599, "access_token": f"token-{self.tokens}"}
            answer(json.dumps(body).encode())(connection, request)
        else:
            answer(b'{"error":"invalid_client"}', status=401)(connection, request)

    def list_users(self, connection: Connection, request: Request) -> None:
        """One page of users."""
        self.requests += 1
        status, body, headers = self._page(request)
        answer(json.dumps(body).encode(), status=status, headers=headers)(connection, request)

    def _page(self, request: Request) -> tuple[int, dict[str, Any], dict[str, str]]:
        if request.headers.get("authorization") != f"Bearer token-{self.tokens}":
            return 401, {"error": {"code": "InvalidAuthenticationToken"}}, {}
        if self.limited and self.requests == 3:
            self.free_at = monotonic() + 1
        if monotonic() < self.free_at:
            self.refused += 1
            return 429, {"error": {"code": "TooManyRequests"}}, {"Retry-After": "1"}
        asked = request.query
        if asked.keys() - ALLOWED or not 1 <= int(asked.get("$top", "100")) <= MAX_TOP:
            return 400, {"error": {"code": "Request_BadRequest"}}, {}
        behind = asked.get("$skiptoken", "m~").removeprefix("m~")
        if len([one for one in self.users if one["id"] <= behind]) >= self.broken_from * SERVED:
            return 500, {"error": {"code": "InternalServerError"}}, {}
        if self.joins and behind:
            self.users.append(self.joins)
            self.joins = None
        rest = [one for one in self.users if one["id"] > behind]
        page = {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users", "value": rest[:SERVED]}
        if len(rest) > SERVED:
            token = quote(f"m~{rest[SERVED - 1]['id']}", safe="")
            host = f"http://{request.headers['host']}{request.path}"
            page["@odata.nextLink"] = f"{host}?$top={asked['$top']}&$skiptoken={token}"
        return 200, page, {}


@pytest.fixture
def graph() -> Graph:
    """The API's state."""
    return Graph()


@pytest.fixture
def source(graph: Graph) -> Iterator[dict[str, Any]]:
    """The recipe's source at the server."""
    token = "/contoso.onmicrosoft.com/oauth2/v2.0/token"
    with HostileSource({"/v1.0/users": graph.list_users, token: graph.token}) as server:
        yield at(server, recipe("microsoft-graph"))


def test_every_user_is_ingested(source: dict[str, Any], graph: Graph) -> None:
    """All pages are followed to the one without a next link, each record exactly as sent."""
    assert ingest(source, secret=SECRET).values == graph.users


def test_a_user_who_joins_during_the_walk_is_ingested(source: dict[str, Any], graph: Graph) -> None:
    """What is added behind the walk's position comes, too."""
    graph.joins = user(99)

    assert ingest(source, secret=SECRET).values == [*map(user, range(45)), user(99)]


def test_the_limit_is_waited_for(source: dict[str, Any], graph: Graph) -> None:
    """A 429 is waited for as long as it says, once, and loses nothing."""
    graph.limited = True

    stream = ingest(source, secret=SECRET)

    assert (stream.values, graph.refused) == (graph.users, 1)


def test_a_failed_walk_goes_on_where_it_ended(source: dict[str, Any], graph: Graph) -> None:
    """The error's resume brings the rest."""
    graph.broken_from = 2
    source["retry"] = {"max_attempts": 2, "max_delay_seconds": 0.1}

    with pytest.raises(SourceUnavailable) as caught:
        ingest(source, secret=SECRET)
    graph.broken_from = 1_000
    values = resumed(source, caught.value, secret=SECRET)

    assert values == graph.users


def test_a_page_over_the_cap_is_refused(source: dict[str, Any]) -> None:
    """The server allows what the recipe asks for and no more."""
    source["query"]["$top"] = 1_000

    with pytest.raises(SourceRejected, match="400"):
        ingest(source, secret=SECRET)
