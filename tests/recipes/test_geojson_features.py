"""OGC API Features: by offset and numberMatched, and by the Link header; links in the body move about."""

import base64
import json
import time
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import (
    Case,
    Refusal,
    ResumableContract,
    Source,
)

STATIONS = "/collections/hydrometric-stations/items"
VINEYARDS = "/vineyards/collections/vineyards/items"
MAX_LIMIT, WAIT_SECONDS = 10, 1


def feature(number: int) -> dict[str, Any]:
    """A feature of the collection."""
    point = {"type": "Point", "coordinates": [7.0 + number / 100, 50.25]}
    return {"type": "Feature", "id": f"s.{number}", "geometry": point, "properties": {"name": f"é {number}"}}


@dataclass
class Collection:
    """A collection as https://docs.ogc.org/is/17-069r4/17-069r4.html says.

    Attributes:
        next_by: The parameter of the server's own in its next links: ``offset``, or an opaque ``cursor``.
        fails_at: The number of the first feature of a page that is answered with 500; None: never.
        busy_at: As this, for a 503 with ``Retry-After``, until that has passed.
        late: Features that are added behind the second page.
    """

    next_by: str
    features: list[dict[str, Any]] = field(default_factory=lambda: [feature(n) for n in range(45)])
    tells_total: bool = True
    fails_at: int | None = None
    busy_at: int | None = None
    busy: list[float] = field(default_factory=list)
    late: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, connection: Connection, request: Request) -> None:
        """One request."""
        asked = dict(request.query)
        begin, limit = self._begin(asked), int(asked.get("limit", "10"))
        if not asked.keys() <= {"f", "limit", "bbox", "datetime", self.next_by} or limit < 1 or begin < 0:
            answer(b'{"code":"InvalidParameterValue"}', status=400)(connection, request)
            return
        if begin == self.fails_at:
            answer(b'{"code":"NoApplicableCode"}', status=500)(connection, request)
            return
        if begin == self.busy_at and self._is_busy():
            busy = answer(b"", status=503, headers={"Retry-After": str(WAIT_SECONDS)})
            busy(connection, request)
            return
        self._answer(connection, request, begin, min(limit, MAX_LIMIT))

    def _begin(self, asked: dict[str, str]) -> int:
        value = asked.get(self.next_by)
        if value is None or self.next_by == "offset":
            return int(value or 0)
        return int(base64.urlsafe_b64decode(value).removeprefix(b"from:"))

    def _is_busy(self) -> bool:
        self.busy.append(time.monotonic())
        return self.busy[-1] - self.busy[0] < WAIT_SECONDS

    def _answer(self, connection: Connection, request: Request, begin: int, size: int) -> None:
        page = self.features[begin : begin + size]
        links = self._links(request, begin, size)
        body: dict[str, Any] = {"type": "FeatureCollection", "features": page, "links": links}
        if self.tells_total:
            body["numberMatched"] = len(self.features)
        header = ", ".join(f'<{link["href"]}>; rel="{link["rel"]}"; title="a, b"' for link in links)
        headers = {"Link": header} if self.next_by == "cursor" else {}
        content_type = "application/geo+json"
        answer(json.dumps(body).encode(), content_type=content_type, headers=headers)(connection, request)
        if begin == MAX_LIMIT:
            self.features += self.late

    def _links(self, request: Request, begin: int, size: int) -> list[dict[str, str]]:
        steps = [("self", begin), ("alternate", begin)]
        if begin:
            steps.append(("prev", max(0, begin - size)))
        if begin + size < len(self.features):
            steps.append(("next", begin + size))
        base = f"http://{request.headers['host']}{request.path}"
        limit = request.query.get("limit", "10")
        return [
            {"rel": rel, "href": f"{base}?{urlencode({'f': 'json', 'limit': limit, **self._at(to)})}"}
            for rel, to in steps
        ]

    def _at(self, begin: int) -> dict[str, str]:
        cursor = base64.urlsafe_b64encode(f"from:{begin}".encode()).decode()
        return {self.next_by: str(begin) if self.next_by == "offset" else cursor}


class FeaturesContract(ResumableContract):
    """What either source of the recipe promises besides."""

    def test_without_number_matched_an_empty_page_ends(self, api: Collection, source: Source) -> None:
        """A server may leave the total out."""
        api.tells_total = False

        assert self.ingested(source).values == api.features

    def test_features_added_during_the_walk_come(self, api: Collection, source: Source) -> None:
        """What is added at the end raises the total, and is read."""
        api.late = [feature(n) for n in range(45, 52)]

        assert self.ingested(source).values == [feature(n) for n in range(52)]


BY_OFFSET = Case(
    "geojson-features",
    lambda: Collection("offset"),
    paths=[STATIONS],
    records="features",
    limit={"busy_at": 2 * MAX_LIMIT},
    waited={"busy": 2},
    failure={"fails_at": 2 * MAX_LIMIT},
    # The standard demands 400 for an unknown parameter, so a wrong setting cannot go unseen.
    refusal=Refusal("400", settings={"query": {"page": 2}}),
)


class TestByOffset(FeaturesContract):
    case = BY_OFFSET


class TestByLink(FeaturesContract):
    case = replace(BY_OFFSET, api=lambda: Collection("cursor"), paths=[VINEYARDS], index=1)
