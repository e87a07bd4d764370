"""An index of OpenSearch or Elasticsearch, whose search API behaves as both document it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from local_aws.servers.hostile_source import Connection, Request, answer
from tests.recipes.recipe import ResumableContract, Source

PATH = "/orders/_search"
MAX_RESULT_WINDOW, DEFAULT_SIZE = 10_000, 10
MEMBERS = {"size", "query", "sort", "search_after"}
NOW = datetime(2024, 6, 10, tzinfo=UTC)
SMALL_PAGES = {"body": {"size": 10}}
"""Settings with which the documents take several pages."""
DATE_MATH = re.compile(r"now-([0-9]+)d")


def source_of(number: int, updated_at: datetime, status: str = "open") -> dict[str, Any]:
    """A document."""
    return {
        "order_id": f"o{number:03}",
        "status": status,
        "updated_at": updated_at.isoformat().replace("+00:00", "Z"),
    }


def unchanged(number: int) -> dict[str, Any]:
    """A document of which seven each have one time, so that pages end between equal times."""
    return source_of(number, NOW - timedelta(days=20 - number // 7))


@dataclass
class Index:
    """The documents and what goes wrong.

    Attributes:
        sources: The documents by number.
        rejected: How many requests for a page behind the first are still refused with 429.
        broken_shards: How many of those find a shard that fails.
        down_after: Pages before every answer is 500; None: never.
        changes: Documents that replace others behind a page, by the number of pages.
    """

    sources: dict[int, dict[str, Any]] = field(default_factory=lambda: {n: unchanged(n) for n in range(45)})
    rejected: int = 0
    broken_shards: int = 0
    down_after: int | None = None
    changes: dict[int, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    pages: int = 0

    @property
    def expected(self) -> list[dict[str, Any]]:
        """All documents as they are now, in the order in which they were."""
        return self.hits(*range(45))

    def hits(self, *numbers: int) -> list[dict[str, Any]]:
        """What a search by time and number gives for documents as they are."""
        return [hit(self.sources[n], [("updated_at", "asc"), ("order_id", "asc")]) for n in numbers]

    def __call__(self, connection: Connection, request: Request) -> None:
        """One search."""
        status, body = self._search(request)
        answer(json.dumps(body).encode(), status=status)(connection, request)
        if status == 200:
            self.pages += 1
            if changed := self.changes.get(self.pages):
                self.sources[changed[0]] = changed[1]

    def _search(self, request: Request) -> tuple[int, dict[str, Any]]:
        if self.pages == self.down_after:
            return error(500, "node_disconnected_exception")
        if request.method != "POST" or "json" not in request.headers.get("content-type", ""):
            return error(406, "content_type_header_exception")
        if request.query.keys() - {"allow_partial_search_results"}:
            return error(400, "illegal_argument_exception")
        asked = json.loads(request.body)
        sort = [next(iter(each.items())) for each in asked.get("sort", [])]
        after, size = asked.get("search_after"), asked.get("size", DEFAULT_SIZE)
        if asked.keys() - MEMBERS or size > MAX_RESULT_WINDOW or (after and len(after) != len(sort)):
            return error(400, "illegal_argument_exception")
        if after and self.rejected:
            self.rejected -= 1
            return error(429, "es_rejected_execution_exception")
        if after and self.broken_shards:
            self.broken_shards -= 1
            if request.query.get("allow_partial_search_results") == "false":
                return error(503, "search_phase_execution_exception")
            return 200, answered(self._found(asked, sort)[::2][:size], failed=1)
        return 200, answered(self._found(asked, sort)[:size])

    def _found(self, asked: Mapping[str, Any], sort: list[tuple[str, str]]) -> list[dict[str, Any]]:
        """The hits that fit, behind ``search_after``."""
        since = asked.get("query", {}).get("range", {}).get("updated_at", {}).get("gte", "")
        if days := DATE_MATH.fullmatch(since):
            since = (NOW - timedelta(days=int(days[1]))).isoformat()
        found = [hit(each, sort) for each in self.sources.values() if each["updated_at"] >= since]
        found.sort(key=lambda each: each.get("sort", []))
        after = asked.get("search_after")
        return [each for each in found if after is None or each["sort"] > after]


def hit(source: dict[str, Any], sort: list[tuple[str, str]]) -> dict[str, Any]:
    """A document as a search gives it; a time in ``sort`` is an epoch in milliseconds."""
    found = {"_index": "orders", "_id": source["order_id"], "_score": None, "_source": source}
    values = [_sortable(source[name]) for name, _ in sort]
    return {**found, "sort": values} if sort else found


def _sortable(value: str) -> int | str:
    return 1000 * int(datetime.fromisoformat(value).timestamp()) if value.endswith("Z") else value


def answered(hits: list[dict[str, Any]], *, failed: int = 0) -> dict[str, Any]:
    """A good answer."""
    shards = {"total": 5, "successful": 5 - failed, "skipped": 0, "failed": failed}
    return {"took": 3, "timed_out": False, "_shards": shards, "hits": {"max_score": None, "hits": hits}}


def error(status: int, kind: str) -> tuple[int, dict[str, Any]]:
    """An answer that is none."""
    return status, {"error": {"type": kind, "reason": kind}, "status": status}


class SearchContract(ResumableContract):
    """What the recipe of either promises besides."""

    def test_documents_that_change_during_the_walk_come_at_its_end(self, api: Index, source: Source) -> None:
        """One that was read already comes once more, one that was not comes once, and none is missed."""
        old = api.expected
        api.changes = {2: (3, source_of(3, NOW, "paid")), 3: (40, source_of(40, NOW, "paid"))}

        stream = self.ingested(source)

        assert stream.values == [*(each for each in old if each["_id"] != "o040"), *api.hits(3, 40)]

    def test_a_later_run_asks_for_what_is_new(self, api: Index, source: Source) -> None:
        """By date math in the body, with the ids that the documents had before."""
        ids = {line["data"]["_id"]: line["id"] for line in self.ingested(source).lines}
        api.sources[45] = source_of(45, NOW)
        source["body"]["query"] = {"range": {"updated_at": {"gte": "now-16d"}}}

        stream = self.ingested(source)

        assert stream.values == api.hits(*range(28, 46))
        assert all(ids.get(line["data"]["_id"], line["id"]) == line["id"] for line in stream.lines)
