"""Runs Terraform and reports, while it works, which resources it is working on."""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_aws.processes.commands import CommandFailed, output_of, running

SHOWN_RESOURCES = 2
ENDS = {"apply_complete", "apply_errored"}


@dataclass
class Progress:
    """The progress of an apply or destroy.

    Attributes:
        total: Resources that will be changed; 0 until the plan is known.
        done: Resources that have been.
        active: Start time by address of those being changed now.
        errors: Terraform's error diagnostics.
        outputs: The stack's outputs by name, once it was applied.
    """

    total: int = 0
    done: int = 0
    active: dict[str, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def take(self, event: Mapping[str, Any]) -> None:
        """Takes one event of ``terraform apply -json``; reading is no change and is not counted."""
        kind = event.get("type")
        hook = event.get("hook", {})
        address = hook.get("resource", {}).get("addr", "")
        if kind == "planned_change" and event["change"]["action"] not in {"read", "noop"}:
            self.total += 1
        elif kind == "apply_start" and hook["action"] != "read":
            self.active[address] = time.monotonic()
        elif kind in ENDS and self.active.pop(address, None) is not None:
            self.done += kind == "apply_complete"
        elif kind == "outputs":
            self.outputs = {name: entry.get("value") for name, entry in event["outputs"].items()}
        elif kind == "diagnostic" and event["diagnostic"]["severity"] == "error":
            self.errors.append(_diagnosis(event["diagnostic"]))

    def __str__(self) -> str:
        if not self.total:
            return "planning"
        if not self.active:
            return f"{self.done}/{self.total}"
        now = time.monotonic()
        oldest = sorted(self.active.items(), key=lambda item: item[1])
        names = [f"{_short(address)} {now - start:.0f} s" for address, start in oldest[:SHOWN_RESOURCES]]
        more = len(self.active) - len(names)
        return f"{self.done}/{self.total}  {', '.join(names)}{f' and {more} more' if more else ''}"


class Terraform:
    """Terraform in one folder.

    Args:
        folder: With ``cdk.tf.json``.
        environment: The whole environment of the commands.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)

    def run(self, *arguments: str) -> str:
        """Returns the output of a command.

        Raises:
            CommandFailed: With that output.
        """
        command = ["terraform", *arguments, "-no-color"]
        name = f"`terraform {arguments[0]}`"
        return output_of(name, command, folder=self.folder, environment=self.environment)

    def change(self, command: str, on_progress: Callable[[Progress], None]) -> Progress:
        """Runs ``apply`` or ``destroy``, reports while it happens, and returns the result.

        Raises:
            CommandFailed: With its diagnostics.
        """
        progress, other = Progress(), []
        arguments = (command, "-json", "-auto-approve", "-input=false")
        with running(["terraform", *arguments], folder=self.folder, environment=self.environment) as process:
            for line in process.stdout or ():
                try:
                    progress.take(json.loads(line))
                except ValueError:
                    other.append(line)
                on_progress(progress)
            process.wait()
        if process.returncode:
            said = "\n\n".join(progress.errors) or "".join(other)
            raise CommandFailed(f"`terraform {command}` failed in {self.folder}:\n{said.strip()}")
        return progress


def _short(address: str) -> str:
    """``kinesis_stream.pipeline_stream`` for ``aws_kinesis_stream.pipeline_stream_39D8F53E``."""
    return re.sub(r"_[0-9A-F]{8}$", "", address.removeprefix("aws_"))


def _diagnosis(diagnostic: Mapping[str, Any]) -> str:
    place = diagnostic.get("address") or diagnostic.get("snippet", {}).get("context")
    where = f" ({place})" if place else ""
    return f"{diagnostic['summary']}{where}\n{diagnostic.get('detail', '')}".strip()
