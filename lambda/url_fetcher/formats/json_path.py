"""The way to the records in a JSON object, and what lies beside it."""

import json
from bisect import bisect_right
from collections.abc import Generator

from url_fetcher.errors import LimitExceeded, MalformedBody
from url_fetcher.formats.json_elements import ElementReader, checked
from url_fetcher.formats.json_values import NotJson, check_value
from url_fetcher.formats.window import Window

_MAX_KEPT_BYTES = 65_536
_MAX_OUTSIDE_BYTES = 4 * 1024 * 1024


class PathReader:
    """Walks an object to the value at a path, and keeps the small values beside the way.

    Args:
        window: Where the body arrives.
        elements: Reads the records and every other value.
        path: One or more keys. Where a key is repeated its first value counts.
    """

    def __init__(self, window: Window, elements: ElementReader, path: tuple[str, ...]) -> None:
        self._window = window
        self._elements = elements
        self._path = path
        self._outside = bytearray()
        self._origins: list[tuple[int, int]] = []

    def outside(self) -> object:
        """The decoded object with ``[]`` or null for the records and null for values over 64 KiB."""
        return json.loads(self._outside)

    def read(self) -> Generator[None]:
        """Read the whole body.

        Raises:
            MalformedBody: When it is not an object, or lacks the path, or is cut or broken.
            LimitExceeded: When what lies beside the records has more than 4 MiB.
        """
        for depth, key in enumerate(self._path):
            where = ".".join(self._path[:depth]) or "the body"
            if (yield from self._elements.peek()) != ord("{"):
                raise MalformedBody(
                    f"record_path {'.'.join(self._path)!r} is not there: {where} is not a JSON object",
                    offset=self._window.offset,
                )
            self._keep(1)
            if not (yield from self._members(key)):
                raise MalformedBody(
                    f"record_path {'.'.join(self._path)!r} is not there: {where} has no key {key!r}",
                    offset=self._window.offset,
                )
        yield from self._records()
        for _ in self._path:
            yield from self._members(None)
        if (yield from self._elements.peek()) is not None:
            raise MalformedBody("there is more after the JSON object", offset=self._window.offset)
        self._check_outside()

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

    def _members(self, wanted: str | None) -> Generator[None, None, bool]:
        """Read members until the value of ``wanted`` is next (True) or the object has ended (False).

        Misplaced commas and colons show when the text that was kept is decoded as a whole.
        """
        while True:
            byte = yield from self._elements.peek()
            if byte is None:
                raise MalformedBody("the JSON ends inside an object", offset=self._window.end)
            if byte != ord('"'):
                if byte not in b",:}":
                    raise MalformedBody("expected a key in the JSON object", offset=self._window.offset)
                self._keep(1)
                if byte == ord("}"):
                    return False
                continue
            key = yield from self._key()
            if (yield from self._elements.peek()) != ord(":"):
                raise MalformedBody("expected ':' in the JSON object", offset=self._window.offset)
            self._keep(1)
            if key == wanted:
                return True
            yield from self._member_value()

    def _key(self) -> Generator[None, None, str | None]:
        key = yield from self._elements.value()
        if key.total_bytes > _MAX_KEPT_BYTES:
            raise LimitExceeded(f"a key of the JSON object has {key.total_bytes} bytes", offset=key.offset)
        self._add(key.data, key.offset)
        try:
            return str(json.loads(key.data))
        except ValueError:
            return None

    def _member_value(self) -> Generator[None]:
        value = yield from self._elements.value()
        if value.total_bytes == len(value.data) and (reason := checked(value)):
            raise MalformedBody(f"a value beside the records {reason}", offset=value.offset)
        self._add(value.data if value.total_bytes <= _MAX_KEPT_BYTES else b"null", value.offset)

    def _keep(self, length: int) -> None:
        position = self._window.position
        self._add(bytes(self._window.data[position : position + length]))
        self._window.position += length

    def _add(self, text: bytes, offset: int | None = None) -> None:
        self._origins.append((len(self._outside), self._window.offset if offset is None else offset))
        self._outside += text
        if len(self._outside) > _MAX_OUTSIDE_BYTES:
            raise LimitExceeded(
                f"more than {_MAX_OUTSIDE_BYTES} bytes lie beside record_path {'.'.join(self._path)!r}",
                offset=self._window.offset,
            )

    def _check_outside(self) -> None:
        try:
            check_value(bytes(self._outside))
        except NotJson as error:
            origin, offset = self._origins[
                bisect_right(self._origins, error.position, key=lambda o: o[0]) - 1
            ]
            raise MalformedBody(
                f"the JSON is broken: {error.reason}", offset=offset + error.position - origin
            ) from error
