"""A page's records, held back until it is known whether the page is good."""

from collections.abc import Callable, Sequence

from url_fetcher.formats.splitter import Rejected

MAX_HELD_BYTES = 4 * 1024 * 1024
"""Most bytes that are held of a page: more than most APIs send, and little beside the bytes in flight."""

_RECORD_BYTES = 128  # Python's own memory for a record, beside its bytes

Put = Callable[[Sequence[bytes], Sequence[Rejected]], None]


class Holding:
    """Holds records in bounded memory; those of a larger page are passed on while it is read.

    Args:
        put: Takes the records, and those that are undeliverable.
        max_bytes: Most bytes that are held; 0 passes everything on.
    """

    def __init__(self, put: Put, *, max_bytes: int = MAX_HELD_BYTES) -> None:
        self.has_put = not max_bytes
        self._put = put
        self._max_bytes = max_bytes
        self._held: list[tuple[Sequence[bytes], Sequence[Rejected]]] = []
        self._held_bytes = 0

    def add(
        self, records: Sequence[bytes], rejected: Sequence[Rejected], *, record_bytes: int | None = None
    ) -> None:
        """Takes records; raises as ``put`` once they are passed on.

        Args:
            records: Records.
            rejected: Undeliverable ones.
            record_bytes: The bytes of ``records``; default: they are counted.
        """
        if self.has_put:
            self._put(records, rejected)
            return
        self._held.append((records, rejected))
        self._held_bytes += _RECORD_BYTES * (len(records) + len(rejected))
        self._held_bytes += sum(map(len, records)) if record_bytes is None else record_bytes
        self._held_bytes += sum(len(each.data) for each in rejected)
        if self._held_bytes > self._max_bytes:
            self.release()

    def release(self) -> None:
        """Passes the held records on."""
        self.has_put = True
        held, self._held = self._held, []
        for records, rejected in held:
            self._put(records, rejected)
