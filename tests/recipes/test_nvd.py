"""NVD: windows of 120 days, startIndex within them, the key in a header of its own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_aws.servers.hostile_source import Connection, HostileSource, Request, answer
from tests.recipes.recipe import at, ingest, recipe, resumed
from url_fetcher.errors import SourceRejected, SourceUnavailable

SECRET = {"api_key": "0c0ffee0-key"}
MAX_PAGE = 2_000
MAX_DAYS = timedelta(days=120)
BOUNDS = ("pubStartDate", "pubEndDate")
KNOWN = {*BOUNDS, "startIndex", "resultsPerPage"}


def cve(number: int, *, status: str = "Received") -> dict[str, Any]:
    """One of the CVEs, which are published nine days apart, the third at a window's bound."""
    published = datetime(2024, 1, 1, tzinfo=UTC) + number * timedelta(days=9)
    if number == 2:
        published = datetime(2024, 4, 30, tzinfo=UTC)
    stamp = published.isoformat(timespec="milliseconds").removesuffix("+00:00")
    return {"cve": {"id": f"CVE-2024-{number:04}", "published": stamp, "vulnStatus": status}}


@dataclass
class Nvd:
    """The API as https://nvd.nist.gov/developers/vulnerabilities and /developers/start-here say.

    Attributes:
        cves: What it has now.
        analyzed: The number of a CVE that is analyzed after the second request.
        answered: How many requests are answered before all others get `status`.
        status: What the others get.
        once: Whether only one of them gets it.
    """

    cves: list[dict[str, Any]] = field(default_factory=lambda: [cve(number) for number in range(45)])
    analyzed: int | None = None
    answered: int = 1_000
    status: int = 503
    once: bool = False
    requests: int = 0

    def __call__(self, connection: Connection, request: Request) -> None:
        """One page."""
        self.requests += 1
        if self.requests > 2 and self.analyzed is not None:
            self.cves[self.analyzed] = cve(self.analyzed, status="Analyzed")
        if self.requests > self.answered and not (self.once and self.requests > self.answered + 1):
            behave = answer(b"<html>Request forbidden by administrative rules.</html>", status=self.status)
        elif wrong := self._wrong(request):
            behave = answer(b"", status=404, headers={"message": wrong})
        else:
            behave = answer(json.dumps(self._page(request)).encode())
        behave(connection, request)

    def _wrong(self, request: Request) -> str:
        """What the `message` header of a 404 says, with which the API answers every mistake."""
        asked = request.query
        if request.headers.get("apikey") != SECRET["api_key"]:
            return "Invalid apiKey."
        if asked.keys() - KNOWN or not set(BOUNDS) <= asked.keys():
            return "Invalid parameter."
        start, end = (datetime.fromisoformat(asked[name]) for name in BOUNDS)
        if not timedelta() <= end - start <= MAX_DAYS:
            return "The date range cannot exceed 120 days."
        too_many = int(asked.get("resultsPerPage", MAX_PAGE)) > MAX_PAGE
        return "Invalid resultsPerPage." if too_many else ""

    def _page(self, request: Request) -> dict[str, Any]:
        start, end = (datetime.fromisoformat(request.query[name]) for name in BOUNDS)
        found = [each for each in self.cves if start <= published(each) <= end]
        index, size = (
            int(request.query.get("startIndex", 0)),
            int(request.query.get("resultsPerPage", MAX_PAGE)),
        )
        page = found[index : index + size]
        about = {"resultsPerPage": len(page), "startIndex": index, "totalResults": len(found)}
        return {**about, "format": "NVD_CVE", "version": "2.0", "vulnerabilities": page}


def published(one: dict[str, Any]) -> datetime:
    """When a CVE was published."""
    return datetime.fromisoformat(f"{one['cve']['published']}+00:00")


def by_id(values: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The CVEs by their id, each once: a window's end is the start of the next, and the API takes both in."""
    return [each for _, each in sorted({each["cve"]["id"]: each for each in values}.items())]


@pytest.fixture
def nvd() -> Nvd:
    """The API's state."""
    return Nvd()


@pytest.fixture
def source(nvd: Nvd) -> Iterator[dict[str, Any]]:
    """The recipe's source at the server, with pages of a few records."""
    with HostileSource({"/rest/json/cves/2.0": nvd}) as server:
        source = at(server, recipe("nvd"))
        source["pagination"]["size"] = 4
        yield source


def test_every_cve_is_ingested(source: dict[str, Any], nvd: Nvd) -> None:
    """All windows are read to their end, each record exactly as sent."""
    assert by_id(ingest(source, secret=SECRET).values) == nvd.cves


def test_a_cve_at_the_bound_of_two_windows_has_one_id(source: dict[str, Any], nvd: Nvd) -> None:
    """It comes twice, and can be told by its id."""
    lines = ingest(source, secret=SECRET).lines

    twice = [line["id"] for line in lines if line["data"] == nvd.cves[2]]
    assert (len(twice), len(set(twice))) == (2, 1)


def test_a_cve_that_changes_during_the_walk_comes_as_it_is_then(source: dict[str, Any], nvd: Nvd) -> None:
    """Its publication stays, so it hides no other."""
    nvd.analyzed = 30

    assert by_id(ingest(source, secret=SECRET).values) == [
        cve(number, status="Analyzed" if number == 30 else "Received") for number in range(45)
    ]


def test_a_busy_server_is_asked_again(source: dict[str, Any], nvd: Nvd) -> None:
    """A 503 in the middle loses nothing."""
    nvd.answered, nvd.once = 3, True

    assert by_id(ingest(source, secret=SECRET).values) == nvd.cves


@pytest.mark.parametrize(("status", "error"), [(500, SourceUnavailable), (403, SourceRejected)])
def test_a_failed_walk_goes_on_where_it_ended(
    source: dict[str, Any], nvd: Nvd, status: int, error: type[Exception]
) -> None:
    """The error's resume brings the rest; so it does after the 403 of the limit, which names no wait."""
    nvd.answered, nvd.status = 6, status
    source["retry"] = {"max_attempts": 2, "max_delay_seconds": 0.1}

    with pytest.raises(error) as caught:
        ingest(source, secret=SECRET)
    nvd.answered = 1_000
    values = resumed(source, caught.value, secret=SECRET)

    assert by_id(values) == nvd.cves


def test_a_longer_window_is_refused(source: dict[str, Any]) -> None:
    """The server allows the recipe's 120 days and no more."""
    source["windows"]["days"] = 121

    with pytest.raises(SourceRejected, match="404"):
        ingest(source, secret=SECRET)
