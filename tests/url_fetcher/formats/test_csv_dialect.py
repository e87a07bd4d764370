"""CSV as other programs write it: signs, encodings, headers and types."""

import codecs
import csv
import io
import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.json_oracle import cut
from tests.url_fetcher.json_texts import cuts, read
from url_fetcher.errors import MalformedBody
from url_fetcher.formats.csv_dialect import Csv, Encoding
from url_fetcher.formats.detect import open_splitter
from url_fetcher.formats.splitter import Rejected

SIZES = [1, 2, 7, 10_000]


def _read(body: bytes, size: int = 10_000, *, limit: int = 10_000, **dialect: Any) -> Any:
    """Decoded records, rejected records and the error of a body that is cut into chunks of a size."""
    splitter = open_splitter("csv", csv=Csv(**dialect), max_record_bytes=limit, max_nesting=100)
    records, rejected, error = read(splitter, cut(body, [size]))
    return [json.loads(record) for record in records], rejected, error


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    rows=st.lists(st.tuples(*[st.text("ab,;|\t'\"\\ \né", max_size=5)] * 2), max_size=6),
    delimiter=st.sampled_from(",;|\t\x01 ^"),
    quote=st.sampled_from("\"'"),
    is_escaped=st.booleans(),
    sizes=cuts,
)
def test_what_the_standard_library_writes_is_read(
    rows: list[tuple[str, str]], delimiter: str, quote: str, is_escaped: bool, sizes: list[int]
) -> None:
    """In any dialect, doubled or escaped quotes, however the body is cut, fields come out as they were."""
    text = io.StringIO()
    writer = csv.writer(
        text,
        delimiter=delimiter,
        quotechar=quote,
        quoting=csv.QUOTE_ALL,
        doublequote=not is_escaped,
        escapechar="\\" if is_escaped else None,
        lineterminator="\n",
    )
    writer.writerows([("a", "b"), *rows])
    dialect = Csv(delimiter=delimiter, quote=quote, escape="\\" if is_escaped else "")
    splitter = open_splitter("csv", csv=dialect, max_record_bytes=10_000, max_nesting=100)

    records, rejected, error = read(splitter, cut(text.getvalue().encode(), sizes))

    assert ([json.loads(each) for each in records], rejected, error) == (
        [{"a": a, "b": b} for a, b in rows],
        [],
        None,
    )


@pytest.mark.parametrize("size", SIZES)
def test_without_quotes_they_are_characters(size: int) -> None:
    """Where nothing quotes, as in many tab-separated files, no quote takes a row with it."""
    found = _read(b'a\tb\n"1\t5"\n2\t"x\n', size, delimiter="\t", quote="")

    assert found == ([{"a": '"1', "b": '5"'}, {"a": "2", "b": '"x'}], [], None)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("quote", ["", '"'])
def test_an_escaped_delimiter_or_line_end_belongs_to_the_field(size: int, quote: str) -> None:
    r"""As MySQL writes them: \, and \<LF> do not end anything, \\ is one backslash."""
    found = _read(b"a,b\n1\\,2,3\\\n4\n5,6\\\\\n", size, quote=quote, escape="\\")

    assert found == ([{"a": "1,2", "b": "3\n4"}, {"a": "5", "b": "6\\"}], [], None)


@pytest.mark.parametrize("encoding", get_args(Encoding))
@pytest.mark.parametrize("size", [1, 3, 10_000])
def test_each_encoding_is_read(encoding: Any, size: int) -> None:
    """Every encoding of the list brings its own characters, between quotes and without."""
    sample = {
        "koi8-r": "Жя",
        "windows-1251": "Жя",
        "windows-1253": "Ωλ",
        "windows-1257": "ųž",
        "windows-1254": "ığ",
    }
    sample |= {"shift_jis": "表ソ①", "euc-jp": "表ソ", "euc-kr": "한글", "gb18030": "漢丂𠀀", "big5": "功許"}
    sample |= {
        "utf-8": "é€😀",
        "utf-16": "é€😀ਊ",
        "iso-8859-1": "é\x85",
        "iso-8859-2": "řů",
        "iso-8859-15": "é€",
    }
    text = sample.get(encoding, "é€")
    body = f'a|{text}\n"{text}|""\n"|{text}\n'.encode(Csv(encoding=encoding).codec)

    found = _read(body, size, delimiter="|", encoding=encoding)

    assert found == ([{"a": f'{text}|"\n', text: text}], [], None)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("encoding", "before", "bad"),
    [
        ("windows-1252", b"a,b\n1,2\n", b"\x81,3\n"),
        ("shift_jis", b"a,b\n1,2\n", b"\x81\xff,3\n"),
        ("utf-16", codecs.BOM_UTF16_LE + "a,b\n1,2\n".encode("utf-16-le"), b"\x00\xd8,\x003\x00\n\x00"),
    ],
)
def test_bytes_that_the_encoding_does_not_have_reject_their_row_alone(
    encoding: str, before: bytes, bad: bytes, size: int
) -> None:
    """The reason says that it is the encoding; the rows around it are records."""
    after = "4,5\n".encode("utf-16-le" if encoding == "utf-16" else encoding)

    records, rejected, error = _read(before + bad + after, size, encoding=encoding)

    assert ([each["a"] for each in records], error) == (["1", "4"], None)
    assert ["codec can't decode" in each.reason and "csv.encoding" in each.reason for each in rejected] == [
        True
    ]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("body", "encoding", "words"),
    [
        ("a,é\n1,2\n".encode("windows-1252"), "utf-8", "csv.encoding"),
        ("a,b\n".encode("utf-16"), "utf-8", 'csv.encoding = "utf-16"'),
        (b"a,b\n1,2\n", "utf-16", "byte order mark"),
    ],
)
def test_a_header_in_another_encoding_is_told_with_the_way_out(
    body: bytes, encoding: str, words: str, size: int
) -> None:
    """Where nothing of a body can be read it is malformed, not a crash."""
    records, _, error = _read(body, size, encoding=encoding)

    assert (records, type(error), words in str(error)) == ([], MalformedBody, True)


@pytest.mark.parametrize("size", [1, 3, 10_000])
def test_half_a_character_at_the_end_of_utf_16_rejects_the_last_row(size: int) -> None:
    """A body that lacks its last byte loses no more than its last row."""
    records, rejected, error = _read("a\n1\n22".encode("utf-16")[:-1], size, encoding="utf-16")

    assert (records, len(rejected), error) == ([{"a": "1"}], 1, None)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("dialect", "names"),
    [({"columns": ["x", "y"]}, ["x", "y"]), ({"header": False}, ["column_1", "column_2"])],
)
def test_without_a_header_the_first_row_is_a_record(
    dialect: dict[str, Any], names: list[str], end: str, size: int
) -> None:
    """Columns are named by the setting or by their number, and no row is lost."""
    found = _read(end.join(["1,2", "3,4", ""]).encode(), size, **dialect)

    assert found == ([dict(zip(names, row, strict=True)) for row in (["1", "2"], ["3", "4"])], [], None)


def test_a_row_of_another_width_than_the_columns_is_rejected() -> None:
    """Also the first one, of which nobody knows whether it is a header."""
    records, rejected, _ = _read(b"1,2,3\n4,5\n", columns=["a", "b"])

    assert (records, rejected) == (
        [{"a": "4", "b": "5"}],
        [
            Rejected(
                b"1,2,3\n", "is not a row of the CSV: 3 fields where there are 2 columns", 0, is_record=False
            )
        ],
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_before_the_header_are_skipped(end: bytes, size: int) -> None:
    """As many lines as the setting says, whatever is in them; offsets count them."""
    body = end.join([b'Report "of', b"", b"a,b", b"1,2", b"3", b""])

    records, rejected, _ = _read(body, size, skip_lines=2)

    assert (records, [(each.data, each.offset) for each in rejected]) == (
        [{"a": "1", "b": "2"}],
        [(b"3" + end, body.index(b"3"))],
    )


def test_a_body_of_fewer_lines_than_are_skipped_has_no_records() -> None:
    """Nothing is left, and nothing is kept of a long line that is skipped."""
    assert _read(b"x\ny", skip_lines=5) == ([], [], None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("0", 0),
        ("-7", -7),
        ("123456789012345", 123456789012345),
        ("0.1", 0.1),
        ("-0.000001", -0.000001),
        ("12345678.1234567", 12345678.1234567),
        ("true", True),
        ("false", False),
        ("", None),
        *(
            (text, text)
            for text in (
                "007", "1.50", "1.0", "-0", "+1", "1e5", ".5", "5.", "1234567890123456", "0.1234567890123456",
                "NaN", "Infinity", "True", "TRUE", "null", " 1", "1 ", "1,000", "٣", "1_000", "0x1F", "--1",
            )
        ),
    ],
)  # fmt: skip
def test_types_are_inferred_only_where_nothing_is_lost(field: str, value: object) -> None:
    """Written as text again, the value is the field: no leading zero, sign or digit gets lost."""
    (record,), rejected, error = _read(f'a,b\n"{field}",x\n'.encode(), types="infer")

    assert (record["a"], type(record["a"]), record["b"], rejected, error) == (
        value,
        type(value),
        "x",
        [],
        None,
    )


def test_an_inferred_number_keeps_its_own_text() -> None:
    """No number passes through a float."""
    splitter = open_splitter("csv", csv=Csv(types="infer"), max_record_bytes=1_000, max_nesting=100)

    assert read(splitter, [b"a\n0.00000012345\n"])[0] == [b'{"a":0.00000012345}']


def test_memory_stays_small_in_a_transcoded_body() -> None:
    """A quote that stays open in UTF-16 is not gathered."""
    splitter = open_splitter("csv", csv=Csv(encoding="utf-16"), max_record_bytes=10_000, max_nesting=100)
    splitter.feed('a\n"'.encode("utf-16"))
    for _ in range(16):
        splitter.feed(("x\n" * 100_000).encode("utf-16-le"))
    rows: Any = splitter

    assert len(rows._splitter._splitter._window.data) < 500_000


@pytest.mark.parametrize("size", SIZES)
def test_the_last_columns_may_be_optional(size: int) -> None:
    """So many fields may be missing at the end of a row; fewer, and more than the header has, are a fault."""
    body = b"a,b,c,d\n1,2,3,4\n1,2,3\n1,2\n\n1\n1,2,3,4,5\n1,2,,\n"

    records, rejected, _ = _read(body, size, optional_columns=2, types="infer")

    assert [list(record.values()) for record in records] == [
        [1, 2, 3, 4],
        [1, 2, 3],
        [1, 2],
        [1, 2, None, None],
    ]
    assert [each.data for each in rejected] == [b"1\n", b"1,2,3,4,5\n"]
