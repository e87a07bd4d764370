"""USGS earthquakes: GeoJSON by offset, whose first record is number 1."""

import json
from collections.abc import Iterator

import pytest

from local_aws.servers.hostile_source import Connection, HostileSource, Request, answer
from tests.recipes.recipe import at, ingest, recipe, with_settings
from url_fetcher.errors import SourceRejected

EVENTS = [{"type": "Feature", "id": f"us{number}", "properties": {"mag": 4.5}} for number in range(45)]
MAX_LIMIT = 20_000
KNOWN = {"format", "orderby", "starttime", "endtime", "updatedafter", "minmagnitude", "limit", "offset"}


def query(connection: Connection, request: Request) -> None:
    """As https://earthquake.usgs.gov/fdsnws/event/1/ says: offset counts from 1, limit is at most 20,000."""
    asked = dict(request.query)
    offset, limit = int(asked.get("offset", "1")), int(asked.get("limit", str(MAX_LIMIT)))
    wrong = asked.keys() - KNOWN or asked.get("format") != "geojson" or not 1 <= limit <= MAX_LIMIT
    if wrong or offset < 1:
        text = b'Error 400: Bad Request\n\nBad offset value "0". Offset must be 1 or more.\n'
        answer(text, status=400, content_type="text/plain")(connection, request)
        return
    served = min(limit, 10)
    features = EVENTS[offset - 1 : offset - 1 + served]
    # The count is that of the page: no total is told.
    about = {"status": 200, "api": "1.14.1", "limit": limit, "offset": offset, "count": len(features)}
    body = {"type": "FeatureCollection", "metadata": about, "features": features}
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


def test_a_mistake_is_refused(server: HostileSource) -> None:
    """The API takes no parameter that it does not know, so a wrong setting cannot go unseen."""
    source = with_settings(at(server, recipe("usgs-earthquakes")), {"query": {"page": 1}})

    with pytest.raises(SourceRejected, match="400"):
        ingest(source)
