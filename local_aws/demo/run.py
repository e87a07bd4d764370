"""The whole pipeline, for real, with no AWS account: ``make demo``.

Deploys the synthesized stack with Terraform to an AWS on this machine, has the deployed function
fetch a URL, waits until every record is in the bucket, compares them byte by byte with the source,
shows what landed, destroys, and leaves nothing running. Exit code 0 if every record arrived.
"""

import argparse
import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape

from local_aws.demo import landed, left_running
from local_aws.demo.deployment import Deployment
from local_aws.demo.lake import Comparison, Lake, compare, compare_count
from local_aws.demo.screen import Screen, Step
from local_aws.demo.terraform_progress import Progress, Terraform
from local_aws.emulator.instance import CHECKOUT, Emulator, EmulatorFailed
from local_aws.processes import interruption
from local_aws.processes.commands import CommandFailed
from local_aws.servers.sample_data import records, stored_form
from local_aws.servers.sample_process import SampleProcess
from tools.ground import prerequisites
from tools.ground.terraform import TerraformError
from tools.ground.text import count
from tools.probe.client import BoundReached, Client
from tools.probe.walk import walk
from url_fetcher.errors import IngestionError
from url_fetcher.intake.decoding import decode_settings
from url_fetcher.source.schema import Source
from url_fetcher.telling.redaction import public_url

RUNS = CHECKOUT / "build" / "demo"
FIREHOSE_TIME_SCALE = 0.2
"""Firehose's buffer empties five times as fast as AWS's: nobody learns anything from waiting."""
ARRIVAL_MARGIN_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.25


class DemoFailed(RuntimeError):
    """When the demo cannot go on or a record is missing; the message says what to do."""


FAILURES = (DemoFailed, CommandFailed, EmulatorFailed, TerraformError)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 if every record arrived, 1 if not, 128 and more if interrupted."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--url", help="fetch this one instead of the sample API's")
    parser.add_argument("--packing", default="", help="fetch.packing; default: that of pipeline.toml")
    parser.add_argument("--keep", action="store_true", help="leave it up and say how to use it")
    parser.add_argument("--port", type=int, help="of the local AWS; default: any free one")
    parser.add_argument("--stop", action="store_true", help="stop what --keep left up, and nothing else")
    given = parser.parse_args(arguments)
    screen = Screen()
    if given.stop:
        return stop(screen)
    RUNS.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=time.strftime("%Y%m%d-%H%M%S-"), dir=RUNS))
    try:
        with interruption.raised():
            run(screen, given, folder)
    except interruption.Interrupted as error:
        shutil.rmtree(folder, ignore_errors=True)
        screen.console.print(f"\nInterrupted ({error}): everything was stopped, nothing is left running.")
        return error.code
    except FAILURES as error:
        screen.console.print(f"\n[bold red]The demo failed.[/] {escape(str(error))}")
        is_kept = (folder / left_running.RECORD).exists()
        ending = "It is still up: `make demo-stop` ends it." if is_kept else "Nothing is left running."
        screen.console.print(f"\n{ending}{_where_logs_are(folder)}")
        return 1
    if not given.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def run(screen: Screen, options: argparse.Namespace, folder: Path) -> None:
    """The demo from the first check to the last process stopped.

    Raises:
        DemoFailed: When a tool or a record is missing.
        CommandFailed: When synthesis, bootstrap, Terraform, the sample API or the function fails.
        EmulatorFailed: When the local AWS does not start or dies.
    """
    with screen.step("Check the tools") as step:
        check_tools(step)
    if options.url:
        with screen.step("Ask the source") as step:
            step.result = ask(options.url)
    with contextlib.ExitStack() as running:
        with screen.step("Start the local AWS") as step:
            emulator = Emulator(
                folder=folder / "aws", port=options.port, firehose_time_scale=FIREHOSE_TIME_SCALE
            )
            aws = running.enter_context(emulator)
            step.result = aws.endpoint_url
        api = None
        if not options.url:
            with screen.step("Start the sample API") as step:
                api = running.enter_context(SampleProcess(folder))
                step.result = f"{len(records())} records at {api.url}"
        deployment = Deployment(aws, folder, options.packing)
        stack, terraform, outputs = deploy(screen, deployment)
        url = options.url or (api.url if api else "")
        try:
            lake, comparison = ingest(screen, deployment, outputs, url, known=api is not None)
            show(screen, outputs, lake, comparison)
            judge(screen, comparison, lake)
        except FAILURES:
            if options.keep:
                keep(screen, deployment, outputs, url, stack, api)
            raise
        if options.keep:
            keep(screen, deployment, outputs, url, stack, api)
            return
        with screen.step("Destroy") as step:
            step.result = count(terraform.change("destroy", _tell(step)).done, "resource") + " removed"
        with screen.step("Stop"):
            running.close()
    landed.show_steps(screen.console, screen.steps)


def check_tools(step: Step) -> None:
    """Checks that every tool is there.

    Raises:
        DemoFailed: When some are missing; names each, and where to get it.
    """
    problems = prerequisites.check()
    if problems:
        raise DemoFailed(
            "Something is missing on this machine:\n" + "\n".join(f"  - {line}" for line in problems)
        )
    step.result = "Python, Node.js, Terraform"


def ask(url: str) -> str:
    """Reads the source's first page once, as the function will, and returns what is on it.

    Raises:
        DemoFailed: When the function could not fetch it: said now, not after a deploy.
    """
    client = Client()
    try:
        found = walk(decode_settings({"url": url}, Source, where="URL"), client, pages=1)
    except BoundReached:
        return "more than a probe reads"
    except IngestionError as error:
        raise DemoFailed(f"{error}\n`make probe URL=…` looks at a source more closely.") from error
    finally:
        client.close()
    if found.error:
        raise DemoFailed(f"{found.problem}\n`make probe URL=…` looks at a source more closely.")
    rejected = sum(len(page.rejected) for page in found.pages)
    beside = f" and {count(rejected, 'dead letter')}" if rejected else ""
    return f"{count(found.records, 'record')}{beside} on the first page"


def deploy(screen: Screen, deployment: Deployment) -> tuple[Path, Terraform, dict[str, Any]]:
    """The stack's folder, Terraform in it, and its outputs once it is deployed."""
    with screen.step("Synthesize") as step:
        stack = deployment.synthesize()
        step.result = os.path.relpath(stack)
    with screen.step("Make the state bucket"):
        deployment.bootstrap()
    terraform = deployment.terraform(stack)
    with screen.step("Deploy") as step:
        step.detail = "terraform init"
        terraform.run("init", "-input=false")
        applied = terraform.change("apply", _tell(step))
        step.result = count(applied.done, "resource")
    return stack, terraform, applied.outputs


def ingest(
    screen: Screen, deployment: Deployment, outputs: dict[str, Any], url: str, *, known: bool
) -> tuple[Lake, Comparison]:
    """The lake once every record has arrived, or when waiting longer is of no use.

    Args:
        screen: For the progress.
        deployment: Deployed.
        outputs: The stack's.
        url: The URL that the function fetches.
        known: True for the sample API, whose records can be compared byte by byte.

    Raises:
        DemoFailed: When the source has no records, or not as many as are known to be there.
    """
    with screen.step("Fetch") as step:
        step.detail = public_url(url)
        answer = deployment.invoke(outputs["function_name"], url)
        processed, rejected = int(answer["recordsProcessed"]), int(answer["dead_lettered"])
        beside = f" and {count(rejected, 'dead letter')}" if rejected else ""
        step.result = f"{count(processed, 'record')}{beside} from {public_url(url)}"
    if not processed and not rejected:
        raise DemoFailed(f"{url} has no records, so nothing was shown; give another URL")
    source = [stored_form(record) for record in records()] if known else []
    lake = Lake(deployment.emulator.client("s3"), outputs["bucket_name"])
    deadline = time.monotonic() + _patience_seconds(deployment, outputs)
    with screen.step("Wait for the lake") as step:
        while True:
            lake.look()
            comparison = (
                compare(source, lake.lines) if known else compare_count(processed, lake.lines, rejected)
            )
            step.detail = landed.verdict(comparison, len(lake.objects))
            if comparison.is_complete or time.monotonic() > deadline:
                break
            deployment.emulator.check()
            time.sleep(LOOK_EVERY_SECONDS)
        step.result = count(len(lake.objects), "object")
    return lake, comparison


def show(screen: Screen, outputs: dict[str, Any], lake: Lake, comparison: Comparison) -> None:
    """Prints the outputs and what landed."""
    landed.show_outputs(screen.console, outputs)
    landed.show_objects(screen.console, lake.bucket, [lake.objects[key] for key in sorted(lake.objects)])
    landed.show_lines(screen.console, lake.lines)
    landed.show_dead_letters(screen.console, comparison.dead_letters)


def judge(screen: Screen, comparison: Comparison, lake: Lake) -> None:
    """Prints that every record is there.

    Raises:
        DemoFailed: If one is not, or if something is there that the source does not have.
    """
    verdict = landed.verdict(comparison, len(lake.objects))
    if not comparison.is_complete:
        raise DemoFailed("\n".join([f"RECORDS ARE MISSING OR WRONG: {verdict}.", *landed.faults(comparison)]))
    how = "byte for byte" if comparison.by_content else "by number"
    screen.console.print(f"\n[bold green]{verdict}[/], compared {how}.\n")


def keep(
    screen: Screen,
    deployment: Deployment,
    outputs: dict[str, Any],
    url: str,
    stack: Path,
    api: SampleProcess | None,
) -> None:
    """Lets everything run on and says how to use and how to stop it."""
    aws = deployment.emulator
    left = left_running.LeftRunning(pid=aws.pid, port=aws.port, api_pid=api.pid if api else 0)
    left.write(deployment.folder)
    aws.release()
    if api:
        api.release()
    landed.show_steps(screen.console, screen.steps)
    text = left_running.instructions(deployment.variables, outputs, url, stack, left)
    screen.console.print(text, markup=False)


def stop(screen: Screen) -> int:
    """Stops every demo that was left up."""
    for folder, left in left_running.every(RUNS):
        was_up = left.is_up
        left.stop()
        shutil.rmtree(folder, ignore_errors=True)
        screen.console.print(
            f"{'Stopped' if was_up else 'Was gone already:'} the local AWS on port {left.port}."
        )
    screen.console.print("Nothing is left running.")
    return 0


def _tell(step: Step) -> Any:
    def tell(progress: Progress) -> None:
        step.detail = progress

    return tell


def _patience_seconds(deployment: Deployment, outputs: dict[str, Any]) -> float:
    """The longest time until a record arrives: the stack's own buffering interval and a minute."""
    firehose = deployment.emulator.client("firehose")
    stream = firehose.describe_delivery_stream(DeliveryStreamName=outputs["delivery_stream_name"])
    destination = stream["DeliveryStreamDescription"]["Destinations"][0]["ExtendedS3DestinationDescription"]
    interval = float(destination["BufferingHints"]["IntervalInSeconds"])
    return interval * FIREHOSE_TIME_SCALE + ARRIVAL_MARGIN_SECONDS


def _where_logs_are(folder: Path) -> str:
    if any(folder.rglob("*.log")):
        return f" The logs are in {os.path.relpath(folder)}."
    shutil.rmtree(folder, ignore_errors=True)
    return ""
