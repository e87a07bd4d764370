"""Builds what a release is made of, the same bytes every time: ``python -m tools.release``.

The module as a zip, the wheel, and the SHA-256 of both; the version is that of pyproject.toml.
"""

import argparse
import hashlib
import os
import sys
import tempfile
from pathlib import Path

from tools.terraform import ROOT
from tools.version import version
from tools.wheel import WheelError
from tools.wheel import build as build_wheel

sys.path[:0] = [str(ROOT / "constructs")]
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

from ingestion_pipeline.code.target import BundleError, Target  # noqa: E402
from ingestion_pipeline.code.zip_file import write_zip  # noqa: E402
from tools.module.emit import NAME, emit  # noqa: E402

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
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="folder; default: dist")
    try:
        for path in build(parser.parse_args().output):
            print(path)
    except (BundleError, WheelError) as error:
        sys.exit(f"release: {error}")


if __name__ == "__main__":
    main()
