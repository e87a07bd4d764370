"""Holds what a faulty endpoint accepted against what was sent: nothing lost, no duplicate unexplained."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.benchmark_server import BenchmarkServer
from local_aws.servers.kinesis_faults import Fault, KinesisFaults
from local_aws.servers.stream_records import lines_of_record
from tools.ground.paths import ROOT

_FAULTS: Mapping[Fault, float] = {
    "partial": 0.20,
    "throttled": 0.05,
    "error": 0.04,
    "error_after": 0.04,
    "reset": 0.03,
    "reset_after": 0.03,
    "silent_after": 0.01,
    "miscounted": 0.03,
}
# A Kinesis record holds 75 of the benchmark's records as lines and 365 as a gzip member: in both packings
# some requests are in before the crash, and most are not.
_RECORDS_A_CRASH_ENTRY = 3_000
_NUMBER = re.compile(rb'"id":"([0-9a-f]{32})","data":\{"id":(\d+),')
_CHILD = """
import os, sys
from benchmarks.ours import ingest
from url_fetcher.clients import Clients
from url_fetcher.delivery.kinesis import kinesis_client
os.environ["AWS_ENDPOINT_URL_KINESIS"] = sys.argv[2]
clients = Clients(kinesis=kinesis_client(read_timeout_seconds=0.5))
print(ingest(sys.argv[1], sys.argv[2], packing=sys.argv[3], clients=clients), file=sys.stderr)
"""


@dataclass(frozen=True)
class Account:
    """The outcome, counted in records.

    Args:
        sent: In the source.
        lost: Never accepted.
        duplicates: Accepted again.
        explained: Of these, what a fault or the crash explains.
        other_ids: Records whose copies differ in their id.
        faults: How often each fault happened.
        seconds: How long it all took.
    """

    sent: int
    lost: int
    duplicates: int
    explained: int
    other_ids: int
    faults: Mapping[Fault, int]
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether the promise was kept."""
        return not self.lost and not self.other_ids and self.duplicates == self.explained


def account(folder: Path, name: str, records: int, *, packing: str = "lines") -> Account:
    """Ingest a source under faults, with a process that is killed in the middle and then replaced.

    Args:
        folder: Where the source lies.
        name: Its file.
        records: How many it has.
        packing: The function's setting.
    """
    begun = time.monotonic()
    with BenchmarkServer(folder) as far, KinesisFaults(_FAULTS, seed=1) as stream:
        url = f"{far.url}/{name}"
        crashed = _start(url, stream, packing)
        while crashed.poll() is None and len(stream.accepted) < records // _RECORDS_A_CRASH_ENTRY:
            time.sleep(0.01)
        crashed.send_signal(signal.SIGKILL)
        crashed.wait()
        # What the dead process had sent may still be on its way in.
        time.sleep(2)
        before, unconfessed_before = list(stream.accepted), len(stream.unacknowledged)
        replacement = _start(url, stream, packing)
        if replacement.wait():
            raise RuntimeError("the delivery under faults failed")
    counts, ids = _read(stream.accepted)
    unacknowledged, _ = _read(stream.unacknowledged[unconfessed_before:])
    explained = unacknowledged + _read(before)[0]
    return Account(
        sent=records,
        lost=records - len(counts),
        duplicates=counts.total() - len(counts),
        explained=explained.total(),
        other_ids=len(ids) - len(counts),
        faults=stream.faults_done,
        seconds=time.monotonic() - begun,
    )


def _start(url: str, stream: KinesisFaults, packing: str) -> "subprocess.Popen[bytes]":
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    command = [sys.executable, "-c", _CHILD, url, stream.origin, packing]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _read(data: list[bytes]) -> tuple[Counter[int], set[tuple[int, bytes]]]:
    counts: Counter[int] = Counter()
    ids: set[tuple[int, bytes]] = set()
    for each in data:
        found = _NUMBER.findall(lines_of_record(each))
        counts.update(int(number) for _, number in found)
        ids.update((int(number), id_) for id_, number in found)
    return counts, ids
