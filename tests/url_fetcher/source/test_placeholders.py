"""Placeholders: a page's number, cursor or window stands wherever in the request a source wants it."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.servers.hostile_source import Behaviour, Connection, HostileSource, Request, answer
from tests.url_fetcher.invoking import Stream, invoke
from tests.url_fetcher.reading import Hostile
from url_fetcher.errors import ConfigurationError, IngestionError, MalformedBody
from url_fetcher.source import placeholders
from url_fetcher.source.placeholders import filled_body, filled_headers, filled_url, marked, names_in

NEXT = "p/2+ü=&?"
WINDOWS = {"start": "2024-01-01T00:00:00Z", "days": 3_650}
CURSOR = {"kind": "cursor", "path": "next"}
OFFSET = {"kind": "offset", "size_parameter": "", "total_path": "total"}
SQL = "SELECT * FROM Orders STARTPOSITION {offset} MAXRESULTS 1"
GRAPHQL = 'query { orders(first: 1, after: "{cursor}") { id { x } } }'

PATHS = ("/", "/after/0/x", "/after/p%2F2%2B%C3%BC%3D%26%3F/x", "/0/x")


def two_pages(cursor: object = NEXT) -> Behaviour:
    """One record on each of two pages, and none on the third; the first names the second by a cursor."""
    asked: list[Request] = []

    def behave(connection: Connection, request: Request) -> None:
        asked.append(request)
        page = {
            "items": [len(asked)] if len(asked) < 3 else [],
            "total": 2,
            "next": cursor if len(asked) == 1 else None,
        }
        answer(json.dumps(page).encode())(connection, request)

    return behave


def asked(hostile: Hostile, stream: Stream, path: str = "/", **keys: Any) -> HostileSource:
    """The server, after a source with these keys was read."""
    source = hostile(dict.fromkeys(PATHS, two_pages()))
    invoke(stream, {"url": source.url(path), "record_path": "items", **keys})
    return source


SENT: dict[str, tuple[dict[str, Any], Callable[[Request], object], list[object]]] = {
    "an offset inside a query's text": (
        {"query": {"query": SQL}, "pagination": OFFSET},
        lambda request: request.query,
        [{"query": SQL.replace("{offset}", n)} for n in "01"],
    ),
    "a page's number in a body's member": (
        {"method": "POST", "body": {"page": {"no": "{page}"}}, "pagination": {"kind": "page"}},
        lambda request: (json.loads(request.body), dict(request.query)),
        [({"page": {"no": n}}, {}) for n in (1, 2, 3)],
    ),
    "a page's number in a list": (
        {"method": "POST", "body": {"a": [1, "{page}", "of {page}"]}, "pagination": {"kind": "page"}},
        lambda request: json.loads(request.body),
        [{"a": [1, n, f"of {n}"]} for n in (1, 2, 3)],
    ),
    "a cursor in a parameter": (
        {"query": {"after": "{cursor}", "size": 1}, "pagination": CURSOR},
        lambda request: request.query,
        [{"size": "1"}, {"size": "1", "after": NEXT}],
    ),
    "a cursor in the URL's own query": (
        {"path": "/?after={cursor}&size=1", "pagination": CURSOR},
        lambda request: request.query,
        [{"size": "1"}, {"size": "1", "after": NEXT}],
    ),
    "a cursor inside GraphQL": (
        {"method": "POST", "body": {"query": GRAPHQL}, "pagination": CURSOR},
        lambda request: json.loads(request.body)["query"],
        [GRAPHQL.replace("{cursor}", each) for each in ("", NEXT)],
    ),
    "a cursor among GraphQL's variables": (
        {"method": "POST", "body": {"variables": {"after": "{cursor}", "n": 1}}, "pagination": CURSOR},
        lambda request: json.loads(request.body),
        [{"variables": {"n": 1}}, {"variables": {"after": NEXT, "n": 1}}],
    ),
    "a cursor in a form": (
        {
            "method": "POST",
            "headers": {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
            "body": "q=%7B&after={cursor}",
            "pagination": CURSOR,
        },
        lambda request: request.body,
        [b"q=%7B&after=", b"q=%7B&after=p%2F2%2B%C3%BC%3D%26%3F"],
    ),
    "a first cursor": (
        {"query": {"q": "id > {cursor}"}, "pagination": CURSOR | {"first": "0"}},
        lambda request: request.query,
        [{"q": "id > 0"}, {"q": f"id > {NEXT}"}],
    ),
    "a cursor in a path": (
        {"path": "/after/{cursor}/x", "pagination": CURSOR | {"first": "0"}},
        lambda request: request.target,
        ["/after/0/x", "/after/p%2F2%2B%C3%BC%3D%26%3F/x"],
    ),
    "a parameter of its own beside it": (
        {"query": {"q": "{cursor}"}, "pagination": CURSOR | {"parameter": "again"}},
        lambda request: request.query,
        [{}, {"q": NEXT, "again": NEXT}],
    ),
}
"""What a source says, what is looked at in each request, and what is there."""


@pytest.mark.parametrize("case", SENT)
def test_a_placeholder_takes_the_value_of_each_page(hostile: Hostile, stream: Stream, case: str) -> None:
    """Wherever it stands, and the parameter that is not named is not sent."""
    keys, look, expected = SENT[case]
    source = asked(hostile, stream, **({"path": "/"} | keys))

    assert [look(request) for request in source.requests][: len(expected)] == expected


def test_a_cursor_in_a_header_is_sent_from_the_second_page_on(hostile: Hostile, stream: Stream) -> None:
    """The first page is asked for without the header."""
    source = hostile({"/": two_pages("opaque")})
    keys = {"headers": {"X-Continue": "{cursor}"}, "pagination": CURSOR}
    invoke(stream, {"url": source.url("/"), "record_path": "items", **keys})

    assert [request.headers.get("x-continue") for request in source.requests] == [None, "opaque"]


def test_a_cursor_of_any_type_is_a_member_of_a_body(hostile: Hostile, stream: Stream) -> None:
    """An array stays one."""
    source = hostile({"/": two_pages([7, {"a": None}])})
    keys = {"method": "POST", "body": {"search_after": "{cursor}"}, "pagination": CURSOR}
    invoke(stream, {"url": source.url("/"), "record_path": "items", **keys})

    assert [json.loads(request.body) for request in source.requests] == [
        {},
        {"search_after": [7, {"a": None}]},
    ]


def test_a_window_stands_in_a_body(hostile: Hostile, stream: Stream) -> None:
    """Its bounds are numbers where they are members of their own."""
    body = {"range": {"from": "{since}"}, "text": "time >= {since}", "page": "{page}"}
    windows = WINDOWS | {"format": "epoch"}
    source = asked(hostile, stream, method="POST", body=body, windows=windows, pagination={"kind": "page"})

    assert [json.loads(request.body) for request in source.requests][:2] == [
        {"range": {"from": 1_704_067_200}, "text": "time >= 1704067200", "page": n} for n in (1, 2)
    ]


def test_a_run_goes_on_where_it_failed(hostile: Hostile, stream: Stream) -> None:
    """A resume fills the placeholders as the page before it did."""
    source = hostile({"/": two_pages()})
    event = {"url": source.url("/"), "query": {"q": "x {cursor}"}, "record_path": "items"}
    invoke(stream, event | {"pagination": CURSOR, "resume": {"cursor": "k"}})

    assert source.requests[0].query == {"q": "x k"}


def test_an_id_is_that_of_the_text_with_its_placeholders(hostile: Hostile, stream: Stream) -> None:
    """Neither the page's number nor the window is part of it."""
    source = hostile({"/": answer(b'{"items": ["same"], "total": 1}')})
    keys = {"query": {"q": "{offset} {since}"}, "pagination": OFFSET, "record_path": "items"}
    for start in ("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"):
        invoke(stream, {"url": source.url("/"), **keys, "windows": WINDOWS | {"start": start}})

    assert len({request.query["q"] for request in source.requests}) == 2
    assert len({line["id"] for line in stream.lines}) == 1


def test_a_header_with_a_placeholder_does_not_leave_the_origin(hostile: Hostile, stream: Stream) -> None:
    """As any header of the source's own."""
    other = hostile({"/": answer(b'{"items": [1], "total": 1}')})
    source = hostile({"/": answer(b"", status=302, headers={"Location": other.url("/")})})
    keys = {"headers": {"X-From": "{page}"}, "pagination": {"kind": "page", "total_pages_path": "total"}}
    invoke(stream, {"url": source.url("/"), "record_path": "items", **keys})

    assert source.requests[0].headers["x-from"] == "1"
    assert "x-from" not in other.requests[0].headers


@pytest.mark.parametrize(
    ("cursor", "keys", "words"),
    [
        ("a\r\nX-Evil: 1", {"headers": {"X-After": "{cursor}"}}, "line break"),
        ("a" * 5_000, {"headers": {"X-After": "{cursor}"}}, "4,096"),
        ("☃", {"headers": {"X-After": "{cursor}"}}, "X-After"),
        ("..", {"url": "/{cursor}/x", "pagination": CURSOR | {"first": "0"}}, "step of the path"),
        ('") { secrets } #', {"method": "POST", "body": {"query": GRAPHQL}}, "quotation"),
        ("x' OR '1'='1", {"method": "POST", "body": "id > '{cursor}'"}, "quotation"),
        ([1], {"query": {"after": "{cursor}"}}, "an array"),
        ([1], {"method": "POST", "body": {"a": "x {cursor}"}}, "an array"),
        ("\ud800", {"query": {"after": "{cursor}"}}, "surrogate"),
        ("\ud800", {"method": "POST", "body": {"a": "x {cursor}"}}, "surrogate"),
        ("\ud800", {"method": "POST", "body": {"a": "{cursor}"}}, "surrogate"),
        ("a" * 20_000, {"method": "POST", "body": {"a": "{cursor}"}}, "16384"),
    ],
)
def test_a_hostile_cursor_changes_nothing_but_its_place(
    hostile: Hostile, stream: Stream, cursor: object, keys: dict[str, Any], words: str
) -> None:
    """No second page is asked for, and the error says why."""
    source = hostile(dict.fromkeys(PATHS, two_pages(cursor)))
    event = {"record_path": "items", "pagination": CURSOR, **keys, "url": source.url(keys.get("url", "/"))}
    with pytest.raises(IngestionError) as caught:
        invoke(stream, event)

    assert words in str(caught.value)
    assert len(source.requests) == 1


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"query": {"a": "{page}"}}, 'set pagination.kind = "page", or write `{{page}`'),
        ({"headers": {"X-A": "{offset}"}, "pagination": {"kind": "page"}}, 'pagination.kind = "offset"'),
        ({"method": "POST", "body": {"a": [{"b": "x {since}"}]}}, "set windows"),
        ({"method": "POST", "body": "{cursor}"}, 'pagination.kind = "cursor"'),
        ({"url": "https://a.test/{until}"}, "set windows"),
        ({"url": "https://a.test/{cursor}", "pagination": CURSOR}, "set `pagination.first`"),
        ({"url": "https://{page}.test/", "pagination": {"kind": "page"}}, "and a host"),
        ({"windows": WINDOWS}, "`from_parameter` and `to_parameter`, or `{since}`"),
    ],
)
def test_a_placeholder_without_a_value_is_refused(stream: Stream, keys: dict[str, Any], words: str) -> None:
    """Before the first request, with the way out."""
    with pytest.raises(ConfigurationError) as caught:
        invoke(stream, {"url": "http://127.0.0.1:1/", **keys})

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("query { orders { id } }", "query { orders { id } }"),
        ("{{page}", "{page}"),
        ("{{{page}", "{7"),
        ("{{{{page}} {{", "{{page}} {{"),
        ("{ page }{Page}{}{{}}", "{ page }{Page}{}{{}}"),
        ("{page}{page}{{page}", "77{page}"),
    ],
)
def test_every_other_brace_stays(text: str, sent: str) -> None:
    """Only before a placeholder's name two braces are one."""
    assert filled_body(text, {"page": 7}, is_form=False) == sent
    assert filled_headers({"X": text}, {"page": 7}) == {"X": sent}
    assert filled_body({text: [text, 1]}, {"page": 7}, is_form=False) == {
        text: [7 if text == "{page}" else sent, 1]
    }


_texts = st.lists(st.sampled_from(["{", "}", "{{", "page", "cursor", "{page}", "{cursor}", "a", '"']))


@given(_texts.map("".join))
def test_the_schema_finds_the_placeholders_that_the_function_finds(text: str) -> None:
    """Its patterns look for the same."""
    found = {name for name in placeholders.NAMES if re.search(placeholders.pattern_of(name), text)}

    assert found == names_in(text)


@given(cursor=st.text(st.characters(codec="utf-8")), first=st.booleans())
def test_no_cursor_leaves_its_place_in_a_url(cursor: str, *, first: bool) -> None:
    """It is one step of the path, or one parameter, and comes back as it was; "." and ".." are refused."""
    url = "https://a.test/x/{cursor}/y" if first else "https://a.test/x/y?q=a%20{cursor}&r=1"
    try:
        made = filled_url(marked(url, placeholders.without_braces), {"cursor": cursor})
    except MalformedBody:
        assert first
        assert cursor in (".", "..")
        return

    before, _, after = url.partition("{cursor}")
    assert made.startswith(before)
    assert made.endswith(after)
    found = made[len(before) : len(made) - len(after)]
    assert set(found).isdisjoint("/?#&= \r\n{}")
    assert unquote(found) == cursor
