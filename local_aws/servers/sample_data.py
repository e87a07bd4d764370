r"""The records that the sample API serves: the same at every start, and hard on careless readers.

They hold what a parse and a re-serialization would change or break: ``1.0`` and ``1.50``, integers
beyond 64 bits, exponents, ``\u00e9`` beside é, ``\/``, emoji, surrogate pairs, key order, spaces,
line breaks between tokens, nested and empty values, long text.
"""

import json
import random
from functools import cache

RECORD_COUNT = 500
SEED = 20261123
PRETTY_EVERY = 25
LONG_EVERY = 100
WORDS = (
    "river",
    "ferry",
    "harbour",
    "lantern",
    "copper",
    "meadow",
    "signal",
    "orchard",
    "winter",
    "timber",
    "glass",
    "paper",
    "market",
    "Äpfel",
    "café",
    "naïve",
    "façade",
    "smørrebrød",
    "Łódź",
    "Θάλασσα",
    "мост",
    "東京",
    "서울",
    "नमस्ते",
    "🚀",
    "🧪",
    "👩\u200d🔬",
)
NUMBERS = (
    *("1.0", "1.50", "-0.0", "0.1", "1e3", "1E-7", "6.02214076e+23", "12345678901234567890123456789012345"),
    *("9007199254740993", "-9223372036854775809", "0", "3.141592653589793238462643"),
)
WORDS_OF_LOGIC = ("true", "false", "null")
ODD_STRINGS = (
    r'"caf\u00e9 beside café"',
    r'"a \"quoted\" word, a back\\slash, a \/ slash"',
    r'"tab\tnewline\nreturn\r, all escaped"',
    r'"\ud83d\ude80 and 🚀"',
    r'"line\u2028separator, null \u0000, delete \u007f"',
    r'"[brackets], {braces} and a comma, in text"',
    '""',
)


@cache
def records(count: int = RECORD_COUNT) -> tuple[bytes, ...]:
    """``count`` JSON objects in UTF-8, each exactly as the API sends it; ids from 1 in order."""
    source = random.Random(SEED)
    return tuple(_record(source, number).encode() for number in range(1, count + 1))


def stored_form(record: bytes) -> bytes:
    """The record as ``data`` holds it: the same bytes, but line breaks between tokens are spaces."""
    return record.replace(b"\n", b" ").replace(b"\r", b" ")


def _record(source: random.Random, number: int) -> str:
    words = 400 if number % LONG_EVERY == 0 else source.randint(5, 60)
    fields = (
        f'"userId": {source.randint(1, 50)}',
        f'"id": {number}',
        f'"title": {_text(source, source.randint(2, 9))}',
        f'"body": {_text(source, words)}',
        f'"odd": {source.choice(ODD_STRINGS)}',
        f'"score":{source.choice(NUMBERS)}',
        f'"history": [{", ".join(source.choices(NUMBERS, k=source.randint(0, 4)))}]',
        f'"author": {{"name": {_text(source, 2)}, "active": {source.choice(WORDS_OF_LOGIC)}, "tags": []}}',
    )
    # The pretty ones break the line between tokens, as jq or an editor would.
    return (
        "{\n  " + ",\n  ".join(fields) + "\n}"
        if number % PRETTY_EVERY == 0
        else "{" + ", ".join(fields) + "}"
    )


def _text(source: random.Random, words: int) -> str:
    text = " ".join(source.choices(WORDS, k=words))
    return json.dumps(text, ensure_ascii=source.random() < 0.5)
