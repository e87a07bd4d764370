"""Finds the records of a JSON body by their path, and keeps the values outside of them."""

import json
from collections.abc import Generator

from url_fetcher.errors import LimitExceeded, MalformedBody
from url_fetcher.formats.json_elements import ElementReader, Value, checked, shape_of
from url_fetcher.formats.splitter import ERROR_KEYS, MAX_NESTING
from url_fetcher.formats.window import Window
from url_fetcher.paths import NOT_KEPT, Fraction, JsonPath, integer, shown_keys

_MAX_KEPT_BYTES = 65_536
# Decoded, small values take 25 times the memory of their text, so this bounds them to 25 MiB.
_MAX_OUTSIDE_BYTES = 1024 * 1024
_MAX_NOTED_KEYS = 16
_QUOTE, _COLON, _COMMA, _OPEN_OBJECT, _CLOSE, _OPEN_ARRAY, _CLOSE_ARRAY = b'":,{}[]'


class PathReader:
    """Reads a body up to the value at a path, and keeps the small values outside of it.

    Args:
        window: The body as it arrives.
        elements: Reads the records and every other value.
        path: One or more keys. None of them may be repeated after the value that the path leads to. With dots
            between its keys, a last key ``*`` stands for each member of an object: a record with its key.
        records_optional: True if a body without the path has no records, unless it has an error.
    """

    def __init__(
        self, window: Window, elements: ElementReader, path: JsonPath, *, records_optional: bool = False
    ) -> None:
        self._window = window
        self._elements = elements
        self._of_members = not path.is_pointer and path.keys[-1] == "*"
        self._path = path._replace(keys=path.keys[:-1]) if self._of_members else path
        self._records_optional = records_optional
        self._name = path.text
        self._text = bytearray()
        self._closers: list[int] = []
        self._outside: object = None
        self._has_nothing = False
        self.shape = ""
        """As every splitter's; empty for an object, which some sources send in place of an array of one."""

    def outside(self) -> object:
        """The decoded body with ``[]`` or null in place of the records; None for an empty body.

        Values over 64 KiB or 500 levels deep are ``NOT_KEPT``, and integers over 4,300 digits are text. A
        body without the path is decoded, too: it may be an error message.
        """
        return self._outside

    def read(self) -> Generator[None]:
        """Reads the whole body.

        Raises:
            MalformedBody: When it lacks the path, has a key of it twice, or is broken.
            LimitExceeded: When the values outside the records exceed 1 MiB.
        """
        if (yield from self._elements.peek()) is None:
            return
        failure = None
        for depth in range(len(self._path.keys)):
            if failure := (yield from self._enter(depth)):
                break
        else:
            yield from self._records()
        while self._closers:
            yield from self._skip_rest(self._closers.pop(), self._path.keys[len(self._closers)])
        if (yield from self._elements.peek()) is not None:
            raise self._malformed("there is more after the JSON that record_path leads into")
        self._decode()
        if failure and not (self._has_nothing and not _has_error(self._outside)):
            raise failure

    def _enter(self, depth: int) -> Generator[None, None, MalformedBody | None]:
        """Goes to the value of the key at a depth; returns the error for the body's end if it is missing."""
        key, where = self._path.keys[depth], self._path.beginning(depth) or "the body"
        index = self._path.index_of(key)
        byte = yield from self._elements.peek()
        if byte == _OPEN_OBJECT:
            self._keep()
            found, keys, count = yield from self._find(key)
            reason = f"{where} has no key {key!r}; it has {shown_keys(keys, count)}"
        elif byte == _OPEN_ARRAY and index is not None:
            self._keep()
            found, count = yield from self._find_element(index)
            reason = f"{where} has no index {key}; it has {count} elements"
        else:
            kinds = "an object" if index is None else "an object or an array"
            hint = "; a JSON Pointer such as /data/0 reaches into an array" if byte == _OPEN_ARRAY else ""
            failure = self._malformed(
                f"record_path {self._name!r} is not there: {where} is not {kinds}{hint}"
            )
            if self._records_optional and byte in (ord("n"), _OPEN_ARRAY):
                value = yield from self._member_value()
                # Some languages write an empty object as an empty array.
                self._has_nothing = value.data == b"null" or not value.data.strip(b"[] \t\r\n")
            elif depth == 0 or byte == _OPEN_ARRAY:
                raise failure
            else:
                yield from self._member_value()
            return failure
        if not found:
            self._has_nothing = self._records_optional
            return self._malformed(f"record_path {self._name!r} is not there: {reason}")
        self._closers.append(_CLOSE if byte == _OPEN_OBJECT else _CLOSE_ARRAY)
        return None

    def _records(self) -> Generator[None]:
        byte = yield from self._elements.peek()
        self.shape = shape_of(byte) if byte != _OPEN_OBJECT else ""
        if self._of_members:
            yield from self._members(byte)
        elif byte == _OPEN_ARRAY:
            self._add(b"[]")
            self._window.position += 1
            yield from self._elements.array()
        elif byte == ord("n"):
            yield from self._member_value()
        else:
            self._add(b"null")
            yield from self._elements.single()

    def _members(self, byte: int | None) -> Generator[None]:
        """Reads the members of an object as records; null and ``[]``, PHP's empty object, have none."""
        if byte == _OPEN_OBJECT:
            self._add(b"{}")
            self._window.position += 1
            yield from self._elements.members()
            return
        if byte not in (_OPEN_ARRAY, ord("n")):
            raise self._malformed(f"record_path {self._name!r} leads to no object: leave out its `*`")
        # Behind a body that is null alone there is nothing that ends the value.
        value = yield from self._elements.value(enclosed=bool(self._path.keys))
        if byte == _OPEN_ARRAY and value.data[1:-1].strip():
            raise self._malformed(f"record_path {self._name!r} leads to an array: leave out its `*`")
        self._add(b"null")

    def _find(self, wanted: str) -> Generator[None, None, tuple[bool, list[str], int]]:
        """Reads members until the value of ``wanted`` is next (True) or the object ends (False).

        Also returns the first keys that were read, and the number of all.
        """
        keys: list[str] = []
        count = 0
        if (yield from self._elements.peek()) == _CLOSE:
            self._keep()
            return False, keys, count
        while (key := (yield from self._key())) != wanted:
            count += 1
            if len(keys) < _MAX_NOTED_KEYS:
                keys.append(key)
            yield from self._member_value()
            if not (yield from self._goes_on(_CLOSE)):
                return False, keys, count
        return True, keys, count

    def _find_element(self, wanted: int) -> Generator[None, None, tuple[bool, int]]:
        """Reads elements until the one at ``wanted`` is next (True) or the array ends (False).

        Also returns the number of elements that were read.
        """
        if (yield from self._elements.peek()) == _CLOSE_ARRAY:
            self._keep()
            return False, 0
        count = 0
        while count < wanted:
            yield from self._member_value()
            count += 1
            if not (yield from self._goes_on(_CLOSE_ARRAY)):
                return False, count
        return True, count

    def _skip_rest(self, closer: int, found: str) -> Generator[None]:
        """Reads the rest of the object or array after the value of ``found``."""
        while (yield from self._goes_on(closer)):
            yield from self._elements.peek()
            offset = self._window.offset
            # Which of two equal keys a reader takes differs by library, so records could be lost unseen.
            if closer == _CLOSE and (yield from self._key()) == found:
                raise MalformedBody(
                    f"record_path {self._name!r} is there twice: the key {found!r} is repeated", offset=offset
                )
            yield from self._member_value()

    def _goes_on(self, closer: int) -> Generator[None, None, bool]:
        """Reads what follows a value: a comma (True) or the closing bracket (False)."""
        byte = yield from self._elements.peek()
        kind = "object" if closer == _CLOSE else "array"
        if byte is None:
            raise self._malformed(f"the JSON ends inside an {kind}")
        if byte not in (_COMMA, closer):
            raise self._malformed(f"expected ',' or '{chr(closer)}' in the JSON {kind}")
        self._keep()
        return byte == _COMMA

    def _key(self) -> Generator[None, None, str]:
        """Reads a member's key and its colon."""
        byte = yield from self._elements.peek()
        if byte is None:
            raise self._malformed("the JSON ends inside an object")
        if byte != _QUOTE:
            raise self._malformed("expected a key in the JSON object")
        key = yield from self._elements.value()
        if key.total_bytes > _MAX_KEPT_BYTES:
            raise LimitExceeded(f"a key outside the records has {key.total_bytes} bytes", offset=key.offset)
        if reason := checked(key):
            raise MalformedBody(f"a key outside the records {reason}", offset=key.offset)
        self._add(key.data)
        if (yield from self._elements.peek()) != _COLON:
            raise self._malformed("expected ':' in the JSON object")
        self._keep()
        return str(json.loads(key.data))

    def _member_value(self) -> Generator[None, None, Value]:
        value = yield from self._elements.value()
        self._add(value.data if self._is_kept(value) else b"NaN")
        return value

    def _is_kept(self, value: Value) -> bool:
        """True if a value is small enough to be decoded; raises if it was read whole and is no JSON."""
        if value.nesting > MAX_NESTING or value.total_bytes > len(value.data):
            return False
        if reason := checked(value):
            raise MalformedBody(f"a value outside the records {reason}", offset=value.offset)
        return value.total_bytes <= _MAX_KEPT_BYTES

    def _keep(self) -> None:
        """Consumes one byte and keeps it."""
        position = self._window.position
        self._add(bytes(self._window.data[position : position + 1]))
        self._window.position += 1

    def _add(self, text: bytes) -> None:
        self._text += text
        if len(self._text) > _MAX_OUTSIDE_BYTES:
            raise LimitExceeded(
                f"more than {_MAX_OUTSIDE_BYTES} bytes lie outside record_path {self._name!r}",
                offset=self._window.offset,
            )

    def _decode(self) -> None:
        try:
            # No kept value contains NaN, so NaN marks the values that are not kept.
            self._outside = json.loads(
                self._text, parse_int=integer, parse_float=Fraction, parse_constant=lambda _: NOT_KEPT
            )
        except RecursionError as error:
            raise LimitExceeded(
                f"record_path {self._name!r} leads too deep", offset=self._window.end
            ) from error
        self._text.clear()

    def _malformed(self, reason: str) -> MalformedBody:
        return MalformedBody(reason, offset=self._window.offset)


def _has_error(outside: object) -> bool:
    """True if a body without its records has an error in their place."""
    return isinstance(outside, dict) and any(
        value for key, value in outside.items() if key.lower() in ERROR_KEYS
    )
