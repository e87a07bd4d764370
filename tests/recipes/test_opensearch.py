"""OpenSearch: search_after in the body, requests signed with the function's own role."""

import pytest

from local_aws.servers.aws_signature import Signer, signed
from local_aws.servers.hostile_source import Behaviour
from tests.recipes.recipe import (
    Case,
    Refusal,
    Source,
)
from tests.recipes.search_index import PATH, SMALL_PAGES, Index, SearchContract

SIGNER = Signer("ASIAEXAMPLE", "wJalrXUtnFEMI/K7MDENG", "us-east-1", "es", "s3ssion/t0ken+example")


class TestOpenSearch(SearchContract):
    case = Case(
        "opensearch",
        Index,
        settings=SMALL_PAGES,
        limit={"rejected": 2},
        waited={"rejected": 0},
        failure={"down_after": 2},
        refusal=Refusal("403", environ={"AWS_SECRET_ACCESS_KEY": "another"}),
    )

    @pytest.fixture(autouse=True)
    def _role(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", SIGNER.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SIGNER.secret_key)
        monkeypatch.setenv("AWS_SESSION_TOKEN", SIGNER.token)

    def behaviours(self, api: Index) -> dict[str, Behaviour]:
        """The domain permits only the function's role."""
        return {PATH: signed(api, SIGNER)}

    def test_without_a_unique_field_in_sort_documents_would_be_missed(
        self, api: Index, source: Source
    ) -> None:
        """What the recipe says of the last field is so."""
        source["body"]["sort"] = [{"updated_at": "asc"}]

        stream = self.ingested(source)

        assert 0 < len(stream.values) < len(api.sources)

    def test_a_shard_that_fails_leaves_no_holes(self, api: Index, source: Source) -> None:
        """The page is asked for again instead of taken in part."""
        api.broken_shards = 2

        stream = self.ingested(source)

        assert (api.broken_shards, stream.values) == (0, api.expected)
