"""Where benchmarks run: the peers' own virtual environment, and what the machine is."""

import hashlib
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.ground.paths import ROOT

FOLDER = ROOT / "build" / "bench"
_ENDPOINT = "AWS_ENDPOINT_URL_KINESIS"
_REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def peers_python() -> Path:
    """The interpreter that has the peers, installed when their pins have changed."""
    folder = FOLDER / "peers"
    python = folder / "bin" / "python"
    stamp = folder / "requirements.sha256"
    digest = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        print("installing the peers into build/bench/peers …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(_REQUIREMENTS)]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"the peers cannot be installed:\n{done.stderr[-2000:]}")
        stamp.write_text(digest)
    return python


def machine() -> str:
    """Processor, cores, memory, system and load, in one line."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    gib = int(memory.group(1)) / 1024 / 1024 if memory else 0
    name = model.group(1) if model else platform.processor()
    return (
        f"{name}, {os.cpu_count()} cores, {gib:.0f} GiB, Linux {platform.release().split('-')[0]}, "
        f"load {os.getloadavg()[0]:.1f} at the start"
    )


@contextmanager
def kinesis_at(endpoint: str) -> Iterator[None]:
    """Have Kinesis clients that are made in the block call this endpoint."""
    before = os.environ.get(_ENDPOINT)
    os.environ[_ENDPOINT] = endpoint
    try:
        yield
    finally:
        del os.environ[_ENDPOINT]
        if before is not None:
            os.environ[_ENDPOINT] = before
