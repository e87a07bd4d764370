"""The start of a body: a byte order mark, and the first bytes, by which the format is recognised."""

from collections.abc import Callable, Sequence

from url_fetcher.errors import MalformedBody
from url_fetcher.formats import first_bytes
from url_fetcher.formats.charset import HeaderDecoder, decoder_of
from url_fetcher.formats.splitter import Splitter

UTF8_MARK = b"\xef\xbb\xbf"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SPACE = b" \t\r\n"
_MAX_HEAD_BYTES = 4_096


class MarkedBody(Splitter):
    """Removes a UTF-8 byte order mark and chooses the splitter by the first bytes of the body.

    Args:
        choose: Returns the splitter for a body that begins with these bytes, without the mark and white
            space. The splitter gets the body without the mark; offsets still count the mark.
        takes_utf16: True if the splitter handles UTF-16 itself.
        hint: Advice for a body in UTF-16 or UTF-32, appended to the message.
    """

    def __init__(
        self, choose: Callable[[bytes], Splitter], *, takes_utf16: bool = False, hint: str = ""
    ) -> None:
        super().__init__()
        self._choose = choose
        self._takes_utf16 = takes_utf16
        self._hint = hint
        self._splitter: Splitter | None = None
        self._head = b""
        self._is_blank = True

    def feed(self, chunk: bytes) -> Sequence[bytes]:
        """As every splitter; a body in UTF-16 or UTF-32 is malformed at its first byte."""
        if self._splitter:
            return self._splitter.feed(chunk)
        self._head += chunk
        # White space alone says nothing about the format; 4 KiB of it end the patience.
        if len(self._shown) < first_bytes.BYTES and len(self._head) < _MAX_HEAD_BYTES:
            return ()
        return self._begin()

    def finish(self) -> Sequence[bytes]:
        """As every splitter."""
        return self._splitter.finish() if self._splitter else self._begin() or self.finish()

    @property
    def shape(self) -> str:
        """As every splitter."""
        return self._splitter.shape if self._splitter and not self._is_blank else ""

    @property
    def columns(self) -> Sequence[str]:
        """As every splitter."""
        return self._splitter.columns if self._splitter else ()

    def outside(self) -> object:
        """As every splitter."""
        return self._splitter.outside() if self._splitter else None

    @property
    def _shown(self) -> bytes:
        """The head without mark and white space."""
        return self._head[:_MAX_HEAD_BYTES].removeprefix(UTF8_MARK).lstrip(_SPACE)

    def _begin(self) -> Sequence[bytes]:
        """Chooses the splitter and passes the head on to it."""
        head = self._head
        if head.startswith(UTF16_MARKS) and not self._takes_utf16:
            raise MalformedBody(f"the body is in UTF-16 or UTF-32; records must be in UTF-8{self._hint}")
        self._is_blank = not self._shown
        splitter = self._splitter = self._choose(self._shown)
        self._head, self.rejected = b"", splitter.rejected
        if head.startswith(UTF8_MARK):
            splitter.start(len(UTF8_MARK))
            head = head[len(UTF8_MARK) :]
        return splitter.feed(head)


class Transcoded(Splitter):
    """Converts a body to UTF-8 for a splitter; offsets are those in the UTF-8.

    Bytes that are invalid in the encoding become invalid UTF-8, so that the splitter rejects only the record
    that has them.

    Args:
        splitter: Receives the body in UTF-8.
        codec: Python's name of the encoding; ``utf-16`` needs a byte order mark.
        from_header: True if a header says so, False if ``csv.encoding`` does.
    """

    def __init__(self, splitter: Splitter, codec: str, *, from_header: bool = False) -> None:
        super().__init__()
        self._splitter = splitter
        self._decoder = HeaderDecoder(codec) if from_header else decoder_of(codec)
        self._said_by = "the Content-Type" if from_header else "csv.encoding"
        self._needs_mark = codec == "utf-16"
        self._is_first = True
        self._held = b""
        self.rejected = splitter.rejected

    def start(self, offset: int) -> None:
        """As every splitter."""
        self._splitter.start(offset)

    def feed(self, chunk: bytes) -> Sequence[bytes]:
        """As every splitter; without its byte order mark UTF-16 is malformed."""
        if self._needs_mark and chunk:
            chunk, self._held = self._held + chunk, b""
            if len(chunk) < len(UTF16_MARKS[0]):
                self._held = chunk
                return ()
            if not chunk.startswith(UTF16_MARKS):
                raise MalformedBody(
                    f"the body has no byte order mark of UTF-16, which {self._said_by} says; utf-16le and "
                    "utf-16be need none"
                )
            self._needs_mark = False
        records = self._splitter.feed(self._utf8(chunk))
        self.rejected = self._splitter.rejected
        return records

    def finish(self) -> Sequence[bytes]:
        """As every splitter; half a character at the end belongs to the last record."""
        rest, self._held = self._utf8(self._held, final=True), b""
        records = (self._splitter.feed(rest) if rest else ()) or self._splitter.finish()
        # A splitter that has just chosen another one has the list of that; so in ``feed``.
        self.rejected = self._splitter.rejected
        return records

    @property
    def shape(self) -> str:
        """As every splitter."""
        return self._splitter.shape

    @property
    def columns(self) -> Sequence[str]:
        """As every splitter."""
        return self._splitter.columns

    def outside(self) -> object:
        """As every splitter."""
        return self._splitter.outside()

    def _utf8(self, chunk: bytes, *, final: bool = False) -> bytes:
        try:
            text = self._decoder.decode(chunk, final)
        except UnicodeDecodeError:
            # Half a character at the end of UTF-16.
            self._decoder.reset()
            text = "\udcff"
        if self._is_first and text:
            self._is_first = False
            text = text.removeprefix("\ufeff")
        return text.encode("utf-8", "surrogatepass")
