"""NVD: windows of 120 days, startIndex within them, the key in a header of its own."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import (
    Case,
    Refusal,
    ResumableContract,
    Source,
)

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


class TestNvd(ResumableContract):
    case = Case(
        "nvd",
        Nvd,
        paths=["/rest/json/cves/2.0"],
        records="cves",
        secret=SECRET,
        settings={"pagination": {"size": 4}},
        limit={"answered": 3, "once": True},
        failure={"answered": 6, "status": 500},
        # The server allows the recipe's 120 days and no more.
        refusal=Refusal("404", settings={"windows": {"days": 121}}),
    )

    def compared(self, values: list[Any]) -> list[Any]:
        """Each once, by id."""
        return by_id(values)

    def test_a_cve_at_the_bound_of_two_windows_has_one_id(self, api: Nvd, source: Source) -> None:
        """It comes twice, and can be told by its id."""
        lines = self.ingested(source).lines

        twice = [line["id"] for line in lines if line["data"] == api.cves[2]]
        assert (len(twice), len(set(twice))) == (2, 1)

    def test_a_cve_that_changes_during_the_walk_comes_as_it_is_then(self, api: Nvd, source: Source) -> None:
        """Its publication stays, so it hides no other."""
        api.analyzed = 30

        assert by_id(self.ingested(source).values) == [
            cve(number, status="Analyzed" if number == 30 else "Received") for number in range(45)
        ]

    def test_the_403_of_the_limit_is_tried_again(self, api: Nvd, source: Source) -> None:
        """It names no wait, and a wrong key is no 403."""
        api.answered, api.status, api.once = 6, 403, True

        assert by_id(self.ingested(source).values) == api.cves
