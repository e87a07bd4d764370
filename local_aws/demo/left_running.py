"""Records, explains and stops the demos that ``make demo KEEP=1`` leaves running."""

import json
import os
import shlex
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from local_aws.emulator.instance import HOST, health_pid

STOP_SECONDS = 10.0
POLL_SECONDS = 0.1
PROBE = 0
"""The signal that only asks whether the process exists."""
RECORD = "kept.json"
FOR_THE_SHELL = (
    *("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"),
    "TF_CLI_CONFIG_FILE",
    "PIPELINE_TOML",
)
IN_THE_WAY = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE")


@dataclass(frozen=True)
class LeftRunning:
    """One demo that was left running.

    Attributes:
        pid: The process of the local AWS.
        port: Its port.
        api_pid: The sample API's process; 0 if there is none.
    """

    pid: int
    port: int
    api_pid: int

    def write(self, folder: Path) -> None:
        """Writes the record that ``every`` finds."""
        (folder / RECORD).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @property
    def is_up(self) -> bool:
        """True if the process that answers is still the one that was left running."""
        return health_pid(self.port) == self.pid

    def stop(self) -> None:
        """Ends both processes; a process id that another program has got since is left alone."""
        # The API was started with the local AWS and is only ever stopped with it.
        if not self.is_up:
            return
        pids = [pid for pid in (self.api_pid, self.pid) if pid]
        for pid in pids:
            _send(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while any(_send(pid, PROBE) for pid in pids) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        for pid in pids:
            _send(pid, signal.SIGKILL)


def _send(pid: int, number: int) -> bool:
    """Sends a signal; returns False if the process does not exist."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def every(runs: Path) -> Iterator[tuple[Path, LeftRunning]]:
    """Yields each demo that was left running, with its folder."""
    for record in sorted(runs.glob(f"*/{RECORD}")):
        yield record.parent, LeftRunning(**json.loads(record.read_text(encoding="utf-8")))


def instructions(
    variables: Mapping[str, str], outputs: Mapping[str, object], url: str, stack: Path, left: LeftRunning
) -> str:
    """Instructions to use the demo that was left running, and to stop it, as lines to copy."""
    unset = [name for name in IN_THE_WAY if name in os.environ]
    exports = [f"{name}={shlex.quote(variables[name])}" for name in FOR_THE_SHELL if name in variables]
    lines = [*([f"unset {' '.join(unset)}"] if unset else []), *(f"export {line}" for line in exports)]
    shell, environment = "\n    ".join(lines), variables["ENV"]
    pids = " ".join(str(pid) for pid in (left.pid, left.api_pid) if pid)
    return f"""
It is still up, at http://{HOST}:{left.port}. In a shell, point every AWS client at it:

    {shell}

See how it is, what failed and why, and what failed for good:

    make status ENV={environment}
    make logs ENV={environment}
    make dead ENV={environment}

Fetch again, see what lies in the lake, plan again:

    make invoke ENV={environment} URL={shlex.quote(url)}
    aws s3 ls --recursive s3://{outputs["bucket_name"]}/
    terraform -chdir={_relative(stack)} plan

Stop it, and with it everything in it:

    make demo-stop        # or: kill {pids}
"""


def _relative(path: Path) -> str:
    """The path as one would type it here."""
    return shlex.quote(os.path.relpath(path))
