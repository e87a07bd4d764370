"""Recognises the format of an answer's body and finds its records."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal
from urllib.parse import urlsplit
from xml.parsers import expat

from tools.probe.client import Answer
from url_fetcher.errors import MalformedBody
from url_fetcher.formats.csv_dialect import Csv
from url_fetcher.formats.detect import open_splitter
from url_fetcher.formats.splitter import split
from url_fetcher.source.schema import Source

_USUAL = {
    "data", "items", "results", "records", "value", "values", "features", "entries", "entry", "rows",
    "hits", "docs", "documents", "nodes", "edges", "content", "member", "hydra:member", "list", "objects",
    "resources",
}  # fmt: skip
_MAX_LEVELS = 6
_MAX_SHOWN_ROWS = 50
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],]', re.DOTALL)
_LIST = re.compile(r"(^|[./_a-z])(ids?|keys|list|data|items|results)$", re.IGNORECASE)
_MIN_MEMBERS = 3
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Place:
    """An array or an object of records in JSON, or elements of one name in XML.

    Attributes:
        kind: The kind of all elements; ``members`` for an object whose members are objects.
    """

    path: str
    count: int
    kind: Literal["objects", "arrays", "members", "scalars"] = "objects"


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
    """A page's records as the function splits them, and what is outside of them.

    Attributes:
        records: Each record's own bytes.
        outside: The decoded body without its records; None if there is nothing else in it.
        headers: The answer's headers.
        url: The answer's URL, after redirects.
        rejected: Why each undeliverable record is one.
        is_whole: True if the page was read to its end.
        is_repeat: True if its records were left out, because they are those of a page before it.
    """

    records: list[bytes]
    outside: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    rejected: list[str] = field(default_factory=list)
    is_whole: bool = False
    is_repeat: bool = False

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


def cut_page(answer: Answer, source: Source) -> Page:
    """Splits the beginning of a body that is larger than what a probe reads.

    Raises:
        IngestionError: When it does not fit the source's settings.
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
    page = Page([], None, answer.headers, answer.url)
    try:
        for given, rejected in split([answer.body], splitter):
            page.records += map(bytes, given)
            page.rejected += [each.reason for each in rejected]
    except MalformedBody:
        if not page.records:
            raise
    return page


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
        shape.doubts.append("no array is in the first page: each answer is one record")
    close = [one.path for one in shape.places[1:] if one.count > 1 and one.kind == shape.places[0].kind]
    if close:
        shape.doubts.append(
            f"other arrays of {shape.places[0].kind} are at {', '.join(map(repr, close[:5]))}"
        )
    return shape


def _is_map(value: Mapping[str, Any]) -> bool:
    """True if the object seems to have records by key: several objects with mostly the same members."""
    members = [set(each) for each in value.values() if isinstance(each, dict)]
    if len(members) < _MIN_MEMBERS or len(members) < len(value):
        return False
    return 2 * len(set.intersection(*members)) >= len(set.union(*members)) > 0


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
    """Yields every array or object with elements of one kind, but none inside another one."""
    if len(keys) > _MAX_LEVELS:
        return
    if isinstance(value, list):
        kind = _kind_of(value)
        if kind or (not value and keys and keys[-1].lower() in _USUAL):
            yield Place(written(keys, is_pointer=is_pointer), len(value), kind or "objects")
            return
        for index, each in enumerate(value[:20]):
            if isinstance(each, dict | list):
                yield from arrays(each, (*keys, str(index)), is_pointer=True)
    elif isinstance(value, Mapping):
        path = written((*keys, "*"), is_pointer=is_pointer)
        # In a JSON Pointer the star is a key like any other.
        if _is_map(value) and not path.startswith("/"):
            yield Place(path, len(value), "members")
            return
        for key, each in value.items():
            yield from arrays(each, (*keys, key), is_pointer=is_pointer)


def _kind_of(elements: list[Any]) -> Literal["objects", "arrays", "scalars", ""]:
    """The kind of all elements; empty if they are of several kinds, or there are none."""
    if not elements:
        return ""
    if all(isinstance(each, dict) for each in elements):
        return "objects"
    if all(isinstance(each, list) and _kind_of(each) in ("scalars", "") for each in elements):
        return "arrays" if not any(isinstance(one, dict) for each in elements for one in each) else ""
    return "" if any(isinstance(each, dict | list) for each in elements) else "scalars"


def written(keys: tuple[str, ...], *, is_pointer: bool = False) -> str:
    """Keys as a path: joined by dots if possible, else as a JSON Pointer."""
    if is_pointer or any("." in key or key.startswith("/") or not key for key in keys):
        return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)
    return ".".join(keys)


def _ranked(places: Iterator[Place], url: str) -> list[Place]:
    named = urlsplit(url).path.rstrip("/").rpartition("/")[2].partition(".")[0].lower()

    def rank(place: Place) -> tuple[int, bool, int]:
        key = re.split(r"[./]", place.path)[-1].lower()
        is_usual = place.path == "" or key in _USUAL or key == named
        return ({"scalars": 0, "members": 1}.get(place.kind, 2), is_usual, place.count)

    # Scalars are mostly a list inside the one record, such as its tags.
    meant = (one for one in places if one.kind != "scalars" or not one.path or _LIST.search(one.path))
    return sorted(meant, key=rank, reverse=True)


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
