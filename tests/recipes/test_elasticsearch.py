"""Elasticsearch: search_after in the body, an API key with a prefix of its own."""

import json
from collections.abc import Iterator

import pytest

from local_aws.servers.hostile_source import Behaviour, Connection, HostileSource, Request, answer
from tests.recipes.recipe import at, ingest, recipe
from tests.recipes.search_index import NOW, PATH, Index, source_of
from url_fetcher.errors import SourceRejected, SourceUnavailable

SECRET = {"token": "VnVhQ2ZHY0JDZGJrU"}
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


def with_key(behaviour: Behaviour) -> Behaviour:
    """Behave so to a request with the API key; else 401, as Elasticsearch."""

    def behave(connection: Connection, request: Request) -> None:
        known = request.headers.get("authorization") == f"ApiKey {SECRET['token']}"
        refused = answer(b'{"error":{"type":"security_exception"}}', status=401)
        (behaviour if known else refused)(connection, request)

    return behave


@pytest.fixture
def server(index: Index) -> Iterator[HostileSource]:
    """The deployment."""
    with HostileSource({PATH: with_key(index)}) as source:
        yield source


def test_every_document_is_ingested(server: HostileSource, index: Index) -> None:
    """Documents of one time, at which a page ends, are there, too."""
    stream = ingest(at(server, recipe("elasticsearch")), secret=SECRET, change=small)

    assert stream.values == index.hits(*range(45))


def test_a_full_queue_is_waited_for(server: HostileSource, index: Index) -> None:
    """Two answers of 429 lose nothing."""
    index.rejected = 2

    stream = ingest(at(server, recipe("elasticsearch")), secret=SECRET, change=small)

    assert (index.rejected, stream.values) == (0, index.hits(*range(45)))


def test_a_failure_in_the_middle_goes_on_there(server: HostileSource, index: Index) -> None:
    """The error's resume brings the rest, and no document twice."""
    index.down_after = 2
    source = at(server, recipe("elasticsearch")) | {"retry": {"max_attempts": 2, "max_delay_seconds": 0.05}}
    with pytest.raises(SourceUnavailable) as caught:
        ingest(source, secret=SECRET, change=small)
    index.down_after = None

    resume = json.loads(str(caught.value.details["resume"]))
    rest = ingest(source, secret=SECRET, change=small, event={"resume": resume})

    before = caught.value.stream  # type: ignore[attr-defined]
    assert before.values + rest.values == index.hits(*range(45))


def test_documents_that_change_during_the_walk_come_at_its_end(server: HostileSource, index: Index) -> None:
    """One that was read already comes once more, one that was not comes once, and none is missed."""
    old = index.hits(*range(45))
    index.changes = {2: (3, source_of(3, NOW, "paid")), 3: (40, source_of(40, NOW, "paid"))}

    stream = ingest(at(server, recipe("elasticsearch")), secret=SECRET, change=small)

    assert stream.values == [*(each for each in old if each["_id"] != "o040"), *index.hits(3, 40)]


def test_a_later_run_asks_for_what_is_new(server: HostileSource, index: Index) -> None:
    """By date math in the body, with the ids that the documents had before."""
    source = at(server, recipe("elasticsearch"))
    ids = {line["data"]["_id"]: line["id"] for line in ingest(source, secret=SECRET, change=small).lines}
    index.sources[45] = source_of(45, NOW)
    body = source["body"] | {"query": {"range": {"updated_at": {"gte": "now-16d"}}}}

    stream = ingest(source | {"body": body}, secret=SECRET, change=small)

    assert stream.values == index.hits(*range(28, 46))
    assert all(ids.get(line["data"]["_id"], line["id"]) == line["id"] for line in stream.lines)


def test_another_key_is_refused(server: HostileSource) -> None:
    """The deployment demands the API key."""
    with pytest.raises(SourceRejected) as caught:
        ingest(at(server, recipe("elasticsearch")), secret={"token": "b3RoZXI6a2V5"})

    assert caught.value.details["status"] == 401
