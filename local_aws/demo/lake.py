"""Reads the lake's objects and their record lines, and compares them with the source."""

import gzip
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

CONFIGURATION = "config/"
"""Folder of the bucket with the function's sources, which are no records."""


class Line(msgspec.Struct, rename="camel"):
    """One record line of the lake; ``data`` holds the source's own bytes."""

    timestamp: str
    source_url: str
    id: str
    data: msgspec.Raw


class DeadLetter(msgspec.Struct, rename="camel"):
    """One record that the function could not deliver, with its reason and the beginning of its bytes."""

    reason: str
    total_bytes: int
    truncated: bool
    data: str = ""
    data_base64: str = msgspec.field(name="dataBase64", default="")


@dataclass(frozen=True)
class LakeObject:
    """One S3 object.

    Attributes:
        key: Its key.
        size_bytes: As stored, compressed.
        lines: Its record lines, without their newlines.
    """

    key: str
    size_bytes: int
    lines: tuple[bytes, ...]


class Lake:
    """The bucket, read again and again while objects arrive; an object is read once.

    Args:
        s3: A boto3 client.
        bucket: Its name.
        prefix: Only the objects below it are read; by default all but the configuration.
    """

    def __init__(self, s3: Any, bucket: str, prefix: str = "") -> None:
        self._s3 = s3
        self._prefix = prefix
        self.bucket = bucket
        self.objects: dict[str, LakeObject] = {}

    def look(self) -> None:
        """Reads what has arrived since the last look."""
        pages = self._s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.bucket, Prefix=self._prefix):
            for entry in page.get("Contents", []):
                if entry["Key"] not in self.objects and not entry["Key"].startswith(CONFIGURATION):
                    self.objects[entry["Key"]] = self._read(entry["Key"], entry["Size"])

    @property
    def lines(self) -> list[bytes]:
        """Every record line, object by object in the order of their keys."""
        return [line for key in sorted(self.objects) for line in self.objects[key].lines]

    def _read(self, key: str, size_bytes: int) -> LakeObject:
        body = self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        text = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        # Not splitlines(): a form feed or the like within a line is no end of it.
        return LakeObject(key, size_bytes, tuple(line for line in text.split(b"\n") if line))


@dataclass
class Comparison:
    """The differences between the lake and the source.

    Attributes:
        expected: Number of records in the source.
        by_content: True if the records themselves are known, False if only their number is.
        missing: Records of the source that are in no line.
        unknown: Lines that are no record line, or whose data the source does not have.
        duplicates: Lines beyond the first of the same record, which at-least-once delivery may bring.
        differing_ids: Records whose lines do not all carry the same ``id``.
        dead_letters: Records that cannot be delivered, beside ``expected``.
    """

    expected: int
    by_content: bool = True
    missing: list[bytes] = field(default_factory=list)
    unknown: list[bytes] = field(default_factory=list)
    duplicates: int = 0
    differing_ids: int = 0
    dead_letters: list[DeadLetter] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """True if the lake has every record with its own bytes, and nothing else."""
        return not (self.missing or self.unknown or self.differing_ids)


def parse(line: bytes) -> Line | None:
    """The record line, or None if it is none."""
    try:
        return msgspec.json.decode(line, type=Line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def parse_dead_letter(line: bytes) -> DeadLetter | None:
    """The dead letter, or None if the line is none."""
    try:
        return msgspec.json.decode(line, type=DeadLetter)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def compare(source: Sequence[bytes], lines: Iterable[bytes]) -> Comparison:
    """Compares the lines' ``data`` with the source's records, which may have equal ones.

    Args:
        source: Each record as it must be stored.
        lines: The lake's lines.
    """
    wanted = Counter(source)
    found: Counter[bytes] = Counter()
    ids: dict[bytes, set[str]] = {}
    result = Comparison(expected=len(source))
    for text in lines:
        line = parse(text)
        data = bytes(line.data) if line else b""
        if line is None or data not in wanted:
            result.unknown.append(text)
            continue
        found[data] += 1
        ids.setdefault(data, set()).add(line.id)
    result.missing = list((wanted - found).elements())
    result.duplicates = (found - wanted).total()
    result.differing_ids = sum(len(values) > 1 for values in ids.values())
    return result


def compare_count(expected: int, lines: Sequence[bytes], dead_letters: int = 0) -> Comparison:
    """Compares the number of lines with the number of records that the function says it put.

    For a source whose records are not known beforehand: each missing record is an empty entry in
    ``missing``, because its content is unknown.

    Args:
        expected: Records that are on the stream.
        lines: The lake's lines.
        dead_letters: Records that the function says it could not deliver.
    """
    result = Comparison(expected=expected, by_content=False)
    result.dead_letters = [letter for line in lines if (letter := parse_dead_letter(line))]
    delivered = [line for line in lines if not parse_dead_letter(line)]
    good = sum(parse(line) is not None for line in delivered)
    lacking = max(0, expected - good) + max(0, dead_letters - len(result.dead_letters))
    result.missing = [b""] * lacking
    result.unknown = [line for line in delivered if parse(line) is None]
    result.duplicates = max(0, good - expected)
    return result
