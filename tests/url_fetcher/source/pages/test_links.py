"""`Link` headers are read as servers write them; one that cannot be read is told."""

import pytest

from local_aws.servers.hostile_source import answer, in_turn
from tests.url_fetcher.invoking import Stream, invoke
from tests.url_fetcher.reading import Hostile
from url_fetcher.http.urls import with_scheme_of
from url_fetcher.source.pages.followed_pages import NextUrlPagination
from url_fetcher.source.pages.links import links
from url_fetcher.source.pages.pagination_kind import PageResult, Resume, Step


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ('</2>; rel="next"', "/2"),
        ("</2>; rel='next'", "/2"),
        ("</2>; rel=next", "/2"),
        ("</2>;rel=Next", "/2"),
        ('</2> ; rel = "next"', "/2"),
        ('</1>; rel="prev",</2>; rel="last next"', "/2"),
        ('</a,b;c>; title="x, <y>; rel=next"; rel=prev, </2>; rel="next"', "/2"),
        ("</1>; title='a, b'; rel='prev', </2>; rel='next'", "/2"),
        ('</1>; rel="previous"; results="false", </2>; rel="next"; results="true"; cursor="0:100:0"', "/2"),
        ('</2>; rel="next"; rel="prev"', "/2"),
        (', </2>; rel="next",', "/2"),
        ('</2>; crossorigin; rel="next"', "/2"),
        ('</2>; rel="next"; results="false"; cursor="0:100:0"', None),
        ("</2>; rel='next'; results='false'", None),
        ('</1>; rel="prev"', None),
        ('</2>; rel="nextpage"', None),
        ("", None),
    ],
)
def test_a_link_is_found_however_it_is_written(header: str, target: str | None) -> None:
    """With any quotes, among others; Sentry's next link without results is none."""
    found = links(header)

    assert (found.targets.get("next"), found.is_whole) == (target, True)


@pytest.mark.parametrize(
    "header",
    [
        'https://a.test/2; rel="next"',
        '</2>; rel="next',
        "</2; rel=next",
        '</2> rel="next" x',
        "garbage",
        "<" * 9,
    ],
)
def test_a_link_that_cannot_be_read_is_a_warning(hostile: Hostile, stream: Stream, header: str) -> None:
    """The page it was to lead to may be lost, so the end is in doubt."""
    source = hostile({"/": answer(b"[1]", headers={"Link": header})})
    answered = invoke(stream, {"url": source.url("/"), "pagination": {"kind": "link_header"}})

    assert (len(source.requests), answered["warnings"]) == (1, 1)


def test_single_quotes_lead_to_every_page(hostile: Hostile, stream: Stream) -> None:
    """A source with rel='next' is read to its end."""
    source = hostile({"/": in_turn(answer(b"[1]", headers={"Link": "</>; rel='next'"}), answer(b"[2]"))})
    answered = invoke(stream, {"url": source.url("/"), "pagination": {"kind": "link_header"}})

    assert (answered["recordsProcessed"], answered["warnings"]) == (2, 0)


@pytest.mark.parametrize(
    "header", ["<" * 60_000, "; " * 30_000, '<a>;b="' * 9_000, "<a>;" + " " * 60_000, ",<>" * 20_000]
)
def test_a_hostile_header_is_read(header: str) -> None:
    """Whatever stands there, reading it ends."""
    assert "next" not in links(header).targets


@pytest.mark.parametrize(
    ("url", "target", "expected"),
    [
        ("https://a.test/x", "http://a.test/2?p=1", "https://a.test/2?p=1"),
        ("https://a.test/x", "HTTP://A.test/2", "https://a.test/2"),
        ("https://a.test/x", "http://a.test:80/2", "https://a.test/2"),
        ("https://a.test/x", "http://a.test:443/2", "https://a.test/2"),
        ("https://a.test:8443/x", "http://a.test:8443/2", "https://a.test:8443/2"),
        ("https://a.test:8443/x", "http://a.test/2", "https://a.test:8443/2"),
        ("https://a.test/x", "http://u:p@a.test/2", "https://u:p@a.test/2"),
        ("https://a.test/x", "http://b.test/2", "http://b.test/2"),
        ("https://a.test/x", "http://a.test:8080/2", "http://a.test:8080/2"),
        ("https://a.test/x", "http://a.test@b.test/2", "http://a.test@b.test/2"),
        ("https://a.test/x", "http://a.test:port/2", "http://a.test:port/2"),
        ("https://a.test/x", "http://[", "http://["),
        ("http://a.test/x", "http://a.test/2", "http://a.test/2"),
        ("https://a.test/x", "https://a.test/2", "https://a.test/2"),
    ],
)
def test_a_plain_link_to_the_same_host_is_asked_for_with_tls(url: str, target: str, expected: str) -> None:
    """Servers behind a proxy that ends TLS link to themselves with http; another host or service stays."""
    assert with_scheme_of(url, target) == expected


def test_a_next_url_keeps_tls() -> None:
    """No setting that allows http is needed for it."""
    page = PageResult("https://a.test/", "", records=1, outside={"next": "http://a.test/2"}, digest=1)
    following = NextUrlPagination().next("https://a.test/", Step("https://a.test/", Resume()), page)

    assert following == Step("https://a.test/2", Resume(url="https://a.test/2"))
