"""Pages that come again, cursors that never end, and handles that never change: every record, and an end."""

import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from local_aws.servers.hostile_source import Behaviour, Connection, Request, answer
from tests.url_fetcher.invoking import Stream, invoke
from tests.url_fetcher.reading import Hostile
from url_fetcher.errors import LimitExceeded, MalformedBody, PaginationLoop

Page = dict[str, Any]
BY_PAGE = {"kind": "page"}
CURSOR = {"kind": "cursor"}
PAGES = [[1, 2], [3, 4], [5]]
FULL = [[1, 2], [3, 4], [5, 6]]


def asking(page_of: Callable[[Request, int], Page]) -> Behaviour:
    """A source that answers by the request and its number, and echoes that number beside the records."""
    count = itertools.count(1)

    def behave(connection: Connection, request: Request) -> None:
        number = next(count)
        answer(json.dumps({"requestId": number, **page_of(request, number)}).encode())(connection, request)

    return behave


def read(
    hostile: Hostile,
    stream: Stream,
    page_of: Callable[[Request, int], Page],
    pagination: Page,
    **settings: Any,
) -> tuple[list[Any], int, int]:
    """The records, the warnings and the number of requests."""
    source = hostile({"/": asking(page_of)})
    event = {"url": source.url("/"), "record_path": "items", "pagination": pagination, **settings}
    answered = invoke(stream, event)
    return [line["data"] for line in stream.lines], answered["warnings"], len(source.requests)


def clamped(pages: Sequence[list[int]], **beside: Any) -> Callable[[Request, int], Page]:
    """Numbers behind the last bring the last page."""
    return lambda request, _: {"items": pages[min(int(request.query["page"]), len(pages)) - 1], **beside}


def test_an_echo_beside_the_records_hides_no_loop(hostile: Hostile, stream: Stream) -> None:
    """A request's id or a time differs in each answer; the same records twice mean an ignored parameter."""
    with pytest.raises(PaginationLoop, match=r"ignore pagination\.parameter = 'page'"):
        read(hostile, stream, lambda *_: {"items": [1, 2]}, BY_PAGE)

    assert len(stream.lines) == 2


@pytest.mark.parametrize(
    ("pages", "beside", "warnings"),
    [(PAGES, {}, 0), (FULL, {}, 1), (FULL, {"total": 6}, 0), (FULL, {"total": 9}, 1)],
)
def test_a_clamped_last_page_is_the_end(
    hostile: Hostile, stream: Stream, pages: list[list[int]], beside: Page, warnings: int
) -> None:
    """The last page again ends the source, once; in doubt only if it is full and no total is reached."""
    found = read(hostile, stream, clamped(pages, **beside), BY_PAGE)

    assert found == (list(itertools.chain(*pages)), warnings, 4)


def test_a_single_page_that_a_total_calls_whole_may_repeat(hostile: Hostile, stream: Stream) -> None:
    """The second page is the first one, and everything was read."""
    assert read(hostile, stream, clamped([[1, 2]], total=2), BY_PAGE) == ([1, 2], 0, 2)


def test_pages_that_begin_again_end(hostile: Hostile, stream: Stream) -> None:
    """Numbers behind the last that bring the first pages again end with a warning, not at max_pages."""
    records, warnings, requests = read(
        hostile, stream, lambda request, _: {"items": FULL[(int(request.query["page"]) - 1) % 3]}, BY_PAGE
    )

    assert (records[:6], set(records), warnings, requests) == ([1, 2, 3, 4, 5, 6], {1, 2, 3, 4, 5, 6}, 1, 5)


def test_a_page_may_be_like_another_by_chance(hostile: Hostile, stream: Stream) -> None:
    """Records without an id may be the same on two pages: one page alone is no end."""
    pages = [[0, 0], [1, 0], [0, 0], [1, 1], []]
    found = read(hostile, stream, lambda _, number: {"items": pages[number - 1]}, BY_PAGE)

    assert found == ([0, 0, 1, 0, 0, 0, 1, 1], 0, 5)


def test_a_repeat_behind_a_resume_is_an_end(hostile: Hostile, stream: Stream) -> None:
    """A run that goes on at the last page cannot know more than that the parameter works."""
    assert read(hostile, stream, clamped(FULL), BY_PAGE, resume={"page": 3}) == ([5, 6], 1, 2)


def test_a_large_repeat_has_the_same_ids(hostile: Hostile, stream: Stream) -> None:
    """What is too large to be held back comes twice, with the same ids."""
    large = [["x" * 300_000 + str(number)] for number in range(20)]
    records, warnings, requests = read(hostile, stream, clamped([[1] * 20, large]), BY_PAGE)  # type: ignore[list-item]

    assert (len(records), len({line["id"] for line in stream.lines}), warnings, requests) == (60, 21, 1, 3)


def scrolled(pages: Sequence[list[int]]) -> Callable[[Request, int], Page]:
    """One handle for all pages: each request brings the next one."""
    return lambda _, number: {"items": (pages[number - 1 :] or [[]])[0], "next_cursor": "handle"}


@pytest.mark.parametrize("pages", [PAGES, FULL, [[1]], [[1], [2]]])
def test_one_handle_leads_through_every_page(
    hostile: Hostile, stream: Stream, pages: list[list[int]]
) -> None:
    """A scroll id that never changes is followed until a page is empty."""
    found = read(hostile, stream, scrolled(pages), CURSOR)

    assert found == (list(itertools.chain(*pages)), 0, len(pages) + 1)


def test_one_link_leads_through_every_page(hostile: Hostile, stream: Stream) -> None:
    """So is a link that never changes."""
    found = read(
        hostile,
        stream,
        lambda _, number: {"items": (FULL[number - 1 :] or [[]])[0], "next": "/?scroll"},
        {"kind": "next_url"},
    )

    assert found == ([1, 2, 3, 4, 5, 6], 0, 4)


def by_cursor(pages: dict[str, tuple[list[int], Any]], **beside: Any) -> Callable[[Request, int], Page]:
    """Pages by their cursor; "" is the first."""

    def page(request: Request, _: int) -> Page:
        items, following = pages[request.query.get("cursor", "")]
        return {"items": items, "next_cursor": following, **beside}

    return page


@pytest.mark.parametrize(
    ("last", "requests"),
    [(([3, 4], "a"), 3), (([3], "a"), 3), (([], "a"), 2)],
    ids=["full", "short", "empty"],
)
def test_the_same_cursor_again_is_the_end(
    hostile: Hostile, stream: Stream, last: tuple[list[int], str], requests: int
) -> None:
    """A last page whose cursor is the one that was sent ends the source, and comes once."""
    found = read(hostile, stream, by_cursor({"": ([1, 2], "a"), "a": last}), CURSOR)

    assert found == ([1, 2, *last[0]], 0, requests)


def test_the_same_cursor_with_more_to_come_is_a_warning(hostile: Hostile, stream: Stream) -> None:
    """A flag or a total that says more makes that end doubtful."""
    pages = {"": ([1, 2], "a"), "a": ([3], "a")}

    assert read(hostile, stream, by_cursor(pages, total=9), CURSOR) == ([1, 2, 3], 1, 3)


@pytest.mark.parametrize("first", ["/", "/?page=1"])
@pytest.mark.parametrize("items", [[1, 2], []])
def test_a_next_page_that_is_the_page_itself_is_the_end(
    hostile: Hostile, stream: Stream, first: str, items: list[int]
) -> None:
    """Also on the only page, and where the page's own link spells its address in full."""
    records, warnings, _ = read(
        hostile, stream, lambda *_: {"items": items, "next": first}, {"kind": "next_url"}
    )

    assert (records, warnings) == (items, 0)


def test_a_cursor_that_is_ignored_is_a_loop(hostile: Hostile, stream: Stream) -> None:
    """Where the second page is the first one again, with the same cursor, the parameter's name is wrong."""
    with pytest.raises(PaginationLoop, match=r"ignore pagination\.parameter = 'cursor'"):
        read(hostile, stream, lambda *_: {"items": [1, 2], "next_cursor": "a"}, CURSOR)


def test_ever_new_cursors_of_one_page_are_a_loop(hostile: Hostile, stream: Stream) -> None:
    """A cursor with the time in it does not hide that the page is the same."""
    with pytest.raises(PaginationLoop, match="ignore"):
        read(hostile, stream, lambda _, number: {"items": [1, 2], "next_cursor": f"c{number}"}, CURSOR)


def endless(_: Request, number: int) -> Page:
    """Each page has a new cursor; the records end after the third."""
    return {"items": (FULL[number - 1 :] or [[]])[0], "next_cursor": f"c{number}"}


@pytest.mark.parametrize(
    ("settings", "beside", "warnings", "requests"),
    [
        ({}, {}, 1, 23),
        ({"max_empty_pages": 1}, {}, 0, 4),
        ({"max_empty_pages": 3}, {}, 1, 6),
        ({}, {"total": 6}, 0, 4),
        ({"has_more_path": "more"}, {}, 1, 23),
    ],
)
def test_ever_new_cursors_on_empty_pages_end(
    hostile: Hostile, stream: Stream, settings: Page, beside: Page, warnings: int, requests: int
) -> None:
    """At a total, or after some empty pages in a row: a warning unless the settings call that the end."""
    found = read(hostile, stream, lambda *given: endless(*given) | beside, CURSOR | settings)

    assert found == ([1, 2, 3, 4, 5, 6], warnings, requests)


def test_a_total_of_one_page_is_no_end(hostile: Hostile, stream: Stream) -> None:
    """Some APIs call the number of a page's records its total: an empty page may be followed by others."""
    pages = [[1, 2], [], [3, 4]]

    def page(_: Request, number: int) -> Page:
        following = f"c{number}" if number < len(pages) else None
        return {"items": pages[number - 1], "next_cursor": following, "total": 2}

    assert read(hostile, stream, page, CURSOR) == ([1, 2, 3, 4], 0, 3)


def test_a_flag_leads_over_any_number_of_empty_pages(hostile: Hostile, stream: Stream) -> None:
    """What says that there is more is believed, up to max_pages."""
    with pytest.raises(LimitExceeded, match="max_pages = 30"):
        read(hostile, stream, lambda *given: endless(*given) | {"has_more": True}, CURSOR | {"max_pages": 30})


@pytest.mark.parametrize("empty", [1, 5, 19])
def test_empty_pages_in_the_middle_go_on(hostile: Hostile, stream: Stream, empty: int) -> None:
    """Google and Microsoft Graph have them."""
    pages = [[1], *[[]] * empty, [2], *[[]] * empty, [3]]

    def page(_: Request, number: int) -> Page:
        return {"items": pages[number - 1], "next_cursor": f"c{number}" if number < len(pages) else None}

    assert read(hostile, stream, page, CURSOR) == ([1, 2, 3], 0, len(pages))


def by_key(keys: Sequence[int], size: int) -> Callable[[Request, int], Page]:
    """The records from a key on, that key included."""

    def page(request: Request, _: int) -> Page:
        first = int(request.query.get("cursor", "0"))
        return {"items": [{"id": key} for key in keys if key >= first][:size]}

    return page


def test_a_key_that_is_included_ends_at_a_short_page(hostile: Hostile, stream: Stream) -> None:
    """A last page that has nothing but the record that it was asked for by is the end."""
    found = read(hostile, stream, by_key([1, 2, 3], 2), CURSOR | {"last_record_path": "id"})

    assert ([each["id"] for each in found[0]], found[1:]) == ([1, 2, 2, 3, 3], (0, 3))


def test_a_page_full_of_one_key_is_a_loop(hostile: Hostile, stream: Stream) -> None:
    """Records with the same key as a whole page cannot be passed: that is no end."""
    with pytest.raises(PaginationLoop, match="comes again"):
        read(hostile, stream, by_key([1, 2, 2, 2, 2, 3], 2), CURSOR | {"last_record_path": "id"})


def test_a_flag_of_another_list_is_a_warning(hostile: Hostile, stream: Stream) -> None:
    """Deep in the body a flag may belong to something else than the records, so it is no error."""
    labels = {"data": {"labels": {"pageInfo": {"hasNextPage": True}}}, "next_cursor": None}

    assert read(hostile, stream, lambda *_: {"items": [1], **labels}, CURSOR) == ([1], 1, 1)


def test_an_empty_page_that_leads_back_is_the_end(hostile: Hostile, stream: Stream) -> None:
    """Nothing new can come from a page that was read."""
    pages: dict[str, tuple[list[int], Any]] = {"": ([1], "a"), "a": ([2], "b"), "b": ([], "a")}

    assert read(hostile, stream, by_cursor(pages), CURSOR) == ([1, 2], 0, 3)


@pytest.mark.parametrize("written", ["1.50", "1E3", "1700000000.1234567890", "-0.0"])
@pytest.mark.parametrize("key", ["path", "last_record_path"])
def test_a_number_with_a_fraction_is_sent_as_it_was_written(
    hostile: Hostile, stream: Stream, key: str, written: str
) -> None:
    """A cursor that is a time in seconds keeps each of its digits."""

    def page(connection: Connection, request: Request) -> None:
        record = f'{{"id": {written}}}' if "cursor" not in request.query else ""
        text = f'{{"items": [{record}], "id": {written if record else "null"}}}'
        answer(text.encode())(connection, request)

    source = hostile({"/": page})
    pagination = {"kind": "cursor", key: "id"}
    invoke(stream, {"url": source.url("/"), "record_path": "items", "pagination": pagination})

    assert [request.query.get("cursor") for request in source.requests] == [None, written]


def test_a_number_with_a_fraction_is_a_number_in_a_body(hostile: Hostile, stream: Stream) -> None:
    """As JSON has it, also within an array."""
    source = hostile(
        {
            "/": asking(
                lambda request, _: {
                    "items": [len(request.body)],
                    "next_cursor": None if b"1.5" in request.body else [1.5, 2],
                }
            )
        }
    )
    event = {"url": source.url("/"), "record_path": "items", "method": "POST", "body": {}}
    invoke(stream, event | {"pagination": CURSOR | {"into": "body"}})

    assert json.loads(source.requests[1].body) == {"cursor": [1.5, 2]}


@pytest.mark.parametrize("value", ["1e999", "-1e999"])
def test_a_number_without_end_is_no_cursor_in_a_body(hostile: Hostile, stream: Stream, value: str) -> None:
    """JSON has no infinity to send back."""
    source = hostile({"/": answer(f'{{"items": [1], "next_cursor": {value}}}'.encode())})
    event = {"url": source.url("/"), "record_path": "items", "method": "POST", "body": {}}

    with pytest.raises(MalformedBody, match="cannot be sent back"):
        invoke(stream, event | {"pagination": CURSOR | {"into": "body"}})
