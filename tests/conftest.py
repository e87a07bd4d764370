import base64
import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import hypothesis
import pytest

from tests.checkout import ROOT, WITH_SMALL_ZIP, Checkout
from tools.ground.switches import in_ci

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from ingestion_pipeline.code.bundle import Bundle
    from ingestion_pipeline.code.target import Target

pytest_plugins = ["tests.schedule", "tests.left_behind", "tests.random_order"]

# Node 20 is supported by the CDKTF command line; jsii would print a banner over every failure.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

# A busy machine is slow, not wrong. In a CI every run has the same examples; elsewhere each tries others.
hypothesis.settings.register_profile(
    "patient",
    max_examples=50,
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


@pytest.fixture(scope="session")
def small_zip(tmp_path_factory: pytest.TempPathFactory) -> "Callable[[], AbstractContextManager[object]]":
    """What puts a small file, another for each target, in the place of the function's zip.

    The zip takes seconds and, the first time, the network. No test of resources looks into it.
    """
    from ingestion_pipeline.code import bundle

    folder = tmp_path_factory.mktemp("zip")

    def build(root: Path, target: "Target", cache: Path) -> "Bundle":  # noqa: ARG001 - as the real one
        path = folder / f"lambda-{target.runtime}-{target.architecture}.zip"
        path.write_text(repr(target))
        return bundle.Bundle(path, base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode())

    return lambda: mock.patch.object(bundle, "build", build)


@pytest.fixture(scope="module")
def only_small_zips(small_zip: "Callable[[], AbstractContextManager[object]]") -> "Iterator[None]":
    """All that a module synthesizes has such a zip."""
    with small_zip():
        yield


@pytest.fixture(scope="session")
def with_small_zip(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without the seconds that the function's zip takes: a small file is in its place."""
    output = tmp_path_factory.mktemp("small-zip")
    done = checkout.run(
        *(sys.executable, "-c", WITH_SMALL_ZIP, checkout.root / "main.py"),
        PYTHONPATH=str(checkout.root / "constructs"),
        CDKTF_OUTDIR=str(output),
    )
    assert done.returncode == 0, done.stderr
    return output
