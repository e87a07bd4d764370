"""The way to the records in a JSON object, and what lies beside it."""

import json
from collections.abc import Generator

from url_fetcher.errors import LimitExceeded, MalformedBody
from url_fetcher.formats.json_elements import ElementReader, Value, checked
from url_fetcher.formats.splitter import MAX_NESTING
from url_fetcher.formats.window import Window

_MAX_KEPT_BYTES = 65_536
# Decoded, small values take 25 times the bytes of their text.
_MAX_OUTSIDE_BYTES = 1024 * 1024
_MAX_DIGITS = 4_300
_QUOTE, _COLON, _COMMA, _CLOSE = b'":,}'


class PathReader:
    """Walks an object to the value at a path, and keeps the small values beside the way.

    Args:
        window: Where the body arrives.
        elements: Reads the records and every other value.
        path: One or more keys. Behind the value that it leads to none of them may come again.
    """

    def __init__(self, window: Window, elements: ElementReader, path: tuple[str, ...]) -> None:
        self._window = window
        self._elements = elements
        self._path = path
        self._name = ".".join(path)
        self._text = bytearray()
        self._outside: object = None

    def outside(self) -> object:
        """The decoded object with ``[]`` or null for the records; None for an empty body.

        Values over 64 KiB or 500 levels deep are null, integers over 4,300 digits their text.
        """
        return self._outside

    def read(self) -> Generator[None]:
        """Read the whole body.

        Raises:
            MalformedBody: When it is not an object, lacks the path or has a key of it twice, or is broken.
            LimitExceeded: When what lies beside the records has more than 1 MiB.
        """
        if (yield from self._elements.peek()) is None:
            return
        for depth, key in enumerate(self._path):
            where = ".".join(self._path[:depth]) or "the body"
            if (yield from self._elements.peek()) != ord("{"):
                raise self._malformed(
                    f"record_path {self._name!r} is not there: {where} is not a JSON object"
                )
            self._keep()
            if not (yield from self._find(key)):
                raise self._malformed(f"record_path {self._name!r} is not there: {where} has no key {key!r}")
        yield from self._records()
        for key in reversed(self._path):
            yield from self._skip_rest(key)
        if (yield from self._elements.peek()) is not None:
            raise self._malformed("there is more after the JSON object")
        self._decode()

    def _records(self) -> Generator[None]:
        byte = yield from self._elements.peek()
        if byte == ord("["):
            self._add(b"[]")
            self._window.position += 1
            yield from self._elements.array()
        elif byte == ord("n"):
            yield from self._member_value()
        else:
            self._add(b"null")
            yield from self._elements.single()

    def _find(self, wanted: str) -> Generator[None, None, bool]:
        """Read members until the value of ``wanted`` is next (True) or the object has ended (False)."""
        if (yield from self._elements.peek()) == _CLOSE:
            self._keep()
            return False
        while (yield from self._key()) != wanted:
            yield from self._member_value()
            if not (yield from self._goes_on()):
                return False
        return True

    def _skip_rest(self, found: str) -> Generator[None]:
        """Read the members behind the value of ``found``, to the object's end."""
        while (yield from self._goes_on()):
            yield from self._elements.peek()
            offset = self._window.offset
            if (yield from self._key()) == found:
                raise MalformedBody(
                    f"record_path {self._name!r} is there twice: the key {found!r} is repeated", offset=offset
                )
            yield from self._member_value()

    def _goes_on(self) -> Generator[None, None, bool]:
        """Read what follows a member: a comma (True) or the object's end (False)."""
        byte = yield from self._elements.peek()
        if byte is None:
            raise self._malformed("the JSON ends inside an object")
        if byte not in (_COMMA, _CLOSE):
            raise self._malformed("expected ',' or '}' in the JSON object")
        self._keep()
        return byte == _COMMA

    def _key(self) -> Generator[None, None, str]:
        """Read a member's key and its colon."""
        byte = yield from self._elements.peek()
        if byte is None:
            raise self._malformed("the JSON ends inside an object")
        if byte != _QUOTE:
            raise self._malformed("expected a key in the JSON object")
        key = yield from self._elements.value()
        if key.total_bytes > _MAX_KEPT_BYTES:
            raise LimitExceeded(f"a key of the JSON object has {key.total_bytes} bytes", offset=key.offset)
        checked(key)
        self._add(key.data)
        if (yield from self._elements.peek()) != _COLON:
            raise self._malformed("expected ':' in the JSON object")
        self._keep()
        return str(json.loads(key.data))

    def _member_value(self) -> Generator[None]:
        value = yield from self._elements.value()
        self._add(value.data if self._is_kept(value) else b"null")

    def _is_kept(self, value: Value) -> bool:
        """Whether a value is small enough to be decoded; it is checked as far as it was read whole."""
        if value.nesting > MAX_NESTING or value.total_bytes > len(value.data):
            return False
        if reason := checked(value):
            raise MalformedBody(f"a value beside the records {reason}", offset=value.offset)
        return value.total_bytes <= _MAX_KEPT_BYTES

    def _keep(self) -> None:
        """Take one byte."""
        position = self._window.position
        self._add(bytes(self._window.data[position : position + 1]))
        self._window.position += 1

    def _add(self, text: bytes) -> None:
        self._text += text
        if len(self._text) > _MAX_OUTSIDE_BYTES:
            raise LimitExceeded(
                f"more than {_MAX_OUTSIDE_BYTES} bytes lie beside record_path {self._name!r}",
                offset=self._window.offset,
            )

    def _decode(self) -> None:
        try:
            self._outside = json.loads(self._text, parse_int=_integer)
        except RecursionError as error:
            raise LimitExceeded(
                f"record_path {self._name!r} leads too deep", offset=self._window.end
            ) from error
        self._text.clear()

    def _malformed(self, reason: str) -> MalformedBody:
        return MalformedBody(reason, offset=self._window.offset)


def _integer(digits: str) -> int | str:
    # The interpreter refuses longer ones, because their conversion takes quadratic time.
    return int(digits) if len(digits) <= _MAX_DIGITS else digits
