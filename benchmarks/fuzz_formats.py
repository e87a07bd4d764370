"""Bodies of every format, drawn at random and cut anyhow, beside an independent reading of each.

    python -m benchmarks.fuzz_formats [--cases 4000] [--seed 0]

A difference ends it with the seed of its case: ``--cases 1 --seed <that>`` shows it again.
"""

import argparse
import json
import time
from collections.abc import Callable
from random import Random
from typing import NamedTuple

import tools  # noqa: F401 - puts the function's root on the path
from benchmarks import format_oracles as oracles
from benchmarks import format_texts as texts
from benchmarks.json_oracle import cut
from url_fetcher.errors import MalformedBody
from url_fetcher.formats.csv import CsvSplitter
from url_fetcher.formats.csv_dialect import Csv
from url_fetcher.formats.detect import Format, open_splitter
from url_fetcher.formats.json_seq import JsonSeqSplitter
from url_fetcher.formats.json_splitter import JsonSplitter
from url_fetcher.formats.ndjson import NdjsonSplitter
from url_fetcher.formats.splitter import Splitter, split
from url_fetcher.formats.xml import XmlSplitter
from url_fetcher.paths import parse_path

_BLOCKS = (1, 7, 64, 131_072)
_LARGE = 1_000_000
_BREAKS = bytes.maketrans(b"\r\n", b"  ")
_PATH = ("d", "items")
_DIALECTS = (
    oracles.Signs(),
    oracles.Signs(),
    oracles.Signs(";", "'"),
    oracles.Signs("\t", ""),
    oracles.Signs("|", '"', "\\"),
    oracles.Signs("^", "", "~"),
)


class _Found(NamedTuple):
    records: list[bytes]
    rejected: list[bytes]
    is_broken: bool
    offset: int = 0


def _found(splitter: Splitter, body: bytes, chance: Random, *, has_offset: bool = True) -> _Found:
    """What a splitter finds in ``body``, cut at random; an encoded body has no offsets to compare."""
    sizes = [chance.randrange(1, chance.choice((4, 60, 6_000))) for _ in range(chance.randrange(1, 5))]
    found = _Found([], [], is_broken=False)
    try:
        for records, rejected in split(cut(body, sizes), splitter):
            found.records.extend(map(bytes, records))
            found.rejected.extend(each.data.translate(_BREAKS) for each in rejected)
    except MalformedBody as error:
        found = found._replace(is_broken=True, offset=error.offset)
    assert not has_offset or 0 <= found.offset <= len(body), (found.offset, len(body))
    return found


def _compare(found: _Found, expected: oracles.Reading) -> None:
    """Everything is the same; of a broken body, as much as was handed out."""
    assert found.is_broken == expected.is_broken, (found.is_broken, expected)
    assert found.records == expected.records[: len(found.records)], (found.records, expected.records)
    if not found.is_broken:
        assert len(found.records) == len(expected.records), (found.records, expected.records)
        assert sorted(found.rejected) == sorted(expected.rejected), (found.rejected, expected.rejected)


def _check_lines(records: list[bytes]) -> None:
    """Each record is one line and one value of a strict parser."""
    for record in records:
        assert b"\n" not in record, record
        assert b"\r" not in record, record
        assert oracles.is_one_value(record), record


def check_json(seed: int) -> None:
    """One body of JSON, an array or values in a row."""
    chance = Random(seed)
    body = texts.json_body(chance)
    splitter = JsonSplitter(
        max_record_bytes=_LARGE, max_nesting=oracles.MAX_NESTING, block_bytes=chance.choice(_BLOCKS)
    )
    found = _found(splitter, body, chance)
    _check_lines(found.records)
    _compare(found, oracles.read_json(body))


def check_path(seed: int) -> None:
    """One object with the records at a path; its values are compared."""
    chance = Random(seed)
    body = texts.path_body(chance)
    splitter = JsonSplitter(
        path=parse_path(".".join(_PATH)),
        max_record_bytes=_LARGE,
        max_nesting=500,
        block_bytes=chance.choice(_BLOCKS),
    )
    found = _found(splitter, body, chance)
    for record in found.records:
        assert b"\n" not in record, record
    expected, is_broken = oracles.read_path(body, _PATH)
    assert found.is_broken == is_broken, (found.is_broken, body)
    if not is_broken:
        assert [oracles.decoded(each) for each in found.records] == expected, (found.records, expected)


def check_texts(seed: int) -> None:
    """One body of lines, or one JSON text sequence."""
    chance = Random(seed)
    draw, read, splitter = chance.choice(
        (
            (texts.ndjson_body, oracles.read_ndjson, NdjsonSplitter),
            (texts.json_seq_body, oracles.read_json_seq, JsonSeqSplitter),
        )
    )
    body = draw(chance)
    found = _found(splitter(max_record_bytes=_LARGE, max_nesting=oracles.MAX_NESTING), body, chance)
    _check_lines(found.records)
    _compare(found, read(body))


def check_csv(seed: int) -> None:
    """One table, in any dialect."""
    chance = Random(seed)
    signs = chance.choice(_DIALECTS)
    body, max_record_bytes = texts.csv_body(chance, *signs), chance.choice((12, 30, 1_000, _LARGE))
    dialect = Csv(delimiter=signs.delimiter, quote=signs.quote, escape=signs.escape)
    found = _found(CsvSplitter(max_record_bytes=max_record_bytes, dialect=dialect), body, chance)
    _check_lines(found.records)
    _compare(_as_dumped(found), oracles.read_csv(body, max_record_bytes, signs))


def check_xml(seed: int) -> None:
    """One document."""
    chance = Random(seed)
    body = texts.xml_body(chance)
    path = chance.choice((("a", "b"), ("a", "b"), ("a",)))
    found = _found(XmlSplitter(path=path, max_record_bytes=_LARGE, max_nesting=500), body, chance)
    _check_lines(found.records)
    _compare(_as_dumped(found), oracles.read_xml(body, [*path]))


def check_encoding(seed: int) -> None:
    """One body in an encoding that a Content-Type says, beside the same in UTF-8."""
    chance = Random(seed)
    format_, draw, _ = chance.choice(_DETECTED)
    text = draw(chance).decode("utf-8", "ignore").replace("\x00", "").replace("iso-8859-1", "utf-8")
    codec = chance.choice(("utf-16", "utf-16-le", "utf-16-be", "cp1252", "gb18030", "shift_jis"))
    text = text.encode(codec, "ignore").decode(codec)
    found = (
        _found(
            open_splitter(
                format_,
                record_path="a.b" if format_ == "xml" else "",
                max_record_bytes=_LARGE,
                max_nesting=oracles.MAX_NESTING,
                content_type=f"text/plain; charset={charset}",
            ),
            text.encode(charset),
            chance,
            has_offset=False,
        )
        for charset in (codec, "utf-8")
    )
    encoded, plain = (each._replace(offset=0) for each in found)
    assert encoded == plain or plain.is_broken, (codec, encoded, plain)
    assert encoded.is_broken == plain.is_broken, (codec, encoded, plain)


def check_anything(seed: int) -> None:
    """Any body under any format and Content-Type: nothing but lines, and errors of the function's own."""
    chance = Random(seed)
    format_, draw, content_type = chance.choice(_DETECTED)
    body = chance.choice((b"", b"\xef\xbb\xbf", b"\xff\xfe", b"PK\x03\x04", b" \n")) + draw(chance)
    if chance.random() < 0.1:
        body = chance.randbytes(chance.randrange(600))
    splitter = open_splitter(
        chance.choice((format_, "auto", "csv")) if format_ != "xml" else "auto",
        csv=Csv(encoding=chance.choice(("utf-8", "utf-16", "utf-16le", "shift_jis", "windows-1252"))),
        max_record_bytes=_LARGE,
        max_nesting=oracles.MAX_NESTING,
        content_type=chance.choice((content_type, "text/html", f"{content_type};charset=utf-16be")),
    )
    _check_lines(_found(splitter, body, chance, has_offset=False).records)


_DETECTED: tuple[tuple[Format, Callable[[Random], bytes], str], ...] = (
    ("json", texts.json_body, "application/json"),
    ("ndjson", texts.ndjson_body, "application/x-ndjson"),
    ("json_seq", texts.json_seq_body, "application/json-seq"),
    ("csv", texts.csv_body, "text/csv"),
    ("xml", texts.xml_body, "text/xml"),
)


def _as_dumped(found: _Found) -> _Found:
    return found._replace(records=[json.dumps(json.loads(record)).encode() for record in found.records])


CHECKS: tuple[Callable[[int], None], ...] = (
    check_json,
    check_path,
    check_texts,
    check_csv,
    check_xml,
    check_encoding,
    check_anything,
)


def main() -> None:
    """Check that many bodies of each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    began = time.monotonic()
    for seed in range(arguments.seed, arguments.seed + arguments.cases):
        for check in CHECKS:
            try:
                check(seed)
            except Exception as error:
                raise SystemExit(f"{check.__name__}, seed {seed}: {str(error)[:4_000]}") from error
    seconds = time.monotonic() - began
    count = arguments.cases * len(CHECKS)
    print(f"{count} bodies of {len(CHECKS)} kinds in {seconds:.0f} s: no difference from a second reading")


if __name__ == "__main__":
    main()
