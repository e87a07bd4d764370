"""What the scenarios have in common; each module of them has a local AWS of its own."""

from collections.abc import Iterator

import pytest

from local_aws.servers.sample_api import SampleApi
from tests.e2e.provider import PooledEmulator


@pytest.fixture(scope="module")
def emulator() -> Iterator[PooledEmulator]:
    """A local AWS that enforces IAM and whose Firehose waits a twentieth of its interval."""
    with PooledEmulator(auth=True, firehose_time_scale=0.05, settings={"TLS_IN_FRONT": "true"}) as running:
        yield running


@pytest.fixture(scope="module")
def sample() -> Iterator[SampleApi]:
    """A real HTTP API with known records."""
    with SampleApi() as api:
        yield api
