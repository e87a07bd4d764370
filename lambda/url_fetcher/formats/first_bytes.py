"""Recognises by its first bytes what a body is, whatever its Content-Type says."""

import json
import re

BYTES = 512
"""The first bytes that are looked at: a tar archive names itself at byte 257."""

OBJECT = "a JSON object"

# A key or the end of an object; an element or the end of an array. `[name],[size]` is a header of CSV.
_JSON = re.compile(rb'\{\s*["}]|\[\s*(?:["{\[\]]|-?[0-9]|true|false|null)')
# `<DATE>;<TIME>` is a header of CSV: XML has a declaration, a comment, a closing tag or two tags in a row.
_XML = re.compile(rb"<(?:\?xml|!)|<[A-Za-z_][^<>]*>(?:[ \r\n]*<[A-Za-z_/!?]|[^<]*</)|<[A-Za-z_][^<>]*/>")
# ASCII in UTF-16: every other byte is zero.
_UTF16 = re.compile(rb"(?:[^\x00]\x00){2}|(?:\x00[^\x00]){2}")
_BINARY = {
    b"PK\x03\x04": "a zip archive, as .xlsx files are",
    b"PK\x05\x06": "an empty zip archive",
    b"%PDF-": "a PDF",
    b"\xd0\xcf\x11\xe0": "a file of old Excel or Word",
    b"PAR1\x15": "Parquet",
    b"Obj\x01": "Avro",
    b"BZh91AY&SY": "compressed with bzip2",
    b"\xfd7zXZ\x00": "compressed with xz",
    b"\x04\x22\x4d\x18": "compressed with LZ4",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!\x1a": "a RAR archive",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF89a": "an image",
}
_MAGIC = tuple(_BINARY)
_TAR_OFFSET, _TAR_MAGIC = 257, b"ustar"


def binary(head: bytes) -> str:
    """Returns what a file of bytes is, in words; empty if it may be text."""
    if head[_TAR_OFFSET:].startswith(_TAR_MAGIC):
        return "a tar archive"
    if not head.startswith(_MAGIC):
        return ""
    return next(name for magic, name in _BINARY.items() if head.startswith(magic))


def is_unmarked_utf16(head: bytes) -> bool:
    """True if a body is UTF-16 without a byte order mark; only XML says so itself."""
    return bool(_UTF16.match(head))


def other_than_csv(head: bytes) -> str:
    """Returns what a body is that was taken for CSV, in words; empty if it may be CSV."""
    if _XML.match(head):
        return "XML or HTML"
    if not _JSON.match(head):
        return ""
    text = head.decode("utf-8", "replace")
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):  # it is longer than the head
        pass
    else:
        # A table without a header may begin with a field that is JSON, and then a delimiter.
        if text[end : end + 1] not in ("", "\n", "\r", " ", "{", "["):
            return ""
    return OBJECT if head.startswith(b"{") else "a JSON array"
