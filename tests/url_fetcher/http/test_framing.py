"""A server that speaks HTTP wrongly ends with an error that says so, never with wrong records."""

import logging
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.servers.hostile_source import Behaviour, HostileSource, answer, flood, in_turn, raw, stall
from tests.url_fetcher.reading import Hostile, bodies_of, reader_of
from url_fetcher.deadline import Deadline
from url_fetcher.errors import IngestionError, LimitExceeded, SourceRejected, SourceTimeout, SourceUnavailable

OK = b"HTTP/1.1 200 OK\r\n"
JSON = OK + b"Content-Type: application/json\r\n"
CHUNKED = JSON + b"Transfer-Encoding: chunked\r\n\r\n"
SIX = JSON + b"Content-Length: 3\r\n\r\n[1]"
LIMITS = {"read_timeout_seconds": 0.5, "max_body_mib": 1}


def coded(*codings: bytes) -> Behaviour:
    """Answer in chunks under these Transfer-Encodings."""
    lines = b"".join(b"Transfer-Encoding: " + coding + b"\r\n" for coding in codings)
    return raw(JSON + lines + b"\r\n3\r\n[1]\r\n0\r\n\r\n")


def long(*lengths: bytes) -> Behaviour:
    """Answer three bytes under these Content-Lengths."""
    return raw(JSON + b"".join(b"Content-Length: " + each + b"\r\n" for each in lengths) + b"\r\n[1]")


def head(lines: bytes) -> Behaviour:
    """Answer with these lines in the head."""
    return raw(OK + lines + b"Content-Length: 3\r\n\r\n[1]")


def chunks(data: bytes) -> Behaviour:
    """Answer with this in place of chunks."""
    return raw(CHUNKED + data)


BAD_STATUS_LINES = [
    b"HTTP/2 200 OK",
    b"HTTP/0.9 200 OK",
    b"HTTP/1.1 99 Low",
    b"HTTP/1.1 2000 OK",
    b"HTTP/1.1 -200 OK",
    b"HTTP/1.1 +200 OK",
    b"HTTP/1.1 2_0 OK",
    b"HTTP/1.1 200 O\x00K",
    b"HTTP/1.1 OK",
    b"HTTP/1.1",
    b"http/1.1 200 OK",
    b"ICY 200 OK",
    b" HTTP/1.1 200 OK",
    b"[1]",
    b"",
]
BAD_CODINGS = [
    (b"gzip, chunked",),
    (b"identity, chunked",),
    (b"identity",),
    (b"gzip",),
    (b"chunked, gzip",),
    (b"chunked, chunked",),
    (b"chunked", b"chunked"),
    (b"chunked", b"identity"),
    (b"xchunked",),
    (b"chunked;q=1",),
    (b'"chunked"',),
    (b"\x0bchunked",),
    (b"",),
]
BAD_HEADERS = [
    b"no colon\r\n",
    b": no name\r\n",
    b"Space : before the colon\r\n",
    b" folded: at once\r\n",
    b"Nul: \x00\r\n",
    b"Return: a\rb\r\n",
    b"From someone: else\r\n",
    b"\xc3\xbc: name\r\n",
]
BAD_SIZES = [
    b"-1\r\n",
    b"-5\r\n[1]\r\n",
    b"+3\r\n[1]\r\n",
    b"0x3\r\n[1]\r\n",
    b"0_3\r\n[1]\r\n",
    b" 3\r\n[1]\r\n",
    b"three\r\n[1]\r\n",
    b"\r\n[1]\r\n",
    b";a=b\r\n[1]\r\n",
    b"3,3\r\n[1]\r\n",
    b"3;\x00\r\n[1]\r\n",
    b"1" + b"0" * 15 + b"\r\n[1]",
    b"f" * 16 + b"\r\n[1]",
    b"9" * 5_000 + b"\r\n[1]",
    b"3;" + b"a" * 5_000 + b"\r\n[1]\r\n",
    b"2\r\n[1]\r\n0\r\n\r\n",
    b"3\r\n[1]0\r\n\r\n",
    b"3\r\n[1]\n0\r\n\r\n",
]


def the_id(value: object) -> str | None:
    """A short id for bytes; the default for the rest."""
    return repr(value)[1:30] if isinstance(value, bytes | tuple) else None


@pytest.mark.parametrize("line", BAD_STATUS_LINES, ids=the_id)
def test_what_is_not_http_is_tried_again(hostile: Hostile, line: bytes) -> None:
    """A status line that is none may be left over from the answer before: a new connection may be in step."""
    broken = raw(line + b"\r\nContent-Length: 3\r\n\r\n[1]")
    source = hostile({"/": in_turn(broken, answer(b"[2]")), "/always": broken})
    with pytest.raises(SourceUnavailable, match="not HTTP/1"):
        bodies_of(reader_of({"url": source.url("/always"), "limits": LIMITS, "retry": {"max_attempts": 1}}))

    assert bodies_of(reader_of({"url": source.url("/"), "limits": LIMITS})) == [b"[2]"]


@pytest.mark.parametrize("codings", BAD_CODINGS, ids=the_id)
def test_a_transfer_encoding_that_is_not_understood_is_refused(
    hostile: Hostile, codings: tuple[bytes, ...]
) -> None:
    """Only chunked is undone; the framing of any other encoding would become records."""
    source = hostile({"/": coded(*codings)})

    with pytest.raises(SourceRejected, match="breaks HTTP"):
        bodies_of(reader_of({"url": source.url("/"), "limits": LIMITS}))


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (long(b"3", b"4"), "two Content-Lengths: '3' and '4'"),
        (long(b"3, 4"), "Content-Length '3, 4' is not a number"),
        (long(b"-3"), "Content-Length '-3' is not a number"),
        (long(b"+3"), "'+3'"),
        (long(b"0x3"), "'0x3'"),
        (long(b"3.0"), "'3.0'"),
        (long(b"3_0"), "'3_0'"),
        (long(b""), "''"),
        (long(b"\xb3"), "is not a number"),
        (
            raw(JSON + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\n0\r\n\r\n"),
            "both Transfer-Encoding and Content-Length",
        ),
    ],
)
def test_a_length_that_is_unclear_is_refused(hostile: Hostile, behaviour: Behaviour, words: str) -> None:
    """Where a body ends is read from one header with one number, or the answer is refused by name."""
    source = hostile({"/": behaviour})
    with pytest.raises(SourceRejected) as caught:
        bodies_of(reader_of({"url": source.url("/"), "limits": LIMITS}))

    assert words in str(caught.value)


@pytest.mark.parametrize("lines", BAD_HEADERS, ids=the_id)
def test_a_line_that_is_no_header_is_refused(hostile: Hostile, lines: bytes) -> None:
    """What follows a broken header may be the one that says where the body ends."""
    source = hostile({"/": head(lines)})

    with pytest.raises(SourceRejected, match="cannot be read"):
        bodies_of(reader_of({"url": source.url("/"), "limits": LIMITS}))


def test_too_many_headers_are_refused(hostile: Hostile) -> None:
    """A head is bounded in lines, too."""
    source = hostile({"/": head(b"A: b\r\n" * 150)})

    with pytest.raises(SourceRejected, match="over 99 lines"):
        bodies_of(reader_of({"url": source.url("/"), "limits": LIMITS}))


@pytest.mark.parametrize("data", BAD_SIZES, ids=the_id)
def test_a_chunk_size_that_is_none_is_refused(hostile: Hostile, data: bytes) -> None:
    """A chunk's size is hexadecimal digits and fits the chunk; a negative one gets round no limit."""
    source = hostile({"/": chunks(data)})

    with pytest.raises(SourceRejected, match="a chunk"):
        bodies_of(reader_of({"url": source.url("/"), "limits": LIMITS}))


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        pytest.param(raw(b""), SourceUnavailable, id="closed at once"),
        pytest.param(raw(b"HTTP/1.1 200"), SourceUnavailable, id="cut in the status line"),
        pytest.param(raw(JSON), SourceUnavailable, id="cut in the head"),
        pytest.param(raw(JSON + b"Content-Len"), SourceUnavailable, id="cut in a header"),
        pytest.param(long(b"4"), SourceUnavailable, id="cut in a body with a length"),
        pytest.param(chunks(b""), SourceUnavailable, id="cut before the first chunk"),
        pytest.param(chunks(b"3"), SourceUnavailable, id="cut in a chunk's size"),
        pytest.param(chunks(b"3\r\n[1]\r\n0"), SourceUnavailable, id="cut in a size that may begin with 0"),
        pytest.param(chunks(b"3\r\n[1"), SourceUnavailable, id="cut in a chunk"),
        pytest.param(chunks(b"3\r\n[1]"), SourceUnavailable, id="cut after a chunk"),
        pytest.param(chunks(b"3\r\n[1]\r"), SourceUnavailable, id="cut in a chunk's end"),
        pytest.param(chunks(b"3\r\n[1]\r\n"), SourceUnavailable, id="cut before the last chunk"),
        pytest.param(chunks(b"fffffffff\r\n["), SourceUnavailable, id="cut in a huge chunk"),
        pytest.param(stall(b"HTTP/1.1"), SourceTimeout, id="stalls in the status line"),
        pytest.param(stall(JSON + b"A: b\r\n"), SourceTimeout, id="stalls in the head"),
        pytest.param(stall(CHUNKED + b"3"), SourceTimeout, id="stalls in a size"),
        pytest.param(stall(CHUNKED + b"0\r\n"), SourceTimeout, id="stalls in the trailers"),
        pytest.param(stall(OK + b"\r\n"), SourceTimeout, id="stalls in a body without a length"),
        pytest.param(flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 99), SourceRejected, id="100 for ever"),
        pytest.param(
            flood(b"", b"HTTP/1.1 103 Hints\r\nA: b\r\n\r\n" * 99), SourceRejected, id="103 for ever"
        ),
        pytest.param(flood(b"HTTP/1.1 200 ", b"a" * 9_999), SourceRejected, id="endless status line"),
        pytest.param(flood(JSON, b"A: b\r\n" * 99), SourceRejected, id="endless headers"),
        pytest.param(flood(JSON + b"A: ", b"b" * 9_999), SourceRejected, id="endless header"),
        pytest.param(flood(JSON + b"A: b\r\n", b" b\r\n"), SourceRejected, id="endless folds"),
        pytest.param(flood(JSON, (b"A: " + b"b" * 60_000 + b"\r\n")), SourceRejected, id="large headers"),
        pytest.param(flood(b"", b"[1]"), SourceRejected, id="no head at all"),
        pytest.param(flood(CHUNKED, b"a"), SourceRejected, id="endless size"),
        pytest.param(flood(CHUNKED + b"3;", b"a"), SourceRejected, id="endless extension"),
        pytest.param(flood(CHUNKED + b"0\r\n", b"A: b\r\n" * 99), SourceRejected, id="endless trailers"),
        pytest.param(flood(CHUNKED + b"0\r\nA: ", b"b" * 99), SourceRejected, id="endless trailer"),
        pytest.param(
            flood(CHUNKED, (b"100\r\n" + b"[" * 256 + b"\r\n") * 99), LimitExceeded, id="endless small chunks"
        ),
        pytest.param(flood(CHUNKED + b"fffffffff\r\n", b"[" * 9_999), LimitExceeded, id="endless chunk"),
        pytest.param(flood(OK + b"\r\n", b"[" * 9_999), LimitExceeded, id="endless body"),
        pytest.param(raw(b"HTTP/1.1 101 Upgrade\r\n\r\n[1]"), SourceRejected, id="101"),
        pytest.param(raw(b"HTTP/1.1 999 Strange\r\n\r\n[1]"), SourceUnavailable, id="999"),
    ],
)
def test_an_answer_that_is_cut_or_never_ends_is_an_error(
    hostile: Hostile, behaviour: Behaviour, error: type[IngestionError]
) -> None:
    """Whatever is cut, stalls or goes on for ever ends as our error, in time and in little memory."""
    source = hostile({"/": behaviour})
    limits = LIMITS | ({"read_timeout_seconds": 0.1} if error is SourceTimeout else {})
    settings = {"url": source.url("/"), "limits": limits, "retry": {"max_attempts": 1}}
    reader = reader_of(settings, deadline=Deadline(60))
    tracemalloc.start()
    try:
        with pytest.raises(error) as caught:
            bodies_of(reader)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (caught.type, peak_bytes < 16 * 2**20) == (error, True)


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(raw(b"HTTP/1.0 200 OK\r\n\r\n[1]"), id="HTTP/1.0 without a length"),
        pytest.param(raw(OK + b"\r\n[1]"), id="HTTP/1.1 without a length"),
        pytest.param(raw(b"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\n[1]"), id="no reason"),
        pytest.param(raw(b"HTTP/1.1 200 Gut \xfc\nContent-Length:3\n\n[1]"), id="LF alone"),
        pytest.param(raw(b"HTTP/1.1 100 Continue\r\n\r\n" + SIX), id="100 first"),
        pytest.param(raw(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + SIX), id="103 first"),
        pytest.param(long(b"3", b"3"), id="the same length twice"),
        pytest.param(long(b"\t3 "), id="space around a length"),
        pytest.param(coded(b"Chunked \t"), id="chunked in other letters"),
        pytest.param(head(b"Folded: a\r\n\t b\r\n"), id="folded header"),
        pytest.param(head(b"Empty:\r\nBytes: \xff\x80\r\n"), id="empty header"),
        pytest.param(chunks(b"1;a=b\r\n[\r\n02 \r\n1]\r\n000;c\r\nTrailer: x\r\n\r\n"), id="extensions"),
        pytest.param(chunks(b"1\n[\r\n2\n1]\r\n0\n\n"), id="sizes with LF alone"),
        pytest.param(chunks(b"3\r\n[1]\r\n0\r\n"), id="closed instead of trailers"),
    ],
)
def test_what_servers_may_do_is_understood(hostile: Hostile, behaviour: Behaviour) -> None:
    """Every form that RFC 9112 lets a client accept gives the body."""
    source = hostile({"/": behaviour})

    assert bodies_of(reader_of({"url": source.url("/"), "limits": LIMITS})) == [b"[1]"]


def test_the_status_of_an_error_counts_whatever_its_body(hostile: Hostile) -> None:
    """A 503 whose body is framed wrongly is still a 503, tried again on a new connection."""
    broken = raw(b"HTTP/1.1 503 No\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n[1]")
    source = hostile({"/": in_turn(broken, answer(b"[1]"))})

    assert bodies_of(reader_of({"url": source.url("/")})) == [b"[1]"]


@pytest.mark.parametrize(
    "lines",
    [b"no colon\r\n", b"Content-Type: multipart/mixed\r\n", b"Content-Type: message/rfc822\r\n"],
    ids=the_id,
)
def test_no_header_makes_urllib3_log_the_url(
    hostile: Hostile, caplog: pytest.LogCaptureFixture, lines: bytes
) -> None:
    """A URL with a key in it is not logged by urllib3, whatever it thinks of the headers."""
    source = hostile({"/": in_turn(raw(OK + lines + b"Content-Length: 3\r\n\r\n[1]"))})
    with caplog.at_level(logging.INFO), suppress(SourceRejected):
        bodies_of(reader_of({"url": source.url("/?apikey=hunter2")}))

    assert "hunter2" not in caplog.text


PIECES = [
    *[
        b"HTTP/1.1 ",
        b"HTTP/1.0 ",
        b"200",
        b"204",
        b"302",
        b"503",
        b"100",
        b"101",
        b" OK",
        b"\r\n",
        b"\r\n\r\n",
    ],
    *[b"\n", b"\r", b" ", b"\t", b"\x00", b"\xff", b":", b": ", b";", b",", b'"', b"<", b">", b"[1]", b"{}"],
    *[
        b"Content-Length",
        b"Transfer-Encoding",
        b"chunked",
        b"gzip",
        b"3",
        b"-1",
        b"0",
        b"ffffffff",
        b"9" * 5_000,
    ],
    *[b"Content-Type: ", b"multipart/mixed", b"message/rfc822", b"text/html", b"Content-Encoding: "],
    *[
        b"Location: ",
        b"/",
        b"//",
        b"http://[",
        b"Link: ",
        b'</2>; rel="next"',
        b"Set-Cookie: ",
        b"a=b; expires=x",
    ],
    *[b"Retry-After: ", b"Connection: close\r\n", b"Upgrade: h2c\r\n", b"=?utf-8?b?gA==?="],
]
STARTS = [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 302 Found\r\nLocation: ", SIX, CHUNKED]


@given(st.sampled_from(STARTS), st.lists(st.sampled_from(PIECES), max_size=25).map(b"".join))
def test_whatever_bytes_come_are_a_body_or_an_error_of_ours(start: bytes, rest: bytes) -> None:
    """No sequence of bytes ends in an error that is not the function's own."""
    with HostileSource({"/": raw(start + rest), "/2": answer(b"[2]")}) as source, suppress(IngestionError):
        settings = {"url": source.url("/"), "limits": LIMITS, "retry": {"max_attempts": 1}}
        for page in reader_of(settings | {"pagination": {"kind": "link_header"}}).pages():
            page.finish(records=len(b"".join(page.chunks)), outside={})
