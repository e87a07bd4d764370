"""Reads the small body of an answer that is no page of records, such as an error."""

from contextlib import suppress
from typing import TYPE_CHECKING

from url_fetcher.errors import SourceError
from url_fetcher.http.body import Body

if TYPE_CHECKING:
    from url_fetcher.http.transport import Response

_MAX_ERROR_BYTES = 16 * 1024
_MAX_ERROR_SECONDS = 2.0


def body_of_error(response: "Response") -> bytes:
    """The first 16 KiB of an error's body, decompressed; what does not come within 2 s is left out."""
    left = _MAX_ERROR_BYTES

    def read(size: int) -> bytes:
        nonlocal left
        piece = response.read(min(size, left)) if left else b""
        left -= len(piece)
        return piece

    data = b""
    # The body of an error may break off, be a bomb, or be cut here in the middle of a compressed block.
    with suppress(SourceError), response.hurried(_MAX_ERROR_SECONDS):
        for chunk in _AnyBody(
            read,
            content_encoding=response.headers.get("Content-Encoding", ""),
            max_body_mib=1,
            max_decompressed_mib=1,
        ):
            data += chunk
            if len(data) >= _MAX_ERROR_BYTES:
                break
    return data[:_MAX_ERROR_BYTES]


class _AnyBody(Body):
    """A body that may be HTML."""

    def _refuse_html(self, first: bytes) -> None:
        """Errors are often pages of HTML."""
