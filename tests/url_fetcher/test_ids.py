"""What the id of a record depends on."""

import json
from typing import Any

import pytest

from local_aws.servers.hostile_source import Connection, HostileSource, Request, answer
from tests.url_fetcher.invoking import Stream, invoke
from tests.url_fetcher.reading import Hostile
from url_fetcher.errors import LimitExceeded

PAGINATIONS: dict[str, dict[str, Any]] = {
    "page": {"kind": "page", "size_parameter": "size", "size": 2},
    "offset": {"kind": "offset", "parameter": "start", "size_parameter": "size", "size": 2},
    "cursor": {"kind": "cursor", "parameter": "start", "path": "cursor"},
    "next_url": {"kind": "next_url", "path": "url"},
}


def six_records(connection: Connection, request: Request) -> None:
    """Answer six records in pages, found by a page's number, an offset, a cursor or a URL."""
    query = request.query
    size = int(query.get("size", 2))
    start = (int(query["page"]) - 1) * size if "page" in query else int(query.get("start", 0))
    page: dict[str, Any] = {"items": list(range(start, min(start + size, 6)))}
    if start + size < 6:
        page |= {"cursor": start + size, "url": f"?start={start + size}&size={size}&seen={start}"}
    answer(json.dumps(page).encode())(connection, request)


def event(source: HostileSource, kind: str, *, query: str = "", **pagination: int) -> dict[str, Any]:
    """The event that ingests the six records."""
    settings = PAGINATIONS[kind] | pagination
    return {"url": source.url(f"/{query}"), "record_path": "items", "pagination": settings}


def ids(*events: dict[str, Any]) -> dict[int, str]:
    """The id of each record that these events put on a stream, each going on where the last one ended."""
    stream = Stream()
    resume: dict[str, Any] = {}
    for each in events:
        try:
            invoke(stream, each | resume)
        except LimitExceeded as error:
            resume = {"resume": json.loads(str(error.details["resume"]))}
    return {line["data"]: line["id"] for line in stream.lines}


@pytest.mark.parametrize("kind", PAGINATIONS)
def test_a_resume_does_not_change_ids(hostile: Hostile, kind: str) -> None:
    """Every record has the id that it has in a run from the first page to the last."""
    source = hostile({"/": six_records})
    whole = ids(event(source, kind))
    resumed = ids(event(source, kind, max_pages=1), event(source, kind))

    assert (resumed, len(set(whole.values()))) == (whole, 6)


@pytest.mark.parametrize("kind", ["page", "offset"])
def test_the_size_of_a_page_does_not_change_ids(hostile: Hostile, kind: str) -> None:
    """All records on one page have the ids that they have on three."""
    source = hostile({"/": six_records})

    assert ids(event(source, kind, size=6)) == ids(event(source, kind))


@pytest.mark.parametrize("kind", PAGINATIONS)
def test_another_source_gives_other_ids(hostile: Hostile, kind: str) -> None:
    """The same bytes from another URL are another record."""
    source = hostile({"/": six_records})
    one, other = ids(event(source, kind)), ids(event(source, kind, query="?status=paid"))

    assert len({*one.values(), *other.values()}) == 12


def test_a_configured_source_and_the_same_one_in_an_event_give_the_same_ids(
    hostile: Hostile, stream: Stream
) -> None:
    """How a source is named does not matter, only where it is."""
    url = hostile({"/": answer(b"[1]")}).url("/")
    invoke(stream, {}, SOURCES=json.dumps([{"name": "numbers", "url": url, "query": {"a": 1, "b": 2}}]))
    invoke(stream, {"url": f"{url}?b=2&a=1"})
    first, second = stream.lines

    assert first["id"] == second["id"]
