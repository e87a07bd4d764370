"""The part of a body that is read but not yet split."""

import re

_SPACE = re.compile(rb"[ \t\r\n]*+")


class Window:
    """Bytes of the body from somewhere before ``position`` to the last that arrived.

    Offsets count from the body's first byte and stay true while the front is dropped.
    """

    def __init__(self) -> None:
        self.data = bytearray()
        self.position = 0
        self.dropped = 0
        self.appended = 0
        self.final = False

    @property
    def offset(self) -> int:
        """Where ``position`` is in the body."""
        return self.dropped + self.position

    @property
    def end(self) -> int:
        """How much of the body has arrived."""
        return self.dropped + len(self.data)

    def append(self, chunk: bytes) -> None:
        """Drop what lies before ``position`` and add ``chunk`` at the end."""
        if self.position:
            del self.data[: self.position]
            self.dropped += self.position
            self.position = 0
        self.data += chunk
        self.appended += 1

    def peek(self) -> int | None:
        """The byte at ``position``, moved past white space first; None when nothing is left."""
        found = _SPACE.match(self.data, self.position)
        self.position = found.end() if found else self.position
        return self.data[self.position] if self.position < len(self.data) else None
