"""Sources to ingest: arrays of records of a known size, the same bytes every time."""

import json
import random
import string
from pathlib import Path

SMALL_BYTES = 191
LARGE_BYTES = 10_240
RANDOM_BYTES = 1_024
"""Of a record of random text: enough that the text is most of it."""
_TITLES = ('gamma "delta"', "épsilon zêta", "plain text", "line\nbreak")
_BASE64 = string.ascii_letters + string.digits + "+/"
_IDEOGRAPHS = range(0x4E00, 0xA000)
_IDEOGRAPH_BYTES = 3
_WORDS = ("lorem", "ipsum", "dolor", "sit", "amet", "consetetur", "sadipscing", "elitr", "sed")


def source(
    folder: Path,
    *,
    records: int,
    record_bytes: int = SMALL_BYTES,
    in_object: bool = False,
    random_text: bool = False,
) -> str:
    """The name of a file in ``folder`` with that many records, made if it is not there.

    Args:
        folder: Where it lies.
        records: How many.
        record_bytes: Of each, about.
        in_object: Whether the array is ``items`` of an object.
        random_text: Whether the records' text is drawn by the character, which no compressor makes small.
    """
    name = f"{record_bytes}-{records}{'-items' * in_object}{'-random' * random_text}.json"
    path = folder / name
    if not path.exists():
        drawn = random.Random(records)
        unfinished = path.with_suffix(".part")
        with unfinished.open("w") as file:
            file.write('{"items":' if in_object else "")
            for number in range(records):
                file.write("," if number else "[")
                file.write(_record(drawn, number, record_bytes, random_text=random_text))
            file.write("]}" if in_object else "]")
        unfinished.rename(path)
    return name


def _record(drawn: random.Random, number: int, record_bytes: int, *, random_text: bool) -> str:
    """Strings with escapes and beyond ASCII, numbers, nesting; filled up to about the wanted size."""
    record = {
        "id": number,
        "userId": drawn.randrange(100),
        "title": drawn.choice(_TITLES),
        "tags": ["a", str(number % 13)],
        "geo": {"lat": round(drawn.random() * 90, 6), "lng": round(drawn.random() * 180, 6)},
        "active": number % 2 == 0,
        "note": "",
    }
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    missing = max(0, record_bytes - len(text.encode()) - 1 + drawn.randrange(-20, 21))
    filling = _random(drawn, number, missing) if random_text else _words(drawn, missing)
    return text[: -len('"}')] + filling + '"}'


def _words(drawn: random.Random, size: int) -> str:
    return " ".join(drawn.choices(_WORDS, k=size // 4 + 1))[:size]


def _random(drawn: random.Random, number: int, size: int) -> str:
    """That many bytes of base64, of hexadecimal digits or of ideographs, in turn."""
    if number % 3 == 0:
        return "".join(drawn.choices(_BASE64, k=size))
    if number % 3 == 1:
        return "".join(drawn.choices("0123456789abcdef", k=size))
    return "".join(map(chr, drawn.choices(_IDEOGRAPHS, k=size // _IDEOGRAPH_BYTES)))
