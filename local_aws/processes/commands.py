"""Commands that leave no process behind, whatever ends the block that runs them."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from local_aws.processes import supervise

STOP_SECONDS = 6.0


class CommandFailed(RuntimeError):
    """When a command ended with an error; the message names it and ends with its output."""


@contextlib.contextmanager
def running(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """The command, in a process group of its own that is gone after the block.

    Args:
        command: Program and arguments.
        folder: Its working directory.
        environment: All of its variables.
    """
    # The command cannot watch for our end; the supervisor does, through a pipe that only we hold open.
    reading, writing = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", supervise.__file__, *command],
            cwd=folder,
            env=dict(environment),
            stdin=reading,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C is for the starter, who ends the whole group in good order
        )
        try:
            yield process
        finally:
            _end(process)
            if process.stdout is not None:
                process.stdout.close()
    finally:
        os.close(reading)
        os.close(writing)


def output_of(name: str, command: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> str:
    """Returns the output of a command.

    Raises:
        CommandFailed: With the command's name and its output.
    """
    with running(command, folder=folder, environment=environment) as process:
        output, _ = process.communicate()
    if process.returncode:
        raise CommandFailed(f"{name} failed in {folder}:\n{output.strip()}")
    return output


def _end(process: subprocess.Popen[str]) -> None:
    """Stops the group: asked first, killed after six seconds."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
