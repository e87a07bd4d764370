"""An answer with the status of an error: what is read of it, and whether it may pass."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.servers.hostile_source import (
    Behaviour,
    Connection,
    Request,
    answer,
    in_turn,
    raw,
    stall,
)
from tests.url_fetcher.invoking import Stream, invoke
from tests.url_fetcher.reading import ARN, Hostile, Secrets, Waits, bodies_of, reader_of
from url_fetcher.errors import IngestionError, SourceRejected
from url_fetcher.http import small_body
from url_fetcher.source.refusal import Refusal, sign_of_error
from url_fetcher.source.verdict import shown

ONE_TRY = {"max_attempts": 1}


def refused(status: int, body: object, **headers: str) -> Behaviour:
    """Answer with an error in JSON, or in the text that it is."""
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return answer(data, status=status, headers=named)


MESSAGES: dict[str, object] = {
    "OAuth": {"error": "invalid_request", "error_description": "why"},
    "Google": {"error": {"code": 404, "message": "why", "errors": [{"reason": "notFound", "message": "x"}]}},
    "GitHub": {"message": "why", "documentation_url": "https://example.com/", "status": "404"},
    "Salesforce": [{"message": "why", "errorCode": "NOT_FOUND"}],
    "JSON:API": {"errors": [{"status": "404", "title": "Not found", "detail": "why"}]},
    "RFC 9457": {"type": "about:blank", "title": "Not found", "status": 404, "detail": "why"},
    "only a title": {"title": "why", "status": 404},
    "a text": {"error": "why"},
    "texts": {"errors": ["why", "and more"]},
    "Jira": {"errorMessages": ["why"], "errors": {}},
    "by field": {"errors": {"page": ["why"]}},
    "AWS": {"__type": "ResourceNotFoundException", "Message": "why"},
    "SOAP": "<?xml version='1.0'?><Envelope><Fault><faultstring>why</faultstring></Fault></Envelope>",
    "S3": '<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>why</Message></Error>',
    "HTML": "<!doctype html><html><head><title>\n why</title></head><body><h1>x</h1>",
    "text": "why\r\nand more",
}


@pytest.mark.parametrize("body", MESSAGES.values(), ids=MESSAGES)
@pytest.mark.parametrize("status", [404, 500])
def test_an_error_has_the_sources_own_words(hostile: Hostile, status: int, body: object) -> None:
    """Wherever the source puts its message, the error has it."""
    source = hostile({"/": refused(status, body)})

    with pytest.raises(IngestionError, match=f"answers {status}: 'why'; "):
        bodies_of(reader_of({"url": source.url("/"), "retry": ONE_TRY}))


@pytest.mark.parametrize(
    "behaviour",
    [
        answer(b"", status=404),
        answer(b"\xff\xfe\x00", status=404),
        answer(b"{}", status=404),
        answer(b"[[[[[[[[]", status=404),
        answer(b"[" * 9_000, status=404),
        answer(b"null", status=404),
        answer(b"x", status=404, headers={"Content-Encoding": "br"}),
        stall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\nx"),
        raw(b"HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\nx"),
        raw(b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\nx"),
        raw(b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: odd\r\n\r\nx"),
    ],
)
def test_an_error_without_words_has_its_status(hostile: Hostile, behaviour: Behaviour) -> None:
    """A body that is empty, broken, cut, packed in an unknown way or never comes takes nothing away."""
    source = hostile({"/": behaviour})

    with pytest.raises(SourceRejected, match="answers 404"):
        bodies_of(reader_of({"url": source.url("/"), "limits": {"read_timeout_seconds": 0.2}}))


def dripping(connection: Connection, _: Request) -> None:
    """Send the body of an error byte by byte, for ever."""
    connection.send(b"HTTP/1.1 404 Not Found\r\n\r\n")
    for _tick in connection.ticks():
        connection.send(b"x")


@pytest.mark.timeout(10)
def test_the_body_of_an_error_is_read_in_time(hostile: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then does not hold the run up."""
    monkeypatch.setattr(small_body, "_MAX_ERROR_SECONDS", 0.2)
    source = hostile({"/": dripping})

    with pytest.raises(SourceRejected, match="answers 404; "):
        bodies_of(reader_of({"url": source.url("/"), "limits": {"timeout_seconds": 900}}))


@pytest.mark.parametrize("size", [100, 2**24])
def test_the_body_of_an_error_is_read_up_to_a_bound(hostile: Hostile, size: int) -> None:
    """Of a long body, or a bomb, only the beginning is decompressed and read."""
    packed = gzip.compress(b"why\n" + b" " * size)
    source = hostile({"/": answer(packed, status=404, headers={"Content-Encoding": "gzip"})})

    with pytest.raises(SourceRejected, match="answers 404: 'why'; "):
        bodies_of(reader_of({"url": source.url("/")}))


def test_a_message_is_cut_and_printable() -> None:
    """Control characters and kilobytes of a source's text do not reach the log."""
    told = shown(Refusal(json.dumps({"message": "a\n\x1b[31m" + "y" * 9_000}).encode()).message, str)

    assert (len(told) < 310, told.isprintable(), told.startswith("'a  [31myy")) == (True, True, True)


def test_a_message_shows_no_secret_even_where_it_is_cut(hostile: Hostile, stream: Stream) -> None:
    """A key that the source echoes is replaced before the text is cut."""
    key = "hunter2" * 30
    source = hostile({"/": refused(404, {"message": "x" * 280 + key})})
    configured = {"name": "a", "url": source.url("/"), "auth": {"kind": "bearer", "secret_arn": ARN}}
    with pytest.raises(SourceRejected) as caught:
        invoke(stream, {"source": "a"}, secrets=Secrets(key), SOURCES=json.dumps([configured]))

    assert ("hunter" in str(caught.value), "xxREDACTED" in str(caught.value)) == (False, True)


LIMITS: dict[str, tuple[int, object]] = {
    "Google": (403, {"error": {"errors": [{"domain": "usageLimits", "reason": "userRateLimitExceeded"}]}}),
    "Google, a quota per minute": (
        403,
        {
            "error": {
                "message": "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute'",
                "errors": [{"reason": "rateLimitExceeded"}],
            }
        },
    ),
    "GitHub": (403, {"message": "You have exceeded a secondary rate limit. Please wait a few minutes"}),
    "Meta": (400, {"error": {"message": "(#17) User request limit reached", "code": 17}}),
    "Meta, an account": (400, {"error": {"message": "There have been too many calls to this ad-account"}}),
    "AWS": (400, {"__type": "ThrottlingException", "message": "Rate exceeded"}),
    "Salesforce": (
        403,
        [
            {
                "errorCode": "REQUEST_LIMIT_EXCEEDED",
                "message": "ConcurrentRequests (Concurrent API Requests) Limit",
            }
        ],
    ),
    "Twitter": (420, "Enhance Your Calm: too many requests"),
    "a code": (409, {"error": "rate_limit"}),
    "HTML": (403, "<html><title>You are being rate limited</title></html>"),
}


@pytest.mark.parametrize(("status", "body"), LIMITS.values(), ids=LIMITS)
def test_a_limit_that_the_body_tells_is_waited_for(hostile: Hostile, status: int, body: object) -> None:
    """Also where the status alone is permanent."""
    source = hostile({"/": in_turn(refused(status, body), answer(b"[1]"))})

    assert bodies_of(reader_of({"url": source.url("/")})) == [b"[1]"]


FINAL: dict[str, tuple[int, object]] = {
    "denied": (403, {"error": {"errors": [{"reason": "insufficientPermissions"}]}}),
    "a quota": (403, {"error": {"errors": [{"reason": "quotaExceeded", "message": "rate limit exceeded"}]}}),
    "a day": (403, {"error": {"errors": [{"reason": "dailyLimitExceeded"}]}}),
    "Salesforce's of a day": (
        403,
        [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}],
    ),
    "per day": (403, {"reason": "rateLimitExceeded", "message": "limit 'Queries per day' exceeded"}),
    "a parameter": (400, {"message": "rate_limit_id must be a number; limit must be at most 100"}),
    "not a limit's status": (404, {"message": "rate limit exceeded"}),
}


@pytest.mark.parametrize(("status", "body"), FINAL.values(), ids=FINAL)
def test_other_bodies_leave_a_status_permanent(hostile: Hostile, status: int, body: object) -> None:
    """Denied access, and a quota that is full again tomorrow, are the same at the next attempt."""
    source = hostile({"/": in_turn(refused(status, body), answer(b"[1]"))})

    with pytest.raises(SourceRejected, match=str(status)):
        bodies_of(reader_of({"url": source.url("/")}))


@pytest.mark.parametrize("status", [400, 403, 409, 420, 423])
def test_a_wait_that_is_asked_for_makes_a_status_temporary(hostile: Hostile, status: int) -> None:
    """The request is sent again after the wait."""
    source = hostile({"/": in_turn(refused(status, "", Retry_After="7"), answer(b"[1]"))})
    waits = Waits()
    bodies = bodies_of(reader_of({"url": source.url("/")}, deadline=waits.deadline(900)))

    assert (bodies, waits.seconds) == ([b"[1]"], [7.0])


NOTHING: dict[str, tuple[dict[str, Any], Behaviour]] = {
    "a status": ({"status": 404}, refused(404, "nothing here")),
    "a status and its body": (
        {"status": 400, "path": "error.code", "equals": "no_data"},
        refused(400, {"error": {"code": "no_data"}}),
    ),
    "no body that says more": ({"status": 404, "path": "error", "exists": False}, refused(404, "")),
    "a good answer without records": (
        {"path": "status", "equals": "ZERO_RESULTS"},
        refused(200, {"status": "ZERO_RESULTS"}),
    ),
}


@pytest.mark.parametrize(("condition", "behaviour"), NOTHING.values(), ids=NOTHING)
def test_an_answer_that_means_nothing_ends_quietly(
    hostile: Hostile, stream: Stream, condition: dict[str, Any], behaviour: Behaviour
) -> None:
    """No records and no error."""
    source = hostile({"/": behaviour})
    answered = invoke(stream, {"url": source.url("/"), "record_path": "items", "empty_when": [condition]})

    assert (answered["recordsProcessed"], len(source.requests)) == (0, 1)


def test_a_status_that_means_nothing_ends_numbered_pages(hostile: Hostile, stream: Stream) -> None:
    """An API that answers 404 behind its last page; the conditions need no record_path."""
    source = hostile({"/": in_turn(answer(b"[1, 2]"), answer(b"[3, 4]"), refused(404, "no such page"))})
    event = {"url": source.url("/"), "pagination": {"kind": "page"}, "empty_when": [{"status": 404}]}
    invoke(stream, event)

    assert [line["data"] for line in stream.lines] == [1, 2, 3, 4]


def test_another_body_of_that_status_is_still_an_error(hostile: Hostile, stream: Stream) -> None:
    """Only the body that the condition names means nothing."""
    source = hostile({"/": refused(400, {"error": {"code": "bad_filter", "message": "why"}})})
    condition = {"status": 400, "path": "error.code", "equals": "no_data"}

    with pytest.raises(SourceRejected, match="answers 400: 'why'"):
        invoke(stream, {"url": source.url("/"), "empty_when": [condition]})


def test_records_count_more_than_a_condition_that_there_are_none(hostile: Hostile, stream: Stream) -> None:
    """Nothing that came is dropped."""
    source = hostile({"/": refused(200, {"items": [1], "status": "none"})})
    condition = {"path": "status", "equals": "none"}
    invoke(stream, {"url": source.url("/"), "record_path": "items", "empty_when": [condition]})

    assert [line["data"] for line in stream.lines] == [1]


@pytest.mark.parametrize("status", [204, 400, 404])
def test_retry_when_makes_a_status_temporary(hostile: Hostile, status: int) -> None:
    """Also a good one, such as a 204 for a report that is not ready."""
    source = hostile({"/": in_turn(refused(status, "", Retry_After="7"), answer(b"[1]"))})
    waits = Waits()
    settings = {"url": source.url("/"), "retry_when": [{"status": status}]}
    bodies = bodies_of(reader_of(settings, deadline=waits.deadline(900)))

    assert (bodies, waits.seconds) == ([b"[1]"], [7.0])


@pytest.mark.parametrize(
    ("behaviour", "condition", "words"),
    [
        (answer(b"", status=204), {"status": 204}, "by `fail_when`: the status is 204"),
        (
            refused(429, {"error": "gone", "message": "why"}),
            {"status": 429, "path": "error", "equals": "gone"},
            "by `fail_when`: the status is 429 and 'error' is 'gone': 'why'",
        ),
        (
            refused(500, {"error": "gone", "text": "why"}),
            {"status": 500, "path": "error", "equals": "gone", "message_path": "text"},
            "'gone': 'why'",
        ),
    ],
)
def test_fail_when_makes_a_status_permanent(
    hostile: Hostile, behaviour: Behaviour, condition: dict[str, Any], words: str
) -> None:
    """Also a good one, and one that would be tried again."""
    source = hostile({"/": in_turn(behaviour, answer(b"[1]"))})
    with pytest.raises(SourceRejected) as caught:
        bodies_of(reader_of({"url": source.url("/"), "fail_when": [condition]}))

    assert words in str(caught.value)


def test_a_condition_with_a_status_needs_it_in_good_answers_too(hostile: Hostile, stream: Stream) -> None:
    """A path into a page's body is looked at only in answers of that status."""
    body = b'{"items": [1], "partial": true}'
    source = hostile({"/": answer(body), "/203": answer(body, status=203)})
    event = {"record_path": "items", "fail_when": [{"status": 203, "path": "partial", "equals": True}]}
    invoke(stream, {"url": source.url("/"), **event})

    with pytest.raises(SourceRejected, match="the status is 203 and 'partial' is true"):
        invoke(stream, {"url": source.url("/203"), **event})


def part(content_range: str, body: bytes = b"[1]") -> Behaviour:
    """Answer 206 with that range."""
    return answer(body, status=206, headers={"Content-Range": content_range} if content_range else {})


@pytest.mark.parametrize("content_range", ["bytes 0-2/3", "items 0-0/1", "0-0/1"])
def test_a_206_with_everything_is_read(hostile: Hostile, content_range: str) -> None:
    """Some servers answer 206 to every request."""
    source = hostile({"/": part(content_range)})

    assert bodies_of(reader_of({"url": source.url("/")})) == [b"[1]"]


@pytest.mark.parametrize(
    ("content_range", "words"),
    [
        ("bytes 0-2/99", "206 with bytes 0 to 2 of 99 only"),
        ("bytes 1-2/3", "206 with bytes 1 to 2 of 3 only"),
        ("bytes 0-2/*", "206 with bytes 0 to 2 of more only"),
        ("items 0-0/99", "206 with items 0 to 0 of 99 only"),
        ("0-0/*", "206 with items 0 to 0 of more only"),
        ("", "206, a part of a body, without a Content-Range"),
        ("bytes */3", "206, a part of a body, without a Content-Range"),
    ],
)
def test_a_part_of_a_body_is_refused_with_its_range(hostile: Hostile, content_range: str, words: str) -> None:
    """Its other records would be missing."""
    source = hostile({"/": part(content_range)})
    with pytest.raises(SourceRejected) as caught:
        bodies_of(reader_of({"url": source.url("/")}))

    assert words in str(caught.value)


def test_pages_may_come_as_ranges_of_items(hostile: Hostile) -> None:
    """PostgREST answers 206 to each page."""
    source = hostile({"/": in_turn(part("0-0/2", b"[1]"), part("1-1/2", b"[2]"), answer(b"[]"))})
    settings = {"url": source.url("/"), "pagination": {"kind": "offset"}}

    assert bodies_of(reader_of(settings)) == [b"[1]", b"[2]", b"[]"]


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["error", "errors", "message", "detail", "x", "Title"]), inner)
        ),
        max_leaves=9,
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_body_of_an_error_is_read(body: bytes) -> None:
    """Bodies are the source's: none breaks anything."""
    refusal = Refusal(body)

    assert (isinstance(refusal.message, str), isinstance(refusal.is_of_a_limit, bool)) == (True, True)


@pytest.mark.parametrize(
    ("record", "key"),
    [
        ({"error": {"code": 401, "message": "why"}}, "error"),
        ({"message": "Bad credentials", "documentation_url": "https://a.test", "status": "401"}, "message"),
        ({"ok": False, "error": "invalid_auth"}, "error"),
        ({"errors": [{"message": "why"}], "data": None}, "errors"),
        ({"type": "about:blank", "title": "Denied", "status": 403, "detail": "why"}, "detail"),
        ({"code": 16, "message": "why", "details": [{"@type": "x"}]}, "message"),
        ({"Fault": {"faultstring": "why"}}, "Fault"),
        ({"errorMessage": "why", "errorType": "X"}, "errorMessage"),
        ({"code": 401, "msg": "why", "data": []}, "msg"),
        ({"error": True, "message": "why"}, "error"),
        ({"error": 404, "reason": "why"}, "error"),
        ({"message": "Forbidden"}, "message"),
        ({"message": "https://a.test/dog.jpg", "status": "success"}, ""),
        ({"code": 0, "message": "done"}, ""),
        ({"error": None, "message": "hello"}, ""),
        ({"errors": 5, "timestamp": "2026-12-01"}, ""),
        ({"id": 7, "message": "hello"}, ""),
        ({"id": 7, "error": "job failed"}, ""),
        ({"message": {"text": "hello"}}, ""),
        ({"message": "hello", "data": [1]}, ""),
        ({"status": "UP", "time": 5}, ""),
        ({"title": "News", "description": "of today"}, ""),
        ({"a\u0007": 1, "error": "why"}, ""),
        ([{"error": "why"}], ""),
        ({}, ""),
    ],
)
def test_an_error_is_told_from_a_record(record: object, key: str) -> None:
    """Only an object of nothing but an error's members looks like one."""
    assert sign_of_error(record) == key


@pytest.mark.parametrize(
    ("settings", "body", "warnings"),
    [
        ({}, {"message": "Bad \u001b credentials", "documentation_url": "https://a.test"}, 1),
        ({}, {"message": "x" * 9_000}, 0),
        ({}, [{"message": "Bad credentials"}], 0),
        ({"pagination": {"kind": "link_header"}}, {"error": {"code": 401, "message": "Bad credentials"}}, 1),
        ({}, {"id": 1, "message": "Bad credentials"}, 0),
        ({}, [{"message": "a"}, {"message": "b"}], 0),
        ({"record_path": "error"}, {"error": {"message": "a"}}, 0),
        ({"fail_when": [{"path": "fault", "exists": True}]}, {"message": "Bad credentials"}, 0),
    ],
)
def test_an_error_as_the_only_record_is_a_warning(
    hostile: Hostile,
    stream: Stream,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, Any],
    body: object,
    warnings: int,
) -> None:
    """It came with a good status, so it is ingested; the warning names the condition that refuses it."""
    source = hostile({"/": answer(json.dumps(body).encode())})
    answered = invoke(stream, {"url": source.url("/"), **settings})
    said = capsys.readouterr().out

    assert (answered["warnings"], "`fail_when`" in said, "\x1b" in said or "u001b" in said) == (
        warnings,
        bool(warnings),
        False,
    )
