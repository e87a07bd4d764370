"""How long and how much memory ``python main.py`` takes: ``python -m benchmarks.synth [--quick]``.

Beside it, in the same run: the same with plain imports of the bindings, and stacks of several
pipelines. Warm runs, medians; memory is the proportional set size of Python and jsii's Node
processes together, sampled on Linux in a run of its own.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from benchmarks.environment import machine
from tools.ground.paths import ROOT

REPORT = ROOT / "docs" / "benchmarks.md"
HEADING = "## Synthesis"
TEXT = """`python main.py` makes the Terraform JSON of the whole pipeline. Warm runs, medians and the best;
memory is that of Python and jsii's Node together. "Plain imports" is CDKTF as it comes; its JSON is
the same."""

RUNS = 7
PLAIN_RUNS = 3
SIZES = (1, 10, 50)
SAMPLE_SECONDS = 0.02
GOAL_SECONDS, GOAL_MB = 1.2, 250

EMPTY = """
import sys
from cdktf import App, TerraformStack
app = App(outdir=sys.argv[1])
TerraformStack(app, "empty")
app.synth()
"""

SEVERAL = """
import sys
sys.path.insert(0, "constructs")
import ingestion_pipeline.bindings
from cdktf import App
from ingestion_pipeline import IngestionPipeline
from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.tables.pipeline import PipelineSettings
from ingestion_pipeline.stack import AwsStack
app = App(outdir=sys.argv[1])
stack = AwsStack(app, "many", settings=Settings(), state_key="many")
for number in range(int(sys.argv[2])):
    settings = Settings(pipeline=PipelineSettings(name=f"pipeline-{number}"))
    IngestionPipeline(stack, f"p{number}", settings=settings)
app.synth()
"""


class Result(NamedTuple):
    """Medians of several runs.

    Attributes:
        wall_seconds: From start to end.
        best_seconds: The same of the quickest run, which other work on the machine disturbed least.
        cpu_seconds: Of the whole process tree.
        peak_mb: Of the whole process tree, in 10^6 bytes; 0 where it cannot be read.
    """

    wall_seconds: float
    best_seconds: float
    cpu_seconds: float
    peak_mb: float


def measure(command: Sequence[str], runs: int, variables: Mapping[str, str]) -> Result:
    """The medians of ``runs`` runs after one that warms the caches."""
    run_once(command, variables)
    timed = [run_once(command, variables) for _ in range(runs)]
    wall, cpu = zip(*timed, strict=True)
    return Result(statistics.median(wall), min(wall), statistics.median(cpu), peak_mb(command, variables))


def run_once(command: Sequence[str], variables: Mapping[str, str]) -> tuple[float, float]:
    """Wall and CPU seconds of one run."""
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=environment(variables), check=True)
    wall, after = time.perf_counter() - start, os.times()
    return wall, sum(after[2:4]) - sum(before[2:4])


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """This process's variables and more; Python may keep its byte code, or no run would be warm."""
    inherited = {**os.environ, **variables}
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    return inherited


def peak_mb(command: Sequence[str], variables: Mapping[str, str]) -> float:
    """The most that one run and its children held at the same time."""
    peak = 0
    with subprocess.Popen(command, cwd=ROOT, env=environment(variables), start_new_session=True) as process:
        while process.poll() is None:
            peak = max(peak, session_pss_bytes(process.pid))
            time.sleep(SAMPLE_SECONDS)
    return peak / 1e6


def session_pss_bytes(session: int) -> int:
    """Proportional set size of every process of a session; 0 where /proc does not tell."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) == session:
                lines = (folder / "smaps_rollup").read_text().splitlines()
                total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
        except (OSError, ProcessLookupError):
            continue
    return total


class Table:
    """The table of the report, printed line by line as it is measured."""

    def __init__(self) -> None:
        self.text = ""
        self.unit: Result | None = None
        self.line("| synthesis | wall | best | CPU | peak memory | CPU, to ours |")
        self.line("|---|---|---|---|---|---|")

    def line(self, text: str) -> None:
        """Print a line and keep it."""
        print(text, flush=True)
        self.text += f"{text}\n"

    def row(self, label: str, result: Result) -> Result:
        """Add one result; ratios are to the first."""
        self.unit = self.unit or result
        wall = f"{result.wall_seconds:.2f} s | {result.best_seconds:.2f} s"
        figures = f"{wall} | {result.cpu_seconds:.2f} s | {result.peak_mb:.0f} MB"
        self.line(f"| {label} | {figures} | {result.cpu_seconds / self.unit.cpu_seconds:.1f} x |")
        return result


def measured(folder: str, *, quick: bool) -> str:
    """The table and the goal, which are printed too."""
    quiet = {
        "CDKTF_OUTDIR": folder,
        "ENV": "dev",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
    }
    runs, slow_runs = (3, 1) if quick else (RUNS, PLAIN_RUNS)
    table = Table()
    own = [sys.executable, "main.py"]
    lazy = table.row("`python main.py`", measure(own, runs, quiet))
    (stack,) = Path(folder).glob("stacks/*/cdk.tf.json")
    ours = stack.read_bytes()
    empty = measure([sys.executable, "-c", EMPTY, folder], runs, quiet)
    table.row("an empty CDKTF stack, without any provider", empty)
    plain = {**quiet, "INGESTION_PLAIN_IMPORTS": "1"}
    table.row("the same with plain imports", measure(own, slow_runs, plain))
    assert stack.read_bytes() == ours, "plain imports make another stack"
    for size in SIZES[: 2 if quick else None]:
        several = [sys.executable, "-c", SEVERAL, folder, str(size)]
        table.row(f"{size} pipeline{'s' * (size > 1)} in one stack", measure(several, slow_runs, quiet))
    goal = "met" if lazy.wall_seconds <= GOAL_SECONDS and 0 < lazy.peak_mb <= GOAL_MB else "missed"
    table.line(
        f"\nGoal, {GOAL_SECONDS} s and {GOAL_MB} MB warm: {goal}; an empty CDKTF stack alone takes "
        f"{empty.wall_seconds / lazy.wall_seconds:.0%} of that time here."
    )
    return table.text


def main() -> None:
    """Measure, print, and put the table into docs/benchmarks.md unless ``--quick``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer runs, no stack of 50; writes nothing")
    quick = parser.parse_args().quick
    conditions = f"{datetime.now(UTC):%Y-%m-%d}; {machine()}."
    with tempfile.TemporaryDirectory() as folder:
        text = measured(folder, quick=quick)
    if not quick:
        others = REPORT.read_text(encoding="utf-8").partition(HEADING)[0].rstrip()
        REPORT.write_text(f"{others}\n\n{HEADING}\n\n{conditions}\n\n{TEXT}\n\n{text}", encoding="utf-8")
        print(f"written: {REPORT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
