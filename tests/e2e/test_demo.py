"""The front door as a user opens it."""

import pytest

from tests.checkout import Checkout

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What ``make demo`` printed; it has succeeded."""
    done = Checkout.copy(tmp_path_factory.mktemp("demo") / "checkout").run("make", "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_every_record_of_the_sample_is_in_the_lake(said: str) -> None:
    """The demo compares each record with its source and says so."""
    assert "500 of 500 records in the lake, in 1 object, compared byte for byte." in said


@pytest.mark.parametrize(
    "step", ["Synthesize", "Make the state bucket", "Deploy", "Fetch", "Destroy", "Stop"]
)
def test_each_step_is_shown(said: str, step: str) -> None:
    """A user sees what is going on."""
    assert step in said


def test_nothing_warned(said: str) -> None:
    """No tool printed a warning."""
    assert "arning" not in said
