"""Recognises the format of an answer's body and finds its records."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import urlsplit
from xml.parsers import expat

from tools.probe.client import Answer
from url_fetcher.errors import IngestionError, MalformedBody
from url_fetcher.formats.csv_dialect import Csv
from url_fetcher.formats.detect import open_splitter
from url_fetcher.formats.splitter import split
from url_fetcher.source.schema import Source
from url_fetcher.source.verdict import one_object, refuse_failed
from url_fetcher.telling.redaction import public_url

_USUAL = {"data", "items", "results", "records", "value", "values", "features", "entries", "rows", "hits"}
_MAX_LEVELS = 6
_MAX_SHOWN_ROWS = 50
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],]', re.DOTALL)
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Place:
    """An array of objects in JSON, or elements of one name in XML."""

    path: str
    count: int


@dataclass
class Shape:
    """How a body should be read.

    Attributes:
        format: A source's ``format``.
        places: Possible places of the records, the likeliest first; empty if the body itself is the records.
        csv: The keys of a CSV's dialect that differ from the default.
        whole: The decoded JSON; None for every other format.
        doubts: Notes for the user on uncertain findings.
    """

    format: str
    places: list[Place] = field(default_factory=list)
    csv: dict[str, Any] = field(default_factory=dict)
    whole: Any = None
    doubts: list[str] = field(default_factory=list)

    @property
    def record_path(self) -> str:
        """The path of the likeliest place."""
        return self.places[0].path if self.places else ""


@dataclass
class Page:
    """An answer's records, as the function splits them."""

    answer: Answer
    records: list[bytes]
    outside: object

    @property
    def values(self) -> list[Any]:
        """The records, decoded."""
        return [json.loads(each) for each in self.records]


def shape_of(answer: Answer) -> Shape:
    """Recognises the format of a body.

    Raises:
        MalformedBody: When the format is not supported.
    """
    body = answer.body.removeprefix(b"\xef\xbb\xbf").strip()
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    name = urlsplit(answer.url).path.lower().removesuffix(".gz").removesuffix(".zst")
    if body.startswith(b"<"):
        return _xml(body)
    if body.startswith(b"\x1e"):
        return Shape("json_seq")
    if body.startswith((b"{", b"[")):
        return _json(body, answer)
    if not body and "csv" not in kind and not name.endswith(".csv"):
        raise MalformedBody("the body is empty: nothing can be seen in it", offset=0)
    return _csv(answer.body)


def page_of(answer: Answer, source: Source) -> Page:
    """Splits an answer into records with the function's own splitter.

    Raises:
        IngestionError: When a complete body does not fit the source's settings, or is an error by its
            ``fail_when`` or ``retry_when``.
    """
    splitter = open_splitter(
        source.format,
        record_path=source.record_path,
        records_optional=source.records_optional,
        csv=source.csv,
        max_record_bytes=source.limits.max_record_kib * 1024,
        max_nesting=source.limits.max_nesting,
        content_type=answer.headers.get("Content-Type", ""),
        url=source.url,
    )
    records: list[bytes] = []
    try:
        for given, _ in split([answer.body], splitter):
            records += map(bytes, given)
    except IngestionError:
        if not answer.is_cut:
            # An answer without records may be an error that the source's conditions recognise.
            _refuse_failed(splitter.outside(), source)
            raise
    # The values outside the records are unknown if the body was cut.
    outside = None if answer.is_cut else splitter.outside()
    about = outside if outside is not None or answer.is_cut else one_object(splitter.shape, records[:2])
    _refuse_failed(about, source)
    return Page(answer, records, outside)


def _refuse_failed(outside: object, source: Source) -> None:
    """Raises if one of the source's conditions says that a successful answer is an error."""
    where = public_url(source.url)
    refuse_failed(outside, retry_when=source.retry_when, fail_when=source.fail_when, url=where)


def _json(body: bytes, answer: Answer) -> Shape:
    try:
        whole = json.loads(_closed(body) if answer.is_cut else body)
    except (ValueError, RecursionError):
        lines = body.splitlines()
        if len(lines) > 1 and lines[0].startswith((b"{", b"[")) and _is_json(lines[0]):
            return Shape("ndjson")
        raise MalformedBody("the body begins as JSON does, but is not JSON", offset=0) from None
    shape = Shape("json", whole=whole)
    shape.places = _ranked(arrays(whole), answer.url)
    if isinstance(whole, dict) and not shape.places:
        shape.doubts.append("no array of objects is in the first page: each answer is one record")
    close = [one.path for one in shape.places[1:] if one.count > 1]
    if close:
        shape.doubts.append(f"other arrays of objects are at {', '.join(map(repr, close[:5]))}")
    return shape


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _closed(body: bytes) -> bytes:
    """Repairs JSON that was cut: drops the incomplete end and closes arrays and objects."""
    stack: list[bytes] = []
    end, closers = 0, b""
    for token in _TOKEN.finditer(body):
        mark = token.group()
        if mark in (b"{", b"["):
            stack.append(b"}" if mark == b"{" else b"]")
        elif mark in (b"}", b"]") and stack:
            stack.pop()
            end, closers = token.end(), b"".join(reversed(stack))
    return body[:end] + closers


def arrays(value: object, keys: tuple[str, ...] = (), *, is_pointer: bool = False) -> Iterator[Place]:
    """Yields every array of objects that is not inside another one."""
    if len(keys) > _MAX_LEVELS:
        return
    if isinstance(value, list):
        if value and all(isinstance(each, dict) for each in value):
            yield Place(written(keys, is_pointer=is_pointer), len(value))
            return
        for index, each in enumerate(value[:20]):
            if isinstance(each, dict | list):
                yield from arrays(each, (*keys, str(index)), is_pointer=True)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from arrays(each, (*keys, key), is_pointer=is_pointer)


def written(keys: tuple[str, ...], *, is_pointer: bool = False) -> str:
    """Keys as a path: joined by dots if possible, else as a JSON Pointer."""
    if is_pointer or any("." in key or key.startswith("/") or not key for key in keys):
        return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)
    return ".".join(keys)


def _ranked(places: Iterator[Place], url: str) -> list[Place]:
    named = urlsplit(url).path.rstrip("/").rpartition("/")[2].partition(".")[0].lower()

    def rank(place: Place) -> tuple[bool, int]:
        key = re.split(r"[./]", place.path)[-1].lower()
        return (place.path == "" or key in _USUAL or key == named, place.count)

    return sorted(places, key=rank, reverse=True)


def _xml(body: bytes) -> Shape:
    """XML, whose records are taken to be the shallowest elements that are repeated."""
    counts: Counter[str] = Counter()
    stack: list[str] = []
    parser = expat.ParserCreate()

    def start(name: str, _: dict[str, str]) -> None:
        stack.append(name)
        counts[".".join(stack)] += 1

    # Here as in the function: entities could expand without end.
    def refuse(*_: object) -> None:
        raise MalformedBody("the body has a document type declaration, which is refused", offset=0)

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: stack.pop()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, False)
    except expat.ExpatError as error:
        raise MalformedBody(f"the body begins as XML does, but is not XML: {error}", offset=0) from error
    several = [Place(path, count) for path, count in counts.items() if count > 1 and "." in path]
    several.sort(key=lambda place: (place.path.count("."), -place.count))
    shape = Shape("xml", several[:8])
    if not several:
        deepest = next(iter(counts))
        shape.places = [Place(deepest, 1)]
        shape.doubts.append("no element comes several times: the document is one record")
    return shape


def _csv(body: bytes) -> Shape:
    shape = Shape("csv")
    encoding = "utf-8"
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        try:
            body[: body.rfind(b"\n") + 1 or None].decode()
        except UnicodeDecodeError:
            encoding = "windows-1252"
            shape.doubts.append("csv.encoding: the bytes are no UTF-8; windows-1252 is a guess")
    text = body.decode(encoding, "replace").removeprefix("\ufeff")
    delimiter = max(_DELIMITERS, key=lambda each: _evenness(text, each))
    if delimiter != Csv().delimiter:
        shape.csv["delimiter"] = delimiter
    if encoding != "utf-8":
        shape.csv["encoding"] = encoding
    if _evenness(text, delimiter) == (0, 0):
        shape.doubts.append("no delimiter comes in every row: one column, or no CSV")
    return shape


def _evenness(text: str, delimiter: str) -> tuple[int, int]:
    """The number of rows with as many fields as the first, and that number; (0, 0) for one field."""
    rows = list(islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), _MAX_SHOWN_ROWS))
    fields = len(rows[0]) if rows else 0
    return (sum(len(row) == fields for row in rows), fields) if fields > 1 else (0, 0)
