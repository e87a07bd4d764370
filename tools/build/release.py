"""Builds what a release is made of, the same bytes every time: ``python -m tools.build.release``.

The module as a zip, the wheel, and the SHA-256 of both; the version is that of pyproject.toml.
"""

import argparse
import hashlib
import tempfile
from pathlib import Path

from ingestion_pipeline.code.target import BundleError, Target
from ingestion_pipeline.code.zip_file import write_zip
from tools.build.wheel import WheelError
from tools.build.wheel import build as build_wheel
from tools.ground.ending import reported
from tools.ground.paths import ROOT
from tools.ground.version import version
from tools.module.emit import NAME, emit

CHECKSUMS = "SHA256SUMS"


def build(output: Path) -> list[Path]:
    """The archive of the module, the wheel and the file of their checksums.

    Args:
        output: Folder for them; made if missing. Other files in it stay.

    Raises:
        BundleError: When the function's zip cannot be made.
        WheelError: When the wheel cannot be built; retry if the package index was not reachable.
    """
    output.mkdir(parents=True, exist_ok=True)
    archive = output / f"{NAME}-{version()}.zip"
    with tempfile.TemporaryDirectory() as folder:
        emit(Path(folder), Target("python3.13", "arm64"))
        archive.write_bytes(write_zip(_files(Path(folder))))
    built = [archive, build_wheel(output)]
    checksums = output / CHECKSUMS
    checksums.write_text("".join(f"{_sha256(path)}  {path.name}\n" for path in built), encoding="utf-8")
    return [*built, checksums]


def _files(folder: Path) -> dict[str, bytes]:
    """Content of each file by its path below the folder."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    """Build the release and print its files."""
    parser = argparse.ArgumentParser(prog="python -m tools.build.release", description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="folder; default: dist")
    with reported("release", BundleError, WheelError):
        for path in build(parser.parse_args().output):
            print(path)


if __name__ == "__main__":
    main()
