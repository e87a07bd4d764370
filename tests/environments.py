"""Virtual environments with a wheel in them; what it depends on is installed once a machine."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "ingestion-pipeline", "tests")


def with_wheel(root: Path, built: Path, *pinned: str) -> Path:
    """The Python of a new environment below ``root`` with the wheel and what it asks for, and nothing else.

    Args:
        root: The folder of the environment; it does not exist.
        built: The wheel.
        pinned: Requirements with which those of the wheel are resolved, such as ``cdktn==0.22.0``.
    """
    dependencies = _installed(sorted({*_requirements(built), *pinned}))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root], check=True)
    python = root / "bin" / "python"
    (packages,) = root.glob("lib/*/site-packages")
    (packages / "dependencies.pth").write_text(f"{dependencies}\n", encoding="utf-8")
    _pip(python, "install", "--no-deps", str(built))
    _pip(python, "check")
    return python


def _requirements(built: Path) -> list[str]:
    """What the wheel's metadata asks for, without its extras."""
    with zipfile.ZipFile(built) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        found = re.findall(r"^Requires-Dist: (.*)$", archive.read(name).decode(), re.MULTILINE)
    return [each for each in found if "extra ==" not in each]


def _installed(requirements: list[str]) -> Path:
    """The folder of packages in which they are installed, with pip; not compiled, which is quicker."""
    key = hashlib.sha256("\n".join([sys.version, *requirements]).encode()).hexdigest()[:16]
    home = CACHE / key
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "ready").exists():
            shutil.rmtree(home, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", home], check=True)
            _pip(home / "bin" / "python", "install", *requirements)
            (home / "ready").touch()
    (packages,) = home.glob("lib/*/site-packages")
    return packages


def _pip(python: Path, command: str, *arguments: str) -> None:
    options = ["--quiet", "--no-compile"] if command == "install" else []
    subprocess.run(
        [python, "-m", "pip", "--disable-pip-version-check", command, *options, *arguments], check=True
    )
