"""What a stored line puts back on the stream, and what stays and why."""

import gzip
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.replay_lines import ORIGIN, URL, error, letter, line
from tools.operate.replay.stored import CannotReplay, Replayable
from url_fetcher.delivery.envelope import Envelope, Lines
from url_fetcher.delivery.packing import Entry
from url_fetcher.source.schema import Limits, Source

SOURCE = Source(url=URL, limits=Limits(max_nesting=3))
LINES = b'{"data":1}\n{"data":[2]}\n'
MEMBER = gzip.compress(LINES, mtime=0)


def replayable(*, is_packed: bool = False, max_line_bytes: int = 1_000_000) -> Replayable:
    """As for a deployment with one source, whose records may be nested three levels deep."""
    return Replayable(is_packed=is_packed, max_line_bytes=max_line_bytes, sources={"orders": SOURCE})


def of(stored: dict[str, Any], **deployment: Any) -> Lines | Entry:
    """What a line puts back."""
    return replayable(**deployment).of(json.dumps(stored).encode())


def bytes_of(made: Lines | Entry) -> bytes:
    """What would be put."""
    return made.joined() if isinstance(made, Lines) else made.data


class TestDeadLetters:
    def test_the_line_is_that_of_the_record(self) -> None:
        """Time, address, id and data are those that the stream would have had."""
        made = of(letter('{"a": [[1]]}'))

        assert isinstance(made, Lines)
        assert json.loads(bytes_of(made)) == line('{"a": [[1]]}')

    @given(st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | st.lists(st.text()))
    def test_the_data_are_the_very_bytes(self, value: object) -> None:
        """Whatever the record is, it is put as the source wrote it."""
        data = json.dumps(value, ensure_ascii=False)
        made = replayable().of(json.dumps(letter(data)).encode())

        assert bytes_of(made) == Envelope(ORIGIN).lines([data.encode()]).joined()

    def test_line_breaks_between_tokens_become_spaces(self) -> None:
        """A line of the stream is one line, and its id that of the record in one line."""
        made = of(letter('{"a":\n[1]}', id=Envelope(ORIGIN).id_of(b'{"a": [1]}')))

        assert json.loads(bytes_of(made)) == line('{"a": [1]}')

    def test_an_older_one_gets_the_id_that_its_record_has(self) -> None:
        """Dead letters of older versions have no id; their address and data give it."""
        old = letter('{"a": [[1]]}')
        del old["id"]

        assert json.loads(bytes_of(of(old))) == line('{"a": [[1]]}')

    @pytest.mark.parametrize(
        ("stored", "why"),
        [
            (letter("{", truncated=True), "is cut: raise limits.max_record_kib"),
            (letter("{bad", id=None), "is not JSON"),
            (letter("{bad"), "is not JSON"),
            (letter('{"a":"x\ny"}'), "is not JSON"),
            (letter("[1]", id=None, reason="is not a row of the CSV: 1 field"), "is not JSON"),
            (letter("1", id="no id"), "is not JSON"),
            (letter("[[[[1]]]]"), r"is nested 4 levels deep; the limit is 3 of source 'orders'"),
            (letter("[" * 101 + "]" * 101, sourceUrl="https://x.io/"), "the limit is 100 of any source that"),
            (letter("[1]") | {"data": 3}, "is neither a dead letter nor"),
            ({"timestamp": "", "sourceUrl": "", "id": ""}, "is neither a dead letter nor"),
            ({"timestamp": "", "sourceUrl": "", "id": "", "data": {"a": 1}}, "is neither a dead letter nor"),
        ],
        ids=[
            "cut", "broken", "broken with an id", "a line break in a text", "a row", "a made-up id",
            "too deep for its source", "too deep for any", "wrong type", "no data", "a line of the lake",
        ],
    )  # fmt: skip
    def test_what_cannot_be_put_says_why(self, stored: dict[str, Any], why: str) -> None:
        """Nothing but whole records within their source's limits goes on the stream."""
        with pytest.raises(CannotReplay, match=why):
            of(stored)

    def test_a_row_of_an_older_version_stays(self) -> None:
        """A row of CSV may read as JSON without ever having been a record."""
        old = letter("[1]", reason="is not a row of the CSV: 1 field where there are 2 columns")
        del old["id"]

        with pytest.raises(CannotReplay, match="is not JSON"):
            of(old)

    def test_bytes_that_are_no_text_stay(self) -> None:
        """They are no JSON."""
        stored = letter("", id=None)
        del stored["data"]

        with pytest.raises(CannotReplay, match="is not JSON"):
            of(stored | {"dataBase64": "/w=="})

    def test_a_line_that_no_record_of_the_stream_has_room_for_stays(self) -> None:
        """It would be refused again, and with it all that is put in the same request."""
        with pytest.raises(CannotReplay, match="is too long: it has 1"):
            of(letter('"' + "x" * 1_000 + '"'), max_line_bytes=1_000)


class TestErrors:
    @pytest.mark.parametrize(("data", "is_packed"), [(LINES, False), (MEMBER, True), (MEMBER + MEMBER, True)])
    def test_a_record_of_the_stream_goes_back_as_it_was(self, data: bytes, is_packed: bool) -> None:
        """Its bytes are the very same, plain lines and gzip members alike."""
        made = of(error(data), is_packed=is_packed)

        assert isinstance(made, Entry)
        assert made.data == data

    @pytest.mark.parametrize(
        "changes",
        [
            {
                "lastErrorCode": "DataFormatConversion.ParseError",
                "sequenceNumber": "49",
                "subSequenceNumber": 0,
            },
            {"ErrorCode": "DataFormatConversion.InvalidSchema", "dataCatalogTable": {"catalogId": "1"}},
        ],
        ids=["conversion", "as its page has it"],
    )
    def test_errors_of_a_conversion_are_taken(self, changes: dict[str, Any]) -> None:
        """Firehose names other facts of another step, and the same rawData."""
        assert bytes_of(of(error(LINES, **changes))) == LINES

    @pytest.mark.parametrize(
        ("data", "is_packed"), [(MEMBER, False), (LINES, True)], ids=["a member", "lines"]
    )
    def test_another_packing_than_now_is_packed_anew(self, data: bytes, is_packed: bool) -> None:
        """Plain lines between gzip members, or members between lines, no reader of the lake could read."""
        made = of(error(data), is_packed=is_packed)

        assert isinstance(made, Lines)
        assert (made.joined(), made.each(), list(made.records)) == (
            LINES,
            LINES.splitlines(keepends=True),
            [b"1", b"[2]"],
        )

    def test_a_line_without_an_end_gets_one(self) -> None:
        """Firehose joins records without anything between them."""
        assert bytes_of(of(error(b'{"data":1}'))) == b'{"data":1}\n'

    @pytest.mark.parametrize(
        ("stored", "why"),
        [
            (error(b"", rawData="***"), "is not base64"),
            (error(b""), "a line that is not JSON"),
            (error(b"{bad\n"), "a line that is not JSON"),
            (error(b'{"a":1}\n\n'), "a line that is not JSON"),
            (error(b'{"a":"\xff"}\n'), "a line that is not JSON"),
            (error(MEMBER[:-1]), "a gzip member that ends early"),
            (error(MEMBER + b"no member"), "a gzip member that is broken"),
            (error(gzip.compress(b" " * 9_000_000)), "a gzip member that is over 8388608 bytes"),
            (error(gzip.compress(b"{}\n" * 2_796_202 + b"\n\n") + MEMBER), "gzip members over 8388608 bytes"),
        ],
        ids=["base64", "empty", "broken", "an empty line", "no text", "cut", "more behind", "bomb", "bombs"],
    )
    def test_what_would_break_the_lake_stays(self, stored: dict[str, Any], why: str) -> None:
        """Other producers may have put anything on the stream."""
        with pytest.raises(CannotReplay, match=why):
            of(stored)

    def test_one_that_is_too_long_stays(self) -> None:
        """A stream may take records of 10 MiB, which Firehose does not."""
        with pytest.raises(CannotReplay, match="is too long"):
            of(error(LINES), max_line_bytes=20)


@given(st.binary(max_size=60))
def test_any_bytes_stay(data: bytes) -> None:
    """What is no stored line is never put, and never raises another error."""
    with pytest.raises(CannotReplay):
        replayable().of(data)


@given(st.binary(max_size=60), st.booleans())
def test_any_raw_data_are_lines_or_stay(data: bytes, is_packed: bool) -> None:
    """What goes on the stream is JSON lines, or gzip members of them."""
    try:
        made = of(error(data), is_packed=is_packed)
    except CannotReplay:
        return
    put = bytes_of(made)
    text = zlib.decompress(put, wbits=31) if isinstance(made, Entry) and is_packed else put

    assert all(json.loads(each) is not ... for each in text.split(b"\n")[:-1])
