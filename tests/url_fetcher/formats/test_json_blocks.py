import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.url_fetcher.json_texts import values
from url_fetcher.formats.json_blocks import BoundaryFinder


@settings(max_examples=25, deadline=None, derandomize=True)
@given(elements=st.lists(values, min_size=2, max_size=8), cut_off=st.integers(0, 30))
def test_the_exact_cut_is_the_last_comma_between_elements(elements: list[str], cut_off: int) -> None:
    """However values nest and whatever their strings hold, the last comma between two of them is found."""
    text = ",".join(elements)
    text = text[: max(len(elements[0]) + 1, len(text) - cut_off)]
    ends = [len(",".join(elements[:count])) for count in range(1, len(elements))]

    found = BoundaryFinder(b",").exact(bytearray(text.encode()), 0)

    assert found == len(text[: max(end for end in ends if end < len(text))].encode())


def test_without_a_comma_there_is_no_exact_cut() -> None:
    """One value that has not ended cannot be cut."""
    assert BoundaryFinder(b",").exact(bytearray(b'{"a":[1,2],"b":"x,'), 0) == -1


def test_a_guess_is_where_the_learned_opening_stands_last() -> None:
    """Having seen how a record opens, the last place of the kind behind a comma is proposed first."""
    cuts = BoundaryFinder(b",")
    cuts.learn(b'{"id":1,"a":2}')
    text = bytearray(b'{"id":2},\n  {"id":3},{"a":{"id":4')

    assert [bytes(text[cut : cut + 9]).strip() for cut in cuts.guesses(text, 0)] == [b',\n  {"id"']


@pytest.mark.parametrize("misses", [1, 2, 3])
def test_after_misses_the_guesses_rest(misses: int) -> None:
    """Each miss doubles how many blocks pass before the next guess."""
    cuts = BoundaryFinder(b",")
    cuts.learn(b'{"id":1}')
    text = bytearray(json.dumps([{"id": 1}] * 9, separators=(",", ":"))[1:].encode())
    rests = []
    for _ in range(misses):
        cuts.missed()
        rests.append(0)
        while not list(cuts.guesses(text, 0)):
            rests[-1] += 1

    assert rests == [1, 2, 4][:misses]


@pytest.mark.parametrize("text", [b',{"id":2}', b',{"id":2},{"id":3', b","])
def test_no_cut_is_proposed_where_a_value_should_begin(text: bytes) -> None:
    """A separator with no value before it divides nothing."""
    cuts = BoundaryFinder(b",")
    cuts.learn(b'{"id":1}')
    data = bytearray(text)

    assert 0 not in [*cuts.guesses(data, 0), cuts.exact(data, 0)]
