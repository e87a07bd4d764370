"""A folder elsewhere with a Python of its own, whose programs know nothing of this checkout."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.provider import PooledEmulator
from tests.environments import with_wheel
from tools.ground import terraform


@dataclass
class Foreign:
    """Somebody else's project.

    Attributes:
        root: Its folder.
        emulator: Where it is deployed.
        said: Everything that its commands printed, in order, but for ``terraform init``, which warns of
            checksums that a mirror has not got.
    """

    root: Path
    emulator: PooledEmulator
    said: list[str] = field(default_factory=list)

    @property
    def python(self) -> Path:
        """The Python of its virtual environment."""
        return self.root / ".venv" / "bin" / "python"

    def install(self, built: Path) -> None:
        """Make its virtual environment with a wheel and what it depends on."""
        with_wheel(self.root / ".venv", built)

    def run(self, *command: str | Path, folder: Path | None = None, **variables: str) -> str:
        """What a command said; it has to succeed.

        Args:
            *command: Program and arguments.
            folder: Where it runs; the project's own if None.
            **variables: On top of those for Terraform and the local AWS.
        """
        # No path to this checkout, neither by Python's nor by the programs of its .venv.
        kept = {n: v for n, v in os.environ.items() if n not in {"PYTHONPATH", "VIRTUAL_ENV", "ENV"}}
        ours = {n: v for n, v in terraform.additions().items() if n != "PATH"}
        done = subprocess.run(
            [str(part) for part in command],
            cwd=folder or self.root,
            env={
                **{name: value for name, value in kept.items() if not name.startswith("AWS_")},
                **ours,
                **self.emulator.environment,
                "XDG_CACHE_HOME": str(self.root / "cache"),
                **variables,
            },
            check=False,
            capture_output=True,
            text=True,
            timeout=1500,
        )
        if command[:2] != ("terraform", "init"):
            self.said.append(done.stdout + done.stderr)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def terraform(self, folder: Path, *arguments: str) -> str:
        """What ``terraform`` said in a folder; it has to succeed."""
        pool = self.emulator.environment_in(folder)
        return self.run("terraform", *arguments, "-no-color", folder=folder, **pool)
