"""The way out of CDKTF: the replacements of docs/adr/0001, made on a copy and synthesized by CDK Terrain."""

import difflib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT, Checkout, synthesized_file

pytestmark = [pytest.mark.xdist_group("cdk-terrain"), pytest.mark.terraform]

DECISION = (ROOT / "docs" / "adr" / "0001-cdktf-is-archived.md").read_text(encoding="utf-8")
(REPLACEMENTS,) = re.findall(r"```sh\n(sed .*?)```", DECISION, re.DOTALL)
PACKAGES = re.findall(r"`(cdktn[a-z-]*==[\d.]+)`", DECISION)
OTHERS = ("deflate==0.9.0", "jsonschema")


@pytest.fixture(scope="module")
def python() -> Path:
    """A Python with CDK Terrain instead of CDKTF, made below build/ once."""
    venv = ROOT / "build" / "cdk-terrain"
    wanted, ready = "\n".join([*PACKAGES, *OTHERS]), venv / ".ready"
    if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        command = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-compile"]
        subprocess.run([*command, *PACKAGES, *OTHERS], check=True)
        ready.write_text(wanted, encoding="utf-8")
    return venv / "bin" / "python"


@pytest.fixture(scope="module")
def moved(python: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The JSON that CDK Terrain synthesizes for ``dev`` from the replaced copy."""
    folder = tmp_path_factory.mktemp("moved")
    checkout = Checkout.copy(folder / "checkout")
    replaced = checkout.run("bash", "-c", f"set -e\n{REPLACEMENTS}")
    assert replaced.returncode == 0, replaced.stderr
    done = checkout.run(python, "main.py", CDKTF_OUTDIR=str(folder / "out"))
    assert done.returncode == 0, done.stderr
    return synthesized_file(folder / "out").read_text(encoding="utf-8")


def test_nothing_of_cdktf_is_installed_beside_it(python: Path) -> None:
    """What synthesizes is CDK Terrain, for there is nothing else."""
    command = "import importlib.util as u; print(u.find_spec('cdktf'), u.find_spec('cdktn') is not None)"
    done = subprocess.run([python, "-c", command], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "None True"


def test_the_json_is_the_same_but_for_the_generators_version(moved: str, by_hand: Path) -> None:
    """No address, no argument and no default differs."""
    # Parsed, because the two break the lines of an empty table in different places.
    ours = _lines(synthesized_file(by_hand).read_text(encoding="utf-8"))
    lines = difflib.unified_diff(ours, _lines(moved), n=0, lineterm="")
    changed = [line for line in lines if re.match(r"[-+](?![-+])", line)]

    assert [re.sub(r'"\d+\.\d+\.\d+"', '"…"', line) for line in changed] == [
        '-      "version": "…"',
        '+      "version": "…"',
    ]


def _lines(text: str) -> list[str]:
    return json.dumps(json.loads(text), indent=2).splitlines()
