"""Sources to ingest: arrays of records of a known size, the same bytes every time."""

import json
import random
from pathlib import Path

SMALL_BYTES = 191
LARGE_BYTES = 10_240
_TITLES = ('gamma "delta"', "épsilon zêta", "plain text", "line\nbreak")
_WORDS = ("lorem", "ipsum", "dolor", "sit", "amet", "consetetur", "sadipscing", "elitr", "sed")


def source(folder: Path, *, records: int, record_bytes: int = SMALL_BYTES, in_object: bool = False) -> str:
    """The name of a file in ``folder`` with that many records, made if it is not there.

    Args:
        folder: Where it lies.
        records: How many.
        record_bytes: Of each, about.
        in_object: Whether the array is ``items`` of an object.
    """
    name = f"{record_bytes}-{records}{'-items' if in_object else ''}.json"
    path = folder / name
    if not path.exists():
        drawn = random.Random(records)
        unfinished = path.with_suffix(".part")
        with unfinished.open("w") as file:
            file.write('{"items":' if in_object else "")
            for number in range(records):
                file.write("," if number else "[")
                file.write(_record(drawn, number, record_bytes))
            file.write("]}" if in_object else "]")
        unfinished.rename(path)
    return name


def _record(drawn: random.Random, number: int, record_bytes: int) -> str:
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
    missing = record_bytes - len(text.encode()) - 1 + drawn.randrange(-20, 21)
    filling = " ".join(drawn.choices(_WORDS, k=max(0, missing) // 4 + 1))[: max(0, missing)]
    return text[: -len('"}')] + filling + '"}'
