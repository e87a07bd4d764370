"""Records in XML, beside what ElementTree reads."""

import itertools
import json
import tracemalloc
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.json_oracle import cut
from tests.url_fetcher.json_texts import read
from url_fetcher.errors import LimitExceeded, MalformedBody
from url_fetcher.formats.detect import open_splitter
from url_fetcher.formats.splitter import Rejected, Splitter

SIZES = [1, 7, 100_000]
CHUNK = 200_000
RSS = """<?xml version="1.0" encoding="{encoding}"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:georss="http://www.georss.org/georss">
  <channel>
    <title>Earthquakes</title>
    <item>
      <title>M 4.2 — é &amp; &#x20AC;</title>
      <guid isPermaLink="false">us7000</guid>
      <category>a</category>
      <category domain="x">b</category>
      <dc:creator xmlns:ignored="urn:x">USGS</dc:creator>
      <georss:point>38.8 -122.8</georss:point>
      <description><![CDATA[<b>5 < 6</b>]]></description>
      <empty/>
    </item>
    <item/>
  </channel>
</rss>
"""
ITEMS = [
    {
        "title": "M 4.2 — é & €",
        "guid": {"@isPermaLink": "false", "#text": "us7000"},
        "category": ["a", {"@domain": "x", "#text": "b"}],
        "dc:creator": "USGS",
        "georss:point": "38.8 -122.8",
        "description": "<b>5 < 6</b>",
        "empty": "",
    },
    {"#text": ""},
]
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>
<entry><id>1</id><link href="https://example.com/1"/><link href="https://example.com/2" rel="alternate"/>
<content type="xhtml">Hi <b>you</b> there</content></entry></feed>"""


def _open(path: str, *, limit: int = 10_000, nesting: int = 100) -> Splitter:
    return open_splitter("xml", record_path=path, max_record_bytes=limit, max_nesting=nesting)


def _read(body: bytes, path: str, size: int = 10_000, **limits: int) -> Any:
    """Decoded records, rejected records and the error."""
    records, rejected, error = read(_open(path, **limits), cut(body, [size]))
    return [json.loads(record) for record in records], rejected, error


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-15", "windows-1252", "utf-8-sig"])
def test_each_element_at_the_path_is_a_record(encoding: str, size: int) -> None:
    """A feed with attributes, repeated children, CDATA and prefixes, in every encoding that it declares."""
    text = RSS.format(encoding=encoding.removesuffix("-sig"))
    body = text.replace("—", "&#8212;").encode(encoding)

    assert _read(body, "rss.channel.item", size) == (ITEMS, [], None)


def test_text_beside_children_is_kept() -> None:
    """Of an Atom entry with mixed content every character is there, the order of text and children is not."""
    records, _, _ = _read(ATOM, "feed.entry")

    assert records == [
        {
            "id": "1",
            "link": [
                {"@href": "https://example.com/1"},
                {"@href": "https://example.com/2", "@rel": "alternate"},
            ],
            "content": {"@type": "xhtml", "b": "you", "#text": "Hi  there"},
        }
    ]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"<b>" + b"x" * 2_000 + b"</b>", "has 2007 bytes; the limit is 1000"),
        (b"<b a='" + b"x" * 2_000 + b">'/>", "has 2010 bytes; the limit is 1000"),
        (b"<b>" + b"<c>" * 10 + b"</c>" * 10 + b"</b>", "is nested 11 elements deep; the limit is 10"),
        (b"<b>" + b"<c/><c><c/>" * 6 + b"</c>" * 6 + b"</b>", "levels deep as JSON; the limit is 10"),
        (b"<b>" + b'"' * 900 + b"</b>", "has 1812 bytes as JSON; the limit is 1000"),
    ],
)
def test_an_element_over_a_limit_is_rejected_alone(bad: bytes, reason: str, size: int) -> None:
    """Its own bytes, or their beginning, are rejected with the offset; its neighbours are records."""
    body = b"<a><b>1</b>" + bad + b"<b>2</b></a>"

    records, rejected, error = _read(body, "a.b", size, limit=1_000, nesting=10)

    assert (records, error) == ([{"#text": "1"}, {"#text": "2"}], None)
    kept = bad[:1_000]
    assert [(each.data, each.offset, each.total_bytes) for each in rejected] == [
        (kept, 11, len(bad) if len(kept) < len(bad) else 0)
    ]
    assert reason in rejected[0].reason


@pytest.mark.parametrize("size", SIZES)
def test_what_is_kept_of_a_huge_element_is_its_beginning(size: int) -> None:
    """64 KiB of an element that passes by over many steps, and its whole length."""
    bad = b"<b>" + b"<c>0123456789</c>" * 20_000 + b"</b>"

    _, rejected, _ = _read(b"<a>" + bad + b"</a>", "a.b", max(size, 1_000), limit=100_000)

    assert rejected == [
        Rejected(bad[:65_536], f"has {len(bad)} bytes; the limit is 100000", 3, len(bad)),
    ]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("body", "words", "count"),
    [
        (b"<a><b>1</b><c></a>", "mismatched tag", 1),
        (b"<a><b>1</b><b>2</b>", "no element found", 2),
        (b"<a><b>1</b></a><a/>", "junk after document element", 1),
        (b"<a><b>1</b><b>&nbsp;</b></a>", "undefined entity", 1),
        (b"<a><b>1</b><b>\xff</b></a>", "not well-formed", 1),
        (b"<a><b>1</b><b x='1' x='2'/></a>", "duplicate attribute", 1),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a><b>&b;</b></a>', "document type declaration", 0),
        (b'<!DOCTYPE a [<!ENTITY % b SYSTEM "file:///etc/passwd"> %b;]><a><b>1</b></a>', "<!ENTITY", 0),
        (b'<!DOCTYPE a [<!ATTLIST b c CDATA "d">]><a><b>1</b></a>', "<!ATTLIST", 0),
        (b'<!DOCTYPE a SYSTEM "x.dtd"><a><b>1</b><b>&eacute;</b></a>', "&eacute;", 1),
        (b'<!DOCTYPE a SYSTEM "x.dtd"><a><b>1</b><b c="&eacute;"/></a>', "&eacute;", 1),
        (b'<!DOCTYPE a [%x;]><a><b>1</b><b><c d="&e;"/></b></a>', "&e;", 1),
        (b"<!DOCTYPE a><a><b>1</b><b>&e;</b></a>", "undefined entity", 1),
        (b'<?xml version="1.0" encoding="nix"?><a><b>1</b></a>', "unknown encoding", 0),
        (b'<?xml version="1.0" encoding="euc-kr"?><a><b>1</b></a>', "multi-byte encodings", 0),
        (b"<feed><b>1</b></feed>", "root element is 'feed'", 0),
        (b"plain", "syntax error", 0),
    ],
)
def test_a_broken_document_ends_after_the_records_before(
    body: bytes, words: str, count: int, size: int
) -> None:
    """What can be trusted is handed out; then the body is malformed, with what is wrong."""
    records, rejected, error = _read(body, "a.b", size)

    assert (len(records), rejected, type(error), words in str(error)) == (count, [], MalformedBody, True)


def test_a_path_that_breaks_names_what_is_there() -> None:
    """A misspelt element on the way is told with its neighbours."""
    _, _, error = _read(RSS.format(encoding="utf-8").encode(), "rss.chanel.item")

    assert "breaks at 'chanel': 'rss' in the XML has no such child; it has channel" in str(error)


@pytest.mark.parametrize("body", [b"", b" \n", b"<a/>", b"<a><c/></a>"])
def test_a_document_without_such_elements_has_no_records(body: bytes) -> None:
    """An empty feed is no error, nor is an empty body."""
    assert _read(body, "a.b") == ([], [], None)


# 600 of either are 36 MB: more than the test allows, if they were kept.
WIDE = (b"<c>" + b"x" * 1_000 + b"</c>") * 60
MANY = (b"<b>" + b"x" * 10_000 + b"</b>") * 6


@pytest.mark.parametrize(
    ("chunks", "error"),
    [
        (itertools.chain([b"<a><b x='"], itertools.repeat(b"x" * CHUNK)), LimitExceeded),
        (itertools.chain([b"<a><!--"], itertools.repeat(b"x" * CHUNK)), LimitExceeded),
        (itertools.chain([b"<?p "], itertools.repeat(b"x" * CHUNK)), LimitExceeded),
        (itertools.chain([b"<a><"], itertools.repeat(b"x" * CHUNK)), LimitExceeded),
        (itertools.chain([b"<a><b>"], itertools.repeat(b"<c>" * CHUNK)), LimitExceeded),
        (itertools.repeat(b"<a>" * CHUNK), LimitExceeded),
        (
            itertools.chain(
                [b"<a>"],
                (b"".join(b"<c%d/>" % (n + i) for i in range(9_000)) for n in itertools.count(0, 9_000)),
            ),
            LimitExceeded,
        ),
        (
            itertools.chain([b"<a>"], (b"<c d%d=''/>" % number * 1 for number in itertools.count())),
            LimitExceeded,
        ),
        (itertools.chain([b"<a><b>"], itertools.repeat(b"x" * CHUNK, 200), [b"</b></a>"]), None),
        (itertools.chain([b"<a><b>"], itertools.repeat(WIDE, 600), [b"</b></a>"]), None),
        (itertools.chain([b"<a>"], itertools.repeat(b" " * CHUNK, 200), [b"</a>"]), None),
        (itertools.chain([b"<a>"], itertools.repeat(MANY, 600), [b"</a>"]), None),
    ],
    ids=[
        "attribute", "comment", "instruction", "tag", "depth in a record", "depth", "names",
        "attribute names", "long record", "wide record", "space", "many records",
    ],
)  # fmt: skip
def test_a_hostile_document_is_read_in_bounded_memory(
    chunks: Iterable[bytes], error: type[Exception] | None
) -> None:
    """Without end or with one, no document makes the function hold more than a few records."""
    splitter = _open("a.b", limit=100_000)
    found: Exception | None = None
    tracemalloc.start()
    try:
        for chunk in chunks:
            splitter.feed(chunk)
            splitter.rejected.clear()
        while splitter.finish():
            pass
    except (LimitExceeded, MalformedBody) as raised:
        found = raised
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (type(found) if found else None, peak < 30_000_000) == (error, True)


_names = st.sampled_from(["b", "c", "x:d"])
_texts = st.text(st.characters(codec="utf-8", min_codepoint=32, exclude_characters="<&>]"), max_size=5)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(text=_texts, size=st.integers(1, 50))
def test_any_text_comes_out_as_it_is(text: str, size: int) -> None:
    """Whatever an element holds, its text is the record's, however the body is cut."""
    text = "".join(c for c in text if c not in "\ufffe\uffff\x85")

    assert _read(f"<a><b>{text}</b></a>".encode(), "a.b", size) == ([{"#text": text}], [], None)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "declaration",
    [
        "<!DOCTYPE a>",
        '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE a PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://127.0.0.1:1/rss-0.91.dtd">',
        "<!DOCTYPE a [<!ELEMENT a (b)*> <!ELEMENT b ANY> <!-- b --> ]>",
        '<!DOCTYPE a SYSTEM "a.dtd" [<!NOTATION n SYSTEM "n">]>',
    ],
)
def test_a_harmless_document_type_is_passed_over(declaration: str, encoding: str, size: int) -> None:
    """Names of elements and of a file that is never loaded; entities of XML itself stay what they are."""
    body = f'{declaration}<a><b c="&lt;&#233;">&amp;</b><b>é</b></a>'.encode(encoding)

    assert _read(body, "a.b", size) == ([{"@c": "<é", "#text": "&"}, {"#text": "é"}], [], None)


def test_a_document_type_without_end_is_not_gathered() -> None:
    """However many elements it declares, the parser keeps no more than a few hundred KiB of it."""
    chunks = iter([b"<!DOCTYPE a [<!ELEMENT a ", *[b"(" * CHUNK] * 20])
    _, _, error = read(_open("a.b"), chunks)

    assert (type(error), "document type declaration" in str(error), len(list(chunks)) > 15) == (
        LimitExceeded,
        True,
        True,
    )
