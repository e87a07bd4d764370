"""Records in XML: each element at a path becomes one JSON object."""

import re
from collections.abc import Sequence
from xml.parsers import expat

from url_fetcher.errors import IngestionError, LimitExceeded, MalformedBody
from url_fetcher.formats.splitter import ERROR_KEYS, KEPT_BYTES, Rejected, Splitter
from url_fetcher.formats.xml_tree import ElementTree

# The parser reads this much between two checks of its limits.
_STEP_BYTES = 65_536
# expat keeps every open element and every different name in memory: limits against hostile bodies.
_MAX_DEPTH = 10_000
_MAX_NAMES = 10_000
_MAX_DOCTYPE_BYTES = 262_144
_SHOWN_NAMES = 10
_SPACE = b" \t\r\n"
_TAG = re.compile(rb"""(?:[^"'>]|"[^"]*"|'[^']*')*+>""")
_ENTITY = re.compile(rb"&(?!(?:lt|gt|amp|quot|apos);)([^#;][^;]*);")
_UNUSABLE = (expat.ExpatError, LookupError, ValueError)


class XmlSplitter(Splitter):
    """Splits XML of any length, with memory for one record and one step of the parser.

    An element at the path that is too long or nested too deep is rejected alone. XML that is not
    well-formed ends the body. So does a document type declaration that declares entities or attributes, and
    an entity that only the file of an external declaration would have: nothing is expanded or loaded.

    Args:
        path: Names of elements, from the root to the one that is a record; prefixes as written.
        max_record_bytes: An element that is longer, as XML or as JSON, is rejected; only its beginning is
            kept.
        max_nesting: An element nested deeper is rejected.
        records_optional: As ``open_splitter``'s.
        encoding: Overrides that of the declaration; empty for the declaration's.
    """

    def __init__(
        self,
        *,
        path: tuple[str, ...],
        max_record_bytes: int,
        max_nesting: int,
        records_optional: bool = False,
        encoding: str = "",
    ) -> None:
        super().__init__()
        self._shape = "XML"
        self._path = path
        self._records_optional = records_optional
        self._max_record_bytes = max_record_bytes
        self._max_nesting = max_nesting
        self._tree = ElementTree()
        self._records: list[bytes] = []
        self._offset = self._fed = 0
        self._begun = self._ended = False
        # The XML of the current record, or of the current step.
        self._raw = bytearray()
        self._raw_offset = self._record_offset = 0
        self._depth = self._matched = self._deepest_match = self._deepest = 0
        self._is_in_record = self._is_dropped = False
        self._kept = b""
        self._kept_bytes = min(KEPT_BYTES, max_record_bytes)
        self._siblings: list[str] = []
        self._parser = expat.ParserCreate(encoding or None)
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._begin_doctype
        self._parser.EndDoctypeDeclHandler = self._end_doctype
        self._parser.EntityDeclHandler = self._parser.AttlistDeclHandler = _refuse_declaration
        self._parser.SkippedEntityHandler = _refuse_entity
        self._doctype_offset = -1
        self._may_skip, self._start = False, self._start_inside
        self._look_for_records()

    def start(self, offset: int) -> None:
        """As every splitter."""
        self._offset = offset

    def feed(self, chunk: bytes) -> Sequence[bytes]:
        """Returns the records that this chunk completes."""
        self._raise_failure()
        if not self._begun:
            text = chunk.lstrip(_SPACE)
            self._offset += len(chunk) - len(text)
            self._begun, chunk = bool(text), text
        for begin in range(0, len(chunk), _STEP_BYTES):
            if not self._failure:
                self._step(chunk[begin : begin + _STEP_BYTES])
        return self._taken()

    def finish(self) -> Sequence[bytes]:
        """Checks the end of the body; every record ends before it."""
        self._raise_failure()
        if self._begun and not self._ended:
            self._ended = True
            self._parse(b"", final=True)
            is_broken = self._deepest_match < len(self._path) - 1
            has_error = any(name.lower() in ERROR_KEYS for name in self._siblings)
            if not self._failure and is_broken and (has_error or not self._records_optional):
                self._failure = self._path_broken()
            if not self._records and not self.rejected:
                self._raise_failure()
        return self._taken()

    def _step(self, data: bytes) -> None:
        self._raw += data
        self._fed += len(data)
        self._parse(data)
        if self._failure:
            return
        self._check_bounds()
        # Measured up to the parser's position: bytes that wait in it may already follow the record.
        read_to = self._parser.CurrentByteIndex
        is_too_long = self._is_in_record and read_to - self._record_offset > self._max_record_bytes
        if is_too_long and not self._kept:
            self._kept = self._raw_record(self._kept_bytes)
            self._drop()
        is_kept = self._is_in_record and not is_too_long
        # The parser stops before a tag that has not arrived whole.
        needed_from = self._record_offset if is_kept else read_to
        del self._raw[: max(needed_from - self._raw_offset, 0)]
        self._raw_offset = self._fed - len(self._raw)

    def _parse(self, data: bytes, *, final: bool = False) -> None:
        parser = self._parser
        try:
            parser.Parse(data, final)
        except IngestionError as error:
            self._failure = error
        except _UNUSABLE as error:
            offset = max(parser.ErrorByteIndex, 0) + self._offset
            self._failure = MalformedBody(f"the XML is broken: {error}", offset=offset)
            self._failure.__cause__ = error

    def _check_bounds(self) -> None:
        """Refuses input that makes the parser hold more than a record."""
        pending, limit = self._fed - self._parser.CurrentByteIndex, self._max_record_bytes + 2 * _STEP_BYTES
        if pending > limit:
            self._failure = LimitExceeded(
                f"a tag, a comment or the like in the XML has over {limit} bytes", offset=self._at()
            )
        elif self._doctype_offset >= 0 and self._fed - self._doctype_offset > _MAX_DOCTYPE_BYTES:
            self._failure = LimitExceeded(
                f"the document type declaration of the XML has over {_MAX_DOCTYPE_BYTES} bytes",
                offset=self._doctype_offset + self._offset,
            )
        elif len(self._parser.intern) > _MAX_NAMES:
            self._failure = LimitExceeded(
                f"the XML has over {_MAX_NAMES} different names of elements and attributes", offset=self._at()
            )

    def _begin_doctype(self, _: str, file: str | None, __: str | None, has_more: int) -> None:
        self._doctype_offset = self._parser.CurrentByteIndex
        # Only then does the parser pass over an unknown entity; otherwise the XML is broken.
        if file or has_more:
            self._may_skip, self._start = True, self._start_checked

    def _end_doctype(self) -> None:
        self._doctype_offset = -1

    def _look_for_records(self) -> None:
        self._parser.CharacterDataHandler = None
        self._parser.StartElementHandler = self._start_outside
        self._parser.EndElementHandler = self._end_outside

    def _start_outside(self, name: str, attributes: dict[str, str]) -> None:
        depth = self._depth = self._depth + 1
        if self._matched == depth - 1 and name == self._path[depth - 1]:
            self._matched = depth
            if depth > self._deepest_match:
                self._deepest_match = depth
                self._siblings.clear()
            if depth == len(self._path):
                self._begin_record(name, attributes)
        elif depth == 1:
            raise MalformedBody(
                f"record_path begins with {self._path[0]!r}, but the XML's root element is {name[:200]!r}",
                offset=self._at(),
            )
        elif (
            depth == self._deepest_match + 1
            and len(self._siblings) < _SHOWN_NAMES
            and name not in self._siblings
        ):
            self._siblings.append(name[:200])
        self._refuse_depth()

    def _end_outside(self, _: str) -> None:
        if self._matched == self._depth:
            self._matched -= 1
        self._depth -= 1

    def _begin_record(self, name: str, attributes: dict[str, str]) -> None:
        parser, tree = self._parser, self._tree
        if self._may_skip:
            self._refuse_skipped_entity()
        self._record_offset = parser.CurrentByteIndex
        self._deepest = self._depth
        self._is_in_record, self._is_dropped, self._kept = True, False, b""
        tree.open(name, attributes)
        parser.CharacterDataHandler = tree.add_text
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end_inside

    def _start_inside(self, name: str, attributes: dict[str, str]) -> None:
        depth = self._depth = self._depth + 1
        if depth > self._deepest:
            self._deepest = depth
            if depth - len(self._path) >= self._max_nesting:
                self._drop()
                self._refuse_depth()
        if not self._is_dropped:
            self._tree.open(name, attributes)

    def _start_checked(self, name: str, attributes: dict[str, str]) -> None:
        self._refuse_skipped_entity()
        self._start_inside(name, attributes)

    def _refuse_skipped_entity(self) -> None:
        """Refuses an entity in the current tag that the parser passed over: it does not tell those."""
        tag = _TAG.match(self._raw, self._parser.CurrentByteIndex - self._raw_offset)
        if tag and (entity := _ENTITY.search(tag[0].replace(b"\0", b""))):
            _refuse_entity(entity[1].decode("utf-8", "replace"))

    def _end_inside(self, _: str) -> None:
        self._depth -= 1
        if not self._is_dropped:
            value = self._tree.close()
        if self._depth < len(self._path):
            self._end_record(None if self._is_dropped else value)

    def _drop(self) -> None:
        """Reads the rest of the record without keeping it."""
        if not self._is_dropped:
            self._is_dropped = True
            self._tree.clear()
            self._parser.CharacterDataHandler = None

    def _end_record(self, value: object) -> None:
        self._matched -= 1
        self._is_in_record = False
        total_bytes = self._record_end() - self._record_offset
        nesting = self._deepest - len(self._path) + 1
        reason = ""
        if total_bytes > self._max_record_bytes:
            reason = f"has {total_bytes} bytes; the limit is {self._max_record_bytes}"
        elif nesting > self._max_nesting:
            reason = f"is nested {nesting} elements deep; the limit is {self._max_nesting}"
        else:
            record, reason = self._tree.encoded(
                value, elements=nesting, max_bytes=self._max_record_bytes, max_nesting=self._max_nesting
            )
        if reason:
            self._reject(reason, total_bytes)
        else:
            self._records.append(record)
        self._look_for_records()

    def _record_end(self) -> int:
        """The end of the record: after its end tag, at which the parser stands, or after its only tag."""
        at = self._parser.CurrentByteIndex
        first = _TAG.match(self._raw, max(self._record_offset - self._raw_offset, 0))
        if first and first[0].endswith(b"/>") and first.end() == at - self._raw_offset:
            return at
        last = _TAG.match(self._raw, at - self._raw_offset)
        return self._raw_offset + last.end() if last else at

    def _reject(self, reason: str, total_bytes: int) -> None:
        is_short = total_bytes <= self._max_record_bytes
        self._kept = self._kept or self._raw_record(total_bytes if is_short else self._kept_bytes)
        cut_from = total_bytes if len(self._kept) < total_bytes else 0
        self.rejected.append(Rejected(self._kept, reason, self._record_offset + self._offset, cut_from))

    def _raw_record(self, length: int) -> bytes:
        """The beginning of the record's XML."""
        begin = self._record_offset - self._raw_offset
        return bytes(self._raw[begin : begin + length])

    def _refuse_depth(self) -> None:
        if self._depth > _MAX_DEPTH:
            raise LimitExceeded(f"the XML is nested deeper than {_MAX_DEPTH} elements", offset=self._at())

    def _path_broken(self) -> MalformedBody:
        path, reached, there = self._path, self._deepest_match, ", ".join(self._siblings) or "none"
        return MalformedBody(
            f"record_path {'.'.join(path)!r} breaks at {path[reached]!r}: {path[reached - 1]!r} in the XML "
            f"has no such child; it has {there}",
            offset=self._fed + self._offset,
        )

    def _at(self) -> int:
        return max(self._parser.CurrentByteIndex, 0) + self._offset

    def _taken(self) -> list[bytes]:
        records, self._records = self._records, []
        return records


def _refuse_declaration(*_: object) -> None:
    raise MalformedBody(
        "the XML's document type declaration (<!DOCTYPE …>) has <!ENTITY …> or <!ATTLIST …>, which are "
        "refused: they may expand without end, name files, or add to every element"
    )


def _refuse_entity(name: str, *_: object) -> None:
    raise MalformedBody(
        f"the XML has the entity &{name[:40]};, which only the file of its document type declaration would "
        "have, and that is not loaded"
    )
