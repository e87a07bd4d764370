"""From page to page, of every kind, and where that ends."""

from typing import Any

import msgspec
import pytest

from local_aws.servers.hostile_source import Behaviour, Connection, Request, answer, in_turn, redirect
from tests.url_fetcher.reading import Hostile, Waits, bodies_of, reader_of
from url_fetcher.errors import (
    AddressRefused,
    ConfigurationError,
    DeadlineExceeded,
    LimitExceeded,
    MalformedBody,
    PaginationLoop,
    SourceRejected,
)
from url_fetcher.source.pages.pagination_kind import Resume


def json_answer(value: object, headers: dict[str, str] | None = None) -> Behaviour:
    """Answer with a value."""
    return answer(msgspec.json.encode(value), headers=headers)


def numbered(parameter: str, pages: list[list[int]], *, size: int = 1, **beside: object) -> Behaviour:
    """A source whose pages are found by a number, and are empty after the last."""

    def behave(connection: Connection, request: Request) -> None:
        index = int(request.query[parameter]) // size
        items = pages[index] if index < len(pages) else []
        json_answer({"items": items, **beside})(connection, request)

    return behave


def by_cursor(pages: dict[str, tuple[list[int], Any]], *, parameter: str = "cursor") -> Behaviour:
    """A source whose pages are found by a cursor; "" is the first."""

    def behave(connection: Connection, request: Request) -> None:
        items, following = pages[request.query.get(parameter, "")]
        json_answer({"items": items, "meta": {"next": following}})(connection, request)

    return behave


def queries(source: Any) -> list[dict[str, str]]:
    """What was asked."""
    return [dict(request.query) for request in source.requests]


def test_link_header_follows_next_among_others(hostile: Hostile) -> None:
    """The target with rel next is followed, absolute or relative, whatever stands beside it."""
    link = '<https://x.test/a,b>; rel="prev"; title="a, <b>", </2?x=1,2>; rel="last next"'
    source = hostile(
        {"/": json_answer([1], {"Link": link}), "/2": json_answer([2], {"Link": '</1>; rel="prev"'})}
    )

    assert bodies_of(reader_of({"url": source.url("/"), "pagination": {"kind": "link_header"}})) == [
        b"[1]",
        b"[2]",
    ]


def test_next_url_is_read_beside_the_records(hostile: Hostile) -> None:
    """The URL at the path is followed, resolved against the page's, until it is null."""
    source = hostile(
        {
            "/": json_answer({"items": [1], "links": {"next": "/b?p=2"}}),
            "/b": json_answer({"items": [2], "links": {"next": None}}),
        }
    )
    settings = {"url": source.url("/"), "pagination": {"kind": "next_url", "path": "links.next"}}

    assert len(bodies_of(reader_of(settings))) == 2


@pytest.mark.parametrize(
    "links",
    [
        [{"relation": "self", "url": "/"}, {"relation": "next", "url": "/b"}],
        [{"rel": "prev", "href": "/"}, {"rel": "NEXT last", "href": "/b", "method": "GET"}],
        [{"rel": ["up"], "href": "/"}, {"rel": ["self", "next"], "href": "/b"}],
        [{"rel": "next"}, {}, {"rel": None, "href": "/"}, {"rel": "next", "href": "/b"}],
    ],
)
def test_the_next_page_is_a_link_of_that_relation(hostile: Hostile, links: list[dict[str, Any]]) -> None:
    """In an array of links, in the words of FHIR and of OGC; without one the source ends."""
    source = hostile(
        {
            "/": json_answer({"items": [1], "links": links}),
            "/b": json_answer({"items": [2], "links": links[:1]}),
        }
    )
    warnings: list[str] = []
    settings = {"url": source.url("/"), "pagination": {"kind": "next_url", "path": "links"}}

    assert len(bodies_of(reader_of(settings, warn=warnings.append))) == 2
    assert warnings == []


@pytest.mark.parametrize("links", [["/b"], [{"rel": "next", "href": {"a": 1}}], [1]])
def test_what_is_no_array_of_links_is_no_end(hostile: Hostile, links: list[object]) -> None:
    """A next page that cannot be read fails."""
    source = hostile({"/": json_answer({"items": [1], "links": links})})

    with pytest.raises(MalformedBody, match=r"pagination\.path = 'links' is an "):
        bodies_of(reader_of({"url": source.url("/"), "pagination": {"kind": "next_url", "path": "links"}}))


def test_pages_are_counted_until_one_is_empty(hostile: Hostile) -> None:
    """Page numbers go up by one from the first, with the size where one is wanted."""
    source = hostile({"/": numbered("page", [[0], [1], [2]])})
    pagination = {"kind": "page", "first": 0, "size_parameter": "per_page", "size": 1}
    bodies_of(reader_of({"url": source.url("/?q=1"), "pagination": pagination}))

    assert queries(source) == [{"q": "1", "page": str(page), "per_page": "1"} for page in range(4)]


def test_offsets_grow_by_what_came(hostile: Hostile) -> None:
    """A source that caps its page size below what is asked for loses nothing."""
    items = [1, 2, 3, 4, 5]

    def two_at_most(connection: Connection, request: Request) -> None:
        offset = int(request.query["offset"])
        json_answer(items[offset : offset + 2])(connection, request)

    source = hostile({"/": two_at_most})
    bodies_of(reader_of({"url": source.url("/"), "pagination": {"kind": "offset", "size": 100}}))

    assert [query["offset"] for query in queries(source)] == ["0", "2", "4", "5"]


@pytest.mark.parametrize(
    ("pagination", "beside", "requests"),
    [
        ({"kind": "page", "first": 0, "total_pages_path": "meta.pages"}, {"meta": {"pages": 2}}, 2),
        ({"kind": "page", "first": 0, "total_pages_path": "meta.pages"}, {"meta": {"pages": "2"}}, 2),
        ({"kind": "page", "first": 0, "has_more_path": "more"}, {"more": False}, 1),
        ({"kind": "page", "first": 0, "has_more_path": "more"}, {}, 3),
        ({"kind": "page", "first": 0, "size": 2, "stop_on_short_page": True}, {}, 2),
        ({"kind": "offset", "parameter": "page", "size": 2, "total_path": "total"}, {"total": 2}, 1),
    ],
)
def test_stop_rules_save_the_last_request(
    hostile: Hostile, pagination: dict[str, Any], beside: dict[str, Any], requests: int
) -> None:
    """A total, a "has more" or a short page ends a source without asking for an empty page."""
    source = hostile({"/": numbered("page", [[1, 2], [3]], **beside)})
    bodies_of(reader_of({"url": source.url("/"), "pagination": pagination}))

    assert len(source.requests) == requests


@pytest.mark.parametrize("end", [None, "", False])
def test_cursors_are_followed_until_there_is_none(hostile: Hostile, end: object) -> None:
    """The cursor at the path is sent back, percent-encoded, until it is missing, null, empty or false."""
    source = hostile({"/": by_cursor({"": ([1], "a&b=c/ü"), "a&b=c/ü": ([], 17), "17": ([2], end)})})
    bodies_of(reader_of({"url": source.url("/"), "pagination": {"kind": "cursor", "path": "meta.next"}}))

    assert queries(source) == [{}, {"cursor": "a&b=c/ü"}, {"cursor": "17"}]


def test_a_cursor_may_be_in_a_header(hostile: Hostile) -> None:
    """Sources of bare arrays give their cursor in a header."""
    source = hostile({"/": in_turn(json_answer([1], {"X-Next": "k"}), json_answer([2]))})
    bodies_of(reader_of({"url": source.url("/"), "pagination": {"kind": "cursor", "header": "X-Next"}}))

    assert queries(source) == [{}, {"cursor": "k"}]


def test_a_cursor_that_repeats_is_a_loop(hostile: Hostile) -> None:
    """Coming back to a page that was read ends with an error instead of going round for ever."""
    source = hostile({"/": by_cursor({"": ([1], "a"), "a": ([2], "b"), "b": ([3], "a")})})
    settings = {"url": source.url("/"), "pagination": {"kind": "cursor", "path": "meta.next"}}

    with pytest.raises(PaginationLoop, match="comes again after 3 pages"):
        bodies_of(reader_of(settings))


def test_a_source_that_ignores_its_parameter_is_a_loop(hostile: Hostile) -> None:
    """The same page twice in a row, byte for byte, means that the page's number does nothing."""
    source = hostile({"/": json_answer([1, 2, 3])})

    with pytest.raises(PaginationLoop, match="ignore"):
        bodies_of(reader_of({"url": source.url("/"), "pagination": {"kind": "page"}}))


def test_more_pages_than_allowed_end_with_an_error(hostile: Hostile) -> None:
    """max_pages is a limit that is told, not a silent end."""
    source = hostile({"/": numbered("page", [[page] for page in range(9)])})
    reader = reader_of({"url": source.url("/"), "pagination": {"kind": "page", "max_pages": 3}})
    with pytest.raises(LimitExceeded, match="max_pages = 3"):
        bodies_of(reader)

    assert (len(source.requests), reader.resume) == (3, Resume(page=4))


def test_a_next_page_elsewhere_is_refused(hostile: Hostile) -> None:
    """A source cannot lead to another host unless the settings say so."""
    other = hostile({"/": json_answer([2])})
    source = hostile({"/": json_answer([1], {"Link": f'<{other.url("/", host="localhost")}>; rel="next"'})})

    with pytest.raises(AddressRefused, match="allow_other_hosts"):
        bodies_of(reader_of({"url": source.url("/"), "pagination": {"kind": "link_header"}}))


def test_a_next_page_elsewhere_can_be_allowed(hostile: Hostile) -> None:
    """With allow_other_hosts another host's page is read."""
    other = hostile({"/": json_answer([2])})
    link = {"Link": f'<{other.url("/", host="localhost")}>; rel="next"'}
    source = hostile({"/": json_answer([1], link)})
    settings = {"url": source.url("/"), "pagination": {"kind": "link_header", "allow_other_hosts": True}}

    assert bodies_of(reader_of(settings)) == [b"[1]", b"[2]"]


@pytest.mark.parametrize("target", ["http://[", "file:///etc/passwd", "http://user:pw@127.0.0.1/", "//["])
def test_a_next_page_that_is_no_url_is_refused(hostile: Hostile, target: str) -> None:
    """What the source calls its next page is checked as every URL is."""
    source = hostile({"/": json_answer({"items": [1], "next": target})})
    settings = {"url": source.url("/"), "pagination": {"kind": "next_url", "allow_other_hosts": True}}

    with pytest.raises(AddressRefused):
        bodies_of(reader_of(settings))


@pytest.mark.parametrize("value", [{"href": "/2"}, ["/2"], True, 1.5])
def test_a_next_page_of_the_wrong_type_is_malformed(hostile: Hostile, value: object) -> None:
    """A path that leads to something else than text ends with an error that names it."""
    source = hostile({"/": json_answer({"items": [1], "next": value})})

    with pytest.raises(MalformedBody, match=r"pagination\.path = 'next'"):
        bodies_of(reader_of({"url": source.url("/"), "pagination": {"kind": "next_url"}}))


def test_a_path_beside_an_array_is_an_error(hostile: Hostile) -> None:
    """A body that is nothing but records cannot say where the next page is: no silent end at page one."""
    source = hostile({"/": json_answer([1])})

    with pytest.raises(MalformedBody, match="record_path"):
        bodies_of(reader_of({"url": source.url("/"), "pagination": {"kind": "next_url"}}))


@pytest.mark.parametrize(
    ("pagination", "resume", "query"),
    [
        ({"kind": "page"}, Resume(page=7), {"page": "7"}),
        ({"kind": "offset", "size_parameter": ""}, Resume(offset=300), {"offset": "300"}),
        ({"kind": "cursor", "path": "meta.next"}, Resume(cursor="k"), {"cursor": "k"}),
    ],
)
def test_an_event_can_go_on_where_another_ended(
    hostile: Hostile, pagination: dict[str, Any], resume: Resume, query: dict[str, str]
) -> None:
    """Reading begins at the resume's page."""
    source = hostile({"/": json_answer({"items": []})})
    bodies_of(reader_of({"url": source.url("/"), "pagination": pagination}, resume=resume))

    assert queries(source) == [query]


def test_an_event_cannot_go_on_at_another_host(hostile: Hostile) -> None:
    """A resume's URL is held to the source's host as a next page is."""
    source = hostile({"/": json_answer([])})

    with pytest.raises(AddressRefused, match="another host"):
        reader_of(
            {"url": source.url("/"), "pagination": {"kind": "link_header"}},
            resume=Resume(url="https://evil.example/"),
        )


def test_a_resume_of_another_kind_is_refused() -> None:
    """A page's number does not fit cursors."""
    with pytest.raises(ConfigurationError, match="cursor"):
        reader_of({"url": "https://a.b/", "pagination": {"kind": "cursor"}}, resume=Resume(page=1))


def test_requests_keep_their_interval(hostile: Hostile) -> None:
    """Between two requests lies at least the interval, and none before the first."""
    source = hostile({"/": numbered("page", [[0], [1]])})
    waits = Waits()
    settings = {
        "url": source.url("/"),
        "pagination": {"kind": "page", "first": 0},
        "rate": {"min_interval_seconds": 2},
    }
    bodies_of(reader_of(settings, deadline=waits.deadline(60), clock=lambda: waits.now))

    assert waits.seconds == [2, 2]


def test_a_page_that_fails_says_where_to_go_on(hostile: Hostile) -> None:
    """After an error in the middle the reader knows the page that was not read."""
    source = hostile({"/": in_turn(json_answer([1]), json_answer([2]), answer(b"gone", status=410))})
    reader = reader_of({"url": source.url("/"), "pagination": {"kind": "page"}})
    with pytest.raises(SourceRejected, match="410"):
        bodies_of(reader)

    assert (reader.report.pages, reader.resume) == (2, Resume(page=3))


def test_a_retry_after_beyond_the_deadline_ends_at_once(hostile: Hostile) -> None:
    """A wait that does not fit is not begun; the reader knows where to go on."""
    source = hostile(
        {"/": in_turn(json_answer([1]), answer(b"", status=429, headers={"Retry-After": "3600"}))}
    )
    waits = Waits()
    reader = reader_of({"url": source.url("/"), "pagination": {"kind": "page"}}, deadline=waits.deadline(60))
    with pytest.raises(DeadlineExceeded, match="3600"):
        bodies_of(reader)

    assert (waits.seconds, reader.resume) == ([], Resume(page=2))


def test_next_pages_are_relative_to_where_a_redirect_ended(hostile: Hostile) -> None:
    """A relative link is resolved against the page that held it."""
    source = hostile(
        {
            "/": redirect("/v2/posts"),
            "/v2/posts": json_answer([1], {"Link": '<more>; rel="next"'}),
            "/v2/more": json_answer([2]),
        }
    )

    assert bodies_of(reader_of({"url": source.url("/"), "pagination": {"kind": "link_header"}})) == [
        b"[1]",
        b"[2]",
    ]
