"""Writes a root module that calls the module in place of a deployed stack: ``make migration ENV=…``."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.terraform import OUTPUT, ROOT, TerraformError, environment, run, synthesize

sys.path[:0] = [str(ROOT / "constructs")]
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

GUIDE = "docs/moving-to-the-module.md"


def write(variables: Mapping[str, str], dist: Path = ROOT / "dist") -> Path:
    """The folder that was written: main.tf and moved.tf for the environment in ``ENV``.

    Args:
        variables: All environment variables of the process.
        dist: Where the folder is made, beside the module's.

    Raises:
        TerraformError: When a setting cannot be used, or the stack has no state that could be taken over.
    """
    stack_folder = synthesize(variables, output=Path(variables.get("CDKTF_OUTDIR", OUTPUT)))
    # Only now: the settings are read a second time, but without their errors.
    from ingestion_pipeline.settings.file import read
    from tools.module.emit import NAME
    from tools.module.migration import moved, root_module

    settings = read(
        Path(variables.get("PIPELINE_TOML", ROOT / "pipeline.toml")), variables.get("ENV") or "dev"
    )
    if not settings.state.bucket:
        raise TerraformError(
            "state.bucket is not set: the module takes over the stack's state, so it must say where that lies"
        )
    stack = json.loads((stack_folder / "cdk.tf.json").read_text(encoding="utf-8"))
    folder = dist / f"migration-{settings.names.stack}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.tf").write_text(root_module(settings, f"../{NAME}"), encoding="utf-8")
    (folder / "moved.tf").write_text(moved(stack), encoding="utf-8")
    run(["fmt"], folder, variables, quiet=True)
    return folder


def main() -> None:
    """Write the folder and say where it is."""
    try:
        print(f"wrote {write(environment())}; {GUIDE} says what comes next")
    except TerraformError as error:
        sys.exit(f"migration: {error}")


if __name__ == "__main__":
    main()
