"""Records in JSON: an array, the array at a path in an object, one value, or values in a row."""

from collections.abc import Generator, Sequence

from url_fetcher.errors import IngestionError, MalformedBody
from url_fetcher.formats.json_elements import ElementReader, shape_of
from url_fetcher.formats.json_path import PathReader
from url_fetcher.formats.splitter import Splitter
from url_fetcher.formats.window import Window
from url_fetcher.paths import JsonPath

BLOCK_BYTES = 131_072
"""The bytes decoded at a time: enough to make the cost of a call vanish, few enough for the cache."""


class JsonSplitter(Splitter):
    """Splits JSON of any length in a memory of a few blocks plus one record.

    ``data`` stays as it came: numbers of any size, key order, duplicate keys and escapes, also
    escaped lone surrogates (the grammar allows them, so readers such as Athena's take the line).
    A record that holds NaN or Infinity, is too long or nests too deep is rejected alone. Text that
    is not UTF-8 or not JSON ends the body, because nothing after it can be trusted. An empty body, or
    one of white space, has no records.

    Args:
        path: The path to the records; None for the body itself.
        records_optional: As ``open_splitter``'s.
        max_record_bytes: A longer record is rejected, and only its beginning is kept.
        max_nesting: A record nested deeper is rejected.
        block_bytes: The bytes that are gathered before they are split.
    """

    def __init__(
        self,
        *,
        path: JsonPath | None = None,
        records_optional: bool = False,
        max_record_bytes: int,
        max_nesting: int,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        super().__init__()
        self._block_bytes = block_bytes
        self._window = Window()
        self._elements = ElementReader(
            self._window, max_record_bytes=max_record_bytes, max_nesting=max_nesting
        )
        self.rejected = self._elements.rejected
        self._path = (
            PathReader(self._window, self._elements, path, records_optional=records_optional)
            if path
            else None
        )
        self._reading = self._path.read() if self._path else self._whole_body()
        self._ended = False

    def start(self, offset: int) -> None:
        """As every splitter."""
        self._window.dropped = offset

    def feed(self, chunk: bytes) -> Sequence[bytes]:
        """Returns the records that this chunk completes; those of the last 128 KiB may be held back."""
        self._raise_failure()
        for begin in range(0, len(chunk), self._block_bytes):
            self._window.append(chunk[begin : begin + self._block_bytes])
            if len(self._window.data) >= self._block_bytes:
                self._read_on()
        return self._handed_out()

    def finish(self) -> Sequence[bytes]:
        """As every splitter."""
        self._window.final = True
        if not self._failure:
            self._read_on()
        records = self._handed_out()
        if not records and not self.rejected:
            self._raise_failure()
        return records

    @property
    def shape(self) -> str:
        """As every splitter."""
        return self._path.shape if self._path else self._shape

    def outside(self) -> object:
        """Returns the decoded body with ``[]`` or null for its records; None without a path or a body."""
        outside = self._path.outside() if self._path else None
        # A body without the records may say why they are not there.
        if outside is None:
            self._raise_failure()
        return outside

    def _whole_body(self) -> Generator[None]:
        byte = yield from self._elements.peek()
        if byte == ord("<"):
            raise MalformedBody("the body is HTML or XML, not JSON", offset=self._window.offset)
        self._shape = shape_of(byte)
        yield from self._elements.row()

    def _read_on(self) -> None:
        if self._ended:
            return
        try:
            next(self._reading)
        except StopIteration:
            self._ended = True
        except IngestionError as error:
            self._failure = error

    def _handed_out(self) -> list[bytes]:
        records, self._elements.out = self._elements.out, []
        return records
