"""One emulator for the tests that only look at its answers; each uses names of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.emulator.instance import Emulator


@pytest.fixture(scope="session")
def aws() -> Iterator[Emulator]:
    """An emulator whose Firehose and alarms are 200 times as fast as AWS's: 60 s last 0.3 s."""
    with Emulator(firehose_time_scale=0.005, alarm_time_scale=0.005) as emulator:
        yield emulator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these start the emulator or other programs."""
    folder = f"{Path(__file__).parent}/"
    for item in items:
        if str(item.path).startswith(folder):
            item.add_marker(pytest.mark.terraform)
