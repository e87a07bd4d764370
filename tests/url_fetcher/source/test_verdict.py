"""Errors in answers with a good status: told, retried, and nothing of their page put twice."""

import json
from typing import Any

import pytest

from local_aws.servers.hostile_source import answer, in_turn
from tests.url_fetcher.invoking import Stream, invoke, lines_of
from tests.url_fetcher.reading import Hostile
from url_fetcher.deadline import Deadline
from url_fetcher.delivery.holding import MAX_HELD_BYTES
from url_fetcher.errors import (
    ConfigurationError,
    MalformedBody,
    SourceRejected,
    SourceUnavailable,
)
from url_fetcher.source.verdict import Answer, Condition, found

SLACK = {
    "record_path": "messages",
    "fail_when": [{"path": "ok", "equals": False, "message_path": "error"}],
    "retry_when": [{"path": "error", "in": ["ratelimited", "internal_error"]}],
    "retry": {"max_attempts": 3, "max_delay_seconds": 0},
}


def said(body: str) -> Any:
    """Answer 200 with this body."""
    return answer(body.encode())


@pytest.mark.parametrize(
    "body",
    [
        '{"ok": false, "error": "invalid_auth"}',
        '{"ok": false, "messages": null, "error": "invalid_auth"}',
        '{"ok": false, "error": "invalid_auth", "messages": [1, 2]}',
        '{"messages": [1, 2], "ok": false, "error": "invalid_auth"}',
    ],
)
def test_a_good_status_with_an_error_fails(hostile: Hostile, stream: Stream, body: str) -> None:
    """Wherever the value stands, and whether there are records or not; none of them is put."""
    source = hostile({"/": said(body)})
    with pytest.raises(SourceRejected) as caught:
        invoke(stream, {"url": source.url("/"), **SLACK})

    assert "by `fail_when`: 'ok' is false: 'invalid_auth'" in str(caught.value)
    assert (stream.lines, len(source.requests)) == ([], 1)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"fail_when": [{"path": "ok", "equals": False}]}, "`fail_when`"),
        ({"pagination": {"kind": "next_url"}}, "`pagination.path`"),
        ({"pagination": {"kind": "page", "has_more_path": "more"}}, "`pagination.has_more_path`"),
    ],
)
def test_no_condition_is_passed_over_in_xml(
    hostile: Hostile, stream: Stream, settings: dict[str, Any], named: str
) -> None:
    """Where nobody can look, a body that is found to be XML is refused, not taken for good."""
    source = hostile({"/": said("<a><b>1</b></a>")})
    with pytest.raises(MalformedBody) as caught:
        invoke(stream, {"url": source.url("/"), "record_path": "a.b", **settings})

    assert (named in str(caught.value), stream.lines) == (True, [])


def test_an_array_without_its_records_may_say_why(hostile: Hostile, stream: Stream) -> None:
    """The World Bank answers an array of one element where it has a message instead of records."""
    source = hostile({"/": said('[{"message": [{"id": "120", "value": "Invalid value"}]}]')})
    condition = {"path": "/0/message", "exists": True, "message_path": "/0/message/0/value"}

    with pytest.raises(SourceRejected, match="'Invalid value'"):
        invoke(stream, {"url": source.url("/"), "record_path": "/1", "fail_when": [condition]})


@pytest.mark.parametrize(
    "body",
    ['{"ok": false, "error": "ratelimited"}', '{"messages": [1, 2], "ok": false, "error": "ratelimited"}'],
)
def test_an_error_that_may_pass_is_retried(hostile: Hostile, stream: Stream, body: str) -> None:
    """The page comes again, and its records are put once."""
    source = hostile({"/": in_turn(said(body), said(body), said('{"ok": true, "messages": [1, 2]}'))})
    invoke(stream, {"url": source.url("/"), **SLACK})

    assert ([line["data"] for line in stream.lines], len(source.requests)) == ([1, 2], 3)


def test_attempts_at_an_error_that_may_pass_are_bounded(hostile: Hostile, stream: Stream) -> None:
    """As with a 503, and a 503 between counts, too; the error may be retried."""
    bad = said('{"ok": false, "error": "ratelimited"}')
    source = hostile({"/": in_turn(bad, answer(b"", status=503), bad)})
    with pytest.raises(SourceUnavailable, match="by `retry_when`: 'error' is 'ratelimited'") as caught:
        invoke(stream, {"url": source.url("/"), **SLACK})

    assert (len(source.requests), caught.value.details["attempts"]) == (3, 3)


def test_a_page_that_is_refused_waits_as_its_answer_asks(
    hostile: Hostile, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Retry-After of an answer with status 200 counts, as that of a 503 does."""
    waits: list[float] = []
    monkeypatch.setattr(Deadline, "wait", lambda _, seconds, **__: waits.append(seconds))
    headers = {"Retry-After": "7"}
    bad = answer(b'{"ok": false, "error": "ratelimited"}', headers=headers)
    source = hostile({"/": in_turn(bad, said('{"ok": true, "messages": [1]}'))})
    invoke(stream, {"url": source.url("/"), **SLACK})

    assert waits == [7.0]


def test_an_error_on_a_later_page_tells_where_to_go_on(hostile: Hostile, stream: Stream) -> None:
    """The pages before it were put; the resume leads to the page that failed."""
    pages = [{"ok": True, "messages": [1], "c": "k"}, {"ok": False, "error": "ratelimited"}]
    source = hostile({"/": in_turn(*(said(json.dumps(page)) for page in pages))})
    event = {"url": source.url("/"), "pagination": {"kind": "cursor", "path": "c"}, **SLACK}
    with pytest.raises(SourceUnavailable) as caught:
        invoke(stream, event)

    assert ([line["data"] for line in stream.lines], caught.value.details["resume"]) == (
        [1],
        '{"cursor":"k"}',
    )


def test_attempts_are_counted_for_each_page(hostile: Hostile, stream: Stream) -> None:
    """A page that came at last leaves all attempts to the next."""
    bad = said('{"ok": false, "error": "ratelimited"}')
    good = [said(json.dumps({"messages": [number], "c": number})) for number in (1, 2)]
    source = hostile({"/": in_turn(bad, bad, good[0], bad, bad, good[1], said('{"messages": []}'))})
    invoke(stream, {"url": source.url("/"), "pagination": {"kind": "cursor", "path": "c"}, **SLACK})

    assert [line["data"] for line in stream.lines] == [1, 2]


LARGE = '{"messages": [%s], "ok": false, "error": "%s"}'
MANY = ",".join(['"%s"' % ("x" * 1000)] * (MAX_HELD_BYTES // 1000 + 100))


def test_a_page_too_large_to_be_held_back_ends_the_run(hostile: Hostile, stream: Stream) -> None:
    """Some of its records were put, so that it is not read again in this run; the error may be retried."""
    source = hostile({"/": said(LARGE % (MANY, "ratelimited"))})
    with pytest.raises(SourceUnavailable):
        invoke(stream, {"url": source.url("/"), **SLACK})

    assert (len(source.requests), 0 < len(stream.lines) <= MAX_HELD_BYTES // 1000 + 100) == (1, True)


def test_a_large_page_that_failed_for_good_ends_the_run(hostile: Hostile, stream: Stream) -> None:
    """However large, a failed page is no success."""
    source = hostile({"/": said(LARGE % (MANY, "gone"))})

    with pytest.raises(SourceRejected, match="'gone'"):
        invoke(stream, {"url": source.url("/"), **SLACK})


def test_a_body_without_its_records_and_without_an_error_is_still_malformed(
    hostile: Hostile, stream: Stream
) -> None:
    """Conditions that do not hold leave the error as it is."""
    source = hostile({"/": said('{"ok": true, "error": null}')})

    with pytest.raises(MalformedBody, match="no key 'messages'; it has the keys 'ok', 'error'"):
        invoke(stream, {"url": source.url("/"), **SLACK})


WALK = {"pagination": {"kind": "page"}, "retry": {"max_attempts": 3, "max_delay_seconds": 0}}
LIMITED = '{"message": "rate limited"}'


@pytest.mark.parametrize(
    ("pages", "named"),
    [
        (
            ["[1, 2]", "[3]", LIMITED],
            "object with the keys 'message', those of the pages before it an array",
        ),
        (["[1, 2]", "{}"], "an object with no keys"),
        (["[1, 2]", "false"], "are false"),
        (["[1, 2]", '"rate limited"'], "are text"),
        (["[1, 2]", "7"], "are a number"),
        (['{"a": 1}', "[1]"], "are an array, those of the pages before it an object"),
    ],
)
def test_an_answer_unlike_the_pages_before_it_is_no_record(
    hostile: Hostile, stream: Stream, pages: list[str], named: str
) -> None:
    """A walk over arrays does not turn into one of objects: what is no page is told, not ingested."""
    source = hostile({"/": in_turn(*map(said, pages))})
    with pytest.raises(MalformedBody) as caught:
        invoke(stream, {"url": source.url("/"), **WALK})

    assert (named in str(caught.value), "`retry_when`" in str(caught.value)) == (True, True)
    assert LIMITED not in str(stream.lines)
    assert len(stream.lines) == sum(len(json.loads(page)) for page in pages[:-1])


@pytest.mark.parametrize("said_instead", ["{}", LIMITED, '{"error": {"code": 429, "message": "slow down"}}'])
def test_an_object_in_place_of_an_array_that_is_no_record(
    hostile: Hostile, stream: Stream, said_instead: str
) -> None:
    """At the record path an object may be the only element of an array, but not an empty one or an error."""
    pages = ['{"items": [1, 2]}', f'{{"items": {said_instead}}}']
    source = hostile({"/": in_turn(*map(said, pages))})
    with pytest.raises(MalformedBody, match=r"are an object with .*, those of the pages before it an array"):
        invoke(stream, {"url": source.url("/"), "record_path": "items", **WALK})

    assert [line["data"] for line in stream.lines] == [1, 2]


@pytest.mark.parametrize("page", ["Rate limit exceeded, try later\n", "error\ntry later\n", "try later"])
def test_a_message_is_no_page_of_a_csv(hostile: Hostile, stream: Stream, page: str) -> None:
    """It has none of the columns: neither the end of the source nor a row."""
    pages = (b"id,n\n1,2\n", page.encode())
    source = hostile({"/": in_turn(*(answer(each, content_type="text/csv") for each in pages))})
    with pytest.raises(MalformedBody, match="CSV without any of their columns"):
        invoke(stream, {"url": source.url("/"), **WALK})

    assert [line["data"] for line in stream.lines] == [{"id": "1", "n": "2"}]


def test_a_page_of_a_csv_may_have_other_columns_too(hostile: Hostile, stream: Stream) -> None:
    """Some sources leave out columns without a value; a header alone is an empty page."""
    pages = (b"id,n\n1,2\n", b"id\n2\n", b"m,id\n3,4\n", b"m,id\n")
    source = hostile({"/": in_turn(*(answer(page, content_type="text/csv") for page in pages))})
    invoke(stream, {"url": source.url("/"), **WALK})

    assert [line["data"] for line in stream.lines] == [
        {"id": "1", "n": "2"},
        {"id": "2"},
        {"m": "3", "id": "4"},
    ]


def test_text_at_the_record_path_is_no_record_either(hostile: Hostile, stream: Stream) -> None:
    """Where the pages before had an array; an object may be the only element of one."""
    pages = ['{"items": [1, 2]}', '{"items": {"id": 3}}', '{"items": "rate limited"}']
    source = hostile({"/": in_turn(*map(said, pages))})
    with pytest.raises(MalformedBody, match="are text, those of the pages before it an array"):
        invoke(stream, {"url": source.url("/"), "record_path": "items", **WALK})

    assert [line["data"] for line in stream.lines] == [1, 2, {"id": 3}]


@pytest.mark.parametrize("error", ['"error": {"message": "try later"}', '"errors": ["try later"]'])
@pytest.mark.parametrize("items", ["[]", "null"])
@pytest.mark.parametrize("optional", [False, True])
def test_an_error_beside_no_records_is_a_warning(
    hostile: Hostile,
    stream: Stream,
    capsys: pytest.CaptureFixture[str],
    error: str,
    items: str,
    optional: bool,
) -> None:
    """Such a page would end the source as an empty one does, and nobody would know."""
    last = f'{{"items": {items}, {error}}}'
    source = hostile({"/": in_turn(said('{"items": [1], "errors": []}'), said(last))})
    answer = invoke(
        stream,
        {"url": source.url("/"), "record_path": "items", "records_optional": optional, **WALK},
    )

    (warning,) = [line["message"] for line in lines_of(capsys) if line.get("level") == "WARNING"]
    assert (answer["fetched"], answer["warnings"], "'try later'" in warning) == (1, 1, True)


@pytest.mark.parametrize(
    "more",
    [
        '"error": null',
        '"error": 0',
        '"errors": []',
        '"errors": false',
        '"error": "0"',
        '"message": "no more"',
    ],
)
def test_no_error_beside_no_records_is_no_warning(hostile: Hostile, stream: Stream, more: str) -> None:
    """Many APIs have the key in each answer."""
    source = hostile({"/": said(f'{{"items": [], {more}}}')})
    answer = invoke(stream, {"url": source.url("/"), "record_path": "items"})

    assert answer["warnings"] == 0


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1.5", "1.5"),
        (r'"a\ud800\n\u001bb"', "'a"),
        ("1e999", "1e999"),
        ("9" * 400, "9" * 300),
    ],
)
def test_any_value_of_an_error_can_be_shown(
    hostile: Hostile, stream: Stream, capsys: pytest.CaptureFixture[str], value: str, shown: str
) -> None:
    """The source chooses it: it is on one line, and nothing of it is a foreign exception."""
    source = hostile({"/": said(f'{{"items": [], "error": {value}}}')})
    invoke(stream, {"url": source.url("/"), "record_path": "items"})

    (warning,) = [line["message"] for line in lines_of(capsys) if line.get("level") == "WARNING"]
    assert (shown in warning, warning.isprintable()) == (True, True)


def test_a_condition_ends_the_warning_of_an_error_beside_no_records(hostile: Hostile, stream: Stream) -> None:
    """It says that the source's owner knows what the key means."""
    source = hostile({"/": said('{"items": [], "error": "nothing found"}')})
    empty_when = [{"path": "error", "equals": "nothing found"}]
    answer = invoke(stream, {"url": source.url("/"), "record_path": "items", "empty_when": empty_when})

    assert (answer["fetched"], answer["warnings"]) == (0, 0)


@pytest.mark.parametrize("format_", ["auto", "ndjson"])
def test_a_body_that_is_one_object_may_be_an_error(hostile: Hostile, stream: Stream, format_: str) -> None:
    """Without a record path, conditions look at it; it is asked for again, and nothing of it is put."""
    pages = [said("[1]" if format_ == "auto" else "1\n2"), said(LIMITED), said(LIMITED)]
    pages.append(said("[]") if format_ == "auto" else answer(b""))
    source = hostile({"/": in_turn(*pages)})
    retry = [{"path": "message", "equals": "rate limited"}]
    invoke(stream, {"url": source.url("/"), "format": format_, "retry_when": retry, **WALK})

    assert ([line["data"] for line in stream.lines][:1], len(stream.lines) < 3, len(source.requests)) == (
        [1],
        True,
        4,
    )


def test_the_first_answer_may_be_an_error_too(hostile: Hostile, stream: Stream) -> None:
    """Also of a source that is one page."""
    source = hostile({"/": said(LIMITED)})
    fail = [{"path": "message", "exists": True, "message_path": "message"}]
    with pytest.raises(SourceRejected, match="'rate limited'"):
        invoke(stream, {"url": source.url("/"), "fail_when": fail})

    assert stream.lines == []


def test_an_error_before_the_first_page_says_nothing_of_the_pages(hostile: Hostile, stream: Stream) -> None:
    """Arrays may follow on an error that is asked for again, though it is an object."""
    source = hostile({"/": in_turn(*map(said, (LIMITED, "[1]", "[]")))})
    invoke(stream, {"url": source.url("/"), "retry_when": [{"path": "message", "exists": True}], **WALK})

    assert [line["data"] for line in stream.lines] == [1]


def test_one_object_may_mean_that_there_is_nothing(hostile: Hostile, stream: Stream) -> None:
    """Without a record path, `empty_when` looks at it, and it is no record."""
    source = hostile({"/": in_turn(said("[1]"), said('{"message": "no more"}'))})
    empty = [{"path": "message", "equals": "no more"}]
    invoke(stream, {"url": source.url("/"), "empty_when": empty, **WALK})

    assert [line["data"] for line in stream.lines] == [1]


@pytest.mark.parametrize("body", ['[{"message": "hi"}]', '{"message": "a"}\n{"message": "b"}'])
def test_records_are_no_error_whatever_they_hold(hostile: Hostile, stream: Stream, body: str) -> None:
    """Elements of an array and lines are data, also if a condition would hold for one of them."""
    source = hostile({"/": said(body)})
    invoke(stream, {"url": source.url("/"), "fail_when": [{"path": "message", "exists": True}]})

    assert len(stream.lines) == len(body.splitlines())


@pytest.mark.parametrize(("body", "count"), [('{"id": 1}', 1), ("7", 1), ("null", 0), (" null\n", 0)])
def test_a_source_of_one_value_is_read_as_before(
    hostile: Hostile, stream: Stream, body: str, count: int
) -> None:
    """One object is one record; null alone is none."""
    source = hostile({"/": said(body)})
    invoke(stream, {"url": source.url("/")})

    assert len(stream.lines) == count


BODY = {"n": 1, "t": "x", "b": True, "z": None, "e": "", "o": {"k": 1}, "a": [{"c": 5}]}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"path": "n", "equals": 1}, True),
        ({"path": "n", "equals": 1.0}, True),
        ({"path": "n", "equals": True}, False),
        ({"path": "b", "equals": 1}, False),
        ({"path": "b", "equals": True}, True),
        ({"path": "n", "equals": "1"}, False),
        ({"path": "t", "in": ["y", "x"]}, True),
        ({"path": "t", "in": ["y"]}, False),
        ({"path": "z", "exists": True}, False),
        ({"path": "z", "exists": False}, True),
        ({"path": "e", "exists": True}, True),
        ({"path": "o", "exists": True}, True),
        ({"path": "/a/0/c", "equals": 5}, True),
        ({"path": "/a/7/c", "exists": True}, False),
        ({"path": "t.deeper", "exists": True}, False),
        ({"path": "o", "equals": "x"}, False),
    ],
)
def test_a_condition_holds_for_exactly_its_value(condition: dict[str, Any], holds: bool) -> None:
    """True is not 1, null is not there, and a path that leads nowhere is no value."""
    names = {"in": "any_of"}

    made = Condition(**{names.get(key, key): value for key, value in condition.items()})
    assert made.holds(Answer(200, BODY)) is holds


def test_a_sources_message_is_shown_on_one_line_and_cut() -> None:
    """Control characters and megabytes of a source's message do not reach the log."""
    condition = Condition(path="ok", equals=False, message_path="m")
    told = found(Answer(200, {"ok": False, "m": "a\n\x1b[31m" + "y" * 9_000}), [condition])

    assert (len(told) < 400, told.isprintable(), "'a  [31myy" in told) == (True, True, True)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"format": "csv", "fail_when": [{"path": "ok", "equals": False}]}, '`format` is "csv"'),
        ({"record_path": "a", "fail_when": [{"path": "ok"}]}, "exactly one of `equals`, `in` and `exists`"),
        (
            {"format": "csv", "empty_when": [{"path": "a", "exists": True}]},
            "or the `status` of each condition",
        ),
        ({"empty_when": [{}]}, "a condition needs `status`, `path` or both"),
        ({"empty_when": [{"status": 404, "exists": True}]}, "test the value at `path`: set it"),
        ({"empty_when": [{"status": 404, "path": "a"}]}, "exactly one of `equals`, `in` and `exists`"),
        ({"empty_when": [{"status": 100}]}, "status"),
        ({"record_path": "a", "retry_when": [{"path": "ok", "equals": 1, "exists": True}]}, "exactly one"),
        ({"record_path": "a", "retry_when": [{"path": "/~2", "equals": 1}]}, "JSON Pointer"),
        ({"record_path": "a", "retry_when": [{"path": "ok", "equals": [1]}]}, "equals"),
        ({"record_path": "a", "fail_when": {"path": "ok"}}, "fail_when"),
        ({"record_path": "a", "fail_when": [{"path": "ok", "is": 1}]}, "unknown field `is`"),
    ],
)
def test_conditions_that_cannot_work_are_refused(
    stream: Stream, settings: dict[str, Any], words: str
) -> None:
    """With the field and what is allowed."""
    with pytest.raises(ConfigurationError) as caught:
        invoke(stream, {"url": "http://127.0.0.1:1/", **settings})

    assert words in str(caught.value)
