"""After a page that promises more, an answer without a byte is no end."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from local_aws.servers.hostile_source import Behaviour, answer, in_turn
from tests.url_fetcher.invoking import Stream, invoke
from tests.url_fetcher.reading import Hostile
from url_fetcher.errors import SourceUnavailable

RETRY = {"max_attempts": 3, "max_delay_seconds": 0}
NOTHING: dict[str, Callable[[], Behaviour]] = {
    "no byte": lambda: answer(b""),
    "blank": lambda: answer(b" \r\n"),
    "a mark": lambda: answer(b"\xef\xbb\xbf"),
    "204": lambda: answer(b"", status=204),
}
PAGES = [[1, 2], [3, 4], [5, 6]]


def page(number: int, **beside: object) -> Behaviour:
    """One of the pages, with more beside the records."""
    return answer(json.dumps({"items": PAGES[number], **beside}).encode())


def linked(number: int) -> Behaviour:
    """The same as an array with a Link header."""
    headers = {"Link": '</>; rel="next"'} if number < 2 else {}
    return answer(json.dumps(PAGES[number]).encode(), headers=headers)


def cursor(number: int) -> Any:
    """The cursor after a page."""
    return {"next_cursor": f"c{number}" if number < 2 else None}


PROMISES: dict[str, tuple[dict[str, Any], Callable[[int], Behaviour]]] = {
    "cursor": ({"kind": "cursor"}, lambda n: page(n, **cursor(n))),
    "next_url": ({"kind": "next_url"}, lambda n: page(n, next=f"/?{n}" if n < 2 else None)),
    "link": ({"kind": "link_header"}, linked),
    "parameters": ({"kind": "parameters"}, lambda n: page(n, **({"continue": {"c": n}} if n < 2 else {}))),
    "has_more": ({"kind": "page", "has_more_path": "more"}, lambda n: page(n, more=n < 2)),
    "a flag by its name": ({"kind": "page"}, lambda n: page(n, hasMore=n < 2)),
    "total_pages": ({"kind": "page", "total_pages_path": "pages"}, lambda n: page(n, pages=3)),
    "pages by their name": ({"kind": "page"}, lambda n: page(n, totalPages=3)),
    "total": ({"kind": "offset", "total_path": "all"}, lambda n: page(n, all=6)),
    "a total by its name": ({"kind": "offset"}, lambda n: page(n, meta={"total": "6"})),
    "last record": (
        {"kind": "cursor", "last_record_path": "/0", "has_more_path": "more"},
        lambda n: answer(json.dumps({"items": [[each] for each in PAGES[n]], "more": n < 2}).encode()),
    ),
}


def event(url: str, pagination: Mapping[str, Any]) -> dict[str, Any]:
    """The event for such a source."""
    path = {} if pagination["kind"] == "link_header" else {"record_path": "items"}
    return {"url": url, "pagination": pagination, "retry": RETRY, **path}


@pytest.mark.parametrize("nothing", NOTHING)
@pytest.mark.parametrize("promise", PROMISES)
def test_nothing_after_a_promise_is_asked_for_again(
    hostile: Hostile, stream: Stream, promise: str, nothing: str
) -> None:
    """An empty answer instead of page 2 is a fault that passes: every record is read, with no warning."""
    pagination, of = PROMISES[promise]
    empty = answer(b'{"items": []}') if pagination["kind"] in ("page", "offset") else answer(b"")
    source = hostile({"/": in_turn(of(0), NOTHING[nothing](), of(1), of(2), empty)})
    answered = invoke(stream, event(source.url("/"), pagination))

    assert (answered["recordsProcessed"], answered["requests_retried"], answered["warnings"]) == (6, 1, 0)


@pytest.mark.parametrize("nothing", NOTHING)
@pytest.mark.parametrize("promise", PROMISES)
def test_nothing_for_ever_after_a_promise_is_an_error(
    hostile: Hostile, stream: Stream, promise: str, nothing: str
) -> None:
    """If it stays empty, the run fails, may be retried, and says where to go on."""
    pagination, of = PROMISES[promise]
    source = hostile({"/": in_turn(of(0), NOTHING[nothing]())})
    with pytest.raises(SourceUnavailable, match="the answer is empty, although") as caught:
        invoke(stream, event(source.url("/"), pagination))

    assert (caught.value.retryable, len(source.requests), bool(caught.value.details["resume"])) == (
        True,
        4,
        True,
    )


@pytest.mark.parametrize("nothing", ["no byte", "blank"])
@pytest.mark.parametrize("kind", ["page", "offset"])
def test_a_page_of_json_without_a_byte_is_no_end(
    hostile: Hostile, stream: Stream, kind: str, nothing: str
) -> None:
    """Even if nothing promises more: a page of JSON without records has brackets."""
    source = hostile({"/": in_turn(page(0), NOTHING[nothing]())})

    with pytest.raises(SourceUnavailable, match="which is no page without records"):
        invoke(stream, event(source.url("/"), {"kind": kind}))


@pytest.mark.parametrize(
    "pagination", [{"kind": "page"}, {"kind": "offset"}, {"kind": "page", "total_pages_path": "p"}]
)
def test_a_204_ends_numbered_pages(hostile: Hostile, stream: Stream, pagination: dict[str, Any]) -> None:
    """Where nothing says that there is more, "no content" is an end like an empty list."""
    source = hostile({"/": in_turn(page(0), page(1), NOTHING["204"]())})
    answered = invoke(stream, event(source.url("/"), pagination))

    assert (answered["recordsProcessed"], answered["warnings"]) == (4, 0)


def test_a_204_ends_pages_by_the_last_record(hostile: Hostile, stream: Stream) -> None:
    """The record's key is no promise of the source."""
    source = hostile({"/": in_turn(answer(b'{"items": [{"id": 1}]}'), NOTHING["204"]())})
    answered = invoke(stream, event(source.url("/"), {"kind": "cursor", "last_record_path": "id"}))

    assert (answered["recordsProcessed"], answered["warnings"]) == (1, 0)


@pytest.mark.parametrize(
    ("settings", "content_type"),
    [({"format": "ndjson"}, ""), ({"format": "csv"}, ""), ({}, "application/x-ndjson"), ({}, "text/csv")],
)
def test_nothing_is_a_page_of_lines_without_lines(
    hostile: Hostile, stream: Stream, settings: dict[str, Any], content_type: str
) -> None:
    """A body of lines has no brackets: without a line it has no byte, which ends numbered pages."""
    first = answer(
        b'{"a": 1}\n' if "csv" not in str(settings) + content_type else b"a\n1\n", content_type=content_type
    )
    source = hostile({"/": in_turn(first, answer(b"", content_type=content_type))})
    answered = invoke(stream, {"url": source.url("/"), "pagination": {"kind": "offset"}, **settings})

    assert (answered["recordsProcessed"], answered["warnings"]) == (1, 0)


@pytest.mark.parametrize("nothing", NOTHING)
@pytest.mark.parametrize("promise", PROMISES)
def test_nothing_as_the_first_page_is_no_records(
    hostile: Hostile, stream: Stream, promise: str, nothing: str
) -> None:
    """A source may have nothing to say."""
    pagination, _ = PROMISES[promise]
    source = hostile({"/": NOTHING[nothing]()})
    answered = invoke(stream, event(source.url("/"), pagination))

    assert (answered["recordsProcessed"], len(source.requests)) == (0, 1)


@pytest.mark.parametrize(
    ("pagination", "beside", "words"),
    [
        ({"kind": "offset", "total_path": "all"}, {"all": 6}, "the total is 6 and 2 records came"),
        ({"kind": "offset"}, {"totalResults": 6}, "the total is 6 and 2 records came"),
        ({"kind": "page"}, {"meta": {"total_count": 6}}, "the total is 6 and 2 records came"),
        ({"kind": "page", "total_pages_path": "p"}, {"p": 3}, "this is page 2 of 3"),
        ({"kind": "page"}, {"page_count": 3}, "this is page 2 of 3"),
        ({"kind": "page"}, {"has_more": True}, "has_more is true"),
        ({"kind": "page"}, {"last": False}, "last is false"),
        ({"kind": "cursor"}, {"total": 6}, "the total is 6 and 2 records came"),
    ],
)
def test_an_empty_page_below_a_total_is_a_warning(
    hostile: Hostile,
    stream: Stream,
    capsys: pytest.CaptureFixture[str],
    pagination: dict[str, Any],
    beside: Any,
    words: str,
) -> None:
    """A list that is empty in the middle may be the end or a fault: it is told, once."""
    second = answer(json.dumps({"items": [], **beside}).encode())
    following = {"next_cursor": "c"} if pagination["kind"] == "cursor" else {}
    source = hostile({"/": in_turn(page(0, **beside, **following), second)})
    answered = invoke(stream, event(source.url("/"), pagination))

    assert (answered["warnings"], words in capsys.readouterr().out) == (1, True)


@pytest.mark.parametrize(
    ("totals", "warnings"), [((6, 7, 8), 0), ((8, 7, 6), 0), ((8, 8, 8), 1), (("6", 9, 9), 0), ((0, 0, 0), 0)]
)
def test_a_total_that_changes_meanwhile_is_no_warning(
    hostile: Hostile, stream: Stream, totals: tuple[int, ...], warnings: int
) -> None:
    """Lists grow and shrink while they are read: only more than the smallest total is a sign."""
    pages = [page(n, total=total) for n, total in enumerate(totals)]
    source = hostile({"/": in_turn(*pages, answer(b'{"items": []}'))})
    answered = invoke(stream, event(source.url("/"), {"kind": "page"}))

    assert (answered["recordsProcessed"], answered["warnings"]) == (6, warnings)


def test_each_window_may_begin_with_nothing(hostile: Hostile, stream: Stream) -> None:
    """A span of time without records is no promise that was broken."""
    source = hostile({"/": in_turn(answer(b""), page(0), answer(b'{"items": []}'), answer(b"", status=204))})
    windows = {"from_parameter": "a", "to_parameter": "b", "start": "2020-01-01T00:00:00Z", "days": 1_000}
    answered = invoke(stream, event(source.url("/"), {"kind": "page"}) | {"windows": windows})

    assert answered["recordsProcessed"] == 2
