"""The way out of CDKTF: the project moved as docs/adr/0001 says, and the wheel, on CDK Terrain alone."""

import difflib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import ROOT, Checkout, synthesized_file
from tests.environments import with_wheel
from tools.build import cdk_terrain, wheel

pytestmark = pytest.mark.terraform

DECISION = (ROOT / "docs" / "adr" / "0001-cdktf-is-archived.md").read_text(encoding="utf-8")
(MOVE,) = re.findall(r"```sh\npython3 (.*?)\n```", DECISION)
PINNED = re.findall(r"`(cdktn[a-z-]*)==([\d.]+)`", DECISION)
APP = ROOT / "examples" / "cdktf-app"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the wheel for CDK Terrain and what it depends on."""
    folder = tmp_path_factory.mktemp("terrain")
    built = wheel.build(folder / "dist", for_cdk_terrain=True)
    return with_wheel(folder / "environment", built, *(f"{name}=={version}" for name, version in PINNED))


@pytest.fixture(scope="module")
def moved(python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What CDK Terrain synthesizes for ``dev`` from the moved copy."""
    folder = tmp_path_factory.mktemp("moved")
    checkout = Checkout.copy(folder / "checkout")
    shutil.copy(ROOT / "pyproject.toml", checkout.root)
    move = checkout.run(sys.executable, *MOVE.split())
    assert move.returncode == 0, move.stderr
    done = checkout.run(python, "main.py", CDKTF_OUTDIR=str(folder / "out"))
    assert done.returncode == 0, done.stderr
    return stack(folder / "out")


@pytest.fixture(scope="module")
def app(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The example app with the imports of CDK Terrain, synthesized with the wheel."""
    example = Checkout(tmp_path_factory.mktemp("terrain") / "app")
    shutil.copytree(APP, example.root)
    cdk_terrain.move(example.root)
    done = example.run(python, "-W", "error", "main.py", **variables(example.root))  # type: ignore[arg-type]
    assert (done.returncode, done.stderr) == (0, "")
    return example


def test_nothing_of_cdktf_is_installed_beside_it(python: Path) -> None:
    """The wheel brings CDK Terrain in the versions of the decision, and not CDKTF."""
    done = subprocess.run([python, "-m", "pip", "list", "--format=json"], capture_output=True, check=True)
    installed = {package["name"]: package["version"] for package in json.loads(done.stdout)}

    assert installed.keys() & {"cdktf", "cdktf-cdktf-provider-aws", "ingestion-pipeline"} == set()
    assert {*PINNED} <= {*installed.items()}
    assert cdk_terrain.DISTRIBUTION in installed


def test_the_json_is_the_same_but_for_the_generators_version(moved: dict[str, Any], by_hand: Path) -> None:
    """No address, no argument and no default of the project's own stack differs."""
    assert changes(stack(by_hand), moved) == GENERATORS_VERSION


def test_the_example_app_is_the_same_too(app: Checkout, tmp_path: Path) -> None:
    """The wheel for CDK Terrain makes of the same app what CDKTF makes of it."""
    ours = Checkout(tmp_path)
    paths = {"PYTHONPATH": str(ROOT / "constructs"), **variables(app.root)}
    done = ours.run(sys.executable, APP / "main.py", **paths)  # type: ignore[arg-type]
    assert done.returncode == 0, done.stderr

    assert changes(stack(ours.root / "cdktf.out"), stack(app.root / "cdktf.out")) == GENERATORS_VERSION


def test_only_what_is_used_is_imported(app: Checkout, python: Path) -> None:
    """The bindings of CDK Terrain are loaded one by one too, in Python and in Node."""
    listing = app.root / "list.js"
    listing.write_text(
        "process.on('exit', () => require('fs').writeFileSync("
        "`${process.env.XDG_CACHE_HOME}/${process.pid}.json`, JSON.stringify(Object.keys(require.cache))));"
    )
    done = app.run(
        python,
        "-c",
        "import sys, main; main.main();"
        "print(sum(name.startswith('cdktn_provider_aws.') for name in sys.modules))",
        NODE_OPTIONS=f"--require={listing}",
        **variables(app.root),  # type: ignore[arg-type]
    )
    assert (done.returncode, done.stderr) == (0, "")
    (listed,) = (app.root / "cache").glob("*.json")

    assert 20 < int(done.stdout) < 100
    assert 20 < listed.read_text(encoding="utf-8").count("provider-aws/lib") < 100


GENERATORS_VERSION = ['-      "version": "…"', '+      "version": "…"']


def variables(folder: Path) -> dict[str, str]:
    """What the example app needs, with a cache away from the user's own."""
    return {"STATE_BUCKET": "our-state", "ENV": "local", "XDG_CACHE_HOME": str(folder / "cache")}


def stack(output: Path) -> dict[str, Any]:
    """The one stack that a program has synthesized."""
    return json.loads(synthesized_file(output).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Lines that differ, without the numbers of versions and the folders of zips."""
    # Parsed, because the two break the lines of an empty table in different places.
    old, new = (
        re.sub(r'"filename": ".*/', '"filename": "', json.dumps(each, indent=2)).splitlines()
        for each in (before, after)
    )
    lines = difflib.unified_diff(old, new, n=0, lineterm="")
    changed = [line for line in lines if re.match(r"[-+](?![-+])", line)]
    return [re.sub(r'"\d+\.\d+\.\d+"', '"…"', line) for line in changed]
