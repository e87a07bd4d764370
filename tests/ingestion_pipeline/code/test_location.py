"""Where code and zips lie in a checkout; tests/e2e/test_wheel.py installs the wheel for real."""

from pathlib import Path

import pytest

from ingestion_pipeline.code import location
from tests.checkout import ROOT


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The function's code beside the package, as the wheel puts it."""
    folder = tmp_path / "lambda"
    folder.mkdir()
    monkeypatch.setattr(location, "INSTALLED", folder)
    return folder


def test_a_checkout_keeps_its_own() -> None:
    """The code is the checkout's, and zips go to build/, which `make clean` removes."""
    assert (location.function_root(), location.bundle_cache()) == (
        ROOT / "lambda",
        ROOT / "build" / "bundles",
    )


def test_a_wheel_has_the_code_in_it(installed: Path) -> None:
    """What lies beside the package comes first."""
    assert location.function_root() == installed


@pytest.mark.parametrize(("given", "cache"), [("/caches", "/caches"), ("", "/h/.cache")])
def test_a_wheels_zips_go_to_the_users_cache(
    installed: Path, monkeypatch: pytest.MonkeyPatch, given: str, cache: str
) -> None:
    """Never to site-packages; by the XDG variable, or where it points by default."""
    monkeypatch.setenv("XDG_CACHE_HOME", given)
    monkeypatch.setenv("HOME", "/h")
    zips = location.bundle_cache()

    assert zips == Path(cache, "ingestion-pipeline")
    assert not zips.is_relative_to(installed.parent)
