"""The sample API in a process of its own, so that a kept demo can go on using it."""

import os
import re
import sys
import time
from pathlib import Path
from typing import Self

from local_aws.emulator.instance import CHECKOUT
from local_aws.processes.commands import CommandFailed
from local_aws.processes.supervise import ChildProcess

START_TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 0.02


class SampleProcess:
    """The API of ``local_aws.servers.sample_api``, serving inside the ``with`` block.

    Args:
        folder: For its log.
    """

    def __init__(self, folder: Path) -> None:
        self._log = folder / "sample-api.log"
        self._process: ChildProcess | None = None
        self.url = ""

    @property
    def pid(self) -> int:
        """Its process; 0 before it was started."""
        return self._process.pid if self._process else 0

    def __enter__(self) -> Self:
        """The API, listening at ``url``.

        Raises:
            CommandFailed: When it does not start; with its output.
        """
        self._process = ChildProcess(
            [sys.executable, "-m", "local_aws.servers.sample_api", "--until-stdin-closes"],
            environment={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            log=self._log,
        )
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline and self._process.is_running:
            match = re.search(r" records at (http://\S+)\n", self._log.read_text(encoding="utf-8"))
            if match:
                self.url = match[1]
                return self
            time.sleep(POLL_SECONDS)
        self._process.stop()
        raise CommandFailed(f"The sample API did not start:\n{self._process.log_tail()}")

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.stop()

    def release(self) -> None:
        """Lets it run on when this process ends."""
        if self._process is not None:
            self._process.release()
