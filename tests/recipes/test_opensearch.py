"""OpenSearch: search_after in the body, requests signed with the function's own role."""

import json
from collections.abc import Iterator

import pytest

from local_aws.servers.aws_signature import Signer, signed
from local_aws.servers.hostile_source import HostileSource
from tests.recipes.recipe import at, ingest, recipe
from tests.recipes.search_index import NOW, PATH, Index, source_of
from url_fetcher.errors import SourceRejected, SourceUnavailable

SIGNER = Signer("ASIAEXAMPLE", "wJalrXUtnFEMI/K7MDENG", "us-east-1", "es", "s3ssion/t0ken+example")
PAGE = 10


def small(source: dict[str, object]) -> None:
    """Pages of which there are several."""
    body = source["body"]
    assert isinstance(body, dict)
    source["body"] = {**body, "size": PAGE}


@pytest.fixture
def index() -> Index:
    """An index."""
    return Index()


@pytest.fixture
def server(index: Index, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostileSource]:
    """The domain, which permits the role of the function alone."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", SIGNER.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SIGNER.secret_key)
    monkeypatch.setenv("AWS_SESSION_TOKEN", SIGNER.token)
    with HostileSource({PATH: signed(index, SIGNER)}) as source:
        yield source


def test_every_document_is_ingested(server: HostileSource, index: Index) -> None:
    """Documents of one time, at which a page ends, are there, too."""
    stream = ingest(at(server, recipe("opensearch")), change=small)

    assert stream.values == index.hits(*range(45))


def test_without_a_unique_field_in_sort_documents_would_be_missed(
    server: HostileSource, index: Index
) -> None:
    """What the recipe says of the last field is so."""
    source = at(server, recipe("opensearch"))
    body = source["body"] | {"sort": [{"updated_at": "asc"}]}

    stream = ingest(source | {"body": body}, change=small)

    assert 0 < len(stream.values) < len(index.sources)


def test_a_full_queue_is_waited_for(server: HostileSource, index: Index) -> None:
    """Two answers of 429 lose nothing."""
    index.rejected = 2

    stream = ingest(at(server, recipe("opensearch")), change=small)

    assert (index.rejected, stream.values) == (0, index.hits(*range(45)))


def test_a_shard_that_fails_leaves_no_holes(server: HostileSource, index: Index) -> None:
    """The page is asked for again instead of taken in part."""
    index.broken_shards = 2

    stream = ingest(at(server, recipe("opensearch")), change=small)

    assert (index.broken_shards, stream.values) == (0, index.hits(*range(45)))


def test_a_failure_in_the_middle_goes_on_there(server: HostileSource, index: Index) -> None:
    """The error's resume brings the rest, and no document twice."""
    index.down_after = 2
    source = at(server, recipe("opensearch")) | {"retry": {"max_attempts": 2, "max_delay_seconds": 0.05}}
    with pytest.raises(SourceUnavailable) as caught:
        ingest(source, change=small)
    index.down_after = None

    resume = json.loads(str(caught.value.details["resume"]))
    rest = ingest(source, change=small, event={"resume": resume})

    before = caught.value.stream  # type: ignore[attr-defined]
    assert before.values + rest.values == index.hits(*range(45))


def test_documents_that_change_during_the_walk_come_at_its_end(server: HostileSource, index: Index) -> None:
    """One that was read already comes once more, one that was not comes once, and none is missed."""
    old = index.hits(*range(45))
    index.changes = {2: (3, source_of(3, NOW, "paid")), 3: (40, source_of(40, NOW, "paid"))}

    stream = ingest(at(server, recipe("opensearch")), change=small)

    assert stream.values == [*(each for each in old if each["_id"] != "o040"), *index.hits(3, 40)]


def test_a_later_run_asks_for_what_is_new(server: HostileSource, index: Index) -> None:
    """By date math in the body, with the ids that the documents had before."""
    source = at(server, recipe("opensearch"))
    ids = {line["data"]["_id"]: line["id"] for line in ingest(source, change=small).lines}
    index.sources[45] = source_of(45, NOW)
    body = source["body"] | {"query": {"range": {"updated_at": {"gte": "now-16d"}}}}

    stream = ingest(source | {"body": body}, change=small)

    assert stream.values == index.hits(*range(28, 46))
    assert all(ids.get(line["data"]["_id"], line["id"]) == line["id"] for line in stream.lines)


def test_another_role_is_refused(server: HostileSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """The domain demands the signature."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")

    with pytest.raises(SourceRejected) as caught:
        ingest(at(server, recipe("opensearch")))

    assert caught.value.details["status"] == 403
