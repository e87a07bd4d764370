"""A fuzzing target: any bytes, cut anyhow, must give what the standard library finds in them.

    pip install atheris && python -m benchmarks.fuzz_splitter [corpus folder] [-max_total_time=600]

Without atheris it runs random bytes and random damage to valid JSON for as many seconds as given:

    python -m benchmarks.fuzz_splitter 60
"""

import json
import random
import sys
import time
from importlib import import_module

import tools  # noqa: F401 - puts the function's root on the path
from benchmarks.json_oracle import cut, expect
from url_fetcher.errors import IngestionError, MalformedBody
from url_fetcher.formats.json_splitter import JsonSplitter
from url_fetcher.formats.splitter import split

_ALPHABET = '[]{},:"\\ \n1-.eE+NatrufIinlsxé\ud7ff'.encode()
_BLOCKS = (1, 7, 64, 131_072)


def check(data: bytes) -> None:
    """Split what ``data`` says, cut as its first bytes say, and compare.

    Raises:
        AssertionError: When the splitter and the standard library disagree.
    """
    if len(data) < 3:
        return
    block_bytes, sizes, body = _BLOCKS[data[0] % len(_BLOCKS)], (data[1] % 40 + 1, data[2] % 7 + 1), data[3:]
    expected = expect(body)
    splitter = JsonSplitter(max_record_bytes=1_000_000, max_nesting=100, block_bytes=block_bytes)
    records: list[str] = []
    rejected: list[str] = []
    broken = False
    try:
        for some, refused in split(cut(body, sizes), splitter):
            records += [bytes(record).decode() for record in some]
            rejected += [each.data.decode() for each in refused if "nested" not in each.reason]
    except MalformedBody as error:
        broken = 0 <= error.offset <= len(body)
    except IngestionError:
        return
    assert broken == expected.broken, (body, expected)
    assert records == expected.records[: len(records)], (body, expected)
    assert broken or (len(records), rejected) == (len(expected.records), expected.rejected), (body, expected)


def _random_input(source: random.Random) -> bytes:
    head = source.randbytes(3)
    if source.random() < 0.3:
        return head + bytes(source.choices(_ALPHABET, k=source.randrange(60)))
    body = bytearray(json.dumps(_value(source, 4), indent=source.choice([None, 1])).encode())
    for _ in range(source.randrange(3)):
        at = source.randrange(len(body) + 1)
        body[at : at + source.randrange(3)] = bytes(source.choices(_ALPHABET, k=source.randrange(3)))
    return head + bytes(body)


def _value(source: random.Random, depth: int) -> object:
    kind = source.randrange(8 if depth else 4)
    if kind < 4:
        return source.choice([None, True, 0, -1.5e300, 10**40, "", '},{"id":', "\\", "é", "\ud800", "\n"])
    if kind < 6:
        return [_value(source, depth - 1) for _ in range(source.randrange(5))]
    return {
        key: _value(source, depth - 1) for key in source.sample(["id", "a", "", '"'], source.randrange(4))
    }


def _run_for(seconds: float) -> None:
    source = random.Random()
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        check(_random_input(source))
        count += 1
    print(f"{count} inputs in {seconds:g} s, no difference")


def main() -> None:
    """Fuzz with atheris if it is there, else at random."""
    try:
        atheris = import_module("atheris")
    except ImportError:
        _run_for(float(sys.argv[1]) if len(sys.argv) > 1 else 60)
        return
    atheris.instrument_all()
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
