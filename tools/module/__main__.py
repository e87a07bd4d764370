"""``python -m tools.module [--target host] [--output FOLDER]``."""

import argparse
import sys
from pathlib import Path

from ingestion_pipeline.code.target import BundleError, Target
from tools.ground.paths import ROOT
from tools.module.emit import NAME, emit

TARGETS = {"aws": Target("python3.13", "arm64"), "host": Target.of("host", "host")}


def main() -> None:
    """Emit the module and say where it is.

    Raises:
        SystemExit: When the function's zip cannot be made; stderr says why.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.module", description="Emits the Terraform module.")
    parser.add_argument(
        "--target", choices=TARGETS, default="aws", help="what the zip is built for; host: this machine"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "dist" / NAME, help="folder of the module")
    given = parser.parse_args()
    try:
        emit(given.output, TARGETS[given.target])
    except BundleError as error:
        sys.exit(str(error))
    print(f"wrote {given.output}")


if __name__ == "__main__":
    main()
