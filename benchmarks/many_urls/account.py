"""Many URLs through the queue, of which some fail: what is on the stream and in the dead letters is searched.

Two processes consume the queue. When it is empty, the server is mended, the dead letters are sent again by
what `make redrive` runs, and the queue is consumed until it is empty again.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from benchmarks.benchmark_server import BenchmarkServer
from benchmarks.many_urls.arrivals import Arrived
from benchmarks.many_urls.queue import Queues, send_list, waiting
from benchmarks.many_urls.sources import Expected, is_failing, url_list, url_number
from local_aws.emulator.instance import Emulator
from local_aws.servers.kinesis_shards import KinesisShards
from tools.ground.paths import ROOT
from tools.operate.dead_events import Pipeline
from tools.operate.progress import Progress
from tools.operate.queues import Queue, tens
from tools.operate.redrive import HOLD_MANY_SECONDS, Redrive, Wanted

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_PROCESSES = 2
_POLL_SECONDS = 0.5
_STALLED_SECONDS = 300


@dataclass(frozen=True)
class UrlAccount:
    """The outcome, counted in URLs unless it says records.

    Args:
        sent: In the list.
        failing: Of these the ones that the server refused at first.
        on_stream: With every record on the stream before the server was mended.
        dead: Different ones among the dead letters, each in a message of its own.
        dead_messages: How many dead letters there were.
        astray: Those that were neither, or both, or the other way round.
        redriven: Dead letters that the work queue got again.
        lost: Without every record on the stream at the end.
        dead_at_end: Messages among the dead letters at the end.
        duplicates: Records that came again.
        other_ids: Records whose copies differ in their id.
        foreign: Lines that are no record of the URL that they name.
        units: PUT payload units of all.
        stream_mib: Data and partition keys of all.
        seconds: Until the queue was empty the first time.
        redrive_seconds: From then on, until it was again.
    """

    sent: int
    failing: int
    on_stream: int
    dead: int
    dead_messages: int
    astray: int
    redriven: int
    lost: int
    dead_at_end: int
    duplicates: int
    other_ids: int
    foreign: int
    units: int
    stream_mib: float
    seconds: float
    redrive_seconds: float

    @property
    def holds(self) -> bool:
        """Whether the promise was kept."""
        is_single = self.dead == self.dead_messages == self.redriven == self.failing
        wrong = (self.astray, self.lost, self.dead_at_end, self.other_ids, self.foreign)
        return is_single and not any(wrong)


def account_urls(folder: Path, urls: int, code: Path) -> UrlAccount:
    """Ingest a list of URLs, mend what failed, and search the stream.

    Args:
        folder: Prepared by ``sources.prepare``.
        urls: How many.
        code: The function's zip, unpacked.

    Raises:
        RuntimeError: When a process ended, or the queue does not get empty.
    """
    with BenchmarkServer(folder) as far, KinesisShards(0) as stream, Emulator() as aws:
        sqs, queues = aws.client("sqs"), Queues.made(aws)
        far.fail(some=True)
        text = (folder / url_list(folder, far.url, urls)).read_bytes()
        environment = queues.environment(aws, code) | {"AWS_ENDPOINT_URL_KINESIS": stream.origin}
        with _consumers(environment) as processes:
            begun = time.monotonic()
            send_list(sqs, aws.client("s3"), queues.work, text)
            _until_empty(sqs, queues.work, processes)
            seconds, kinesis_records = time.monotonic() - begun, len(stream.accepted)
            dead = dead_urls(Queue(sqs, queues.dead_letters))
            far.fail(some=False)
            begun = time.monotonic()
            redriven = _redrive(sqs, queues)
            _until_empty(sqs, queues.work, processes)
            redrive_seconds = time.monotonic() - begun
        dead_at_end = waiting(sqs, queues.dead_letters)
    expected = Expected(folder)
    first = Arrived.of(stream.accepted[:kinesis_records], expected)
    last = Arrived.of(stream.accepted, expected)
    failing = {number for number in range(urls) if is_failing(number)}
    return UrlAccount(
        sent=urls,
        failing=len(failing),
        on_stream=len(first.urls),
        dead=len(set(dead)),
        dead_messages=len(dead),
        astray=len((set(dead) ^ failing) | (first.urls ^ (set(range(urls)) - failing))),
        redriven=redriven,
        lost=len(set(range(urls)) - last.urls),
        dead_at_end=dead_at_end,
        duplicates=last.counts.total() - len(last.counts),
        other_ids=len(last.ids) - len(last.counts),
        foreign=last.foreign,
        units=stream.units,
        stream_mib=stream.received_bytes / 1024 / 1024,
        seconds=seconds,
        redrive_seconds=redrive_seconds,
    )


def dead_urls(dead_letters: Queue) -> list[int]:
    """The number of the URL in each dead letter; they stay where they are.

    Raises:
        KeyError: When one is not the event of a single URL.
    """
    held = []
    while messages := dead_letters.receive(hold_seconds=HOLD_MANY_SECONDS):
        held += messages
    for some in tens(held):
        dead_letters.release([each.handle for each in some])
    return [url_number(json.loads(each.body)["url"]) for each in held]


def _redrive(sqs: "SQSClient", queues: Queues) -> int:
    """Send the dead letters again; how many the work queue has got."""
    work = Queue(sqs, queues.work)
    with Progress(Console(file=StringIO())) as progress:
        run = Redrive(
            Queue(sqs, queues.dead_letters),
            work,
            pipeline=Pipeline("benchmark", work.attribute("QueueArn")),
            wanted=Wanted(),
            progress=progress,
        ).run()
    return run.sent


@contextmanager
def _consumers(environment: dict[str, str]) -> Iterator[Sequence["subprocess.Popen[bytes]"]]:
    """Processes that consume the queue, ended behind the ``with`` block."""
    command = [sys.executable, "-m", "benchmarks.many_urls.queue"]
    processes = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(_PROCESSES)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.communicate()


def _until_empty(sqs: "SQSClient", url: str, processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Wait until a queue has no message.

    Raises:
        RuntimeError: When a process ended, or the number of messages did not change for minutes.
    """
    last, changed = -1, time.monotonic()
    while left := waiting(sqs, url):
        if any(process.poll() is not None for process in processes):
            raise RuntimeError("a process that consumes the queue ended")
        if left != last:
            last, changed = left, time.monotonic()
        if time.monotonic() - changed > _STALLED_SECONDS:
            raise RuntimeError(f"{left} messages stay in the queue")
        time.sleep(_POLL_SECONDS)
