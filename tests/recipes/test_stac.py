"""A STAC API: the next link by its relation in the body, and an interval of time in one parameter."""

import itertools
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import Case, Refusal, ResumableContract, Source

PATH = "/v1/collections/sentinel-2-l2a/items"
KNOWN = {"bbox", "datetime", "limit", "next"}
TIME = r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"
INTERVAL = re.compile(f"{TIME}/{TIME}")
MAX_LIMIT, SERVED = 10_000, 4
START = datetime(2024, 1, 1, tzinfo=UTC)


def scene(number: int) -> dict[str, Any]:
    """A scene of each fifth day, each second at midnight."""
    taken = START + timedelta(days=5 * number, hours=number % 2 * 10)
    stamp = taken.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"type": "Feature", "id": f"S2A_{number}", "links": [], "properties": {"datetime": stamp}}


@dataclass
class Stac:
    """As https://github.com/radiantearth/stac-api-spec says of items, and OGC API Features of links.

    Attributes:
        scenes: What the collection has, by time.
        busy: So many requests behind the second page are answered with 503 and a second's wait.
        good_pages: Behind so many, everything is 500.
    """

    scenes: list[dict[str, Any]] = field(default_factory=lambda: [scene(number) for number in range(40)])
    busy: int = 0
    good_pages: int = 1_000
    pages: int = 0
    intervals: list[str] = field(default_factory=list)

    def __call__(self, connection: Connection, request: Request) -> None:
        """One page."""
        asked = request.query
        interval = INTERVAL.fullmatch(asked.get("datetime", ""))
        if asked.keys() - KNOWN or not interval or not 1 <= int(asked.get("limit", "10")) <= MAX_LIMIT:
            behave = answer(b'{"code":"BadRequest","description":"Invalid query parameter"}', status=400)
        elif self.busy and self.pages >= 2:
            self.busy -= 1
            behave = answer(b'{"message":"Service Unavailable"}', status=503, headers={"Retry-After": "1"})
        elif self.pages >= self.good_pages:
            behave = answer(b'{"message":"Internal server error"}', status=500)
        else:
            self.pages += 1
            body = json.dumps(self._page(asked, interval, request.headers["host"])).encode()
            behave = answer(body, content_type="application/geo+json")
        behave(connection, request)

    def _page(self, asked: Mapping[str, str], interval: re.Match[str], host: str) -> dict[str, Any]:
        # Both bounds belong to the interval.
        found = [
            each
            for each in self.scenes
            if interval.group(1) <= each["properties"]["datetime"] <= interval.group(2)
        ]
        if "next" not in asked:
            self.intervals.append(interval.group())
        begin = int(urlsafe_b64decode(asked.get("next", "MA==")))
        size = min(int(asked.get("limit", "10")), SERVED)
        base = f"http://{host}{PATH}"
        links = [
            {"rel": "self", "type": "application/geo+json", "href": f"{base}?{urlencode(asked)}"},
            {"rel": "root", "type": "application/json", "href": f"http://{host}/v1"},
        ]
        if begin + size < len(found):
            token = urlsafe_b64encode(str(begin + size).encode()).decode()
            href = f"{base}?{urlencode({**asked, 'next': token})}"
            # At another place each time: only the relation tells which link it is.
            links.insert(self.pages % 3, {"rel": "next", "method": "GET", "href": href})
        rows = found[begin : begin + size]
        about = {"numberMatched": len(found), "numberReturned": len(rows)}
        return {"type": "FeatureCollection", "features": rows, "links": links, **about}


class TestStac(ResumableContract):
    case = Case(
        "stac",
        Stac,
        paths=[PATH],
        records="scenes",
        # Windows with several pages.
        settings={"windows": {"days": 50}},
        limit={"busy": 1},
        waited={"busy": 0},
        failure={"good_pages": 3},
        refusal=Refusal("400", settings={"query": {"datetime": "{since}"}}),
    )

    def test_no_moment_is_asked_for_twice(self, api: Stac, source: Source) -> None:
        """A scene at the bound of two windows is in one of them."""
        stamps = "%Y-%m-%dT%H:%M:%S.%f%z"
        self.ingested(source)

        bounds = [[datetime.strptime(time, stamps) for time in each.split("/")] for each in api.intervals]
        gaps = {after[0] - before[1] for before, after in itertools.pairwise(bounds)}
        assert gaps == {timedelta(milliseconds=1)}
