import os
from pathlib import Path

import hypothesis
import pytest

from tests.checkout import ROOT, Checkout
from tools.ground.switches import in_ci

pytest_plugins = ["tests.schedule", "tests.left_behind", "tests.random_order"]

# Node 20 is supported by the CDKTF command line; jsii would print a banner over every failure.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

# A busy machine is slow, not wrong. In a CI every run has the same examples; elsewhere each tries others.
hypothesis.settings.register_profile(
    "patient",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize=in_ci(os.environ),
)
hypothesis.settings.load_profile("patient")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout that is tested."""
    return ROOT


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy of the checkout, at a path with a space in it."""
    return Checkout.copy(tmp_path_factory.mktemp("copy") / "a checkout")


@pytest.fixture(scope="session")
def by_hand(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``python main.py`` writes for ``dev``."""
    output = tmp_path_factory.mktemp("by-hand")
    checkout.synthesize(output)
    return output
