"""Processes that end with whoever started them, however that one ended.

The starter holds the writing end of the child's standard input. When the starter is gone, even by
SIGKILL, the system closes it and the child, which watches it, stops. This needs nothing but a
pipe, so it is the same on every system.

``python supervise.py COMMAND…`` does the watching for a program that cannot, such as Terraform.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

RELEASED = b"released\n"
FORCE_AFTER_SECONDS = 8.0
LOG_TAIL_LINES = 20


class ChildProcess:
    """A running child, and the one way to end it.

    Args:
        command: Program and arguments; the program calls ``stop_with_parent`` early on.
        environment: Its whole environment.
        log: File for its output; the folder exists.
    """

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the starter, who ends it in good order
            )
        self.pid = self.process.pid

    @property
    def is_running(self) -> bool:
        """True until the process has ended."""
        return self.process.poll() is None

    def stop(self) -> None:
        """Ends the process: asks it to end, and kills it after eight seconds."""
        if self.is_running:
            self.process.terminate()
        try:
            self.process.wait(FORCE_AFTER_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._close()

    def release(self) -> None:
        """Lets the process live on after its starter's end."""
        if self.process.stdin is not None:
            self.process.stdin.write(RELEASED)
        self._close()
        # It is no longer ours to wait for: keeps subprocess from warning about it.
        self.process.returncode = 0

    def log_tail(self) -> str:
        """The last lines of its output."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-LOG_TAIL_LINES:])

    def _close(self) -> None:
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()


def stop_with_parent() -> None:
    """Ends this process as soon as its standard input closes, unless it was released before."""
    threading.Thread(target=_watch, name="parent-watch", daemon=True).start()


def _watch() -> None:
    received = b""
    with contextlib.suppress(OSError):
        while chunk := os.read(0, len(RELEASED)):
            received += chunk
    if received == RELEASED:
        return
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(FORCE_AFTER_SECONDS / 2)
    os._exit(1)


def main(command: Sequence[str]) -> int:
    """The exit code of the command, which is killed with its whole group when standard input closes."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # They are for the command, in the same group. Not SIG_IGN, which the command would inherit.
        signal.signal(number, lambda *_: None)

    def kill_when_alone() -> None:
        while os.read(0, 1):
            pass
        os.killpg(0, signal.SIGKILL)

    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=kill_when_alone, daemon=True).start()
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
