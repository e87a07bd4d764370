"""One emulator for the commands that ask AWS; each test has a pipeline of its own in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.emulator.instance import Emulator
from tests.tools.parts import Parts


@pytest.fixture(scope="session")
def aws() -> Iterator[Emulator]:
    """A local AWS."""
    with Emulator() as running:
        yield running


@pytest.fixture
def parts(aws: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parts:
    """What the commands use of a pipeline; this process asks the emulator for it."""
    made = Parts.make(aws, tmp_path)
    for name, value in made.variables.items():
        monkeypatch.setenv(name, value)
    return made
