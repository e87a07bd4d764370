"""Whatever text a source or a setting holds, nothing but the function's own errors comes of it."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.servers.hostile_source import stall
from tests.url_fetcher.reading import LOCAL, Hostile, Objects, bodies_of, reader_of
from url_fetcher.errors import IngestionError, LimitExceeded
from url_fetcher.http.moments import seconds_until
from url_fetcher.http.urls import joined, with_query
from url_fetcher.intake.decoding import decode_settings
from url_fetcher.intake.environment import read_environment
from url_fetcher.intake.event import read_event
from url_fetcher.intake.source_list import SourceList
from url_fetcher.source.pages.pager import Pager
from url_fetcher.source.pages.pagination import Pagination
from url_fetcher.source.pages.pagination_kind import PageResult
from url_fetcher.telling.redaction import Redactor, public_url

ODD = st.text() | st.from_regex(r"[<>;,\"=/:@?#&%\[\]\\. a-z0-9+-]*", fullmatch=True)
URLISH = ODD.map(lambda text: f"http://{text}") | ODD
NUMBERISH = st.integers().map(str) | st.from_regex(r"[0-9]{1,9999}", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ODD | NUMBERISH,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ODD, inner, max_size=3),
    max_leaves=6,
)
KINDS = [
    {"kind": "link_header", "allow_other_hosts": True},
    {"kind": "next_url", "path": "next", "allow_other_hosts": True},
    {"kind": "page", "total_pages_path": "total", "has_more_path": "next"},
    {"kind": "offset", "total_path": "total", "has_more_path": "next"},
    {"kind": "cursor", "path": "next"},
    {"kind": "cursor", "header": "Link"},
    {"kind": "parameters", "path": "next"},
    {"kind": "none"},
]


@given(URLISH)
def test_any_url_is_allowed_or_refused(url: str) -> None:
    """A URL passes or is refused; nothing else happens."""
    with suppress(IngestionError):
        LOCAL.check_url(url)


@given(URLISH, ODD, ODD)
def test_any_url_can_be_shown_and_changed(url: str, name: str, value: str) -> None:
    """Showing a URL, setting a parameter and resolving a link hold for every text."""
    public_url(url)
    with_query(url, {name: value.encode("utf-8", "replace").decode()})
    with suppress(IngestionError):
        joined(url, value)


@given(st.text(min_size=4), ODD, st.sampled_from(["/", "?", "#", "&k=v"]))
def test_a_user_in_a_url_is_never_shown(secret: str, path: str, separator: str) -> None:
    """The part before the host's @ is dropped."""
    user = secret.encode("utf-8", "replace").hex()

    assert (
        user
        not in public_url(f"https://{user}:{user}@a.test{separator}{path.replace('@', '')}").split("?")[0]
    )


@given(
    ODD | NUMBERISH | st.datetimes().map(str) | st.from_regex(r"[0-9dhms .:+-]{1,40}|[A-Za-z0-9 :+-]{1,60}")
)
def test_any_retry_after_is_seconds_or_nothing(header: str) -> None:
    """A Retry-After of any text is a number of seconds that JSON can hold, or none."""
    seconds = seconds_until(header, lambda: datetime.now(UTC))

    assert seconds is None or 0 <= seconds <= 1e12


@given(st.sampled_from(KINDS), ODD, VALUES, VALUES)
def test_any_page_leads_on_or_ends(kind: dict[str, Any], link: str, following: object, total: object) -> None:
    """Whatever a page says of the next one, that is taken, the end, or an error of the function's own."""
    pagination: Any = decode_settings(kind, Pagination, where="test")  # type: ignore[arg-type]
    outside = {
        "next": following,
        "total": total,
        "total_pages": total,
        "links": [following],
        "has_more": total,
    }
    last = json.dumps(outside).encode()
    headers = {"Link": link, "X-Total-Count": link}
    results = [
        PageResult(
            "http://a.test/", link, records=1, outside=outside, digest=digest, last=last, headers=headers
        )
        for outside, digest in ((outside, 1), (None, 2), (following, 1))
    ]
    with suppress(IngestionError):
        pager = Pager(pagination, "http://a.test/", warn=lambda _: None)
        for result in results:
            pager.is_repeat(result.digest)
            pager.advance(result)


@given(
    VALUES, st.dictionaries(st.sampled_from(["url", "source", "auth", "limits", "resume", "query"]), VALUES)
)
def test_any_event_is_an_order_or_refused(event: object, keys: dict[str, Any]) -> None:
    """Events of any shape are understood or refused."""
    sources = SourceList("", Objects)
    for each in (event, keys, {"url": "https://a.test/"} | keys):
        with suppress(IngestionError):
            read_event(each, sources)


@given(st.dictionaries(st.sampled_from(["SOURCES_URI", "ALLOWED_HOSTS", "PACK_KIB", "ALLOW_HTTP"]), ODD))
def test_any_environment_is_read_or_refused(environ: dict[str, str]) -> None:
    """Variables of any text are understood or refused."""
    with suppress(IngestionError):
        read_environment({"KINESIS_STREAM_NAME": "s"} | environ)


@given(st.text(min_size=4, alphabet=st.characters(codec="utf-8", exclude_characters="\x00")))
def test_a_secret_is_cleaned_from_json(secret: str) -> None:
    """A known secret is found in a line of JSON, too."""
    redactor = Redactor()
    redactor.learn(secret)
    line = json.dumps({"x": f"({secret})"}, ensure_ascii=False)

    assert redactor.clean(line) == '{"x": "(REDACTED)"}'


@pytest.mark.parametrize("digits", [11, 18, 19, 5_000])
def test_any_declared_length_is_held_to_the_limit(hostile: Hostile, digits: int) -> None:
    """A Content-Length of more digits than Python reads is over the limit, too."""
    source = hostile({"/": stall(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * digits + b"\r\n\r\n")})

    with pytest.raises(LimitExceeded):
        bodies_of(reader_of({"url": source.url("/")}))
