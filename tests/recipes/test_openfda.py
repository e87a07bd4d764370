"""openFDA: windows in the text of a search, pages by the Link header, and 404 where nothing is found."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import Case, Refusal, ResumableContract, Source
from url_fetcher.errors import SourceRejected

SECRET = {"api_key": "key-1"}
KNOWN = {"search", "sort", "limit", "skip", "search_after", "api_key"}
SEARCH = re.compile(r"receivedate:\[(\d{4}-\d\d-\d\d) TO (\d{4}-\d\d-\d\d)\]")
MAX_LIMIT, SERVED = 1_000, 4
Answer = tuple[int, object, dict[str, str]]


def report(number: int) -> dict[str, Any]:
    """A report: seventy of them, the first ten on the bounds of windows, and none in the months behind."""
    days = number * 30 + number % 2 * 29 if number < 10 else 250 + number
    received = date(2024, 1, 1) + timedelta(days=days)
    return {
        "safetyreportid": str(number),
        "receivedate": received.strftime("%Y%m%d"),
        "patient": {"drug": []},
    }


def error(code: str, message: str) -> dict[str, Any]:
    """The body of an error."""
    return {"error": {"code": code, "message": message}}


@dataclass
class OpenFda:
    """As https://open.fda.gov/apis/ says of paging, of ranges and of limits.

    Attributes:
        reports: What the data set has, by the date at which they were received.
        limited: So many requests behind the second page are answered with 429.
        good_pages: Behind so many, everything is 500.
        wrong_path: Whether every answer is the 404 of an endpoint that is not there.
        nothing: How often nothing was found.
    """

    reports: list[dict[str, Any]] = field(
        default_factory=lambda: sorted(map(report, range(70)), key=lambda each: str(each["receivedate"]))
    )
    limited: int = 0
    good_pages: int = 1_000
    wrong_path: bool = False
    pages: int = 0
    nothing: int = 0
    searches: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, connection: Connection, request: Request) -> None:
        """One page."""
        status, body, headers = self._answered(request)
        answer(json.dumps(body).encode(), status=status, headers=headers)(connection, request)

    def _answered(self, request: Request) -> Answer:
        asked = request.query
        if asked.get("api_key") != SECRET["api_key"]:
            return 403, error("API_KEY_INVALID", "An invalid api_key was supplied."), {}
        if self.wrong_path:
            return 404, error("ENDPOINT_NOT_FOUND", "No such endpoint."), {}
        search = SEARCH.fullmatch(asked.get("search", ""))
        if not search or asked.keys() - KNOWN or not 1 <= int(asked.get("limit", "1")) <= MAX_LIMIT:
            return 400, error("BAD_REQUEST", "Limit cannot exceed 1000 results for search requests."), {}
        if "search_after" in asked and int(asked.get("skip", "0")):
            return 400, error("BAD_REQUEST", "skip and search_after cannot be used together."), {}
        if self.pages >= 2 and self.limited:
            self.limited -= 1
            return 429, error("OVER_RATE_LIMIT", "You have exceeded your rate limit."), {}
        if self.pages >= self.good_pages:
            return 500, error("SERVER_ERROR", "Check your request and try again"), {}
        self.pages += 1
        return self._page(asked, search, request.headers["host"])

    def _page(self, asked: Mapping[str, str], search: re.Match[str], host: str) -> Answer:
        first, last = (bound.replace("-", "") for bound in search.groups())
        if "search_after" not in asked:
            self.searches.append((first, last))
        found = [each for each in self.reports if first <= each["receivedate"] <= last]
        behind, size = int(asked.get("search_after", "0")), min(int(asked["limit"]), SERVED)
        rows = found[behind : behind + size]
        if not rows:
            self.nothing += 1
            return 404, error("NOT_FOUND", "No matches found!"), {}
        about = {"last_updated": "2024-07-26", "results": {"skip": 0, "limit": size, "total": len(found)}}
        headers = {}
        if behind + size < len(found):
            kept = {name: value for name, value in asked.items() if name != "api_key"}
            query = urlencode({**kept, "skip": 0, "search_after": behind + size})
            headers["Link"] = f'<http://{host}/drug/event.json?{query}>; rel="next"'
        return 200, {"meta": about, "results": rows}, headers


class TestOpenFda(ResumableContract):
    case = Case(
        "openfda",
        OpenFda,
        paths=["/drug/event.json"],
        records="reports",
        secret=SECRET,
        limit={"limited": 2},
        waited={"limited": 0},
        failure={"good_pages": 3},
        # The largest page that the server allows is the recipe's.
        refusal=Refusal("400", settings={"query": {"limit": 1_001}}),
    )

    def test_no_day_is_asked_for_twice(self, api: OpenFda, source: Source) -> None:
        """Both bounds belong to a range, so each window begins on the day behind the one before."""
        self.ingested(source)

        following = [date.fromisoformat(last) + timedelta(days=1) for _, last in api.searches]
        assert following[:-1] == [date.fromisoformat(first) for first, _ in api.searches[1:]]

    def test_a_window_without_reports_is_no_error(self, api: OpenFda, source: Source) -> None:
        """It is answered with 404, and the windows behind it are read."""
        api.reports = api.reports[-1:]

        assert (self.ingested(source).values, api.nothing > 10) == (api.reports, True)

    def test_a_wrong_path_is_an_error(self, api: OpenFda, source: Source) -> None:
        """A 404 with another code says that the source is wrong."""
        api.wrong_path = True

        with pytest.raises(SourceRejected, match="404"):
            self.ingested(source)
