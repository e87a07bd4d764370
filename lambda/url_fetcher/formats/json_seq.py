"""Records in JSON text sequences (RFC 7464): one value after each record separator."""

from collections.abc import Sequence

from url_fetcher.errors import MalformedBody
from url_fetcher.formats.ndjson import SPACE, NdjsonSplitter

_SEPARATOR = b"\x1e"


class JsonSeqSplitter(NdjsonSplitter):
    """Splits JSON texts; one that is not a complete value is rejected alone, and a blank one is skipped.

    Args:
        max_record_bytes: A longer text is rejected, and only its beginning is kept.
        max_nesting: A text nested deeper is rejected.
    """

    _separator = _SEPARATOR

    def __init__(self, *, max_record_bytes: int, max_nesting: int) -> None:
        super().__init__(max_record_bytes=max_record_bytes, max_nesting=max_nesting)
        self._begun = False

    def feed(self, chunk: bytes) -> Sequence[bytes]:
        """Returns the texts that this chunk completes.

        Raises:
            MalformedBody: When the body does not begin with a record separator.
        """
        if not self._begun and (text := chunk.lstrip(SPACE)):
            if not text.startswith(_SEPARATOR):
                raise MalformedBody(
                    "application/json-seq begins with a record separator (0x1E) and this body does not; "
                    'set format = "ndjson" if it is lines',
                    offset=self._window.end + len(chunk) - len(text),
                )
            self._begun = True
        return super().feed(chunk)

    def _all_valid(self, block: bytes) -> list[bytes] | None:  # noqa: ARG002 - texts are read singly
        return None

    def _reason(self, line: bytes) -> str:
        # RFC 7464, 2.4: a number or word without white space after it may be cut, so it is not a whole value.
        if line[-1:] not in SPACE and line.lstrip(SPACE)[:1] not in b'{["':
            return "may have been cut: no white space follows it"
        return super()._reason(line)
