"""Microsoft Graph: OData by @odata.nextLink, with an access token for the client."""

import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote

from local_aws.servers.hostile_source import Behaviour, Connection, Request, answer
from tests.recipes.recipe import (
    Case,
    Refusal,
    ResumableContract,
    Source,
)

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
        empties: Whether a page without users comes before each page but the first.
    """

    users: list[dict[str, Any]] = field(default_factory=lambda: [user(number) for number in range(45)])
    limited: bool = False
    broken_from: int = 1_000
    refused: int = 0
    tokens: int = 0
    requests: int = 0
    free_at: float = 0
    joins: dict[str, Any] | None = None
    empties: bool = False

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
            self.free_at = time.monotonic() + 1
        if time.monotonic() < self.free_at:
            self.refused += 1
            return 429, {"error": {"code": "TooManyRequests"}}, {"Retry-After": "1"}
        asked = request.query
        if asked.keys() - ALLOWED or not 1 <= int(asked.get("$top", "100")) <= MAX_TOP:
            return 400, {"error": {"code": "Request_BadRequest"}}, {}
        token = asked.get("$skiptoken", "m~")
        behind = token.removeprefix("m~").removesuffix("~")
        if len([one for one in self.users if one["id"] <= behind]) >= self.broken_from * SERVED:
            return 500, {"error": {"code": "InternalServerError"}}, {}
        if self.joins and behind:
            self.users.append(self.joins)
            self.joins = None
        rest = [one for one in self.users if one["id"] > behind]
        is_empty = self.empties and behind and not token.endswith("~")
        rows = [] if is_empty else rest[:SERVED]
        page = {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users", "value": rows}
        if len(rest) > len(rows):
            following = quote(f"m~{behind}~" if is_empty else f"m~{rows[-1]['id']}", safe="")
            host = f"http://{request.headers['host']}{request.path}"
            page["@odata.nextLink"] = f"{host}?$top={asked['$top']}&$skiptoken={following}"
        return 200, page, {}


class TestMicrosoftGraph(ResumableContract):
    case = Case(
        "microsoft-graph",
        Graph,
        records="users",
        secret=SECRET,
        limit={"limited": True},
        waited={"refused": 1},
        failure={"broken_from": 2},
        # The largest page that the server allows is the recipe's.
        refusal=Refusal("400", settings={"query": {"$top": 1_000}}),
    )

    def behaviours(self, api: Graph) -> dict[str, Behaviour]:
        """The list and the token of the client."""
        return {"/v1.0/users": api.list_users, "/contoso.onmicrosoft.com/oauth2/v2.0/token": api.token}

    def test_a_user_who_joins_during_the_walk_is_ingested(self, api: Graph, source: Source) -> None:
        """What is added behind the walk's position comes, too."""
        api.joins = user(99)

        assert self.ingested(source).values == [*map(user, range(45)), user(99)]

    def test_an_empty_page_with_a_next_link_is_not_the_end(self, api: Graph, source: Source) -> None:
        """Graph says that a page may have nothing although others follow."""
        api.empties = True

        assert self.ingested(source).values == api.users
