"""A zip archive made from bytes alone: no clock, no file mode, no machine gets into it.

Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16.
"""

import struct
from collections.abc import Mapping

LEVEL = 12
"""libdeflate's best; 2 s for 8 MB, once per change."""

STORED, DEFLATED = 0, 8
VERSION_NEEDED = 20
MADE_ON_UNIX = 3 << 8
UTF8_NAMES = 0x800
DATE_1980_01_01 = 0x21
MODE = 0o100644 << 16
"""A regular file that everybody may read: Lambda runs the code as another user than it unpacks it."""


def write_zip(files: Mapping[str, bytes]) -> bytes:
    """The archive of ``files``, sorted by name, all dated 1980-01-01 and readable by all.

    Args:
        files: Content by name; names use ``/`` and are relative.
    """
    from deflate import crc32, deflate_compress

    body, directory = bytearray(), bytearray()
    for name, content in sorted(files.items()):
        packed = deflate_compress(content, LEVEL)
        method, data = (DEFLATED, packed) if len(packed) < len(content) else (STORED, content)
        label = name.encode()
        about = struct.pack(
            "<HHHHHIIIHH",
            *(VERSION_NEEDED, UTF8_NAMES, method, 0, DATE_1980_01_01),
            *(crc32(content), len(data), len(content), len(label), 0),
        )
        directory += b"PK\x01\x02" + struct.pack("<H", VERSION_NEEDED | MADE_ON_UNIX) + about
        directory += struct.pack("<HHHII", 0, 0, 0, MODE, len(body)) + label
        body += b"PK\x03\x04" + about + label + data
    end = struct.pack("<HHHHIIH", 0, 0, len(files), len(files), len(directory), len(body), 0)
    return bytes(body + directory + b"PK\x05\x06" + end)
