"""Checkov on the module, as `make scan` runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ingestion_pipeline.code.bundle import Target
from tests.checkout import ROOT
from tools.module.emit import emit

pytestmark = pytest.mark.terraform


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """What checkov said about the emitted module."""
    module = tmp_path_factory.mktemp("scanned") / "module"
    emit(module, Target("python3.13", "arm64"))
    command = ["make", "--silent", "build/checkov/.ready", f"PYTHON={sys.executable}"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return _checkov(module)


def test_checkov_parses_every_resource(scanned: subprocess.CompletedProcess[str]) -> None:
    """No file and no block is left out for being unreadable."""
    summary = json.loads(scanned.stdout)["summary"]

    assert (scanned.stderr, summary["parsing_errors"], summary["resource_count"] > 20) == ("", 0, True)


def test_checkov_finds_nothing_that_has_no_reason(scanned: subprocess.CompletedProcess[str]) -> None:
    """What .checkov.yaml does not explain does not fail."""
    result = json.loads(scanned.stdout)
    failed = [f"{each['check_id']} {each['resource']}" for each in result["results"]["failed_checks"]]

    assert (result["summary"]["passed"] > 50, failed) == (True, [])


def _checkov(module: Path) -> subprocess.CompletedProcess[str]:
    options = ["--config-file", ".checkov.yaml", "--skip-path", "examples", "--output", "json"]
    return subprocess.run(
        ["build/checkov/bin/checkov", *options, "--directory", module],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
