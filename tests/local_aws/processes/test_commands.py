"""That a command and what it started end with the block, and with whoever ran it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local_aws.emulator.instance import CHECKOUT
from local_aws.processes.commands import CommandFailed, output_of, running

PATIENCE_SECONDS = 300
# A shell that starts a sleeper, says its process id and waits for it, as Terraform does with a provider.
WITH_A_CHILD = ["sh", "-c", "sleep 300 & echo $!; wait"]
# The same, deaf to being asked to stop.
STUBBORN = ["sh", "-c", "trap '' TERM; sleep 300 & echo $!; wait; wait"]


def gone(pid: int) -> bool:
    """Whether the process ends while anyone would wait for it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_output_is_returned() -> None:
    """Both streams, in order."""
    command = ["sh", "-c", "echo out; echo err >&2"]

    assert output_of("it", command, folder=CHECKOUT, environment=os.environ) == "out\nerr\n"


def test_a_failure_carries_what_was_said() -> None:
    """The exit code of the command itself is what counts."""
    with pytest.raises(CommandFailed, match="reason"):
        output_of("it", ["sh", "-c", "echo reason; exit 3"], folder=CHECKOUT, environment=os.environ)


def test_an_interrupted_block_leaves_no_grandchild() -> None:
    """What the command started is stopped with it."""
    pids: list[int] = []

    def work() -> None:
        with running(WITH_A_CHILD, folder=CHECKOUT, environment=os.environ) as process:
            assert process.stdout is not None
            pids.append(int(process.stdout.readline()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()

    assert gone(pids[0])


def test_what_does_not_stop_when_asked_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that ignores SIGTERM does not outlive the block."""
    monkeypatch.setattr("local_aws.processes.commands.STOP_SECONDS", 0.2)
    with running(STUBBORN, folder=CHECKOUT, environment=os.environ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())

    assert gone(pid)


def test_a_killed_starter_leaves_nothing(tmp_path: Path) -> None:
    """SIGKILL of whoever ran the command ends the whole group."""
    code = f"""
import os, sys
from pathlib import Path
from local_aws.processes.commands import running
with running({WITH_A_CHILD!r}, folder=Path({str(tmp_path)!r}), environment=os.environ) as process:
    print(process.stdout.readline(), flush=True)
    process.wait()
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        starter.send_signal(signal.SIGKILL)

    assert gone(pid)
