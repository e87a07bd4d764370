"""A source of one page, or at its last one, says by its usual signs that there is more."""

import json
from typing import Any

import pytest

from local_aws.servers.hostile_source import answer, in_turn
from tests.url_fetcher.invoking import Stream, invoke
from tests.url_fetcher.reading import Hostile

ITEMS = [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        ({"has_more": True}, "the body's has_more is true, but `pagination` is not set: set a kind with"),
        ({"meta": {"hasNextPage": True}}, "meta.hasNextPage is true"),
        (
            {"data": {"issues": {"pageInfo": {"hasNextPage": True}}}},
            "data.issues.pageInfo.hasNextPage is true",
        ),
        ({"properties": {"exceededTransferLimit": True}}, "properties.exceededTransferLimit is true"),
        ({"isLast": False}, "isLast is false"),
        ({"hasMore": "true"}, "hasMore is true"),
        (
            {"meta": {"page": 1, "pages": 5}},
            'meta.pages is 5, but `pagination` is not set: set kind = "page"',
        ),
        ({"isTruncated": "true"}, "isTruncated is true"),
        ({"isLast": "False"}, "isLast is false"),
        ({"next": "https://a.test/?page=2"}, 'set kind = "next_url" and path = "next"'),
        ({"@odata.nextLink": "/2"}, 'kind = "next_url" and path = "/@odata.nextLink"'),
        ({"links": {"next": {"href": "/2"}}}, 'kind = "next_url" and path = "links.next.href"'),
        ({"links": [{"rel": "self"}, {"rel": "next", "href": "/2"}]}, "links leads to a next page"),
        ({"link": [{"relation": "next", "url": "/2"}]}, "link leads to a next page"),
        ({"nextPageToken": "x"}, 'kind = "cursor" and path = "nextPageToken"'),
        ({"paging": {"next": {"after": "x"}}}, 'kind = "cursor" and path = "paging.next.after"'),
        ({"total": 3}, "the total is 3 and 2 records came"),
        ({"hits": {"total": {"value": 10_000, "relation": "gte"}}}, "the total is 10000 and 2 records came"),
        ({"@odata.count": 3}, "the total is 3"),
        ({"numberMatched": "3"}, "the total is 3"),
        (
            {"meta": {"total_pages": 2}},
            'meta.total_pages is 2, but `pagination` is not set: set kind = "page"',
        ),
    ],
)
def test_one_page_of_several_is_a_warning(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str], beside: dict[str, Any], words: str
) -> None:
    """Without `pagination` only one page is read: what says that there is more is told with the setting."""
    source = hostile({"/": answer(json.dumps({**beside, "items": ITEMS}).encode())})
    answered = invoke(stream, {"url": source.url("/"), "record_path": "items"})
    warned = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert (
        answered["warnings"],
        [words in each["message"] for each in warned if each.get("level") == "WARNING"],
    ) == (
        1,
        [True],
    )


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Link": '</2>; rel="next"'}, 'set kind = \\"link_header\\"'),
        ({"X-Total-Count": "3"}, "the total is 3 and 2 records came"),
        ({"Content-Range": "0-1/3"}, "the total is 3 and 2 records came"),
        ({"Content-Range": "items 0-1/3"}, "the total is 3 and 2 records came"),
        ({"Content-Range": "posts=0-1/3"}, "the total is 3 and 2 records came"),
    ],
)
def test_headers_of_an_array_say_more(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str], headers: dict[str, str], words: str
) -> None:
    """A body that is the list itself says it in its headers."""
    source = hostile({"/": answer(json.dumps(ITEMS).encode(), headers=headers)})
    answered = invoke(stream, {"url": source.url("/")})

    assert (answered["warnings"], words in capsys.readouterr().out) == (1, True)


@pytest.mark.parametrize("ranged", ["0-1/2", "0-1/*", "bytes 0-1/300", "bytes=0-1/300", "*/0", "x" * 9_000])
def test_a_content_range_of_everything_or_of_bytes_says_nothing(
    hostile: Hostile, stream: Stream, ranged: str
) -> None:
    """A total is one of records only."""
    source = hostile({"/": answer(json.dumps(ITEMS).encode(), headers={"Content-Range": ranged})})

    assert invoke(stream, {"url": source.url("/")})["warnings"] == 0


@pytest.mark.parametrize(
    "beside", [{"has_more": True}, {"next": "/2"}, {"exceededTransferLimit": True}, {"nextPageToken": "x"}]
)
def test_a_whole_answer_as_one_record_says_more(
    hostile: Hostile, stream: Stream, beside: dict[str, Any]
) -> None:
    """Without `record_path` an answer is one record, and its list may go on as well."""
    source = hostile({"/": answer(json.dumps({"items": ITEMS, **beside}).encode())})

    assert invoke(stream, {"url": source.url("/")})["warnings"] == 1


@pytest.mark.parametrize(
    "beside",
    [
        {"total": 2},
        {"total": 1},
        {"total": 59.5},
        {"total": None},
        {"count": 2},
        {"next": None},
        {"next": ""},
        {"next": {}},
        {"next": {"href": None}},
        {"links": [{"rel": "self", "href": "/1"}]},
        {"next_update": "2026-01-01"},
        {"nextSyncToken": "x"},
        {"@odata.deltaLink": "/2"},
        {"has_more": False, "after_cursor": "x", "total": 9},
        {"meta": {"hasMore": False}, "next": "/2"},
        {"last": True, "totalElements": 9},
        {"total_pages": 1},
        {"page": 1, "per_page": 30},
    ],
)
def test_what_says_no_more_is_no_warning(hostile: Hostile, stream: Stream, beside: dict[str, Any]) -> None:
    """A total that is reached, an empty link, or a flag that says that this is all."""
    source = hostile({"/": answer(json.dumps({"items": ITEMS, **beside}).encode())})

    assert invoke(stream, {"url": source.url("/"), "record_path": "items"})["warnings"] == 0


@pytest.mark.parametrize(
    ("query", "warnings"),
    [
        ("?page=2", 0),
        ("?q=1&offset=100&limit=2", 0),
        ("?page=1", 1),
        ("?start=2020-01-01", 1),
        ("?mypage=2", 1),
    ],
)
def test_a_later_page_was_asked_for_on_purpose(
    hostile: Hostile, stream: Stream, query: str, warnings: int
) -> None:
    """Whoever lists the URLs of all pages is not told at each that there are others."""
    source = hostile({"/": answer(json.dumps({"items": ITEMS, "has_more": True}).encode())})
    answered = invoke(stream, {"url": source.url(f"/{query}"), "record_path": "items"})

    assert answered["warnings"] == warnings


@pytest.mark.parametrize(
    ("pagination", "headers", "beside"),
    [
        ({"kind": "page", "size": 5, "stop_on_short_page": True}, {}, {"has_more": True}),
        ({"kind": "page", "size": 5, "stop_on_short_page": True}, {}, {"total": 9}),
        ({"kind": "page", "size": 5, "stop_on_short_page": True}, {"Link": '</2>; rel="next"'}, {}),
        ({"kind": "page", "total_pages_path": "pages"}, {}, {"pages": 1, "hasMore": True}),
        ({"kind": "offset", "total_path": "count"}, {}, {"count": 2, "exceededTransferLimit": True}),
        ({"kind": "cursor"}, {}, {"next_cursor": None, "totalCount": 9}),
        ({"kind": "next_url"}, {}, {"next": None, "totalCount": 9}),
        ({"kind": "cursor"}, {"Link": '</2>; rel="next"'}, {}),
    ],
)
def test_other_kinds_warn_at_the_same_signs(
    hostile: Hostile,
    stream: Stream,
    pagination: dict[str, Any],
    headers: dict[str, str],
    beside: dict[str, Any],
) -> None:
    """An end by a short page, a total or a missing cursor is in doubt where the answer says more."""
    source = hostile({"/": answer(json.dumps({"items": ITEMS, **beside}).encode(), headers=headers)})
    answered = invoke(stream, {"url": source.url("/"), "record_path": "items", "pagination": pagination})

    assert (answered["recordsProcessed"], answered["warnings"], len(source.requests)) == (2, 1, 1)


@pytest.mark.parametrize("key", ["isLast", "exceededTransferLimit", "more_records"])
def test_a_flag_without_a_cursor_is_an_error_whatever_its_name(
    hostile: Hostile, stream: Stream, key: str
) -> None:
    """The last page of a source of cursors is not one that says more."""
    body = {"items": ITEMS, key: key != "isLast"}
    source = hostile({"/": answer(json.dumps(body).encode())})

    with pytest.raises(Exception, match="there is no next page at"):
        invoke(stream, {"url": source.url("/"), "record_path": "items", "pagination": {"kind": "cursor"}})


def test_a_configured_flag_outranks_every_sign(hostile: Hostile, stream: Stream) -> None:
    """What the settings call the flag says the end, whatever a total says."""
    body = {"items": ITEMS, "more": False, "total": 9, "has_more": True}
    source = hostile({"/": in_turn(answer(json.dumps(body).encode()))})
    pagination = {"kind": "page", "has_more_path": "more"}

    assert (
        invoke(stream, {"url": source.url("/"), "record_path": "items", "pagination": pagination})["warnings"]
        == 0
    )


def test_many_values_beside_the_records_are_bounded(hostile: Hostile, stream: Stream) -> None:
    """A hostile body is searched in bounded time, and keys that may be data are not shown."""
    deep: dict[str, Any] = {}
    for number in range(90):
        deep = {f"a{number}": deep, "b": list(range(50))}
    body = {"x": deep, **{str(number): {} for number in range(5_000)}, "has_more": True, "items": ITEMS}
    source = hostile({"/": answer(json.dumps(body).encode())})

    assert invoke(stream, {"url": source.url("/"), "record_path": "items"})["warnings"] == 0
