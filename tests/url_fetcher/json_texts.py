"""JSON as sources write it: any value, any spacing, any escape, and any way to cut it."""

import json
from collections.abc import Iterable, Sequence

from hypothesis import strategies as st

from url_fetcher.formats.splitter import Rejected, Splitter, split

_space = st.sampled_from(["", "", "", " ", "\n", "\r\n  ", "\t"])
_numbers = st.builds(
    "{}{}{}".format,
    st.integers(-(10**40), 10**40) | st.integers(-9, 99),
    st.sampled_from(["", "", ".0", ".10", ".123456789012345678901"]),
    st.sampled_from(["", "", "e5", "E-7", "e+9999"]),
)
_escapes = st.sampled_from(
    [
        "\\ud83d\\ude00",
        "\\ud800",
        "\\udc00\\ud800",
        "\\u0000",
        "\\\\",
        '\\"',
        "\\/",
        "},{",
        "],[",
        '{\\"a\\":',
    ]
)
_plain = st.text(st.characters(codec="utf-8"), max_size=8).map(lambda text: json.dumps(text)[1:-1])
_raw = st.text(st.characters(codec="utf-8", min_codepoint=32, exclude_characters='"\\'), max_size=8)
_strings = st.lists(_plain | _raw | _escapes, max_size=4).map(lambda parts: f'"{"".join(parts)}"')
_keys = st.sampled_from(['"id"', '"a"', '""', '"\\""']) | _strings
_scalars = _numbers | _strings | st.sampled_from(["true", "false", "null"])


def _array(elements: list[tuple[str, str]]) -> str:
    return "[" + ",".join(space + element + space for space, element in elements) + "]"


def _object(members: list[tuple[str, str, str]]) -> str:
    return "{" + ",".join(f"{space}{key}:{space}{value}{space}" for space, key, value in members) + "}"


def _containers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(st.tuples(_space, inner), max_size=4).map(_array) | st.lists(
        st.tuples(_space, _keys, inner), max_size=4
    ).map(_object)


values = st.recursive(_scalars, _containers, max_leaves=12)
"""The text of any one JSON value."""

alike = st.lists(st.tuples(_numbers, values), max_size=12).map(
    lambda pairs: [f'{{"id":{number},"v":{value}}}' for number, value in pairs]
)
"""The texts of objects that open alike, as those of a real source do."""

arrays = st.tuples(alike | st.lists(values, max_size=12), _space).map(
    lambda drawn: "[" + f",{drawn[1]}".join(drawn[0]) + drawn[1] + "]"
)
"""The text of an array."""

rows = st.lists(st.tuples(values, st.sampled_from(["\n", " ", "\r\n", "\n\n"])), min_size=1, max_size=8).map(
    lambda drawn: "".join(value + space for value, space in drawn)
)
"""The text of values in a row."""

cuts = st.lists(st.integers(1, 40), min_size=1, max_size=6)
"""Sizes to cut a body by, over and over."""


def read(splitter: Splitter, chunks: Iterable[bytes]) -> tuple[list[bytes], list[Rejected], Exception | None]:
    """Records, rejected records and the error that ended the body, if one did."""
    records: list[bytes] = []
    rejected: list[Rejected] = []
    try:
        for some, refused in split(chunks, splitter):
            records += map(bytes, some)
            rejected += refused
    except Exception as error:
        return records, rejected, error
    return records, rejected, None


def decoded(records: Sequence[bytes]) -> list[object]:
    """What the standard library makes of each record."""
    return [json.loads(record, parse_int=str, parse_float=str) for record in records]
