"""A source that behaves badly ends in time with an error that says what it did."""

import gzip
import shutil
import socket
import ssl
import subprocess
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ingestion_pipeline.settings.sources.sources import source_problems
from local_aws.servers.hostile_source import (
    Behaviour,
    HostileSource,
    answer,
    cut_chunks,
    drip,
    drip_head,
    ended_tls,
    endless,
    gzip_bomb,
    gzipped,
    in_turn,
    raw,
    redirect,
    reset,
    stall,
    wrong_length,
)
from tests.tls import self_signed, serving
from tests.url_fetcher.reading import ARN, LOCAL, Hostile, Secrets, Waits, bodies_of, reader_of
from url_fetcher.deadline import Deadline
from url_fetcher.errors import (
    AddressRefused,
    ConfigurationError,
    DeadlineExceeded,
    IngestionError,
    LimitExceeded,
    MalformedBody,
    SourceRejected,
    SourceTimeout,
    SourceUnavailable,
)
from url_fetcher.http.addresses import AddressPolicy
from url_fetcher.http.connection import Dialer
from url_fetcher.http.retry import delay_seconds
from url_fetcher.http.transport import Credentials, Request
from url_fetcher.intake.decoding import decode_settings
from url_fetcher.many_urls.pooled_transport import PooledTransport
from url_fetcher.source import exchange
from url_fetcher.source.pages.pagination_kind import Resume
from url_fetcher.source.reader import SourceReader
from url_fetcher.source.schema import Source

SHORT = {"timeout_seconds": 0.5, "connect_timeout_seconds": 0.3, "read_timeout_seconds": 0.2}
ONE_TRY = {"max_attempts": 1}
LARGE = b"[" + b'{"id": 1},' * 60_000 + b'{"id": 2}]'
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
WITHOUT_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n[1]\n[2]\n"
BOMB = gzip.compress(b" " * 2**24)


def encoded(body: bytes, encoding: str) -> Behaviour:
    """Answer with a Content-Encoding, true or not."""
    return answer(body, headers={"Content-Encoding": encoding})


@pytest.mark.parametrize(
    ("behaviour", "error", "words"),
    [
        pytest.param(drip(), SourceTimeout, "the deadline passed", id="drip"),
        pytest.param(drip_head, SourceTimeout, "the deadline passed", id="drip in a header"),
        pytest.param(stall(), SourceTimeout, "0.2 s without a byte", id="stall"),
        pytest.param(stall(CHUNKED + b"5\r\n[1"), SourceTimeout, "without a byte", id="stall in the body"),
        pytest.param(reset(), SourceUnavailable, "connection failed", id="reset"),
        pytest.param(reset(CHUNKED + b"5\r\n[1"), SourceUnavailable, "ResetError", id="reset in the body"),
        pytest.param(wrong_length(b"[1]", 99), SourceUnavailable, "cut short", id="truncation"),
        pytest.param(cut_chunks(b"[1"), SourceUnavailable, "cut short", id="truncated chunks"),
        pytest.param(stall(b"hello"), SourceTimeout, "without a byte", id="no HTTP, open"),
        pytest.param(
            reset(b"\x15\x03\x01 garbage\r\n\r\n"), SourceUnavailable, "is not HTTP/1", id="no HTTP"
        ),
        pytest.param(answer(b"<p>", content_type="text/html"), MalformedBody, "'text/html'", id="HTML"),
        pytest.param(answer(b"<rss>", content_type="text/html"), MalformedBody, "HTML", id="XML called HTML"),
        pytest.param(answer(b"  <!DOCTYPE HTML><p>"), MalformedBody, "HTML", id="HTML called JSON"),
        pytest.param(encoded(b"[1]", "br"), MalformedBody, "'br'", id="brotli"),
        pytest.param(encoded(b"[1]", "gzip"), MalformedBody, "broken", id="no gzip"),
        pytest.param(
            answer(gzip.compress(LARGE)[:-9]), SourceUnavailable, "ends in the middle", id="half a file"
        ),
        pytest.param(answer(b"", status=404), SourceRejected, "404", id="404"),
        pytest.param(answer(b"", status=501), SourceRejected, "501", id="501"),
        pytest.param(answer(b"", status=500), SourceUnavailable, "500", id="500"),
        pytest.param(answer(b"", status=206), SourceRejected, "206", id="part of a body"),
        pytest.param(answer(b"", status=304), SourceRejected, "304", id="not modified"),
        pytest.param(answer(b"", status=429), SourceUnavailable, "429", id="429 for ever"),
        pytest.param(redirect("/"), SourceRejected, "over 5 redirects", id="redirect loop"),
        pytest.param(endless(), LimitExceeded, "max_body_mib = 1", id="endless body"),
        pytest.param(gzip_bomb(16), LimitExceeded, "max_decompressed_mib = 2", id="gzip bomb"),
        pytest.param(answer(BOMB), LimitExceeded, "max_decompressed_mib = 2", id="gzip bomb in a file"),
        pytest.param(
            encoded(gzip.compress(BOMB), "gzip"), LimitExceeded, "decompressed", id="bomb in a bomb"
        ),
        pytest.param(wrong_length(b"", 2**40), LimitExceeded, "1099511627776", id="too long by its header"),
    ],
)
def test_a_bad_source_ends_with_its_name(
    hostile: Hostile, behaviour: Behaviour, error: type[IngestionError], words: str
) -> None:
    """Each misbehaviour ends within the limits, as the error that names it."""
    source = hostile({"/": behaviour})
    limits = SHORT | {"max_body_mib": 1, "max_decompressed_mib": 2}

    with pytest.raises(error) as caught:
        bodies_of(reader_of({"url": source.url("/"), "limits": limits, "retry": ONE_TRY}))

    assert (caught.type, words in str(caught.value)) == (error, True)


@pytest.mark.timeout(10)
def test_no_read_waits_beyond_the_deadline(hostile: Hostile) -> None:
    """A read timeout that is longer than the time that is left does not count."""
    source = hostile({"/": stall(CHUNKED)})
    limits = {"timeout_seconds": 0.3, "read_timeout_seconds": 300}

    with pytest.raises(SourceTimeout, match="the deadline passed"):
        bodies_of(reader_of({"url": source.url("/"), "limits": limits}))


def test_a_refused_connection_is_unavailable() -> None:
    """A port on which nobody listens is an error that may be retried."""
    with HostileSource({}) as source:
        url = source.url("/")

    with pytest.raises(SourceUnavailable, match="cannot connect"):
        bodies_of(reader_of({"url": url, "retry": ONE_TRY}))


@pytest.mark.parametrize(
    "first",
    [
        answer(b"", status=503),
        answer(b"", status=429),
        answer(b"", status=202),
        reset(),
        stall(),
        wrong_length(b"[1", 3),
        cut_chunks(b"[1"),
    ],
)
def test_what_may_pass_is_tried_again(hostile: Hostile, first: Behaviour) -> None:
    """A failure before anything of the page was given out is retried, and the page is then whole."""
    source = hostile({"/": in_turn(first, answer(b"[1]"))})
    limits = {"read_timeout_seconds": 0.2}

    assert bodies_of(reader_of({"url": source.url("/"), "limits": limits})) == [b"[1]"]


def test_attempts_are_bounded(hostile: Hostile) -> None:
    """A source that keeps failing is asked max_attempts times."""
    source = hostile({"/": answer(b"", status=503)})
    reader = reader_of({"url": source.url("/"), "retry": {"max_attempts": 3, "max_delay_seconds": 0}})
    with pytest.raises(SourceUnavailable) as caught:
        bodies_of(reader)

    assert (len(source.requests), caught.value.details["attempts"], reader.report.retried) == (3, 3, 2)


def test_waits_double_up_to_the_cap(hostile: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the upper end of the jitter each wait is twice the one before, up to max_delay_seconds."""
    monkeypatch.setattr(exchange, "delay_seconds", partial(delay_seconds, random_=lambda: 1.0))
    source = hostile({"/": answer(b"", status=503)})
    waits = Waits()
    retry = {"max_attempts": 6, "max_delay_seconds": 3}
    with pytest.raises(SourceUnavailable):
        bodies_of(reader_of({"url": source.url("/"), "retry": retry}, deadline=waits.deadline(900)))

    assert waits.seconds == [0.5, 1, 2, 3, 3]


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("7", 7, 7),
        ("0", 0.5, 0.5),
        (600, 500, 600),
        (-600, 0.5, 0.5),
        ("soon", 0.5, 0.5),
        ("1m30s", 90, 90),
    ],
    ids=["seconds", "now", "a date to come", "a date gone by", "nonsense", "a span"],
)
def test_retry_after_is_kept_to(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch, header: str | int, least: float, most: float
) -> None:
    """The wait that a source asks for is kept to, above max_delay_seconds too, and at least the back-off."""
    monkeypatch.setattr(exchange, "delay_seconds", partial(delay_seconds, random_=lambda: 1.0))
    if isinstance(header, int):
        # Only now: on a busy machine minutes pass between collecting a test and running it.
        header = format_datetime(datetime.now(UTC) + timedelta(seconds=header), usegmt=True)
    source = hostile({"/": in_turn(answer(b"", status=429, headers={"Retry-After": header}), answer(b"[1]"))})
    waits = Waits()
    retry = {"max_delay_seconds": 5}
    bodies_of(reader_of({"url": source.url("/"), "retry": retry}, deadline=waits.deadline(900)))

    assert least <= waits.seconds[0] <= most


@pytest.mark.parametrize("status", [403, 429, 503])
def test_a_used_up_limit_is_waited_for(hostile: Hostile, status: int) -> None:
    """GitHub's limits: the wait is until the reset, and then the page is read."""
    reset = str(int(datetime.now(UTC).timestamp()) + 600)
    limit = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    source = hostile({"/": in_turn(answer(b"", status=status, headers=limit), answer(b"[1]"))})
    waits = Waits()
    bodies = bodies_of(reader_of({"url": source.url("/")}, deadline=waits.deadline(900)))

    assert (bodies, [500 < seconds <= 600 for seconds in waits.seconds]) == ([b"[1]"], [True])


@pytest.mark.parametrize("reset", ["253402300799", "999999999999999999", "3600"])
def test_a_reset_that_is_too_late_ends_with_where_to_go_on(hostile: Hostile, reset: str) -> None:
    """The wait is not begun: the error may be retried, and the reader knows the page."""
    limit = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    first = answer(b'{"items": [1]}')
    source = hostile({"/": in_turn(first, answer(b"", status=403, headers=limit))})
    waits = Waits()
    reader = reader_of({"url": source.url("/"), "pagination": {"kind": "page"}}, deadline=waits.deadline(60))
    with pytest.raises(DeadlineExceeded) as caught:
        bodies_of(reader)

    assert (caught.value.retryable, waits.seconds, reader.resume) == (True, [], Resume(page=2))


def test_a_403_without_a_limit_is_not_retried(hostile: Hostile) -> None:
    """Access that is denied stays denied."""
    source = hostile({"/": answer(b"", status=403, headers={"X-RateLimit-Remaining": "59"})})
    with pytest.raises(SourceRejected, match="403"):
        bodies_of(reader_of({"url": source.url("/")}))

    assert len(source.requests) == 1


def test_a_break_after_records_were_given_out_is_not_retried(hostile: Hostile) -> None:
    """Once chunks of a page were given out its retry is left to the invocation's, and counted as partial."""
    source = hostile({"/": wrong_length(LARGE, len(LARGE) + 1)})
    page = next(reader_of({"url": source.url("/")}).pages())
    first = next(page.chunks)
    with pytest.raises(SourceUnavailable, match="cut short"):
        list(page.chunks)

    assert (LARGE.startswith(first), len(source.requests)) == (True, 1)


def raw_deflate(body: bytes) -> bytes:
    """Deflate without zlib's header, as some servers send it."""
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(body) + stream.flush()


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(answer(LARGE), id="plain"),
        pytest.param(gzipped(LARGE), id="gzip"),
        pytest.param(gzipped(LARGE, encoding=""), id="a gzip file"),
        pytest.param(answer(gzip.compress(LARGE[:99]) + gzip.compress(LARGE[99:]) + b"\0" * 9), id="members"),
        pytest.param(encoded(zlib.compress(LARGE), "deflate"), id="zlib"),
        pytest.param(encoded(raw_deflate(LARGE), "Deflate"), id="raw deflate"),
        pytest.param(encoded(LARGE, "identity"), id="identity"),
        pytest.param(encoded(gzip.compress(gzip.compress(LARGE)), "gzip"), id="gzip of a file"),
    ],
)
def test_a_body_arrives_whole_however_it_is_packed(hostile: Hostile, behaviour: Behaviour) -> None:
    """Gzip and deflate, as encodings and as files, in one member or several, give the body's bytes."""
    source = hostile({"/": behaviour})

    assert bodies_of(reader_of({"url": source.url("/")})) == [LARGE]


@pytest.mark.parametrize("behaviour", [answer(b""), answer(b"", status=204), gzipped(b"")])
def test_an_empty_body_is_a_page_without_records(hostile: Hostile, behaviour: Behaviour) -> None:
    """204 and empty bodies are no error."""
    source = hostile({"/": behaviour})

    assert bodies_of(reader_of({"url": source.url("/")})) == [b""]


def test_chunks_are_bounded(hostile: Hostile) -> None:
    """However large a body is, what is held of it at once is not."""
    source = hostile({"/": gzipped(b"[" + b" " * 2**24 + b"]")})
    largest = [max(map(len, page.chunks)) for page in reader_of({"url": source.url("/")}).pages()]

    assert largest[0] <= 256 * 1024


def test_the_request_is_what_the_settings_say(hostile: Hostile) -> None:
    """Method, query, headers and body arrive; a table becomes JSON."""
    source = hostile({"/search": answer(b"[1]")})
    settings: dict[str, Any] = {
        "url": source.url("/search?a=1#part"),
        "method": "POST",
        "query": {"q": "x y", "deep": True, "n": 5},
        "headers": {"X-Tenant": "7", "accept": "text/csv"},
        "body": {"filter": ["ü"]},
    }
    bodies_of(reader_of(settings))
    request = source.requests[0]

    assert (request.method, request.query, request.body, request.headers["content-type"]) == (
        "POST",
        {"a": "1", "q": "x y", "deep": "true", "n": "5"},
        '{"filter":["ü"]}'.encode(),
        "application/json",
    )


def test_a_303_turns_a_post_into_a_get(hostile: Hostile) -> None:
    """A POST that is answered elsewhere is fetched there without its body."""
    source = hostile({"/": redirect("/answer", status=303), "/answer": answer(b"[1]")})
    bodies_of(reader_of({"url": source.url("/"), "method": "POST", "body": "q"}))

    assert (source.requests[1].method, source.requests[1].body) == ("GET", b"")


def test_the_environment_gives_neither_proxy_nor_credentials(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Proxies, .netrc and certificate bundles of the environment are not used."""
    proxy = hostile({})
    source = hostile({"/": answer(b"[1]")})
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("HTTP_PROXY", proxy.url(""))
    monkeypatch.setenv("http_proxy", proxy.url(""))
    monkeypatch.setenv("NETRC", str(netrc))
    bodies_of(reader_of({"url": source.url("/")}))

    assert (proxy.requests, "authorization" in source.requests[0].headers) == ([], False)


def test_cookies_are_not_kept(hostile: Hostile) -> None:
    """What a source sets on one page is not sent with the next."""
    first = answer(b"[1]", headers={"Set-Cookie": "session=hunter2", "Link": '</2>; rel="next"'})
    source = hostile({"/": first, "/2": answer(b"[2]")})
    bodies_of(reader_of({"url": source.url("/"), "pagination": {"kind": "link_header"}}))

    assert "cookie" not in source.requests[1].headers


def test_a_redirects_body_is_not_read(hostile: Hostile) -> None:
    """A redirect with an endless body is followed, not swallowed."""
    head = b"HTTP/1.1 302 Found\r\nLocation: /next\r\n\r\n"
    source = hostile({"/": stall(head + b"x" * 99_999), "/next": answer(b"[1]")})

    assert bodies_of(reader_of({"url": source.url("/"), "limits": SHORT})) == [b"[1]"]


def test_a_redirect_is_a_request_of_the_rate(hostile: Hostile) -> None:
    """Each one waits for the interval, as every request does."""
    source = hostile({"/": redirect("/a"), "/a": redirect("/b"), "/b": answer(b"[1]")})
    waits = Waits()
    settings = {"url": source.url("/"), "rate": {"min_interval_seconds": 7}}
    bodies_of(reader_of(settings, deadline=waits.deadline(60), clock=lambda: waits.now))

    assert waits.seconds == [7, 7]


def test_pages_share_a_connection(hostile: Hostile) -> None:
    """The next page is asked for on the connection of the last one."""
    source = hostile({"/": answer(b"[1]", headers={"Link": '</2>; rel="next"'}), "/2": answer(b"[2]")})
    bodies_of(reader_of({"url": source.url("/"), "pagination": {"kind": "link_header"}}))

    assert source.connections == 1


def test_what_was_read_is_counted(hostile: Hostile) -> None:
    """Bytes are counted as received and as decompressed, requests with their retries."""
    source = hostile({"/": in_turn(answer(b"", status=500), gzipped(LARGE))})
    reader = reader_of({"url": source.url("/")})
    bodies_of(reader)
    counts = asdict(reader.report) | {"fetch_seconds": 0.0, "last_request_at": 0.0}

    assert counts == {
        "pages": 1,
        "requests": 2,
        "retried": 1,
        "received_bytes": len(gzip.compress(LARGE)),
        "decompressed_bytes": len(LARGE),
        "warnings": 0,
        "parents": 0,
        "child_requests": 0,
        "fetch_seconds": 0.0,
        "last_request_at": 0.0,
    }


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key of localhost; beside it, as .crt, a certificate that it has signed itself."""
    return self_signed(tmp_path_factory.mktemp("tls"))


def trusting(certificate: Path) -> dict[str, Any]:
    """The settings that trust a certificate."""
    return {"ca_certificates": certificate.with_suffix(".crt").read_text()}


@pytest.fixture
def secure(certificate: Path) -> Iterator[HostileSource]:
    """A source with TLS."""
    behaviours = {
        "/": answer(LARGE),
        "/token": answer(b'{"access_token": "t", "token_type": "bearer"}'),
        "/moved": answer(b"", status=302, headers={"Location": "http://localhost:8080/2"}),
        "/next": answer(b'{"items": [1], "next": "http://localhost:8080/2"}'),
        "/cut": raw(WITHOUT_LENGTH),
        "/ended": ended_tls(WITHOUT_LENGTH),
        "/cut-behind-the-body": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n[1]\n[2]\n"),
    }
    with HostileSource(behaviours, tls=serving(certificate)) as source:
        yield source


def test_a_certificate_for_the_host_is_accepted(secure: HostileSource, certificate: Path) -> None:
    """The host's name, not the address that was dialled, is what the certificate must have."""
    reader = reader_of({"url": secure.url("/", host="localhost"), **trusting(certificate)})

    assert bodies_of(reader) == [LARGE]


def test_tls_that_is_cut_is_no_end_of_a_body(secure: HostileSource, certificate: Path) -> None:
    """Without a length only TLS's close_notify ends a body: anybody can cut a connection."""
    settings = {"url": secure.url("/cut", host="localhost"), "retry": ONE_TRY, **trusting(certificate)}

    with pytest.raises(SourceUnavailable, match="cut short"):
        bodies_of(reader_of(settings))


@pytest.mark.parametrize("path", ["/ended", "/cut-behind-the-body"])
def test_a_body_over_tls_ends_by_close_notify_or_by_its_length(
    secure: HostileSource, certificate: Path, path: str
) -> None:
    """A body without a length is whole after close_notify, one with a length when that has come."""
    reader = reader_of({"url": secure.url(path, host="localhost"), **trusting(certificate)})

    assert b"".join(page_chunks(reader)) == b"[1]\n[2]\n"


def page_chunks(reader: SourceReader) -> Iterator[bytes]:
    """The chunks of every page."""
    for page in reader.pages():
        yield from page.chunks


def test_a_certificate_for_another_host_is_rejected(secure: HostileSource, certificate: Path) -> None:
    """A certificate without the URL's host ends with an error that is not retried, and nothing is sent."""
    with pytest.raises(SourceRejected, match=r"not valid for '127.0.0.1'.*`ca_certificates`"):
        bodies_of(reader_of({"url": secure.url("/"), **trusting(certificate)}))

    assert secure.requests == []


def test_public_authorities_stay_trusted(
    secure: HostileSource, certificate: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Those of a source are beside them; what the environment names is not looked at."""
    other = self_signed(tmp_path)
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate.with_suffix(".crt")))
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(variable, str(other.with_suffix(".crt")))

    assert bodies_of(reader_of({"url": secure.url("/", host="localhost"), **trusting(other)})) == [LARGE]


def test_an_expired_certificate_is_rejected_with_the_reason(certificate: Path, tmp_path: Path) -> None:
    """Being one of `ca_certificates` makes no certificate valid."""
    key = Path(shutil.copy(certificate, tmp_path / "expired.pem"))
    expired = key.with_suffix(".crt")
    signed = ["-in", str(certificate.with_suffix(".crt")), "-signkey", str(key), "-days", "-1"]
    subprocess.run(["openssl", "x509", *signed, "-out", str(expired)], check=True, capture_output=True)

    with (
        HostileSource({"/": answer(LARGE)}, tls=serving(key)) as source,
        pytest.raises(SourceRejected, match=r"certificate has expired.*`ca_certificates`"),
    ):
        bodies_of(reader_of({"url": source.url("/", host="localhost"), **trusting(key)}))


@pytest.mark.parametrize(
    ("path", "pagination"), [("/moved", {}), ("/next", {"kind": "next_url"})], ids=["redirect", "next page"]
)
def test_nothing_leads_from_https_to_http(
    secure: HostileSource, certificate: Path, path: str, pagination: dict[str, str]
) -> None:
    """The advice is never to allow http: that would be for whatever a source leads to."""
    settings: dict[str, Any] = {"url": secure.url(path, host="localhost"), **trusting(certificate)}
    if pagination:
        settings |= {"pagination": pagination, "record_path": "items"}

    with pytest.raises(AddressRefused, match=r"http://localhost:8080/2.*leads there from https") as error:
        bodies_of(reader_of(settings, policy=AddressPolicy(allow_private_networks=True)))
    assert "ALLOW_HTTP" not in str(error.value)


def test_tls_before_1_2_is_not_spoken(certificate: Path) -> None:
    """Authorities of one's own change nothing about the versions of TLS."""
    context = serving(certificate)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore"):
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with (
        HostileSource({"/": answer(LARGE)}, tls=context) as source,
        pytest.raises(SourceUnavailable, match="connection failed: SSLError"),
    ):
        bodies_of(
            reader_of({"url": source.url("/", host="localhost"), "retry": ONE_TRY, **trusting(certificate)})
        )


def test_a_connection_serves_no_source_with_other_authorities(
    secure: HostileSource, certificate: Path
) -> None:
    """One transport asks for the URLs of many sources."""
    dialer = Dialer(LOCAL, deadline=Deadline(9), connect_timeout_seconds=5, read_timeout_seconds=5)
    url = secure.url("/", host="localhost")
    request = Request(url, home=url)
    sources = [
        decode_settings({"url": url, **given}, Source, where="test") for given in (trusting(certificate), {})
    ]
    transport = PooledTransport(dialer)

    def body_for(source: Source) -> bytes:
        transport.serve(source, Deadline(9))
        with closing(transport.open(request, Credentials())) as response:
            return b"".join(iter(lambda: response.read(2**20), b""))

    assert body_for(sources[0]) == LARGE
    with pytest.raises(SourceRejected, match="`ca_certificates`"):
        body_for(sources[1])
    transport.end()


def test_a_token_server_may_have_the_same_authority(secure: HostileSource, certificate: Path) -> None:
    """`ca_certificates` are the source's, whose token server is often in the same network."""
    auth = {
        "kind": "oauth2_client_credentials",
        "secret_arn": ARN,
        "token_url": secure.url("/token", host="localhost"),
    }
    url = secure.url("/", host="localhost")
    secrets = Secrets('{"client_id": "a", "client_secret": "b"}')

    assert bodies_of(reader_of({"url": url, "auth": auth, **trusting(certificate)}, secrets=secrets)) == [
        LARGE
    ]


@pytest.mark.parametrize(
    "pem",
    [
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----",
        "/etc/ssl/ca.pem",
    ],
)
def test_what_is_no_certificate_is_refused_before_anything_is_asked_for(pem: str) -> None:
    """The deployment says the same, and neither shows the text: it may be a key."""
    settings: Any = {"url": "https://example.com", "ca_certificates": pem}
    (problem,) = source_problems([settings])

    with pytest.raises(ConfigurationError, match="ca_certificates") as error:
        decode_settings(settings, Source, where="the source")
    said = f"{problem} {error.value}"
    assert ("in PEM" in str(problem), "in PEM" in str(error.value)) == (True, True)
    assert [word for word in ("c2VjcmV0", "AAAA", "/etc") if word in said] == []


def test_a_certificate_that_nobody_signed_is_rejected(secure: HostileSource) -> None:
    """Only certificates of known authorities are accepted."""
    with pytest.raises(SourceRejected, match="certificate"):
        bodies_of(reader_of({"url": secure.url("/", host="localhost")}))


@pytest.mark.parametrize(
    ("behaviour", "error"), [(None, SourceTimeout), (b"HTTP/1.1 400 Bad Request\r\n\r\n", SourceUnavailable)]
)
def test_a_server_without_tls_ends_in_time(behaviour: bytes | None, error: type[IngestionError]) -> None:
    """A TLS handshake that is not answered, or not with TLS, ends within the connect timeout."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer_once, args=(listener, behaviour), daemon=True)
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        settings = {"url": url, "limits": SHORT, "retry": ONE_TRY}

        with pytest.raises(error):
            bodies_of(reader_of(settings))
    thread.join()


def _answer_once(listener: socket.socket, data: bytes | None) -> None:
    """Take one connection, say what there is to say, and wait until the client has gone."""
    sock, _ = listener.accept()
    with sock:
        if data:
            sock.sendall(data)
        with suppress(OSError):
            while sock.recv(4096):
                pass


def test_an_explicit_format_counts_more_than_the_type_of_html(hostile: Hostile) -> None:
    """A feed that is sent as text/html is read where the source says that it is XML."""
    source = hostile({"/": answer(b"<rss/>", content_type="text/html")})

    assert bodies_of(reader_of({"url": source.url("/"), "format": "xml", "record_path": "rss"})) == [
        b"<rss/>"
    ]
