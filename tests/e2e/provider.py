"""The AWS provider for many commands of Terraform, which share its processes."""

import os
import re
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from local_aws.emulator.instance import Emulator
from local_aws.processes.commands import running
from tests.checkout import ROOT
from tools.ground import terraform
from tools.ground.paths import BUILD
from tools.module.provider_schema import REQUIRED

PROGRAM = Path(__file__).with_name("provider_pool.mjs")
NAMING = (
    "tools/module/syntax/blocks.json",
    "tools/module/files/tests/**/*.*",
    "examples/**/*.tf",
    "tests/e2e/*.py",
)
"""Files below the checkout with the names of all types that are planned with a pool."""


class PooledEmulator(Emulator):
    """A local AWS with processes of the provider, which have the environment that it gives its clients."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._exit = ExitStack()

    def start(self) -> None:
        """Starts all of it."""
        super().start()
        try:
            self._terraform_in = self._exit.enter_context(pool(self.environment))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends all of it."""
        self._exit.close()
        super().stop()

    def environment_in(self, folder: Path) -> dict[str, str]:
        """Variables for clients, and for Terraform in a folder, which need not be there yet.

        Where a command's own credentials count, or the provider's installation, `TF_REATTACH_PROVIDERS` has
        to be empty.
        """
        return {**self.environment, **self._terraform_in(folder)}


@contextmanager
def pool(variables: Mapping[str, str]) -> Iterator[Callable[[Path], dict[str, str]]]:
    """What returns the variable with which Terraform in a folder finds the provider.

    Args:
        variables: Of the provider's processes.
    """
    kept = {name: os.environ[name] for name in ("PATH", "GOGC")}
    command = ["node", str(PROGRAM), str(_provider()), *_types()]
    with running(command, folder=ROOT, environment={**kept, **variables}) as process:
        assert process.stdout
        port = int(process.stdout.readline())

        @cache
        def terraform_in(folder: Path) -> dict[str, str]:
            with socket.create_connection(("127.0.0.1", port)) as door, door.makefile() as answer:
                door.sendall(str(folder).encode())
                door.shutdown(socket.SHUT_WR)
                value = answer.read()
            assert value
            return {"TF_REATTACH_PROVIDERS": value}

        yield terraform_in


def _provider() -> Path:
    """The program of the locked version, installed once a checkout."""
    lock = ROOT / terraform.LOCK
    folder = BUILD / f"provider-{sha256(lock.read_bytes()).hexdigest()[:8]}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=BUILD) as scratch:
            new = Path(scratch, "new")
            new.mkdir()
            (new / "main.tf").write_text(REQUIRED, encoding="utf-8")
            shutil.copy(lock, new)
            terraform.init(new, terraform.environment(), quiet=True)
            with suppress(OSError):  # another worker was faster
                new.rename(folder)
    (program,) = folder.glob(f".terraform/providers/{terraform.PROVIDER}/*/*/terraform-*")
    return program


def _types() -> list[str]:
    """All names of types in those files."""
    files = [file for pattern in NAMING for file in sorted(ROOT.glob(pattern))]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    return sorted(set(re.findall(r"\baws_\w+", text)))
