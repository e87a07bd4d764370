"""A hostile server that stops with the test."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from local_aws.hostile_source import HostileSource
from tests.url_fetcher.reading import Hostile, Secrets


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    with ExitStack() as stack:
        yield lambda behaviours: stack.enter_context(HostileSource(behaviours))


@pytest.fixture
def secrets() -> Secrets:
    return Secrets()
