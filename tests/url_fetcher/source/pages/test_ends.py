"""A source does not end before its last page without saying so."""

from typing import Any

import pytest

from local_aws.servers.hostile_source import Connection, Request, answer, in_turn
from tests.url_fetcher.reading import Hostile, bodies_of, reader_of
from url_fetcher.errors import AddressRefused, ConfigurationError, LimitExceeded, MalformedBody
from url_fetcher.source.pages.pagination_kind import Resume

BY_PATH = [{"kind": "cursor", "path": "meta.next"}, {"kind": "next_url", "path": "meta.next"}]


def json_text(text: str) -> Any:
    """Answer with this text."""
    return answer(text.encode())


@pytest.mark.parametrize(
    ("pagination", "text", "words"),
    [
        ({"kind": "cursor", "path": "next"}, '{"items": [1], "has_more": true}', "has_more is true"),
        ({"kind": "cursor", "path": "next"}, '{"items": [1], "next": null, "hasMore": true}', "hasMore is"),
        ({"kind": "cursor", "path": "next"}, '{"items": [], "page": {"hasNextPage": true}}', "hasNextPage"),
        ({"kind": "next_url"}, '{"items": [1], "meta": {"is_truncated": true}}', "is_truncated is true"),
        ({"kind": "link_header"}, '{"items": [1], "has_next": true}', "in the Link header"),
        ({"kind": "cursor", "has_more_path": "more"}, '{"items": [1], "more": true}', "has_more_path"),
        ({"kind": "cursor", "has_more_path": "more"}, '{"items": [1], "more": "True"}', "has_more_path"),
        ({"kind": "cursor", "has_more_path": "more"}, '{"items": [1], "more": 1}', "has_more_path"),
        ({"kind": "cursor", "is_last_path": "end"}, '{"items": [1], "end": false}', "is_last_path is false"),
        ({"kind": "next_url", "is_last_path": "end"}, '{"items": [1], "end": "False"}', "is_last_path"),
        ({"kind": "parameters", "has_more_path": "more"}, '{"items": [1], "more": true}', "has_more_path"),
        ({"kind": "link_header", "has_more_path": "/more"}, '{"items": [1], "more": true}', "has_more_path"),
        (
            {"kind": "cursor", "header": "X-Next", "has_more_path": "more"},
            '{"items": [1], "more": true}',
            "pagination.header = 'X-Next'",
        ),
    ],
)
def test_a_flag_without_a_next_page_is_an_error(
    hostile: Hostile, pagination: dict[str, Any], text: str, words: str
) -> None:
    """Where the body says that there is more and no next page is named, the run fails instead of ending."""
    source = hostile({"/": json_text(text)})
    with pytest.raises(MalformedBody) as caught:
        bodies_of(reader_of({"url": source.url("/"), "pagination": pagination}))

    assert words in str(caught.value)


@pytest.mark.parametrize("pagination", BY_PATH)
@pytest.mark.parametrize("text", ['{"items": [1], "meta": [1]}', '{"items": [1], "meta": "x"}'])
def test_a_path_through_no_object_is_an_error(
    hostile: Hostile, pagination: dict[str, Any], text: str
) -> None:
    """A path whose keys lie in something else than an object is wrong on every page."""
    source = hostile({"/": json_text(text)})

    with pytest.raises(MalformedBody, match=r"pagination\.path = 'meta\.next'"):
        bodies_of(reader_of({"url": source.url("/"), "pagination": pagination}))


def test_a_key_with_a_dot_is_an_error(hostile: Hostile) -> None:
    """A path cannot lead to a key with a dot in it, and says so while the key is in the body."""
    source = hostile({"/": json_text('{"items": [1], "@odata.nextLink": "/2"}')})
    pagination = {"kind": "next_url", "path": "@odata.nextLink"}

    with pytest.raises(MalformedBody, match="dot in its name"):
        bodies_of(reader_of({"url": source.url("/"), "pagination": pagination}))


@pytest.mark.parametrize(
    ("pagination", "text", "words"),
    [
        ({"kind": "next_url"}, '{"items": [1], "@odata.nextLink": "/2"}', "has '@odata.nextLink'"),
        ({"kind": "cursor"}, '{"items": [1], "paging": {"next": {"after": "x"}}}', "has 'next'"),
        ({"kind": "cursor", "header": "X-Next"}, '{"items": [1], "nextPageToken": "x"}', "'nextPageToken'"),
        ({"kind": "link_header"}, '{"items": [1], "next": "/2"}', "the Link header"),
        (BY_PATH[0], '{"items": [1]}', "no 'meta'"),
        (BY_PATH[1], '{"items": [1]}', "no 'meta'"),
        ({"kind": "page", "has_more_path": "more"}, '{"items": [], "more": true}', "the page is empty"),
    ],
)
def test_an_end_that_looks_wrong_is_a_warning(
    hostile: Hostile, pagination: dict[str, Any], text: str, words: str
) -> None:
    """What may be the end or a wrong setting is told once and counted, and the run goes on."""
    source = hostile({"/": json_text(text)})
    said: list[str] = []
    reader = reader_of({"url": source.url("/"), "pagination": pagination}, warn=said.append)
    bodies_of(reader)

    assert ([words in message for message in said], reader.report.warnings) == ([True], 1)


@pytest.mark.parametrize(
    ("pagination", "texts"),
    [
        pytest.param({"kind": "cursor"}, ['{"items": [1]}'], id="one page"),
        pytest.param({"kind": "cursor"}, ['{"items": [1], "next_cursor": null, "next": "/"}'], id="null"),
        pytest.param({"kind": "cursor"}, ['{"items": [1], "nextSyncToken": "x"}'], id="for the next run"),
        pytest.param({"kind": "cursor"}, ['{"items": [1], "next_offset": 0}'], id="zero"),
        pytest.param({"kind": "cursor"}, ['{"items": [1], "has_more": false}'], id="no more"),
        pytest.param(BY_PATH[0], ['{"items": [1], "meta": null}'], id="null on the way"),
        pytest.param(BY_PATH[0], ['{"items": []}'], id="an empty page"),
        pytest.param(
            BY_PATH[0], ['{"items": [1, 2], "meta": {"next": "a"}}', '{"items": [3]}'], id="a short page"
        ),
        pytest.param(
            {"kind": "cursor", "has_more_path": "more"},
            ['{"items": [1], "more": false, "next_cursor": "x"}'],
            id="the flag counts",
        ),
        pytest.param(
            {"kind": "cursor", "has_more_path": "more"},
            ['{"items": [1], "more": false, "next_page": 2}'],
            id="the flag counts more than a name",
        ),
        pytest.param({"kind": "link_header"}, ["[1]"], id="no body beside"),
        pytest.param(
            {"kind": "next_url", "path": "after_url", "is_last_path": "end_of_stream"},
            ['{"items": [1], "after_url": "/?2", "end_of_stream": true}'],
            id="the last page has a link for the next run",
        ),
        pytest.param(
            {"kind": "page", "is_last_path": "isLast"}, ['{"items": [1], "isLast": true}'], id="counted, flag"
        ),
        pytest.param(
            {"kind": "parameters", "has_more_path": "more"},
            ['{"items": [1], "more": false, "continue": {"a": "b"}}'],
            id="parameters, flag",
        ),
        pytest.param({"kind": "parameters"}, ['{"items": [1], "continue": {}}'], id="no parameters"),
        pytest.param(
            {"kind": "cursor", "last_record_path": "id"}, ['{"items": []}'], id="an empty page of records"
        ),
        pytest.param({"kind": "page"}, ["[1]", "[]"], id="counted"),
    ],
)
def test_an_end_that_is_said_is_no_warning(
    hostile: Hostile, pagination: dict[str, Any], texts: list[str]
) -> None:
    """The usual ways to end a source raise no doubt."""
    source = hostile({"/": in_turn(*map(json_text, texts))})
    reader = reader_of({"url": source.url("/"), "pagination": pagination})
    bodies_of(reader)

    assert (len(source.requests), reader.report.warnings) == (len(texts), 0)


def test_a_full_page_without_the_path_of_the_page_before_is_a_warning(hostile: Hostile) -> None:
    """A path that was there before and is not on a page as long as the others may hide more pages."""
    texts = ['{"items": [1, 2], "meta": {"next": "a"}}', '{"items": [3, 4]}']
    source = hostile({"/": in_turn(*map(json_text, texts))})
    reader = reader_of({"url": source.url("/"), "pagination": BY_PATH[0]})
    bodies_of(reader)

    assert reader.report.warnings == 1


def test_a_resumed_source_may_begin_at_its_last_page(hostile: Hostile) -> None:
    """Where a former run has found a next page the path is right."""
    source = hostile({"/": json_text('{"items": [1]}')})
    settings = {"url": source.url("/"), "pagination": BY_PATH[0]}
    reader = reader_of(settings, resume=Resume(cursor="k"))
    bodies_of(reader)

    assert reader.report.warnings == 0


@pytest.mark.parametrize("pages", ["true", "1.5", "-1", "0", '"many"', "[1]", "1e400", "9" * 400])
def test_a_total_that_is_no_number_ends_nothing(hostile: Hostile, pages: str) -> None:
    """Only a whole number above zero is a total; without one the source ends at an empty page."""
    texts = [f'{{"items": [{number}], "pages": {pages}}}' for number in range(3)]
    source = hostile({"/": in_turn(*map(json_text, [*texts, '{"items": []}']))})
    pagination = {"kind": "page", "total_pages_path": "pages"}

    assert len(bodies_of(reader_of({"url": source.url("/"), "pagination": pagination}))) == 4


@pytest.mark.parametrize("pages", ["2", '"2"', "2.0"])
def test_a_whole_total_ends_the_source(hostile: Hostile, pages: str) -> None:
    """A total may be a number or text."""
    texts = [f'{{"items": [{number}], "pages": {pages}}}' for number in range(2)]
    source = hostile({"/": in_turn(*map(json_text, texts))})
    pagination = {"kind": "page", "total_pages_path": "pages"}

    assert len(bodies_of(reader_of({"url": source.url("/"), "pagination": pagination}))) == 2


def test_a_flag_counts_more_than_a_short_page(hostile: Hostile) -> None:
    """A page below its size is not the last where the body says that there is more."""
    texts = ['{"items": [1], "more": true}', '{"items": [2], "more": false}']
    source = hostile({"/": in_turn(*map(json_text, texts))})
    pagination = {"kind": "page", "size": 2, "stop_on_short_page": True, "has_more_path": "more"}

    assert len(bodies_of(reader_of({"url": source.url("/"), "pagination": pagination}))) == 2


def test_a_cursor_too_long_for_a_url_is_refused(hostile: Hostile) -> None:
    """A cursor that no server takes in a URL ends with its length, not with the server's error."""
    source = hostile({"/": json_text(f'{{"items": [1], "next_cursor": "{"x" * 60_000}"}}')})

    with pytest.raises(LimitExceeded, match=r"has 600\d\d characters"):
        bodies_of(reader_of({"url": source.url("/"), "pagination": {"kind": "cursor"}}))


def test_long_cursors_do_not_fill_the_memory(hostile: Hostile) -> None:
    """What is kept of each page, to notice a loop, does not grow with its cursor."""

    def page(connection: Connection, request: Request) -> None:
        number = int(request.query.get("cursor", "0").rstrip("x") or "0")
        following = f'"{number + 1}{"x" * 15_000}"' if number < 40 else "null"
        json_text(f'{{"items": [{number}], "next_cursor": {following}}}')(connection, request)

    source = hostile({"/": page})
    reader = reader_of({"url": source.url("/"), "pagination": {"kind": "cursor"}})
    bodies_of(reader)
    kept = reader._pager._seen  # what it keeps cannot be seen from outside

    assert (len(kept), sum(len(str(each)) for each in kept) < 41 * 32) == (41, True)


@pytest.mark.parametrize("pagination", [{"kind": "cursor", "path": "next"}, {"kind": "next_url"}])
@pytest.mark.parametrize("value", ["\\ud800", "/a\\udfff"])
def test_half_of_a_surrogate_pair_is_no_next_page(
    hostile: Hostile, pagination: dict[str, Any], value: str
) -> None:
    """JSON can escape what has no bytes: it ends with an error of the function's own."""
    source = hostile({"/": json_text(f'{{"items": [1], "next": "{value}"}}')})

    with pytest.raises(AddressRefused):
        bodies_of(reader_of({"url": source.url("/"), "pagination": pagination}))


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "http://127.0.0.1/\ud800"},
        {"url": "http://127.0.0.1/", "query": {"q": "\ud800"}},
        {"url": "http://127.0.0.1/", "method": "POST", "body": "\ud800"},
        {"url": "http://127.0.0.1/", "method": "POST", "body": {"q": "\ud800"}},
    ],
)
def test_half_of_a_surrogate_pair_in_an_event_is_refused(settings: dict[str, Any]) -> None:
    """Lambda decodes events as JSON, and so their URL, query and body may hold what has no bytes."""
    with pytest.raises(ConfigurationError):
        bodies_of(reader_of(settings))


@pytest.mark.parametrize("allow_other_hosts", [True, False])
def test_half_of_a_surrogate_pair_is_no_resume(allow_other_hosts: bool) -> None:
    """An event's resume is held to what a URL can hold."""
    pagination = {"kind": "link_header", "allow_other_hosts": allow_other_hosts}
    with pytest.raises(AddressRefused):
        reader_of(
            {"url": "http://127.0.0.1/", "pagination": pagination},
            resume=Resume(url="http://127.0.0.1/\ud800"),
        )


def test_a_cursor_needs_a_place(hostile: Hostile) -> None:
    """Without any place no cursor can be found: that would end every source at its first page."""
    source = hostile({"/": json_text("[1]")})

    with pytest.raises(ConfigurationError, match="`header` and `last_record_path` are empty"):
        reader_of({"url": source.url("/"), "pagination": {"kind": "cursor", "path": ""}})
