"""What a page adds to the request's body."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from url_fetcher.source.request_body import encoded, with_members

_bodies = st.recursive(
    st.dictionaries(st.sampled_from("abc"), st.integers(), max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
_keys = st.lists(st.sampled_from("abc"), min_size=1, max_size=4)


def naive(body: dict[str, Any], keys: list[str], value: object) -> dict[str, Any]:
    """The same by a copy of everything; TypeError where the way leads through a number."""
    whole = copy.deepcopy(body)
    table = whole
    for key in keys[:-1]:
        table = table.setdefault(key, {})
    table[keys[-1]] = value
    return whole


@given(body=_bodies, keys=_keys, pointer=st.booleans())
def test_a_value_is_set_at_its_path_and_nothing_else_changes(
    body: dict[str, Any], keys: list[str], *, pointer: bool
) -> None:
    """Objects on the way are made, one that is no object is an error, and the source's body stays."""
    path = "/" + "/".join(keys) if pointer else ".".join(keys)
    before = copy.deepcopy(body)
    try:
        expected = naive(body, keys, [7])
    except (TypeError, AttributeError):
        with pytest.raises(ValueError, match="on the way to"):
            with_members(body, {path: [7]})
        return

    assert (with_members(body, {path: [7]}), body) == (expected, before)


def test_a_table_becomes_json_with_every_member() -> None:
    """Several values may lie in one object."""
    found = encoded({"q": "ü"}, {"page.size": 2, "/page/after": ["x", 1.5]})

    assert json.loads(found) == {"q": "ü", "page": {"size": 2, "after": ["x", 1.5]}}


def test_an_index_of_a_pointer_reaches_an_element_that_is_there() -> None:
    """The source's own array stays as it is."""
    body = {"groups": [{"filters": [{"value": "0"}, 2]}]}

    found = with_members(body, {"/groups/0/filters/0/value": "7", "/groups/0/filters/1": 3})

    assert (found, body["groups"]) == (
        {"groups": [{"filters": [{"value": "7"}, 3]}]},
        [{"filters": [{"value": "0"}, 2]}],
    )


@pytest.mark.parametrize("path", ["/groups/1/value", "groups.0.value", "/groups/x", "/groups/-"])
def test_an_array_is_not_made_longer(path: str) -> None:
    """What is no index of an element that is there is refused."""
    with pytest.raises(ValueError, match="an array of 1 elements"):
        with_members({"groups": [{}]}, {path: 1})
