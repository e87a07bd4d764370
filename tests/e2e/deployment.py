"""What the end-to-end tests do with a checkout, by the commands of a user."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_aws.demo.lake import Lake
from tests.checkout import ROOT, Checkout
from tests.e2e.provider import PooledEmulator
from tools.ground import terraform

PATIENCE_SECONDS = 1200


@dataclass
class Deployment:
    """One pipeline of its own name in a local AWS that may hold others.

    Attributes:
        checkout: Whose programs deploy it.
        emulator: Where it is deployed.
        name: The pipeline's.
        folder: Where it is synthesized, below the checkout; one of several needs one of its own.
        said: Everything that Terraform and cdktf printed, in order.
    """

    checkout: Checkout
    emulator: PooledEmulator
    name: str
    folder: str = "cdktf.out"
    said: list[str] = field(default_factory=list)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of its commands."""
        return {
            **terraform.additions(),
            **self.emulator.environment_in(self.stack),
            "ENV": "local",
            "PIPELINE_TOML": str(self.settings),
            "CDKTF_OUTDIR": str(self.output),
            "CI": "1",
        }

    @property
    def settings(self) -> Path:
        """Its pipeline.toml."""
        return self.checkout.root / f"{self.name}.toml"

    @property
    def stack(self) -> Path:
        """The folder of its synthesized stack."""
        return self.output / "stacks" / f"{self.name}-local"

    @property
    def output(self) -> Path:
        """Where it is synthesized."""
        return self.checkout.root / self.folder

    def configure(self, *changes: tuple[str, str]) -> None:
        """Write its settings: the project's own, with its name and other changes."""
        text = (ROOT / "pipeline.toml").read_text(encoding="utf-8")
        for before, after in (('name = "data-ingestion"', f'name = "{self.name}"'), *changes):
            assert before in text
            text = text.replace(before, after)
        self.settings.write_text(text, encoding="utf-8")

    def run(self, *command: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """What a command said and returned; what it said is kept."""
        done = self.checkout.run(*command, folder=folder, **self.variables)
        self.said.append(done.stdout + done.stderr)
        return done

    def must(self, *command: str | Path, folder: Path | None = None) -> str:
        """What a command said; it has to succeed."""
        done = self.run(*command, folder=folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def terraform(self, *arguments: str) -> str:
        """What ``terraform`` said in the stack's folder; it has to succeed."""
        return self.must("terraform", *arguments, "-no-color", folder=self.stack)

    def synthesize(self) -> None:
        """Write the stack's folder."""
        self.must(ROOT / ".venv" / "bin" / "python", "main.py")

    def outputs(self) -> dict[str, str]:
        """The stack's outputs."""
        stated = json.loads(self.terraform("output", "-json"))
        return {name: output["value"] for name, output in stated.items()}

    def invoke(self, event: object) -> dict[str, Any]:
        """The function's whole answer, or its error."""
        answer = self.emulator.client("lambda", attempts=1).invoke(
            FunctionName=f"{self.name}-local-fetch", Payload=json.dumps(event).encode()
        )
        return json.loads(answer["Payload"].read())  # type: ignore[no-any-return]

    def landed(self, count: int) -> list[bytes]:
        """The lake's record lines, once there are ``count`` of them."""
        lake = Lake(self.emulator.client("s3"), f"{self.name}-local-lake-000000000000-us-east-1")

        def enough() -> bool:
            lake.look()
            return len(lake.lines) >= count

        wait_until(enough, f"{count} records in the lake")
        return lake.lines


def warnings(said: list[str]) -> list[str]:
    """Every warning in what Terraform printed."""
    return re.findall(r"Warning: .*", "\n".join(said))


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Return when the condition holds; it is asked ten times a second."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, f"waited {PATIENCE_SECONDS} s for {what}"
        time.sleep(0.1)


def together(*actions: Callable[[], object]) -> None:
    """Do all at the same time: Terraform mostly sleeps. The first failure is raised."""
    failures: list[BaseException] = []

    def guarded(action: Callable[[], object]) -> None:
        try:
            action()
        except BaseException as error:  # raised again below, in the thread that waits
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
