from collections.abc import Iterator

import pytest

from local_aws.sample_api import SampleApi


@pytest.fixture(scope="module")
def sample() -> Iterator[SampleApi]:
    """A real HTTP API with known records."""
    with SampleApi() as api:
        yield api
