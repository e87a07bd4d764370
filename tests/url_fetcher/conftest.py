"""A hostile server that stops with the test, an empty stream, and AWS clients that are quickly made."""

from collections.abc import Iterator
from contextlib import ExitStack
from unittest import mock

import botocore.loaders
import botocore.session
import pytest

from local_aws.servers.hostile_source import HostileSource
from tests.url_fetcher.invoking import Stream
from tests.url_fetcher.reading import Hostile


@pytest.fixture(scope="session", autouse=True)
def one_loader() -> Iterator[None]:
    """Botocore reads each of its models once, not once a client: that is most of what a client costs."""
    loader = botocore.loaders.create_loader()
    with mock.patch.object(botocore.session, "create_loader", return_value=loader):
        yield


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    """Starts servers that stop with the test."""
    with ExitStack() as stack:
        yield lambda behaviours: stack.enter_context(HostileSource(behaviours))


@pytest.fixture
def stream() -> Stream:
    """An empty stream."""
    return Stream()
