"""What a stored line puts back on the stream, or why it cannot.

A line is a dead letter of the function, or an error record of Firehose, whose ``rawData`` is a record of the
stream in base64:
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html
https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion-error-handling.html
"""

import binascii
import json
import re
import zlib
from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from url_fetcher.delivery.dead_letters import whole_record
from url_fetcher.delivery.envelope import Envelope, Lines, Origin, ReadyLines
from url_fetcher.delivery.packing import Entry, random_key
from url_fetcher.formats.ndjson import NdjsonSplitter
from url_fetcher.source.identity import configured_url, identity_of
from url_fetcher.source.schema import Limits, Source
from url_fetcher.telling.redaction import public_url

KIB = 1024
GZIP = b"\x1f\x8b"
MAX_MEMBER_BYTES = 8 * KIB * KIB
"""Of the lines in one gzip member; the function waits for far fewer."""

SHOWN_BYTES, START_BYTES = 72, 4096
"""Of a record, as far as it is shown, within 80 columns, and as far as it is looked at for its source."""

SOURCE_URL = re.compile(rb'"sourceUrl": ?"([^"\\]+)"')
ID = re.compile(r"[0-9a-f]{32}")
NO_LINE = "is neither a dead letter nor an error record of Firehose"
NO_ROW = "is not a row of the CSV"


class CannotReplay(ValueError):
    """Why a line stays where it is."""


class Described(NamedTuple):
    """What a person is shown of a stored line.

    Attributes:
        source: Name of its source, or the URL of one that is not configured.
        reason: Why it is there.
        at: When it was fetched, or Firehose gave it up; ISO 8601, empty if that is not known.
        start: The first bytes of the record, as text.
    """

    source: str
    reason: str
    at: str
    start: str


class StoredLine(msgspec.Struct, rename="camel"):
    """The keys of both kinds of line that are read here."""

    timestamp: str = ""
    source_url: str = ""
    id: str | UnsetType | None = UNSET
    reason: str = ""
    data: str | UnsetType = UNSET
    data_base64: str | UnsetType = UNSET
    truncated: bool = False
    total_bytes: int = 0
    raw_data: str | UnsetType = UNSET
    error_code: str = ""
    error_message: str = ""
    arrival_timestamp: int = 0


class _Data(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw()


_SPACE = tuple(" \t\r\n")
_end_of_value = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode
_decode = msgspec.json.Decoder(StoredLine).decode
_decode_data = msgspec.json.Decoder(_Data).decode


def documents(line: bytes) -> list[bytes]:
    """The documents of JSON on a line, each a line by itself; the line as it is if it is anything else."""
    found: list[bytes] = []
    at = 0
    try:
        text = line.decode().strip(" \t\r\n")
        while at < len(text):
            end = _end_of_value(text, at)[1]
            found.append(text[at:end].encode() + b"\n")
            at = end
            while text[at : at + 1] in _SPACE:
                at += 1
    except (ValueError, RecursionError):
        return [line]
    return found if len(found) > 1 else [line]


class Replayable:
    """Says what of stored lines goes back on the stream.

    Args:
        is_packed: Whether the stream's records are gzip members.
        max_line_bytes: The longest line that the stream takes.
        sources: As configured; their limits hold for their records.
    """

    def __init__(self, *, is_packed: bool, max_line_bytes: int, sources: Mapping[str, Source]) -> None:
        self._is_packed = is_packed
        self._max_line_bytes = max_line_bytes
        self._limits = {
            public_url(configured_url(source)): (name, source.limits) for name, source in sources.items()
        }

    def of(self, line: bytes) -> Lines | Entry:
        """Lines for the sink to pack, or an entry to put as it is.

        Raises:
            CannotReplay: With the reason.
        """
        try:
            stored = _decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise CannotReplay(NO_LINE) from error
        if stored.raw_data is not UNSET:
            return self._of_error(stored.raw_data)
        if stored.data is UNSET and stored.data_base64 is UNSET:
            raise CannotReplay(NO_LINE)
        record = self._record(stored)
        envelope = Envelope(Origin(stored.source_url, stored.timestamp, identity_of(stored.source_url)))
        made = envelope.line_of(record, stored.id or envelope.id_of(record))
        self._refuse_too_long(made)
        return ReadyLines([made], [record])

    def described(self, line: bytes) -> Described:
        """What a person is shown of the line, whatever it is."""
        try:
            stored = _decode(line)
        except (msgspec.DecodeError, RecursionError):
            return Described("", NO_LINE, "", _shown(line))
        if not isinstance(stored.raw_data, str):
            data = stored.data if isinstance(stored.data, str) else _of_base64(stored.data_base64)
            reason, start = (stored.reason, data) if data or stored.reason else (NO_LINE, line)
            return Described(self._name(stored.source_url), reason, stored.timestamp, _shown(start))
        start = _of_base64(stored.raw_data)
        if start.startswith(GZIP):
            with suppress(zlib.error):
                start = zlib.decompressobj(wbits=31).decompress(start, START_BYTES)
        found = SOURCE_URL.search(start)
        at = datetime.fromtimestamp(stored.arrival_timestamp / 1000, UTC).isoformat() * bool(
            stored.arrival_timestamp
        )
        reason = f"{stored.error_code}: {stored.error_message}"
        return Described(
            self._name(found[1].decode(errors="replace") if found else ""), reason, at, _shown(start)
        )

    def _name(self, source_url: str) -> str:
        return self._limits.get(source_url, ("",))[0] or source_url

    def _record(self, letter: StoredLine) -> bytes:
        """The whole record of a dead letter, within the limits that its source has now."""
        if letter.truncated:
            raise CannotReplay("is cut: raise limits.max_record_kib of its source and fetch it again")
        data = letter.data.encode() if isinstance(letter.data, str) else b""
        # Those of older versions have no id, and only their reason tells a row of CSV.
        is_row = letter.id is UNSET and letter.reason.startswith(NO_ROW)
        record = b"" if letter.id is None or is_row else whole_record(data)
        if not record or (letter.id is not UNSET and not ID.fullmatch(letter.id or "")):
            raise CannotReplay("is not JSON: mend its source or its settings and fetch it again")
        name, limits = self._limits.get(letter.source_url, ("", Limits()))
        splitter = NdjsonSplitter(
            max_record_bytes=limits.max_record_kib * KIB, max_nesting=limits.max_nesting
        )
        splitter.feed(record + b"\n")
        if splitter.rejected:
            where = f"source {name!r} in pipeline.toml" if name else "any source that is not configured"
            raise CannotReplay(f"{splitter.rejected[0].reason} of {where}")
        return record

    def _of_error(self, raw_data: str) -> Lines | Entry:
        try:
            data = b64decode(raw_data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise CannotReplay("has a rawData that is not base64") from error
        is_member = data.startswith(GZIP)
        text = _decompressed(data) if is_member else data
        lines = text if text.endswith(b"\n") else text + b"\n"
        records = [_record_of(line) for line in lines.split(b"\n")[:-1]]
        if is_member == self._is_packed and lines is text:
            entry = Entry(data, random_key(), len(records))
            self._refuse_too_long(data)
            return entry
        # Of another `packing` than now: Firehose would join what no reader can take apart.
        each = [line + b"\n" for line in lines.split(b"\n")[:-1]]
        self._refuse_too_long(max(each, key=len))
        return ReadyLines(each, records)

    def _refuse_too_long(self, line: bytes) -> None:
        if len(line) > self._max_line_bytes:
            raise CannotReplay(
                f"is too long: it has {len(line)} bytes, a record of the stream has room for "
                f"{self._max_line_bytes}"
            )


def _of_base64(text: str | UnsetType) -> bytes:
    """The first bytes; none if it is not base64."""
    try:
        return b64decode(text[: 4 * START_BYTES]) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        return b""


def _shown(data: bytes | str) -> str:
    text = data[:SHOWN_BYTES]
    text = text if isinstance(text, str) else text.decode(errors="replace")
    return text + "…" * (len(data) > SHOWN_BYTES)


def _record_of(line: bytes) -> bytes:
    """What the line of the stream is for: the bytes that it has as ``data``, or all of another producer's.

    Raises:
        CannotReplay: When it is not one JSON value, which would break the lake's object for its readers.
    """
    if not whole_record(line):
        raise CannotReplay("holds a line that is not JSON")
    try:
        return bytes(_decode_data(line).data) or line
    except (msgspec.DecodeError, RecursionError):
        return line


def _decompressed(data: bytes) -> bytes:
    """What is in gzip members.

    Raises:
        CannotReplay: When they are broken, end early, or hold more than the function ever puts into one.
    """
    parts, left = [], MAX_MEMBER_BYTES
    while data:
        inflater = zlib.decompressobj(wbits=31)
        try:
            part = inflater.decompress(data, left)
        except zlib.error as error:
            raise CannotReplay("holds a gzip member that is broken") from error
        if inflater.unconsumed_tail or not inflater.eof:
            over = f"is over {MAX_MEMBER_BYTES} bytes" if inflater.unconsumed_tail else "ends early"
            raise CannotReplay(f"holds a gzip member that {over}")
        parts.append(part)
        left, data = left - len(part), inflater.unused_data
        if data and not left:
            raise CannotReplay(f"holds gzip members over {MAX_MEMBER_BYTES} bytes")
    return b"".join(parts)
