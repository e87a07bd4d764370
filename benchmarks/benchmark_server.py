"""The source and the stream of a benchmark, served by a compiled program in a process of its own."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.request import urlopen

_SOURCE = Path(__file__).with_name("endpoint.c")


def compiled(folder: Path) -> list[str]:
    """The server's command, compiled if it is not yet.

    Raises:
        SystemExit: When there is no C compiler; a slower server would be what is measured.
    """
    compiler = shutil.which("cc")
    if not compiler:
        sys.exit("bench: a C compiler (cc) is needed for the server; on Debian: apt-get install gcc")
    program = folder / "endpoint"
    if not program.exists() or program.stat().st_mtime < _SOURCE.stat().st_mtime:
        subprocess.run([compiler, "-O2", "-o", str(program), str(_SOURCE)], check=True)
    return [str(program)]


class BenchmarkServer:
    """A context manager around the process.

    Args:
        folder: Where sources lie and the program is put.
        round_trip_ms: How long PutRecords takes, and each of the URLs made from a number.
    """

    def __init__(self, folder: Path, *, round_trip_ms: int = 0) -> None:
        self._command = [*compiled(folder), str(round_trip_ms), str(folder)]
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout
        self.url = f"http://127.0.0.1:{int(process.stdout.readline())}"
        self._process = process
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process
        # The program ends when its standard input does.
        self._process.communicate()

    def delay(self, round_trip_ms: int) -> None:
        """Answer PutRecords, and the URLs made from a number, that much later from now on."""
        self._get(f"delay/{round_trip_ms}")

    def fail(self, some: bool) -> None:
        """Have one in a hundred of the URLs made from a number answer 404 from now on, or none."""
        self._get(f"fail/{int(some)}")

    def _get(self, what: str) -> bytes:
        with urlopen(f"{self.url}/-/{what}") as answer:  # noqa: S310 - its own loopback address
            return bytes(answer.read())
