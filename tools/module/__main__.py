"""``python -m tools.module [--target host] [--output FOLDER]``."""

import argparse
import os
import sys
from pathlib import Path

from tools.terraform import ROOT

sys.path[:0] = [str(ROOT / "constructs")]
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

from ingestion_pipeline.code.target import BundleError, Target  # noqa: E402
from tools.module.emit import NAME, emit  # noqa: E402

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
