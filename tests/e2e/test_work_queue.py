"""A pipeline that runs by itself: schedules, many URLs, what fails, and what is sent and put again.

Nothing here invokes the function: whatever it does, it was handed by the work queue.

What this cannot prove of AWS: the emulator's queue hands out each message in order and once, its Firehose
never fails (the object below ``errors/`` is written here in the form that AWS documents), and it enforces
neither the role of a schedule nor the scaling of Lambda's polling. Those are held by the tests of the
synthesized JSON.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local_aws.demo.lake import Comparison, Lake, compare, parse
from local_aws.emulator.instance import Emulator
from tests.checkout import ROOT, Checkout
from tests.e2e.deployment import Deployment, wait_until, warnings
from tests.e2e.mendable_api import MendableApi, records_of
from tests.tools.replay_lines import error

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-work-queue")]

PYTHON = ROOT / ".venv" / "bin" / "python"
FUNCTION = "live-local-fetch"
LAKE = "live-local-lake-000000000000-us-east-1"
ERROR_OBJECT = "errors/processing-failed/year=2026/month=11/day=23/hour=10/live-1-2026-11-23-10-00-00-a.gz"

LISTED = [f"/listed/{number}" for number in range(1000)]
LOST = LISTED[50::100]
"""One in a hundred, each in another message."""
OFTEN, BROKEN, POISON, NESTED = "/often", "/broken", "/batch/4", "/nested"
BATCH = [f"/batch/{number}" for number in range(10)]
FAILED = [*LOST, BROKEN, POISON]
# A 404 is not asked for again within one attempt, so that the requests count the attempts.
STATUS = {**dict.fromkeys([*LOST, POISON], 404), BROKEN: 500}
ATTEMPTS = 3

SOURCES = """
[[sources]]
name = "often"
url = "{origin}/often"
schedule = "rate(1 minute)"

[[sources]]
name = "broken"
url = "{origin}/broken"
retry = {{ max_attempts = 1 }}

[[sources]]
name = "nested"
url = "{origin}/nested"
limits = {{ max_nesting = 1 }}
"""


@dataclass
class Live:
    """A deployed pipeline whose function is only ever handed messages.

    Attributes:
        deployment: In the local AWS.
        api: What it fetches from.
        folder: For files of the tests.
        letters: The messages of the dead letter queue before anything was mended.
        requests: How often each path was asked for until then.
        lines: The lake's lines then.
        said: What each command printed.
    """

    deployment: Deployment
    api: MendableApi
    folder: Path
    letters: list[dict[str, Any]] = field(default_factory=list)
    requests: dict[str, int] = field(default_factory=dict)
    lines: list[bytes] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        emulator = self.deployment.emulator
        self.lake = Lake(emulator.client("s3"), LAKE, "data/")
        self.s3, self.sqs = emulator.client("s3"), emulator.client("sqs")
        self.functions, self.logs = emulator.client("lambda"), emulator.client("logs")

    def tool(self, name: str, *arguments: str | Path, **variables: str) -> str:
        """What ``make NAME`` runs and prints; it has to succeed."""
        settings = [f"{key}={value}" for key, value in variables.items()]
        said = self.deployment.must("env", *settings, PYTHON, "-m", f"tools.{name}", *arguments)
        self.said.append(said)
        return said

    def queue(self, name: str) -> str:
        """The address of one of its queues."""
        return str(self.sqs.get_queue_url(QueueName=f"live-local-{name}")["QueueUrl"])

    def count(self, name: str) -> int:
        """How many messages a queue has, received ones and delayed ones too."""
        names = ("", "NotVisible", "Delayed")
        wanted = [f"ApproximateNumberOfMessages{each}" for each in names]
        found = self.sqs.get_queue_attributes(QueueUrl=self.queue(name), AttributeNames=wanted)["Attributes"]
        return sum(int(found[each]) for each in wanted)

    def landed(self, paths: Sequence[str]) -> bool:
        """Whether the records of these paths are all in the lake."""
        self.lake.look()
        return not compare(records_at(paths), self.lake.lines).missing

    def compared(self, paths: Sequence[str], lines: Sequence[bytes]) -> Comparison:
        """How the lines of these paths, of all that are given, compare with their records."""
        wanted = set(paths)
        return compare(records_at(paths), [line for line in lines if path_of(line) in wanted])

    def started(self) -> list[dict[str, Any]]:
        """The function's log lines of what it began."""
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{FUNCTION}")
        events = [event["message"] for page in pages for event in page["events"]]
        found = [json.loads(text) for text in events if text.startswith("{")]
        return [line for line in found if str(line.get("message", "")).endswith(" started")]

    def pause(self, *, resumed: bool) -> None:
        """Have Lambda poll the work queue, or not."""
        (mapping,) = self.functions.list_event_source_mappings(FunctionName=FUNCTION)["EventSourceMappings"]
        self.functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=resumed)


def records_at(paths: Sequence[str]) -> list[bytes]:
    """The records at these paths."""
    return [record for path in paths for record in records_of(path)]


def path_of(line: bytes) -> str:
    """Of which path a line of the lake is."""
    found = parse(line)
    return str(json.loads(found.data).get("path")) if found else ""


@pytest.fixture(scope="module")
def api() -> Iterator[MendableApi]:
    """An API of which some addresses fail."""
    with MendableApi(STATUS) as running:
        yield running


@pytest.fixture(scope="module")
def live(emulator: Emulator, api: MendableApi, tmp_path_factory: pytest.TempPathFactory) -> Live:
    """The pipeline, deployed."""
    folder = tmp_path_factory.mktemp("live")
    deployment = Deployment(Checkout.copy(folder / "checkout"), emulator, "live")
    deployment.configure(
        ("timeout_seconds = 60", "timeout_seconds = 30"),
        (
            "[environments.local.fetch]",
            "[environments.local.queue]\nbatch_size = 10\n\n[environments.local.fetch]",
        ),
    )
    with deployment.settings.open("a", encoding="utf-8") as settings:
        settings.write(SOURCES.format(origin=api.origin))
    emulator.client("s3").create_bucket(Bucket="data-ingestion-local-state")
    deployment.synthesize()
    deployment.terraform("init", "-input=false")
    deployment.terraform("apply", "-auto-approve", "-input=false")
    return Live(deployment, api, folder)


@pytest.fixture(scope="module")
def failed(live: Live) -> Live:
    """After everything was sent, and what fails has failed for the last time."""
    live.pause(resumed=False)
    bodies = [json.dumps({"url": live.api.url(path)}) for path in BATCH]
    entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
    assert not live.sqs.send_message_batch(QueueUrl=live.queue("work"), Entries=entries).get("Failed")
    live.pause(resumed=True)
    listed = live.folder / "urls.txt"
    listed.write_text("".join(f"{live.api.url(path)}\n" for path in LISTED), encoding="utf-8")
    live.tool("send", "--urls", listed)
    live.tool("send", "--source", "broken")
    live.tool("send", "--source", "nested")
    wait_until(lambda: live.count("dead-letters") >= len(FAILED), "the dead letters")
    reached = [path for path in [*LISTED, *BATCH, OFTEN] if path not in FAILED]
    wait_until(lambda: live.landed(reached), "the records of all that does not fail")
    live.lines, live.requests = live.lake.lines, dict(live.api.requests)
    while found := live.sqs.receive_message(
        QueueUrl=live.queue("dead-letters"), MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages"):
        live.letters += found
    for each in live.letters:
        live.sqs.change_message_visibility(
            QueueUrl=live.queue("dead-letters"), ReceiptHandle=each["ReceiptHandle"], VisibilityTimeout=0
        )
    return live


@pytest.fixture(scope="module")
def mended(failed: Live) -> Live:
    """After the API was mended and the dead letters were sent again, twice."""
    failed.api.mend()
    failed.tool("redrive")
    wait_until(lambda: failed.landed(FAILED), "the records of what had failed")
    wait_until(lambda: not failed.count("work"), "an empty work queue")
    failed.tool("redrive")
    return failed


@pytest.fixture(scope="module")
def replayed(mended: Live) -> list[bytes]:
    """The lines that reached the lake by the first of two replays, after the limit that held some back rose."""
    (again,) = [line for line in mended.lake.lines if path_of(line) == BATCH[0]][:1]
    stored = json.dumps(error(again + b"\n")).encode() + b"\n"
    mended.s3.put_object(Bucket=LAKE, Key=ERROR_OBJECT, Body=gzip.compress(stored))
    raised = mended.folder / "raised.toml"
    settings = mended.deployment.settings.read_text(encoding="utf-8")
    raised.write_text(settings.replace("max_nesting = 1", "max_nesting = 2"), encoding="utf-8")
    before = len(mended.lake.lines)
    mended.tool("replay", PIPELINE_TOML=str(raised))
    wait_until(lambda: mended.landed([NESTED]), "the records of the dead letters")
    mended.tool("replay", PIPELINE_TOML=str(raised))
    return mended.lake.lines[before:]


class TestManyUrls:
    def test_all_that_do_not_fail_are_in_the_lake(self, failed: Live) -> None:
        """990 of 1,000, by content; a record that is there twice has the same id."""
        landed = failed.compared([path for path in LISTED if path not in LOST], failed.lines)

        assert landed.is_complete

    def test_nothing_is_there_of_those_that_fail(self, failed: Live) -> None:
        """The other tests could not tell them from the rest otherwise."""
        assert [line for line in failed.lines if path_of(line) in FAILED] == []
