"""A running pipeline whose packing changes from lines to gzip members and back.

What this cannot prove of AWS: the emulator hands a record to Firehose when it is put, so that nothing is
ever unread on a stream, and its Firehose writes what it holds when it is deleted. Here nothing is deleted
before all of it was delivered, as docs/packing.md asks for. That the objects of AWS get their name from
`file_extension` is held by the test of the synthesized JSON.
"""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.json
import pytest

from local_aws.demo.lake import compare
from local_aws.servers.sample_api import SampleApi
from local_aws.servers.sample_data import records, stored_form
from tests.checkout import Checkout
from tests.e2e.deployment import Deployment, warnings
from tests.e2e.provider import PooledEmulator

pytestmark = pytest.mark.e2e

PAGE = 10
EXPECTED = [stored_form(record) for record in records()]
LAKE = "events-local-lake-000000000000-us-east-1"
LONG_BUFFER = "buffer_seconds = 300"
"""15 s here: nothing is delivered while Terraform has only begun."""
PAUSE_SECONDS = 0.3
KILLED = "Worker process died"
LINES, MEMBERS = "events-local-delivery-1-", "events-local-delivery-gzip-1-"
"""How the names of objects begin, by the delivery stream."""


@dataclass
class Running:
    """A deployed pipeline, and what its function was asked to ingest.

    Attributes:
        deployment: In the local AWS.
        source: Of the records.
        pages: How many were ingested.
        failures: What went wrong with an invocation, but for those that the emulator killed.
        killed: Invocations that the emulator ended because their function changed. They are done again, as
            Lambda does with events; on AWS they would have ended by themselves.
        delivered_before: Objects in the lake when the first change of packing began.
        plans: Exit codes of the plans after deployments; 0 if nothing is left to change.
    """

    deployment: Deployment
    source: SampleApi
    pages: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)
    killed: int = 0
    delivered_before: int = -1
    plans: list[int] = field(default_factory=list)

    def ingest(self) -> None:
        """Have the next page ingested."""
        page = self.pages % (len(EXPECTED) // PAGE) + 1
        answer = self.deployment.invoke({"url": f"{self.source.url}?page={page}&per_page={PAGE}"})
        if answer.get("errorMessage") == KILLED:
            self.killed += 1
            return
        self.pages += 1
        if answer.get("statusCode") != 200:
            self.failures.append(answer)

    @property
    def expected(self) -> list[bytes]:
        """The records of every page that was ingested."""
        return (EXPECTED * (self.pages * PAGE // len(EXPECTED) + 1))[: self.pages * PAGE]

    @contextmanager
    def ingesting(self) -> Iterator[None]:
        """One page after the other while the block runs, and at least two when it is over."""
        over = threading.Event()

        def go_on() -> None:
            while not over.wait(PAUSE_SECONDS):
                self.ingest()

        worker = threading.Thread(target=go_on)
        worker.start()
        try:
            yield
        finally:
            over.set()
            worker.join()
        before = self.pages
        while self.pages < before + 2:
            self.ingest()

    def configure(self, packing: str, *, keep_former: bool) -> None:
        """Synthesize with another packing."""
        keep = f"keep_former = {str(keep_former).lower()}"
        fetch = "[environments.local.fetch]"
        self.deployment.configure(
            ("buffer_seconds = 10", f"{LONG_BUFFER}\n{keep}"), (fetch, f'{fetch}\npacking = "{packing}"')
        )
        self.deployment.synthesize()

    def apply(self) -> None:
        """Deploy while records are ingested."""
        with self.ingesting():
            self.deployment.terraform("apply", "-auto-approve", "-input=false")

    def plan(self) -> None:
        """Whether anything is left to change."""
        done = self.deployment.run(
            "terraform", "plan", "-detailed-exitcode", "-no-color", folder=self.deployment.stack
        )
        self.plans.append(done.returncode)

    def wait_for_the_lake(self) -> None:
        """Wait until every record that was ingested is there."""
        self.deployment.landed(len(self.expected))


@pytest.fixture(scope="module")
def running(emulator: PooledEmulator, sample: SampleApi, tmp_path_factory: pytest.TempPathFactory) -> Running:
    """The pipeline after its packing went from lines to gzip and back, without a pause in what it ingests."""
    checkout = Checkout.copy(tmp_path_factory.mktemp("packing") / "checkout")
    deployment, s3 = Deployment(checkout, emulator, "events"), emulator.client("s3")
    s3.create_bucket(Bucket="data-ingestion-local-state")
    run = Running(deployment, sample)
    run.configure("lines", keep_former=False)
    deployment.terraform("init", "-input=false")
    deployment.terraform("apply", "-auto-approve", "-input=false")
    run.configure("gzip", keep_former=True)
    run.ingest()
    run.delivered_before = s3.list_objects_v2(Bucket=LAKE, Prefix="data/")["KeyCount"]
    run.apply()
    run.plan()
    run.configure("lines", keep_former=True)
    run.apply()
    run.wait_for_the_lake()
    run.configure("lines", keep_former=False)
    run.apply()
    run.plan()
    run.wait_for_the_lake()
    return run


@pytest.fixture(scope="module")
def objects(
    running: Running, emulator: PooledEmulator, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Each object that was delivered, as a file, by the end of its key."""
    folder, s3 = tmp_path_factory.mktemp("objects"), emulator.client("s3")
    assert running.pages
    files = {}
    for entry in s3.list_objects_v2(Bucket=LAKE, Prefix="data/")["Contents"]:
        name = entry["Key"].rpartition("/")[2]
        files[name] = folder / name
        files[name].write_bytes(s3.get_object(Bucket=LAKE, Key=entry["Key"])["Body"].read())
    return files


def lines_of(files: dict[str, Path], beginning: str = "") -> list[bytes]:
    """The record lines of the objects whose names begin so; each has to be gzip and to end its lines."""
    texts = [gzip.decompress(file.read_bytes()) for name, file in files.items() if name.startswith(beginning)]
    assert all(text.endswith(b"\n") for text in texts)
    return b"".join(texts).splitlines()


def test_no_invocation_fails_while_the_packing_changes(running: Running) -> None:
    """Before, during and after each deployment the function may write the stream that it knows."""
    assert running.failures == []


def test_every_record_lands_in_its_own_bytes(running: Running, objects: dict[str, Path]) -> None:
    """Nothing is lost or garbled by a change of packing, not even what was not delivered when it began."""
    landed = compare(running.expected, lines_of(objects))

    assert running.delivered_before == 0
    assert landed.is_complete
    assert landed.duplicates <= running.killed * PAGE


def test_each_form_has_objects_of_its_own(objects: dict[str, Path]) -> None:
    """Lines came through one delivery stream and gzip members through the other, named the same way."""
    ways = {(name.startswith(MEMBERS), name.startswith(LINES), name[-3:]) for name in objects}

    assert ways == {(True, False, ".gz"), (False, True, ".gz")}


def test_an_object_of_gzip_has_the_members_as_they_were_put(objects: dict[str, Path]) -> None:
    """Firehose has joined them: an object of several invocations has several members."""
    largest = max((file.read_bytes() for name, file in objects.items() if name.startswith(MEMBERS)), key=len)

    assert largest.count(b"\x1f\x8b\x08") > 1


def test_duckdb_reads_what_was_delivered(objects: dict[str, Path]) -> None:
    """An engine that reads by the name's ending finds every record, in each form."""
    columns = {"id": "VARCHAR", "sourceUrl": "VARCHAR"}
    files = [str(file) for file in objects.values()]
    table = duckdb.read_json(files, format="newline_delimited", columns=columns)
    found = [row[0] for row in table.fetchall()]

    assert sorted(found) == sorted(json.loads(line)["id"] for line in lines_of(objects))


def test_pyarrow_reads_what_was_delivered(objects: dict[str, Path]) -> None:
    """So does a reader that decompresses as it goes."""
    found = [value for file in objects.values() for value in pyarrow.json.read_json(file)["id"].to_pylist()]

    assert sorted(found) == sorted(json.loads(line)["id"] for line in lines_of(objects))


def test_each_deployment_leaves_nothing_to_change(running: Running) -> None:
    """What was applied is what is planned, with one packing and with both."""
    assert running.plans == [0, 0]


def test_terraform_never_warned(running: Running) -> None:
    """No command above printed a warning."""
    assert warnings(running.deployment.said) == []
