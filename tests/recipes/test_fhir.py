"""FHIR R4: a bundle that names the next page by its relation, and has no entries where nothing is found."""

import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from local_aws.servers.hostile_source import Behaviour, Connection, Request, answer
from tests.recipes.recipe import Case, Refusal, ResumableContract, Source

BASE = "/baseR4"
KNOWN = {"_lastUpdated", "_sort", "_count", "_format", "identifier"}
MAX_COUNT = 10
OLD, NEW = "2023-12-31T10:00:00.000+00:00", "2024-02-01T10:00:00.000+00:00"
Answer = tuple[int, dict[str, Any], dict[str, str]]


def patient(number: int) -> dict[str, Any]:
    """A patient; every seventh was not changed since the recipe's time."""
    meta = {"versionId": "1", "lastUpdated": NEW if number % 7 else OLD}
    return {"resourceType": "Patient", "id": f"{number:03}", "meta": meta, "name": [{"family": "Größe"}]}


def outcome(code: str, text: str) -> dict[str, Any]:
    """The body of an error."""
    issue = {"severity": "error", "code": code, "diagnostics": text}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


@dataclass
class Server:
    """As https://hl7.org/fhir/R4/search.html and /http.html say, with the paging of HAPI.

    Attributes:
        patients: What the server has.
        busy: So many requests behind the second page are answered with 503 and a second's wait.
        good_pages: Behind so many, everything is 500.
        has_total: Whether a bundle has a total.
        ends_empty: Whether a full last page names a next one, which is empty.
    """

    patients: list[dict[str, Any]] = field(default_factory=lambda: [patient(n) for n in range(1, 46)])
    busy: int = 0
    good_pages: int = 1_000
    has_total: bool = True
    ends_empty: bool = False
    pages: int = 0
    free_at: float = 0
    found: list[dict[str, Any]] = field(default_factory=list)

    @property
    def expected(self) -> list[dict[str, Any]]:
        """The entries of the patients that changed since the recipe's time."""
        return [self._entry(each) for each in self.patients if each["meta"]["lastUpdated"] == NEW]

    def __call__(self, connection: Connection, request: Request) -> None:
        """A search, or a page of one."""
        status, body, headers = self._answered(request)
        content_type = "application/fhir+json;charset=UTF-8"
        behave = answer(json.dumps(body).encode(), status=status, headers=headers, content_type=content_type)
        behave(connection, request)

    def _answered(self, request: Request) -> Answer:
        asked = request.query
        if "application/fhir+json" not in request.headers.get("accept", ""):
            return 406, outcome("not-supported", "The Accept header is not supported"), {}
        if self.busy and self.pages >= 2:
            self.busy -= 1
            self.free_at = time.monotonic() + 1
        if time.monotonic() < self.free_at:
            return 503, outcome("throttled", "Too many requests"), {"Retry-After": "1"}
        if self.pages >= self.good_pages:
            return 500, outcome("exception", "Internal error"), {}
        if request.path == BASE:
            begin, count = (int(part) for part in urlsafe_b64decode(asked["_getpages"]).split(b","))
        elif asked.keys() - KNOWN or not asked.get("_lastUpdated", "ge").startswith("ge"):
            return 400, outcome("processing", f"Unknown search parameter. Valid are: {sorted(KNOWN)}"), {}
        else:
            # What a search has found stays as it was, for a while.
            since = asked.get("_lastUpdated", "ge").removeprefix("ge")
            self.found = [each for each in self.patients if each["meta"]["lastUpdated"] >= since]
            begin, count = 0, min(int(asked.get("_count", "10")), MAX_COUNT)
        self.pages += 1
        return 200, self._bundle(begin, count, request), {}

    def _bundle(self, begin: int, count: int, request: Request) -> dict[str, Any]:
        host = f"http://{request.headers['host']}"
        links = [("self", f"{host}{request.path}?{urlencode(dict(request.query))}")]
        if begin + count < len(self.found) + (1 if self.ends_empty else 0):
            token = urlsafe_b64encode(f"{begin + count},{count}".encode()).decode()
            links.append(("next", f"{host}{BASE}?_getpages={token}&_bundletype=searchset"))
        if begin:
            token = urlsafe_b64encode(f"{begin - count},{count}".encode()).decode()
            links.insert(1, ("previous", f"{host}{BASE}?_getpages={token}&_bundletype=searchset"))
        bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "id": f"b{self.pages}"}
        bundle |= {"total": len(self.found)} if self.has_total else {}
        bundle["link"] = [{"relation": relation, "url": url} for relation, url in links]
        # An element without content is not there: no empty array.
        rows = [self._entry(each) for each in self.found[begin : begin + count]]
        return bundle | ({"entry": rows} if rows else {})

    def _entry(self, one: Mapping[str, Any]) -> dict[str, Any]:
        url = f"https://hapi.fhir.org/baseR4/Patient/{one['id']}"
        return {"fullUrl": url, "resource": one, "search": {"mode": "match"}}


class TestFhir(ResumableContract):
    case = Case(
        "fhir",
        Server,
        limit={"busy": 1},
        waited={"busy": 0},
        failure={"good_pages": 2},
        refusal=Refusal("400", settings={"query": {"_lastUpdatd": "ge2024"}}),
    )

    def behaviours(self, api: Server) -> dict[str, Behaviour]:
        """The search, and its further pages, which are elsewhere."""
        return {f"{BASE}/Patient": api, BASE: api}

    def test_a_total_is_not_needed(self, api: Server, source: Source) -> None:
        """A server may leave it out."""
        api.has_total = False

        assert self.ingested(source).values == api.expected

    def test_an_empty_last_page_ends_it(self, api: Server, source: Source) -> None:
        """Some servers name a page behind a full last one; it has no entries."""
        api.patients = [each for each in api.patients if each["meta"]["lastUpdated"] == NEW][:20]
        api.ends_empty = True

        assert (self.ingested(source).values, api.pages) == (api.expected, 3)

    def test_nothing_new_is_a_run_without_records(self, api: Server, source: Source) -> None:
        """The bundle has no `entry` then."""
        api.patients = []

        assert self.ingested(source).values == []
