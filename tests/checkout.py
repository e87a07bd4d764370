"""A copy of the checkout whose programs are run as a user runs them."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

WITH_SMALL_ZIP = """
import runpy, sys
from pathlib import Path
from ingestion_pipeline.code import bundle
bundle.build = lambda *_, **__: bundle.Bundle(Path(bundle.__file__), "c21hbGw=")
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Runs the program in its first argument, for which a small file is the function's zip."""

COPIED = (
    "main.py",
    ".terraform.lock.hcl",
    "cdktf.json",
    "pipeline.toml",
    "package.json",
    "constructs",
    "lambda",
    "tools",
    "local_aws",
    "Makefile",
    "Pipfile.lock",
    "package-lock.json",
)
UNFINISHED = shutil.ignore_patterns("*.pyc.*")
"""Bytecode that another process is writing, and that may be gone when it is copied."""

SHARED = (".venv", "node_modules", "build/bundles")


@dataclass(frozen=True)
class Checkout:
    """The programs of a checkout, run in processes of their own.

    Attributes:
        root: Its folder.
    """

    root: Path

    @classmethod
    def copy(cls, root: Path) -> "Checkout":
        """A copy below ``root`` with its bytecode; dependencies and finished zips are shared by links."""
        root.mkdir(parents=True)
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, root / name, ignore=UNFINISHED)
            else:
                shutil.copy2(ROOT / name, root / name)
        for name in SHARED:
            (ROOT / name).mkdir(parents=True, exist_ok=True)
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).symlink_to(ROOT / name)
        return cls(root)

    def run(
        self, *command: str | Path, folder: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """What a command said and returned.

        Args:
            *command: Program and arguments.
            folder: Where it runs; the checkout itself if None.
            **variables: On top of this process's, without what would lead to another checkout or settings.
        """
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name
            not in {
                "MAKEFLAGS",
                "MAKELEVEL",
                "MFLAGS",
                "ENV",
                "PIPELINE_TOML",
                "CDKTF_OUTDIR",
                "PYTHONPATH",
                "AUTO_APPROVE",
            }
        }
        return subprocess.run(
            [str(part) for part in command],
            cwd=folder or self.root,
            env={**inherited, **variables},
            check=False,
            capture_output=True,
            text=True,
            timeout=1500,
        )

    def synthesize(self, output: Path, *arguments: str, **variables: str) -> dict[str, Any]:
        """The JSON of the one stack that main.py writes into ``output``."""
        done = self.run(
            sys.executable,
            self.root / "main.py",
            *arguments,
            CDKTF_OUTDIR=str(output),
            **variables,  # type: ignore[arg-type]
        )
        assert done.returncode == 0, done.stderr
        return json.loads(synthesized_file(output).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def synthesized_file(output: Path) -> Path:
    """The Terraform JSON of the one stack in a folder that main.py wrote."""
    (file,) = output.glob("stacks/*/cdk.tf.json")
    return file
