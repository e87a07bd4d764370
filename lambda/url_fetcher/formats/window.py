"""The part of a body that is read but not yet split."""

import re

_SPACE = re.compile(rb"[ \t\r\n]*+")


class Window:
    """The bytes of the body from ``position`` or earlier up to the last that arrived.

    Offsets count from the body's first byte and stay valid when the front is dropped.
    """

    def __init__(self) -> None:
        self.data = bytearray()
        self.position = 0
        self.dropped = 0
        self.appended = 0
        self.final = False

    @property
    def offset(self) -> int:
        """The offset of ``position`` in the body."""
        return self.dropped + self.position

    @property
    def end(self) -> int:
        """The number of bytes that have arrived."""
        return self.dropped + len(self.data)

    def append(self, chunk: bytes) -> None:
        """Drops the bytes before ``position`` and adds ``chunk`` at the end."""
        if self.position:
            del self.data[: self.position]
            self.dropped += self.position
            self.position = 0
        self.data += chunk
        self.appended += 1

    def peek(self) -> int | None:
        """Moves ``position`` past white space and returns the byte there; None if nothing is left."""
        found = _SPACE.match(self.data, self.position)
        self.position = found.end() if found else self.position
        return self.data[self.position] if self.position < len(self.data) else None
