"""A hostile server that stops with the test, and an empty stream."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from local_aws.servers.hostile_source import HostileSource
from tests.url_fetcher.invoking import Stream
from tests.url_fetcher.reading import Hostile


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    """Starts servers that stop with the test."""
    with ExitStack() as stack:
        yield lambda behaviours: stack.enter_context(HostileSource(behaviours))


@pytest.fixture
def stream() -> Stream:
    """An empty stream."""
    return Stream()
