"""Checkov on the module and on the stack of prod, as `make scan` runs it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ingestion_pipeline.code.target import Target
from tests.checkout import ROOT, Checkout
from tools.module.emit import emit

pytestmark = pytest.mark.terraform


@pytest.fixture(scope="module")
def checkov() -> Path:
    """The Python that has it, installed as `make scan` does."""
    command = ["make", "--silent", "build/checkov/.ready", f"PYTHON={sys.executable}"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return ROOT / "build" / "checkov" / "bin" / "python"


@pytest.fixture(scope="module")
def results(checkov: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What checkov said about the stack of prod and the emitted module, by the kind of file."""
    folder = tmp_path_factory.mktemp("scanned")
    Checkout(ROOT).synthesize(folder, ENV="prod")
    emit(folder / "module", Target("python3.13", "arm64"))
    options = ["--config-file", ".checkov.yaml", "--skip-path", "examples", "--skip-path", "tests"]
    scanned = subprocess.run(
        [checkov, "-m", "checkov.main", *options, "--output", "json", "--directory", folder],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert scanned.stderr == ""
    return {each["check_type"]: each for each in json.loads(scanned.stdout)}


def test_checkov_parses_every_resource(results: dict[str, Any]) -> None:
    """No file and no block is left out for being unreadable."""
    errors = {kind: each["summary"]["parsing_errors"] for kind, each in results.items()}

    assert errors == {"terraform": 0, "terraform_json": 0}
    assert results["terraform"]["summary"]["resource_count"] > 20


@pytest.mark.parametrize("kind", ["terraform", "terraform_json"], ids=["the module", "the stack"])
def test_checkov_finds_nothing_that_has_no_reason(results: dict[str, Any], kind: str) -> None:
    """Of at least thirty checks, none fails that .checkov.yaml does not explain."""
    failed = [f"{each['check_id']} {each['resource']}" for each in results[kind]["results"]["failed_checks"]]

    assert results[kind]["summary"]["passed"] > 30
    assert failed == []
