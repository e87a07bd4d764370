"""A folder of somebody who has Terraform and the emitted module, and nothing else of this project."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.checkout import ROOT, Checkout
from tests.e2e.provider import PooledEmulator
from tools.ground import terraform

HOST_FETCHES_HOST = """
  environment                  = "local"
  fetch_allow_http             = true
  fetch_allow_private_networks = true
  delivery_buffer_seconds      = 10
  lake_noncurrent_version_days = 0
  force_destroy                = true
"""
"""What a local AWS needs; the provider watches a lifecycle rule for 55 seconds before it believes it."""


@dataclass
class Consumer:
    """A root module in a folder of its own, and the only program on its path is ``terraform``.

    Attributes:
        folder: Its root module.
        said: What Terraform printed, in order, but for ``init``.
        providers: `TF_REATTACH_PROVIDERS`, if not that of the emulator; empty to have Terraform start them.
    """

    folder: Path
    said: list[str] = field(default_factory=list)
    providers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_example(cls, module: Path, example: str, folder: Path) -> "Consumer":
        """One that has taken an example of the module for its own, with the module beside it."""
        shutil.copytree(module / "examples" / example, folder)
        shutil.copytree(module, folder / "modules" / "ingestion")
        text = (folder / "main.tf").read_text(encoding="utf-8")
        assert '"../.."' in text
        (folder / "main.tf").write_text(text.replace('"../.."', '"./modules/ingestion"'), encoding="utf-8")
        return cls(folder)

    def override(self, *modules: str) -> None:
        """Have these modules of the example run on a local AWS."""
        text = "".join(f'module "{name}" {{{HOST_FETCHES_HOST}}}\n' for name in modules)
        (self.folder / "local_override.tf").write_text(text, encoding="utf-8")

    def run(self, emulator: PooledEmulator | None, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What ``terraform`` said and returned; what it said is kept."""
        done = subprocess.run(
            ["terraform", *arguments, "-no-color"],
            cwd=self.folder,
            env={
                **self._environment(),
                **(emulator.environment_in(self.folder) if emulator else {}),
                **self.providers,
            },
            check=False,
            capture_output=True,
            text=True,
            timeout=1500,
        )
        # A local mirror has checksums of one platform, of which `init` warns; that is no fault of the module.
        if arguments[0] != "init":
            self.said.append(done.stdout + done.stderr)
        return done

    def must(self, emulator: PooledEmulator | None, *arguments: str) -> str:
        """What ``terraform`` said; it has to succeed."""
        done = self.run(emulator, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def outputs(self) -> dict[str, Any]:
        """The root module's outputs."""
        stated = json.loads(self.must(None, "output", "-json"))
        return {name: output["value"] for name, output in stated.items()}

    def _environment(self) -> dict[str, str]:
        programs = self.folder.with_name(f"{self.folder.name}-programs")
        if not programs.exists():
            programs.mkdir()
            (programs / "terraform").symlink_to(shutil.which("terraform") or "terraform is not installed")
        settings = terraform.additions(programs)
        configured = settings.get("TF_CLI_CONFIG_FILE") or os.environ.get("TF_CLI_CONFIG_FILE", "")
        chosen = {"TF_CLI_CONFIG_FILE": configured} if Path(configured).is_file() else {}
        return {
            "PATH": str(programs),
            "HOME": str(programs),
            "CHECKPOINT_DISABLE": "1",
            "GOGC": os.environ["GOGC"],
            **chosen,
        }


def emitted(folder: Path, target: str) -> Path:
    """The module, emitted into ``folder``."""
    python = ROOT / ".venv" / "bin" / "python"
    done = Checkout(ROOT).run(python, "-m", "tools.module", "--target", target, "--output", folder)
    assert done.returncode == 0, done.stderr
    return folder
