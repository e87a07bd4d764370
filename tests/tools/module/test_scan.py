"""Checkov on the module and on the stack of prod, as `make scan` runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ingestion_pipeline.code.target import Target
from tests.checkout import ROOT, Checkout, synthesized_file
from tools.module.emit import emit

pytestmark = pytest.mark.terraform


@pytest.fixture(scope="module")
def checkov() -> list[str | Path]:
    """Starts the program, installed below build/ as `make scan` does."""
    command = ["make", "--silent", "build/checkov/.ready", f"PYTHON={sys.executable}"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return [ROOT / "build" / "checkov" / "bin" / "python", "-m", "checkov.main"]


@pytest.fixture(scope="module")
def scanned(
    checkov: list[str | Path], tmp_path_factory: pytest.TempPathFactory
) -> subprocess.CompletedProcess[str]:
    """What checkov said about the emitted module."""
    module = tmp_path_factory.mktemp("scanned") / "module"
    emit(module, Target("python3.13", "arm64"))
    return _scan(checkov, "--directory", module, "--skip-path", "examples", "--skip-path", "tests")


def test_checkov_parses_every_resource(scanned: subprocess.CompletedProcess[str]) -> None:
    """No file and no block is left out for being unreadable."""
    summary = json.loads(scanned.stdout)["summary"]

    assert (scanned.stderr, summary["parsing_errors"], summary["resource_count"] > 20) == ("", 0, True)


def test_checkov_finds_nothing_in_the_module_that_has_no_reason(
    scanned: subprocess.CompletedProcess[str],
) -> None:
    """What .checkov.yaml does not explain does not fail."""
    assert _failed(scanned) == []


def test_checkov_finds_nothing_in_the_stack_that_has_no_reason(
    checkov: list[str | Path], tmp_path: Path
) -> None:
    """What prod would deploy passes, too."""
    Checkout(ROOT).synthesize(tmp_path, ENV="prod")
    scanned = _scan(checkov, "--file", synthesized_file(tmp_path))

    assert _failed(scanned) == []


def _scan(checkov: list[str | Path], *what: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*checkov, "--config-file", ".checkov.yaml", "--output", "json", *what]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)


def _failed(scanned: subprocess.CompletedProcess[str]) -> list[str]:
    """The checks that failed, of at least thirty."""
    result = json.loads(scanned.stdout)
    assert result["summary"]["passed"] > 30
    return [f"{each['check_id']} {each['resource']}" for each in result["results"]["failed_checks"]]
