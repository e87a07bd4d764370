"""What is in a body of any format, read slowly and apart from the splitters: one character at a time."""

import json
from collections.abc import Iterator, Sequence
from json import JSONDecodeError
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from benchmarks.json_oracle import expect

MAX_NESTING = 100
_SPACE = b" \t\r\n"


class Reading(NamedTuple):
    """What is in a body.

    Args:
        records: Each record, line breaks replaced by spaces.
        rejected: What can never be a record, line breaks replaced by spaces.
        is_broken: Whether the body ends at something after which nothing can be trusted.
    """

    records: list[bytes]
    rejected: list[bytes]
    is_broken: bool = False


def depth_of(text: str) -> int:
    """How many brackets are open at most, outside of strings."""
    deepest = depth = 0
    in_string = is_escaped = False
    for character in text:
        if in_string:
            in_string = is_escaped or character != '"'
            is_escaped = character == "\\" and not is_escaped
        elif character == '"':
            in_string = True
        else:
            depth += (character in "[{") - (character in "]}")
            deepest = max(deepest, depth)
    return deepest


def read_json(body: bytes) -> Reading:
    """The elements of arrays and the other values, in a row; null alone is nothing."""
    if body.strip(_SPACE) == b"null":
        return Reading([], [])
    expected = expect(body)
    records = [text.encode() for text in expected.records if depth_of(text) <= MAX_NESTING]
    rejected = [_one_line(text.encode()) for text in expected.rejected]
    rejected += [text.encode() for text in expected.records if depth_of(text) > MAX_NESTING]
    return Reading(records, rejected, expected.broken)


def read_ndjson(body: bytes) -> Reading:
    """One value a line."""
    return _texts(body.split(b"\n"))


def read_json_seq(body: bytes) -> Reading:
    """One value behind each record separator, white space behind what does not end by itself."""
    before, *texts = body.split(b"\x1e")
    if before.strip(_SPACE):
        return Reading([], [], is_broken=True)
    return _texts(texts, is_sequence=True)


def _texts(texts: list[bytes], *, is_sequence: bool = False) -> Reading:
    reading = Reading([], [])
    for text in texts:
        record = text.strip(_SPACE)
        if not record:
            continue
        may_be_cut = is_sequence and record[:1] not in (b"{", b"[", b'"') and text.rstrip(_SPACE) == text
        if not may_be_cut and is_one_value(record):
            reading.records.append(_one_line(record))
        else:
            reading.rejected.append(_one_line(text))
    return reading


def _one_line(text: bytes) -> bytes:
    return text.replace(b"\r", b" ").replace(b"\n", b" ")


def is_one_value(record: bytes) -> bool:
    """Whether a strict parser takes ``record`` as one value, not nested too deep."""
    try:
        text = record.decode()
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)
    except (UnicodeDecodeError, JSONDecodeError, _Constant):
        return False
    return depth_of(text) <= MAX_NESTING


class _Constant(Exception):
    pass


def _refuse(name: str) -> None:
    raise _Constant(name)


class _Members(list[tuple[str, Any]]):
    """An object as it is written: every member, repeated keys too."""


def decoded(record: bytes) -> Any:
    """A value as it is written, so that two of them can be compared."""
    return json.loads(
        record, object_pairs_hook=_Members, parse_int=str, parse_float=str, parse_constant=_NAMED.get
    )


def read_path(body: bytes, path: tuple[str, ...]) -> tuple[list[Any], bool]:
    """The decoded records at ``path``, and whether the body is broken."""
    try:
        found = decoded(_marked(body.decode()).encode())
    except (UnicodeDecodeError, JSONDecodeError):
        return [], bool(body.strip(_SPACE))
    for key in path:
        values = [value for name, value in found if name == key] if isinstance(found, _Members) else []
        if len(values) != 1 or any(_has_constant(pair) for pair in found if pair[0] != key):
            return [], True
        found = values[0]
    records = [] if found is None else found if _is_array(found) else [found]
    if any(isinstance(record, str) and _LINE_BREAK in record for record in records):
        return [], True
    return [record for record in records if not _has_constant(record)], False


_NAMED = {name: _Constant(name) for name in ("NaN", "Infinity", "-Infinity")}


def _is_array(value: Any) -> bool:
    return isinstance(value, list) and not isinstance(value, _Members)


def _has_constant(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_has_constant, value))
    if isinstance(value, str):
        return _CONTROL in value or _LINE_BREAK in value
    return isinstance(value, _Constant)


_CONTROL, _LINE_BREAK = "\ue000", "\ue001"


def _marked(text: str) -> str:
    """The text with marks in place of control characters in strings, which JSON would refuse."""
    marked, in_string, is_escaped = [], False, False
    for character in text:
        if in_string and character < " ":
            marked.append(_LINE_BREAK if character in "\r\n" else _CONTROL)
            continue
        marked.append(character)
        if character == '"' and not is_escaped:
            in_string = not in_string
        is_escaped = in_string and character == "\\" and not is_escaped
    return "".join(marked)


class Signs(NamedTuple):
    """What delimits, quotes and escapes in a CSV; the last two may be empty."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""


def read_csv(body: bytes, max_record_bytes: int, signs: Signs) -> Reading:
    """Rows as objects of strings, each as ``json.dumps`` writes it."""
    reading = Reading([], [])
    columns: list[str] = []
    for row in _csv_rows(body, *(sign.encode() for sign in signs)):
        is_swallowing = row.broken - row.start > max_record_bytes
        is_too_long = row.end - row.start > max_record_bytes
        if row.is_open or is_swallowing or (is_too_long and not columns):
            return reading._replace(is_broken=True)
        data = body[row.start : row.end]
        fields = None if row.broken >= 0 or is_too_long else _csv_fields(data, signs, row.line_end)
        if not columns:
            if fields is None or len(set(fields)) < len(fields):
                return reading._replace(is_broken=True)
            columns = fields
        elif fields == [] and len(columns) == 1:
            reading.records.append(json.dumps({columns[0]: ""}).encode())
        elif fields is None or (fields and len(fields) != len(columns)):
            reading.rejected.append(_one_line(data[:max_record_bytes]))
        elif fields:
            reading.records.append(json.dumps(dict(zip(columns, fields, strict=True))).encode())
    return reading


class _Row(NamedTuple):
    start: int
    end: int
    broken: int
    is_open: bool
    line_end: str


def _csv_rows(body: bytes, delimiter: bytes, quote: bytes, escape: bytes) -> Iterator[_Row]:
    """Where rows begin, end and break; a row that an open quote does not let end is the last."""
    end = 0
    line_end = b""
    while end < len(body):
        start, at = end, end
        broken, is_quoted, begins_field, has_ended = -1, False, True, False
        while at < len(body) and not has_ended:
            byte, following = body[at : at + 1], body[at + 1 : at + 2]
            at += 1
            if byte == escape and broken < 0:
                at = min(at + 1, len(body))
            elif is_quoted:
                if byte == quote and following == quote:
                    at += 1
                elif byte == quote:
                    is_quoted = False
                    broken = -1 if following in (b"", delimiter, b"\r", b"\n") else at
            elif broken < 0 and begins_field and byte == quote:
                is_quoted = True
            elif not line_end and byte in (b"\r", b"\n"):
                line_end, has_ended = (b"\r" if byte == b"\r" and following != b"\n" else b"\n"), True
                at += byte == b"\r" and following == b"\n"
            else:
                has_ended = byte == line_end
            begins_field = byte == delimiter and not is_quoted
        end = at
        yield _Row(start, end, broken, is_quoted, line_end.decode() or "\n")


def _csv_fields(row: bytes, signs: Signs, line_end: str) -> list[str] | None:
    """The fields of a row that is not broken; none of a blank one, None where it cannot be read."""
    try:
        text = row.decode()
    except UnicodeDecodeError:
        return None
    fields, is_quoted, was_quoted, at = [""], False, False, 0
    while at < len(text):
        character = text[at]
        if character == signs.escape:
            at += 1
            # A line end that is the row's last character escapes nothing: the body ends there.
            if at == len(text) or text[at:] == line_end:
                return None
            fields[-1] += text[at]
        elif is_quoted and text[at : at + 2] == signs.quote * 2:
            fields[-1] += signs.quote
            at += 1
        elif character == signs.quote and (is_quoted or (not fields[-1] and not was_quoted)):
            is_quoted, was_quoted = not is_quoted, True
        elif not is_quoted and character in "\r\n":
            return None if text[at:].strip("\r\n") else fields if at else []
        elif is_quoted or character != signs.delimiter:
            fields[-1] += character
        else:
            fields.append("")
            was_quoted = False
        at += 1
    return fields if text else []


def read_xml(body: bytes, path: Sequence[str]) -> Reading:
    """The elements at ``path``, read by ElementTree a byte at a time, each as ``json.dumps`` writes it."""
    reading, names = Reading([], []), list[str]()
    parser: Any = XMLPullParser(("start", "end"))
    body = body.lstrip(_SPACE)
    try:
        for at in range(len(body)):
            parser.feed(body[at : at + 1])
            for event, element in parser.read_events():
                if event == "start":
                    names.append(_local_name(element))
                elif names.pop() and [*names, _local_name(element)] == path:
                    value = _xml_value(element)
                    record = value if isinstance(value, dict) else {"#text": value}
                    reading.records.append(json.dumps(record).encode())
                if names[:1] not in ([], [path[0]]):
                    return reading._replace(is_broken=True)
        if body:
            parser.close()
    except (ParseError, ValueError, LookupError):
        return reading._replace(is_broken=True)
    return reading


def _xml_value(element: Element) -> object:
    value: dict[str, Any] = {f"@{name}": text for name, text in element.attrib.items()}
    text = element.text or ""
    for child in element:
        name = _local_name(child)
        value[name] = [*value.get(name, []), _xml_value(child)]
        text += child.tail or ""
    value = {
        name: each[0] if isinstance(each, list) and len(each) == 1 else each for name, each in value.items()
    }
    if value and text.strip(" \t\r\n"):
        value["#text"] = text
    return value or text


def _local_name(element: Element) -> str:
    """The name as it is written; a default namespace, which damage may have declared, is no part of it."""
    return element.tag.rpartition("}")[2]
