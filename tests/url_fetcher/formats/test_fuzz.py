"""Every splitter beside an independent reading of the same body; `make bench` runs twenty thousand."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fuzz_formats import CHECKS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@settings(max_examples=75, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_a_splitter_finds_what_an_independent_reading_finds(check: Callable[[int], None], seed: int) -> None:
    """Whatever is in a body and however it is cut, each record is one line and one value of the source."""
    check(seed)
