"""Builds the wheels: ``ingestion_pipeline`` with the function's code inside, for CDKTF and for CDK Terrain.

Both have the same modules; that for CDK Terrain imports other packages (`tools.build.cdk_terrain`).

The build uses a copy of the inputs, so that caches and earlier builds stay out of the wheel. All timestamps
are fixed, so that the wheel has the same bytes each time.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.build import cdk_terrain
from tools.ground.ending import reported
from tools.ground.paths import ROOT

INPUTS = ("pyproject.toml", "README.md", "LICENSE", "constructs", "lambda")
SECONDS_1980_01_01 = "315532800"
"""The earliest timestamp that a zip can store."""


class WheelError(RuntimeError):
    """When the wheel cannot be built; retry if the package index was not reachable."""


def build(output: Path, *, for_cdk_terrain: bool = False) -> Path:
    """Path of the wheel, built in an isolated environment (PEP 517).

    Args:
        output: Folder for the wheel; created if missing. Other wheels in it stay.
        for_cdk_terrain: For apps of CDK Terrain instead of CDKTF.

    Raises:
        WheelError: When the build fails; has pip's output. Retry if the package index was not reachable.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, fresh = Path(folder, "source"), Path(folder, "wheel")
        source.mkdir()
        for name in INPUTS:
            _copy(ROOT / name, source / name)
        if for_cdk_terrain:
            cdk_terrain.move(source)
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-cache-dir"]
        done = subprocess.run(
            [*command, "--disable-pip-version-check", "--wheel-dir", str(fresh), str(source)],
            env={**os.environ, "SOURCE_DATE_EPOCH": SECONDS_1980_01_01},
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise WheelError(f"pip could not build the wheel:\n{done.stderr.strip()}")
        (wheel,) = fresh.glob("*.whl")
        output.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(wheel, output))


def _copy(origin: Path, target: Path) -> None:
    if origin.is_dir():
        shutil.copytree(origin, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(origin, target)


def main() -> None:
    """Build both wheels and print their paths."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="folder; default: dist")
    with reported("wheel", WheelError):
        output = parser.parse_args().output
        print(build(output))
        print(build(output, for_cdk_terrain=True))


if __name__ == "__main__":
    main()
