"""Cursors from the last record and into the body, several parameters: every record, resumed, in bounds."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from local_aws.servers.hostile_source import Behaviour, Connection, Request, answer
from tests.url_fetcher.invoking import Stream, invoke
from tests.url_fetcher.reading import Hostile
from url_fetcher.errors import (
    ConfigurationError,
    IngestionError,
    LimitExceeded,
    MalformedBody,
    PaginationLoop,
    SourceRejected,
)
from url_fetcher.source.pages.cursor_pages import CursorPagination
from url_fetcher.source.pages.pagination_kind import PageResult, Resume, Step

RECORDS = [{"id": f"r{number}", "at": {"n": number}, "sort": [number, f"r{number}"]} for number in range(7)]
SIZE = 2


def asking(page_of: Callable[[dict[str, Any]], Any], *, fail_at: int = 0) -> Behaviour:
    """An API that answers what a function makes of query and body together; request ``fail_at`` is 410."""
    asked = []

    def behave(connection: Connection, request: Request) -> None:
        asked.append(request)
        if len(asked) == fail_at:
            answer(b"", status=410)(connection, request)
            return
        given = dict(request.query) | (json.loads(request.body) if request.body else {})
        answer(json.dumps(page_of(given)).encode())(connection, request)

    return behave


def behind(position: int) -> list[dict[str, Any]]:
    """The page that begins there."""
    return RECORDS[position : position + SIZE]


def stripe(asked: dict[str, Any]) -> Any:
    """The records behind the one with an id, and whether there are more."""
    ids = [each["id"] for each in RECORDS]
    first = ids.index(asked["starting_after"]) + 1 if "starting_after" in asked else 0
    return {"data": behind(first), "has_more": first + SIZE < len(RECORDS)}


def keyset(asked: dict[str, Any]) -> Any:
    """The records above a number; an empty page is the end."""
    return {"data": behind(int(asked.get("above", -1)) + 1)}


def notion(asked: dict[str, Any]) -> Any:
    """A cursor that is text or null, sent back in the body."""
    assert asked["filter"] == "x"
    first = int(asked.get("start_cursor", "0"))
    more = first + SIZE < len(RECORDS)
    return {"data": behind(first), "next_cursor": str(first + SIZE) if more else None, "has_more": more}


def hubspot(asked: dict[str, Any]) -> Any:
    """A cursor deep in the body; the last page has no ``paging`` at all."""
    assert asked["paging"]["limit"] == SIZE
    first = int(asked["paging"].get("after", 0))
    page: dict[str, Any] = {"data": behind(first)}
    return page | ({"paging": {"next": {"after": first + SIZE}}} if first + SIZE < len(RECORDS) else {})


def opensearch(asked: dict[str, Any]) -> Any:
    """The last hit's ``sort``, an array, sent back as it is."""
    after = asked.get("search_after")
    if after is not None:
        assert after in [each["sort"] for each in RECORDS]
    return {"data": behind(after[0] + 1 if after else 0)}


def mediawiki(asked: dict[str, Any]) -> Any:
    """Two parameters that only together lead on, and a query that must come again."""
    assert asked["action"] == "query"
    first = int(asked.get("apcontinue", 0))
    if first:
        assert asked["continue"] == "-||"
    following = {"continue": {"apcontinue": first + SIZE, "continue": "-||"}}
    return {"data": behind(first)} | (following if first + SIZE < len(RECORDS) else {})


def odata(asked: dict[str, Any]) -> Any:
    """A link under a key with a dot; the page's records lie at index 1."""
    first = int(asked.get("skip", 0))
    more = {"@odata.nextLink": f"/?skip={first + SIZE}"} if first + SIZE < len(RECORDS) else {}
    return [more, behind(first)]


def numbered(name: str, scale: int) -> Callable[[dict[str, Any]], Any]:
    """Pages by a number in the body, at a path, with a total beside them."""

    def page(asked: dict[str, Any]) -> Any:
        assert asked["page"]["size"] == SIZE
        return {"data": behind(asked["page"][name] * scale), "total": len(RECORDS)}

    return page


POST = {"method": "POST", "record_path": "data", "body": {"filter": "x"}}
KINDS: dict[str, tuple[Callable[[dict[str, Any]], Any], dict[str, Any]]] = {
    "last record, flag": (
        stripe,
        {
            "record_path": "data",
            "pagination": {
                "kind": "cursor",
                "last_record_path": "id",
                "parameter": "starting_after",
                "has_more_path": "has_more",
            },
        },
    ),
    "keyset, empty page": (
        keyset,
        {
            "record_path": "/data",
            "pagination": {"kind": "cursor", "last_record_path": "/at/n", "parameter": "above"},
        },
    ),
    "into the body": (
        notion,
        POST | {"pagination": {"kind": "cursor", "into": "body", "parameter": "start_cursor"}},
    ),
    "deep into the body": (
        hubspot,
        POST
        | {
            "body": {"paging": {"limit": SIZE}},
            "pagination": {
                "kind": "cursor",
                "into": "body",
                "parameter": "/paging/after",
                "path": "/paging/next/after",
            },
        },
    ),
    "an array": (
        opensearch,
        POST
        | {
            "pagination": {
                "kind": "cursor",
                "into": "body",
                "parameter": "search_after",
                "last_record_path": "sort",
            }
        },
    ),
    "several parameters": (
        mediawiki,
        {"record_path": "data", "query": {"action": "query"}, "pagination": {"kind": "parameters"}},
    ),
    "a link at a pointer": (
        odata,
        {"record_path": "/1", "pagination": {"kind": "next_url", "path": "/0/@odata.nextLink"}},
    ),
    "page in the body": (
        numbered("number", SIZE),
        POST
        | {
            "pagination": {
                "kind": "page",
                "into": "body",
                "parameter": "/page/number",
                "size_parameter": "page.size",
                "size": SIZE,
                "first": 0,
            }
        },
    ),
    "offset in the body": (
        numbered("offset", 1),
        POST
        | {
            "pagination": {
                "kind": "offset",
                "into": "body",
                "parameter": "page.offset",
                "size_parameter": "/page/size",
                "size": SIZE,
                "total_path": "/total",
            }
        },
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_is_read_once(hostile: Hostile, stream: Stream, kind: str) -> None:
    """Each kind of pagination brings every record, in order, and then ends."""
    page, settings = KINDS[kind]
    invoke(stream, {"url": hostile({"/": asking(page)}).url("/"), **settings})

    assert [line["data"] for line in stream.lines] == RECORDS


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_goes_on_after_an_error(hostile: Hostile, stream: Stream, kind: str) -> None:
    """The error's ``resume``, sent back in an event as JSON, brings what is missing and no more."""
    page, settings = KINDS[kind]
    event = {"url": hostile({"/": asking(page, fail_at=3)}).url("/"), **settings}
    with pytest.raises(SourceRejected) as caught:
        invoke(stream, event)
    resume = json.loads(str(caught.value.details["resume"]))
    invoke(stream, event | {"resume": resume})

    assert [line["data"] for line in stream.lines] == RECORDS


@pytest.mark.parametrize(
    ("kind", "scale", "stops", "requests"),
    [("page", SIZE, True, 4), ("page", SIZE, False, 5), ("offset", 1, True, 4), ("offset", 1, False, 5)],
)
def test_a_short_page_is_the_last_if_the_source_says_so(
    hostile: Hostile, stream: Stream, kind: str, scale: int, stops: bool, requests: int
) -> None:
    """Seven records are three full pages and a short one; without the setting an empty page follows."""
    source = hostile({"/": asking(numbered(kind, scale))})
    pagination = {"kind": kind, "into": "body", "parameter": f"/page/{kind}", "first": 0}
    size = {"size_parameter": "/page/size", "size": SIZE, "stop_on_short_page": stops}
    invoke(stream, {"url": source.url("/"), **POST, "pagination": pagination | size})

    assert (len(source.requests), [line["data"] for line in stream.lines]) == (requests, RECORDS)


def test_a_cursor_in_a_record_that_is_too_long_is_an_error() -> None:
    """Without a record that was kept whole there is no cursor, and the error names the limit."""
    page = PageResult("https://a.test/", "", records=1, outside={}, digest=1, last=b"")
    step = Step("https://a.test/", Resume())
    with pytest.raises(MalformedBody, match="every record of the page is over `max_record_kib`"):
        CursorPagination(last_record_path="id").next(step.url, step, page)


def test_a_total_counts_records_whatever_number_is_the_first(hostile: Hostile, stream: Stream) -> None:
    """Offsets that begin with 1 reach a total of 7 with the eighth, so the seventh record is read."""

    def page(asked: dict[str, Any]) -> Any:
        return {"data": behind(int(asked["offset"]) - 1), "total": len(RECORDS)}

    source = hostile({"/": asking(page)})
    pagination = {"kind": "offset", "first": 1, "size": SIZE, "total_path": "total"}
    invoke(stream, {"url": source.url("/"), "record_path": "data", "pagination": pagination})

    assert (len(source.requests), [line["data"] for line in stream.lines]) == (4, RECORDS)


def test_the_last_record_may_be_the_only_one_that_is_too_deep(hostile: Hostile, stream: Stream) -> None:
    """A dead letter that is known whole still leads on, or the source would end there each time."""
    pages: dict[str, Any] = {"": [{"id": 1, "v": [[[]]]}], "1": [{"id": 2}], "2": []}
    source = hostile({"/": asking(lambda asked: {"data": pages[asked.get("cursor", "")]})})
    pagination = {"kind": "cursor", "last_record_path": "id"}
    event = {"url": source.url("/"), "record_path": "data", "pagination": pagination}
    with pytest.raises(IngestionError, match="DEAD_LETTER_BUCKET"):
        invoke(stream, event | {"limits": {"max_nesting": 2}})

    assert [request.query.get("cursor") for request in source.requests] == [None, "1", "2"]


def ever(value: Any, **beside: Any) -> Behaviour:
    """The same page for ever, in text."""
    text = value if isinstance(value, str) else json.dumps(value)
    return answer(
        f'{{"data": [{{"id": {text}}}], "next_cursor": {text}, "has_more": {json.dumps(beside)}}}'.encode()
    )


LAST = {"kind": "cursor", "last_record_path": "id"}
BODY = {"kind": "cursor", "into": "body"}


@pytest.mark.parametrize(
    ("pagination", "value", "error", "words"),
    [
        (LAST, [1], MalformedBody, "last_record_path = 'id' is an array of 1 elements, not text"),
        (LAST, "null", MalformedBody, "last_record_path = 'id' is not there or is empty"),
        (LAST | {"last_record_path": "key"}, 1, MalformedBody, "an object with the keys 'id'"),
        (LAST | {"last_record_path": "/id/0"}, 1, MalformedBody, "'0' lies in a number"),
        (LAST, "x" * 60_000, LimitExceeded, "over 16384"),
        (BODY, "x" * 60_000, LimitExceeded, "over 16384"),
        (BODY, [[["deep"]]], PaginationLoop, "ignore"),
        (BODY, "9" * 400, PaginationLoop, "ignore"),
        (BODY, '["\\ud800"]', MalformedBody, "surrogate"),
        (BODY, "true", MalformedBody, "is true, which is no cursor"),
        (BODY | {"path": "", "last_record_path": "id"}, {"k": 1.5}, PaginationLoop, "ignore"),
        ({"kind": "cursor"}, {"k": 1}, MalformedBody, "an object with the keys 'k'"),
        (
            {"kind": "parameters", "path": "next_cursor"},
            {f"p{n}": "x" for n in range(3_000)},
            LimitExceeded,
            "16384",
        ),
        ({"kind": "parameters", "path": "next_cursor"}, {"a": {"b": 1}}, MalformedBody, "'a' is an object"),
        (
            {"kind": "parameters", "path": "next_cursor"},
            [1],
            MalformedBody,
            "an array of 1 elements, not an object",
        ),
        ({"kind": "parameters", "path": "next_cursor"}, {"a": 1, "b": True}, PaginationLoop, "ignore"),
    ],
)
def test_a_hostile_cursor_ends_with_an_error_of_ours(
    hostile: Hostile,
    stream: Stream,
    pagination: dict[str, Any],
    value: Any,
    error: type[Exception],
    words: str,
) -> None:
    """Whatever a source gives for a cursor, the run ends, and says at which setting."""
    if isinstance(value, str) and value.startswith("xx"):
        value = json.dumps(value)
    post = {"method": "POST", "body": {}} if pagination.get("into") else {}
    source = hostile({"/": ever(value)})
    with pytest.raises(error) as caught:
        invoke(stream, {"url": source.url("/"), "record_path": "data", "pagination": pagination, **post})

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({f"parameter{number}": "x" for number in range(10_000)}, "over 64 KiB"),
        ("x" * 70_000, "over 64 KiB"),
        (float("nan"), "holds NaN"),
    ],
)
@pytest.mark.parametrize("kind", ["parameters", "next_url", "cursor"])
def test_what_cannot_be_kept_is_no_silent_end(
    hostile: Hostile, stream: Stream, value: object, words: str, kind: str
) -> None:
    """A value that is too large to be kept may be a next page: the source does not end there."""
    source = hostile({"/": answer(json.dumps({"data": [1], "more": value}).encode())})
    pagination = {"kind": kind, "path": "more"}

    with pytest.raises(MalformedBody, match=words):
        invoke(stream, {"url": source.url("/"), "record_path": "data", "pagination": pagination})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"pagination": BODY}, 'pagination.into` is "body": set method = "POST"'),
        ({"pagination": BODY, "method": "POST", "body": "text"}, "`body` to a table"),
        (
            {"pagination": BODY | {"parameter": "a.b"}, "method": "POST", "body": {"a": [1]}},
            "`body` has an array of 1 elements at 'a', on the way to 'a.b'",
        ),
        ({"pagination": LAST | {"header": "X-Next"}}, "`header` and `last_record_path` are both set"),
        ({"pagination": {"kind": "cursor", "path": "/a~2"}}, "JSON Pointer"),
        ({"pagination": {"kind": "cursor", "last_record_path": "/~"}}, "last_record_path"),
        ({"pagination": {"kind": "page", "has_more_path": "/~x"}}, "it is '/~x'"),
        ({"record_path": "/a/~"}, "record_path: must be keys joined by dots"),
        ({"pagination": {"kind": "page", "into": "header"}}, "pagination.into"),
        ({"resume": {"cursor": [1]}, "pagination": {"kind": "cursor"}}, "cursor must be text"),
        ({"resume": {"parameters": {"a": 1}}, "pagination": {"kind": "parameters"}}, "resume"),
        ({"resume": {"window": ["a", "b"]}}, "window does not fit"),
    ],
)
def test_settings_that_cannot_work_are_refused(stream: Stream, settings: dict[str, Any], words: str) -> None:
    """Before anything is asked for, with the field and what is allowed."""
    with pytest.raises(ConfigurationError) as caught:
        invoke(stream, {"url": "http://127.0.0.1:1/", **settings})

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("cursor", "sent"),
    [
        ("NTI1Cg%3D%3D", "NTI1Cg%3D%3D"),
        ("a%2Fb%2bc", "a%2Fb%2Bc"),
        ("100%", "100%25"),
        ("a b%20", "a%20b%2520"),
        ("a+b%3D", "a%2Bb%253D"),
        ("%FF", "%25FF"),
        ("a/b==", "a%2Fb%3D%3D"),
    ],
)
@pytest.mark.parametrize("place", ["path", "header"])
def test_a_cursor_is_percent_encoded_once(
    hostile: Hostile, stream: Stream, place: str, cursor: str, sent: str
) -> None:
    """Some sources encode their cursors for the query; one that is not encoded as a whole is plain text."""

    def page(connection: Connection, request: Request) -> None:
        given = "" if request.query else cursor
        body = {"data": [len(request.query)], "next_cursor": given if place == "path" else None}
        headers = {"X-Next": given} if given else {}
        answer(json.dumps(body).encode(), headers=headers)(connection, request)

    source = hostile({"/": page})
    pagination = {"kind": "cursor"} | ({"header": "X-Next"} if place == "header" else {})
    invoke(stream, {"url": source.url("/"), "record_path": "data", "pagination": pagination})

    assert source.requests[1].target == f"/?cursor={sent}"


def test_a_records_key_is_encoded_as_it_is(hostile: Hostile, stream: Stream) -> None:
    """A value of the data is no cursor that somebody has encoded."""
    source = hostile({"/": asking(lambda asked: {"data": [] if asked else [{"id": "50%25"}]})})
    pagination = {"kind": "cursor", "last_record_path": "id"}
    invoke(stream, {"url": source.url("/"), "record_path": "data", "pagination": pagination})

    assert source.requests[1].target == "/?cursor=50%2525"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("windows", [False, True])
def test_an_empty_resume_is_the_first_page(
    hostile: Hostile, stream: Stream, kind: str, windows: bool
) -> None:
    """``"resume": {}`` says nothing, so the source is read from its beginning."""
    page, settings = KINDS[kind]
    span = {"from_parameter": "a", "to_parameter": "b", "start": "2020-01-01T00:00:00Z", "days": 3_650}
    event = {
        "url": hostile({"/": asking(page)}).url("/"),
        **settings,
        **({"windows": span} if windows else {}),
    }
    invoke(stream, event | {"resume": {}})

    assert [line["data"] for line in stream.lines] == RECORDS
