"""Runs variants in processes of their own and takes medians."""

import json
import os
import site
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.environment import FOLDER, peers_python
from benchmarks.ours import OURS
from tools.ground.paths import ROOT

# What a function finds in Lambda: its name, and region and credentials, so that the network is not asked.
_LAMBDA = {
    "AWS_LAMBDA_FUNCTION_NAME": "benchmark",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
    "PATH": "",
}

RUNTIME_PACKAGES = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "__pycache__")
"""What Lambda's runtime brings, six with its bytecode; urllib3 comes with the zip."""

OURS_STARTED = """
import sys, time
sys.path[:0] = sys.argv[1:]
begun = time.process_time()
import url_fetcher.handler
url_fetcher.handler.CLIENTS.kinesis
print(time.process_time() - begun)
"""


BOTO3_STARTED = """
import sys, time
sys.path[:0] = sys.argv[1:]
begun = time.process_time()
import boto3, requests
boto3.client("kinesis")
print(time.process_time() - begun)
"""


@dataclass(frozen=True)
class Figure:
    """What one variant took.

    Args:
        variant: Its name.
        records: How many records a run ingested.
        seconds: Median wall time of a run.
        cpu_seconds: Median CPU time of a run, all threads.
        peak_rss_mb: The most memory the process ever had.
        versions: Of the interpreter and the packages it used.
    """

    variant: str
    records: int
    seconds: float
    cpu_seconds: float
    peak_rss_mb: float
    versions: dict[str, str]

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.seconds

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU a record."""
        return self.cpu_seconds / self.records * 1e6


def measure(
    variant: str, url: str, endpoint: str, *, runs: int, environment: Mapping[str, str] | None = None
) -> Figure:
    """Run a variant once to warm up and ``runs`` times to measure; with 0 the first run is what counts.

    Args:
        variant: Its name; ours begin with ``OURS``.
        url: Of what it ingests.
        endpoint: The stream's.
        runs: How often it is measured.
        environment: Variables beside those of this process.

    Raises:
        RuntimeError: When it failed.
    """
    python = sys.executable if variant.startswith(OURS) else peers_python()
    variables = os.environ | (environment or {})
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = [str(python), "-m", "benchmarks.worker", variant, url, endpoint, str(runs), out.name]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=variables)
        if done.returncode:
            raise RuntimeError(f"{variant} failed:\n{done.stderr[-2000:]}")
        result = json.loads(out.read())
    return Figure(
        variant=variant,
        records=result["runs"][0]["records"],
        seconds=median(run["wall"] for run in result["runs"]),
        cpu_seconds=median(run["cpu"] for run in result["runs"]),
        peak_rss_mb=result["peak_rss_mb"],
        versions=result["versions"],
    )


def alternated(variants: Sequence[str], url: str, endpoint: str, *, rounds: int) -> list[Figure]:
    """Each variant's medians of several processes, taken in turn: so that all see the same machine."""
    taken = [[measure(each, url, endpoint, runs=1) for each in variants] for _ in range(rounds)]
    return [
        replace(
            figures[0],
            seconds=median(figure.seconds for figure in figures),
            cpu_seconds=median(figure.cpu_seconds for figure in figures),
            peak_rss_mb=max(figure.peak_rss_mb for figure in figures),
        )
        for figures in zip(*taken, strict=True)
    ]


def unpacked_zip() -> Path:
    """The function as it is deployed to this machine: its zip, unpacked, with its bytecode."""
    from ingestion_pipeline.code.bundle import build
    from ingestion_pipeline.code.location import bundle_cache, function_root
    from ingestion_pipeline.code.target import Target

    bundle = build(function_root(), Target.of("host", "host"), bundle_cache())
    folder = FOLDER / "unpacked" / bundle.path.stem
    if not folder.exists():
        with zipfile.ZipFile(bundle.path) as archive:
            archive.extractall(folder)
    return folder


def start_seconds(program: str, runs: int, folder: Path = ROOT / "lambda") -> float:
    """Median of the CPU time that ``program`` says its imports and first client took, in new processes.

    As in Lambda, boto3 comes with the runtime and has bytecode, what lies in ``folder`` comes first and
    gets no more than it has, and nothing else is installed.
    """
    runtime = FOLDER / "runtime"
    runtime.mkdir(parents=True, exist_ok=True)
    for name in RUNTIME_PACKAGES:
        link = runtime / name
        if not link.exists():
            link.symlink_to(Path(site.getsitepackages()[0], name))
    times = [
        float(
            subprocess.run(
                [sys.executable, "-B", "-I", "-S", "-c", program, str(folder), str(runtime)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
                env=_LAMBDA,
            ).stdout
        )
        for _ in range(runs)
    ]
    return median(times)
