"""APIs that page as their documentation says, each with 25 records and the request that a user begins with.

``KNOWN`` has them by name.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from local_aws.servers.hostile_source import Behaviour, Connection, Request, answer

COUNT = 25
RECORDS: list[Any] = [{"id": number, "name": f"n{number}"} for number in range(1, COUNT + 1)]

Body: TypeAlias = dict[str, Any]
Answer: TypeAlias = Callable[[Request, Body], tuple[Any, Mapping[str, str]] | int]
"""A status, or a body with headers, for a request and its decoded body."""


@dataclass(frozen=True)
class Api:
    """An API.

    Attributes:
        answer: Answers a request.
        url: The path and query that a user begins with.
        records: The records that are to come.
        body: Of a POST.
        has_more: True if the probe can only say that there is more than its block reads.
    """

    answer: Answer
    url: str = "/items"
    records: Sequence[Any] = field(default_factory=lambda: RECORDS)
    body: Body | None = None
    has_more: bool = False

    @property
    def behaviour(self) -> Behaviour:
        """Its behaviour as a server's."""

        def behave(connection: Connection, request: Request) -> None:
            try:
                given = json.loads(request.body or b"{}")
            except ValueError:
                given = {}
            found = self.answer(request, given)
            if isinstance(found, int):
                answer(b'{"message": "no such page"}', status=found)(connection, request)
                return
            body, headers = found
            is_csv = isinstance(body, str)
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            kind = "text/csv" if is_csv else "application/json"
            answer(data, content_type=kind, headers=headers)(connection, request)

        return behave


def cut(first: int, size: int, records: Sequence[Any] = RECORDS) -> list[Any]:
    """A page."""
    return list(records[max(0, first) : max(0, first) + size])


def number(value: object, default: int) -> int:
    """A parameter as a number."""
    return int(str(value)) if str(value or "").isdecimal() else default


def by_offset(
    name: str,
    size_name: str,
    made: Callable[[list[Any], int, int], Any],
    *,
    size: int = 10,
    most: int = 10**6,
) -> Answer:
    """Pages by the number of records before them; ``made`` makes the body of records, offset and size."""

    def given(request: Request, _: Body) -> tuple[Any, Mapping[str, str]] | int:
        first, count = number(request.query.get(name), 0), number(request.query.get(size_name), size)
        if first > most:
            return 400
        return made(cut(first, count), first, count), {}

    return given


def by_page(
    made: Callable[[list[Any], int, Request], Any],
    *,
    name: str = "page",
    base: int = 1,
    size_name: str = "per_page",
    behind: str = "empty",
    headers: Mapping[str, str] | None = None,
    size: int = 10,
) -> Answer:
    """Pages by number; behind the last one they are empty, an error (404), or the last one again."""

    def given(request: Request, _: Body) -> tuple[Any, Mapping[str, str]] | int:
        count = number(request.query.get(size_name), size)
        page = number(request.query.get(name), base)
        last = base + (COUNT - 1) // count
        if page > last and behind == "404":
            return 404
        page = min(page, last) if behind == "clamped" else page
        return made(cut((page - base) * count, count), page, request), headers or {}

    return given


def by_cursor(
    made: Callable[[list[Any], str | None], Any],
    read: Callable[[Request, Body], Any],
    *,
    size: int = 10,
    headers: Callable[[str | None], Mapping[str, str]] = lambda _: {},
) -> Answer:
    """Pages that give an opaque cursor for the next; none on the last page."""

    def given(request: Request, body: Body) -> tuple[Any, Mapping[str, str]] | int:
        cursor = read(request, body)
        if cursor and not str(cursor).startswith("c"):
            return 400
        first = int(str(cursor)[1:]) if cursor else 0
        following = f"c{first + size}" if first + size < COUNT else None
        return made(cut(first, size), following), headers(following)

    return given


def _links(first: int, count: int, relation: str, target: str) -> list[dict[str, str]]:
    """Links to this page and to those beside it, which a last page has one of."""
    links = [{relation: "self", target: f"/items?skip={first}"}]
    if first:
        links.append({relation: "previous", target: f"/items?skip={max(0, first - count)}"})
    if first + count < COUNT:
        links.append({relation: "next", target: f"/items?skip={first + count}"})
    return links


def _fhir(records: list[Any], first: int, count: int) -> Any:
    links = [each for each in _links(first, count, "relation", "url") if each["relation"] != "previous"]
    return {"resourceType": "Bundle", "entry": records, "link": links}


def _arcgis(records: list[Any], first: int, count: int) -> Any:
    more = {"exceededTransferLimit": True} if first + count < COUNT else {}
    return {
        "objectIdFieldName": "id",
        "fields": [{"name": "id"}, {"name": "name"}],
        "features": records,
    } | more


def _ckan(records: list[Any], first: int, count: int) -> Any:
    # The next link never ends: https://docs.ckan.org/en/latest/maintaining/datastore.html
    links = {"start": "/items", "next": f"/items?offset={first + count}"}
    return {"success": True, "result": {"records": records, "total": COUNT, "_links": links}}


def _pipedrive(records: list[Any], first: int, count: int) -> Any:
    is_more = first + count < COUNT
    place = {"start": first, "limit": count, "more_items_in_collection": is_more}
    return {
        "success": True,
        "data": records,
        "additional_data": {"pagination": place | ({"next_start": first + count} if is_more else {})},
    }


def _spring(records: list[Any], page: int, _: Request) -> Any:
    return {
        "content": records,
        "totalPages": 3,
        "totalElements": COUNT,
        "last": page >= 2,
        "first": page == 0,
        "size": 10,
        "number": page,
        "numberOfElements": len(records),
        "empty": not records,
    }


def _graphql(records: list[Any], cursor: str | None) -> Any:
    info = {"hasNextPage": cursor is not None, "endCursor": cursor}
    return {"data": {"repository": {"issues": {"nodes": records, "pageInfo": info}}}}


def _usaspending(_: Request, body: Body) -> tuple[Any, Mapping[str, str]]:
    page, size = number(body.get("page"), 1), number(body.get("limit"), 10)
    more = page * size < COUNT
    meta = {"page": page, "hasNext": more, "hasPrevious": page > 1, "next": page + 1 if more else None}
    return {"limit": size, "results": cut((page - 1) * size, size), "page_metadata": meta}, {}


def _dynamics(_: Request, body: Body) -> tuple[Any, Mapping[str, str]]:
    paging = body.get("paging", {})
    first, size = number(paging.get("offset"), 0), number(paging.get("limit"), 10)
    return {"rows": cut(first, size), "paging": {"total": COUNT}}, {}


def _csv(records: list[Any], *_: object) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([["id", "name"], *([each["id"], each["name"]] for each in records)])
    return text.getvalue()


def _openfda(records: list[Any], first: int, count: int) -> Any:
    return {"meta": {"results": {"skip": first, "limit": count, "total": COUNT}}, "results": records}


def _pubmed(request: Request, _: Body) -> tuple[Any, Mapping[str, str]]:
    first, size = number(request.query.get("retstart"), 0), number(request.query.get("retmax"), 10)
    ids = [str(each["id"]) for each in cut(first, size)]
    return {
        "esearchresult": {"count": str(COUNT), "retmax": str(size), "retstart": str(first), "idlist": ids}
    }, {}


def _cmr(request: Request, _: Body) -> tuple[Any, Mapping[str, str]]:
    """The cursor comes and goes in a header: https://cmr.earthdata.nasa.gov/search/site/docs/search/api.html."""
    first = number(request.headers.get("cmr-search-after"), 0)
    following = {"CMR-Search-After": str(first + 10)} if first + 10 < COUNT else {}
    return {"feed": {"entry": cut(first, 10)}}, {"CMR-Hits": str(COUNT)} | following


def _always_first(request: Request, _: Body) -> tuple[Any, Mapping[str, str]]:  # noqa: ARG001 - the seam's
    return {"total": COUNT, "items": cut(0, 10)}, {}


def _tmdb(records: list[Any], page: int, _: Request) -> Any:
    return {"page": page, "results": records, "total_pages": 40, "total_results": 400}


def _tmdb_refusing(request: Request, body: Body) -> tuple[Any, Mapping[str, str]] | int:
    """No page behind the second can be asked for, although there are 40."""
    page = number(request.query.get("page"), 1)
    return 400 if page > 3 else by_page(_tmdb)(request, body)


def _kline(row: Mapping[str, Any]) -> list[Any]:
    return [row["id"], str(row["id"]), row["name"]]


KLINES = list(map(_kline, RECORDS))
IDS = [str(each["id"]) for each in RECORDS]
NAMED = [{"id": str(each["id"]), "name": each["name"]} for each in RECORDS]

KNOWN: dict[str, Api] = {
    # Pages with numbers.
    "json-server": Api(
        by_page(
            lambda records, *_: records, name="_page", size_name="_limit", headers={"X-Total-Count": "25"}
        ),
        "/items?_page=1&_limit=10",
    ),
    "a page without any sign": Api(by_page(lambda records, *_: records)),
    "a page behind the last is 404": Api(
        by_page(lambda records, *_: {"total": COUNT, "data": records}, behind="404"),
        "/items?page=1&per_page=10",
    ),
    "a page behind the last is the last again": Api(
        by_page(lambda records, *_: {"total": COUNT, "data": records}, behind="clamped"),
        "/items?page=1&per_page=10",
    ),
    "zoho": Api(
        by_page(
            lambda records, page, _: {
                "data": records,
                "info": {"per_page": 10, "count": len(records), "page": page, "more_records": page < 3},
            }
        ),
        "/items?per_page=10",
    ),
    "spring": Api(by_page(_spring, base=0, size_name="size"), "/items?size=10"),
    "algolia": Api(
        by_page(
            lambda records, page, _: {
                "hits": records,
                "nbHits": COUNT,
                "page": page,
                "nbPages": 3,
                "hitsPerPage": 10,
            },
            base=0,
            size_name="hitsPerPage",
        ),
        "/items?hitsPerPage=10",
    ),
    "json-api-page": Api(
        by_page(
            lambda records, *_: {"data": records, "meta": {"page-count": 3}},
            name="page[number]",
            size_name="page[size]",
        ),
        "/items?page[size]=10",
    ),
    "wordpress": Api(
        by_page(
            lambda records, *_: records, behind="404", headers={"X-WP-Total": "25", "X-WP-TotalPages": "3"}
        ),
        "/items?per_page=10",
    ),
    # Offsets.
    "socrata-csv": Api(
        by_offset("$offset", "$limit", _csv), "/items.csv?$limit=10&$order=:id", records=NAMED
    ),
    "arcgis": Api(
        by_offset("resultOffset", "resultRecordCount", _arcgis), "/items?where=1%3D1&resultRecordCount=10"
    ),
    "arcgis, size by the server": Api(by_offset("resultOffset", "resultRecordCount", _arcgis)),
    "ckan": Api(by_offset("offset", "limit", _ckan), "/items?limit=10"),
    "openfda": Api(by_offset("skip", "limit", _openfda), "/items?limit=10"),
    "pipedrive": Api(by_offset("start", "limit", _pipedrive), "/items?limit=10"),
    "odata-skip": Api(
        by_offset("$skip", "$top", lambda records, *_: {"@odata.count": COUNT, "value": records}),
        "/items?$top=10&$count=true",
    ),
    "eia": Api(
        by_offset("offset", "length", lambda records, *_: {"response": {"total": "25", "data": records}}),
        "/items?length=10",
    ),
    "gbif": Api(
        by_offset(
            "offset",
            "limit",
            lambda records, first, count: {
                "offset": first,
                "limit": count,
                "endOfRecords": first + count >= COUNT,
                "count": COUNT,
                "results": records,
            },
        ),
        "/items?limit=10",
    ),
    "couchdb": Api(
        by_offset(
            "skip", "limit", lambda records, first, _: {"total_rows": COUNT, "offset": first, "rows": records}
        ),
        "/items?limit=10",
    ),
    "pubmed": Api(_pubmed, "/items?db=pubmed&retmode=json&retmax=10", records=IDS),
    "arrays": Api(
        by_offset(
            "offset",
            "limit",
            lambda records, *_: {"columns": [{"n": "id"}], "data": list(map(_kline, records))},
        ),
        "/items?limit=10",
        records=KLINES,
    ),
    "by-key": Api(
        lambda *_: ({"status": "ok", "data": {f"k{each['id']}": each for each in RECORDS}}, {}),
        records=[{"key": f"k{each['id']}", "value": each} for each in RECORDS],
    ),
    "klines": Api(lambda *_: (KLINES, {}), records=KLINES),
    "dataverse": Api(
        by_offset(
            "start",
            "per_page",
            lambda records, first, _: {
                "status": "OK",
                "data": {"q": "*", "total_count": COUNT, "start": first, "items": records},
            },
        ),
        "/items?q=*&per_page=10",
    ),
    # Cursors.
    "eventbrite": Api(
        by_cursor(
            lambda records, cursor: {
                "pagination": {"page_size": 10, "has_more_items": bool(cursor)}
                | ({"continuation": cursor} if cursor else {}),
                "events": records,
            },
            lambda request, _: request.query.get("continuation"),
        )
    ),
    "youtube": Api(
        by_cursor(
            lambda records, cursor: (
                {"items": records, "pageInfo": {"totalResults": COUNT}}
                | ({"nextPageToken": cursor} if cursor else {})
            ),
            lambda request, _: request.query.get("pageToken"),
        )
    ),
    "reddit": Api(
        by_cursor(
            lambda records, cursor: {"kind": "Listing", "data": {"children": records, "after": cursor}},
            lambda request, _: request.query.get("after"),
        )
    ),
    "crossref": Api(
        by_cursor(
            lambda records, cursor: {
                "message": {"items": records, "total-results": COUNT}
                | ({"next-cursor": cursor} if cursor else {})
            },
            lambda request, _: request.query["cursor"].strip("*"),
        ),
        "/items?cursor=*",
    ),
    "intercom": Api(
        by_cursor(
            lambda records, cursor: {
                "data": records,
                "pages": {"page": 1} | ({"next": {"page": 2, "starting_after": cursor}} if cursor else {}),
            },
            lambda request, _: request.query.get("starting_after"),
        )
    ),
    "json-api-cursor": Api(
        by_cursor(
            lambda records, cursor: {"data": records, "meta": {"page": {"cursor": cursor, "size": 10}}},
            lambda request, _: request.query.get("page[cursor]"),
        ),
        "/items?page[limit]=10",
    ),
    "steam": Api(
        by_cursor(
            lambda records, cursor: {
                "response": {"apps": records}
                | ({"have_more_results": True, "last_appid": cursor} if cursor else {})
            },
            lambda request, _: request.query.get("last_appid"),
        )
    ),
    "coinbase": Api(
        by_cursor(
            lambda records, _: records,
            lambda request, _: request.query.get("after"),
            headers=lambda cursor: {"CB-AFTER": cursor} if cursor else {},
        )
    ),
    "cmr": Api(_cmr),
    # Links.
    "fhir": Api(by_offset("skip", "_count", _fhir)),
    "ogc": Api(
        by_offset(
            "skip",
            "limit",
            lambda records, first, count: {
                "type": "FeatureCollection",
                "features": records,
                "numberMatched": COUNT,
                "links": _links(first, count, "rel", "href"),
            },
        )
    ),
    "django": Api(
        by_offset(
            "skip",
            "limit",
            lambda records, first, count: {
                "count": COUNT,
                "next": f"/items?skip={first + count}" if first + count < COUNT else None,
                "results": records,
            },
        )
    ),
    "hal": Api(
        by_offset(
            "skip",
            "limit",
            lambda records, first, count: {
                "_embedded": {"orders": records},
                "_links": {"self": {"href": "/items"}}
                | ({"next": {"href": f"/items?skip={first + count}"}} if first + count < COUNT else {}),
            },
        )
    ),
    "hydra": Api(
        by_offset(
            "skip",
            "limit",
            lambda records, first, count: {
                "hydra:member": records,
                "hydra:totalItems": COUNT,
                "hydra:view": {"hydra:next": f"/items?skip={first + count}"} if first + count < COUNT else {},
            },
        )
    ),
    # POST.
    "datadog": Api(
        by_cursor(
            lambda records, cursor: {
                "data": records,
                "meta": {"page": {"after": cursor}} if cursor else {},
                "links": {"next": f"/items?cursor={cursor}"} if cursor else {},
            },
            lambda _, body: body["page"].get("cursor"),
        ),
        body={"filter": {"query": "*"}, "page": {"limit": 10}},
    ),
    "graphql": Api(
        by_cursor(_graphql, lambda _, body: body["variables"].get("after")),
        body={
            "query": "query($o: String!, $after: String) { repository(name: $o) { issues(after: $after) } }",
            "variables": {"o": "o"},
        },
    ),
    "graphql-edges": Api(
        by_cursor(
            lambda records, cursor: {
                "data": {
                    "items": {
                        "edges": [{"node": each, "cursor": "x"} for each in records],
                        "pageInfo": {
                            "hasNextPage": cursor is not None,
                            "endCursor": cursor,
                            "startCursor": "s",
                        },
                    }
                }
            },
            lambda _, body: body["variables"].get("cursor"),
        ),
        body={"query": "query($cursor: String) { items(after: $cursor) }", "variables": {"first": 10}},
        records=[{"node": each, "cursor": "x"} for each in RECORDS],
    ),
    "hubspot-search": Api(
        by_cursor(
            lambda records, cursor: {
                "total": COUNT,
                "results": records,
                "paging": {"next": {"after": cursor}} if cursor else {},
            },
            lambda _, body: body.get("after"),
        ),
        body={"limit": 10},
    ),
    "usaspending": Api(_usaspending, body={"filters": {}, "page": 1, "limit": 10}),
    "paging in a body": Api(_dynamics, body={"paging": {"limit": 10}}),
    "azure-resource-graph": Api(
        by_cursor(
            lambda records, cursor: (
                {"totalRecords": COUNT, "data": records} | ({"$skipToken": cursor} if cursor else {})
            ),
            lambda _, body: body["options"].get("$skipToken"),
        ),
        body={"query": "resources", "options": {"$top": 10}},
    ),
    # What no block can read, or what is not seen to end.
    "a total, and no way to the rest": Api(_always_first, has_more=True),
    "before the last id": Api(
        lambda request, _: (cut(number(request.query.get("since_id"), 0), 10), {}),
        "/items?limit=10",
        has_more=True,
    ),
    "tmdb": Api(_tmdb_refusing, "/items?page=1", has_more=True),
}
