"""The encoding that a Content-Type says."""

import codecs
import re

_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)
_ONE_BYTE = ("iso8859-", "cp125", "koi8-", "mac-")
# Browsers read these supersets under the standard names (WHATWG Encoding).
_SUPERSETS = {
    "iso8859-1": "cp1252",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
}
_OTHERS = {"cp932", "cp949", "gb18030", "big5", "euc_jp", "iso2022_jp", "utf-16", "utf-16-le", "utf-16-be"}


def codec_of(content_type: str) -> str:
    """Returns Python's name of the encoding; empty for UTF-8, ASCII, none, and one that is not read."""
    if not (said := _CHARSET.search(content_type)):
        return ""
    try:
        name = codecs.lookup(said[1]).name
    except LookupError:
        return ""
    name = _SUPERSETS.get(name, name)
    return name if name in _OTHERS or name.startswith(_ONE_BYTE) else ""


def decoder_of(codec: str) -> codecs.IncrementalDecoder:
    """Returns a decoder that keeps invalid bytes recognisable as such."""
    errors = "surrogatepass" if codec.startswith("utf-16") else "surrogateescape"
    return codecs.getincrementaldecoder(codec)(errors)


class HeaderDecoder:
    """Decodes an encoding that a header says, unless the bytes are UTF-8.

    Many servers say ISO-8859-1 whatever they send. Text of one byte a character that happens to be UTF-8 is
    too rare to matter; in other encodings it is not, so they are believed.

    Args:
        codec: From ``codec_of``.
    """

    def __init__(self, codec: str) -> None:
        self._codec = codec
        self._decoder: codecs.IncrementalDecoder | None = None
        self._held = b""

    def decode(self, data: bytes, final: bool = False) -> str:
        """As every incremental decoder."""
        if self._decoder:
            return self._decoder.decode(data, final)
        data, self._held = self._held + data, b""
        codec = self._codec
        if codec.startswith(_ONE_BYTE):
            try:
                text, used = codecs.utf_8_decode(data, "strict", final)
            except UnicodeDecodeError:
                pass
            else:
                if text.isascii():
                    self._held = data[used:]  # the beginning of a character, or nothing
                    return text
                codec = "utf-8"
        self._decoder = decoder_of(codec)
        return self._decoder.decode(data, final)

    def reset(self) -> None:
        """As every incremental decoder."""
        if self._decoder:
            self._decoder.reset()
