"""Elasticsearch: search_after in the body, an API key with a prefix of its own."""

from local_aws.servers.hostile_source import Behaviour, Connection, Request, answer
from tests.recipes.recipe import (
    Case,
    Refusal,
)
from tests.recipes.search_index import PATH, SMALL_PAGES, Index, SearchContract

SECRET = {"token": "VnVhQ2ZHY0JDZGJrU"}


def with_key(behaviour: Behaviour) -> Behaviour:
    """Behave so to a request with the API key; else 401, as Elasticsearch."""

    def behave(connection: Connection, request: Request) -> None:
        known = request.headers.get("authorization") == f"ApiKey {SECRET['token']}"
        refused = answer(b'{"error":{"type":"security_exception"}}', status=401)
        (behaviour if known else refused)(connection, request)

    return behave


class TestElasticsearch(SearchContract):
    case = Case(
        "elasticsearch",
        Index,
        secret=SECRET,
        settings=SMALL_PAGES,
        limit={"rejected": 2},
        waited={"rejected": 0},
        failure={"down_after": 2},
        refusal=Refusal("401", secret={"token": "b3RoZXI6a2V5"}),
    )

    def behaviours(self, api: Index) -> dict[str, Behaviour]:
        """The deployment demands the API key."""
        return {PATH: with_key(api)}
