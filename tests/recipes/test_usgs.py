"""USGS earthquakes: GeoJSON by offset, whose first record is number 1."""

import json
from collections.abc import Iterator

import pytest

from local_aws.servers.hostile_source import Connection, HostileSource, Request, answer
from tests.recipes.recipe import at, ingest, recipe

EVENTS = [{"type": "Feature", "id": f"us{number}", "properties": {"mag": 4.5}} for number in range(45)]
MAX_LIMIT = 20_000


def query(connection: Connection, request: Request) -> None:
    """As https://earthquake.usgs.gov/fdsnws/event/1/ says: offset counts from 1, limit is at most 20,000."""
    asked = dict(request.query)
    offset, limit = int(asked.get("offset", "1")), int(asked.get("limit", str(MAX_LIMIT)))
    if asked.get("format") != "geojson" or offset < 1 or not 1 <= limit <= MAX_LIMIT:
        answer(b"Bad Request", status=400, content_type="text/plain")(connection, request)
        return
    served = min(limit, 10)
    features = EVENTS[offset - 1 : offset - 1 + served]
    body = {"type": "FeatureCollection", "metadata": {"count": len(features)}, "features": features}
    answer(json.dumps(body).encode())(connection, request)


@pytest.fixture
def server() -> Iterator[HostileSource]:
    """The API."""
    with HostileSource({"/fdsnws/event/1/query": query}) as source:
        yield source


def test_every_earthquake_is_ingested(server: HostileSource) -> None:
    """Pages that are shorter than asked for lose nothing."""
    stream = ingest(at(server, recipe("usgs-earthquakes")))

    assert stream.values == EVENTS
