"""A pipeline that runs by itself: schedules, many URLs, what fails, and what is sent and put again.

Nothing here invokes the function: whatever it does, it was handed by the work queue.

What this cannot prove of AWS: the emulator's queue hands out each message in order and once, its Firehose
never fails (the object below ``errors/`` is written here in the form that AWS documents), and it enforces
neither the role of a schedule nor the scaling of Lambda's polling. It knows neither time zones nor flexible
windows, and has no dead letters of a schedule. Those are held by the tests of the synthesized JSON, and the
role by IAM's simulator.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local_aws.demo.lake import Comparison, Lake, compare, parse
from tests.checkout import ROOT, Checkout
from tests.e2e.deployment import Deployment, wait_until, warnings
from tests.e2e.mendable_api import MendableApi, records_of
from tests.e2e.provider import PooledEmulator
from tests.tools.replay_lines import error

pytestmark = pytest.mark.e2e

PYTHON = ROOT / ".venv" / "bin" / "python"
FUNCTION = "live-local-fetch"
LAKE = "live-local-lake-000000000000-us-east-1"
QUEUES = "arn:aws:sqs:us-east-1:000000000000"
SCHEDULES_ROLE = "arn:aws:iam::000000000000:role/live-local-schedules-us-east-1"
SCHEDULING = ("aws_scheduler_", "aws_sqs_queue", "aws_iam_role")
"""How the types begin of the schedules, of where they send, and of what permits it."""
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
ONCE_MORE = BATCH[0]
"""Of which Firehose is taken to have failed."""

SOURCES = """
[[sources]]
name = "often"
url = "{origin}/often"
schedule = "rate(1 minute)"

[[sources]]
name = "off"
url = "{origin}/off"
schedule = "rate(1 minute)"
enabled = false

[[sources]]
name = "seldom"
url = "{origin}/seldom"
schedule = "cron(0 0 29 2 ? *)"
time_zone = "Europe/Berlin"
flexible_minutes = 5

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
        looks: What the commands that look at it said then, by their names.
        redrives: What each redrive printed.
        replays: What each replay printed.
    """

    deployment: Deployment
    api: MendableApi
    folder: Path
    letters: list[dict[str, Any]] = field(default_factory=list)
    requests: dict[str, int] = field(default_factory=dict)
    lines: list[bytes] = field(default_factory=list)
    looks: dict[str, str] = field(default_factory=dict)
    redrives: list[str] = field(default_factory=list)
    replays: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        emulator = self.deployment.emulator
        self.lake = Lake(emulator.client("s3"), LAKE, "data/")
        self.s3, self.sqs = emulator.client("s3"), emulator.client("sqs")
        self.functions, self.logs = emulator.client("lambda"), emulator.client("logs")

    def tool(self, name: str, *arguments: str | Path, **variables: str) -> str:
        """What ``make NAME`` runs and prints; it has to succeed."""
        settings = [f"{key}={value}" for key, value in variables.items()]
        return self.deployment.must("env", *settings, PYTHON, "-m", f"tools.operate.{name}", *arguments)

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
    return str(json.loads(bytes(found.data)).get("path")) if found else ""


@pytest.fixture(scope="module")
def api() -> Iterator[MendableApi]:
    """An API of which some addresses fail."""
    with MendableApi(STATUS) as running:
        yield running


@pytest.fixture(scope="module")
def live(emulator: PooledEmulator, api: MendableApi, tmp_path_factory: pytest.TempPathFactory) -> Live:
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
    live.looks["dead"], live.looks["logs"] = live.tool("dead"), live.tool("logs", "--source", "broken")
    unhealthy = live.deployment.run(PYTHON, "-m", "tools.operate.status")
    assert unhealthy.returncode == 1, unhealthy.stderr
    live.looks["status"] = unhealthy.stdout
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
    failed.redrives.append(failed.tool("redrive"))
    wait_until(lambda: failed.landed(FAILED), "the records of what had failed")
    wait_until(lambda: not failed.count("work"), "an empty work queue")
    failed.redrives.append(failed.tool("redrive"))
    return failed


@pytest.fixture(scope="module")
def replayed(mended: Live) -> list[bytes]:
    """The lines that two replays brought to the lake, after the limit that held some back rose."""
    again = next(line for line in mended.lake.lines if path_of(line) == ONCE_MORE)
    stored = json.dumps(error(again + b"\n")).encode() + b"\n"
    mended.s3.put_object(Bucket=LAKE, Key=ERROR_OBJECT, Body=gzip.compress(stored))
    raised = mended.folder / "raised.toml"
    settings = mended.deployment.settings.read_text(encoding="utf-8")
    raised.write_text(settings.replace("max_nesting = 1", "max_nesting = 2"), encoding="utf-8")
    before = set(mended.lake.objects)
    mended.replays.append(mended.tool("replay", PIPELINE_TOML=str(raised)))
    mended.replays.append(mended.tool("replay", PIPELINE_TOML=str(raised)))

    def brought() -> list[bytes]:
        mended.lake.look()
        found = [mended.lake.objects[key] for key in sorted(set(mended.lake.objects) - before)]
        return [line for each in found for line in each.lines if path_of(line) in (NESTED, ONCE_MORE)]

    wait_until(lambda: {path_of(line) for line in brought()} == {NESTED, ONCE_MORE}, "what was replayed")
    return brought()


class TestManyUrls:
    def test_all_that_do_not_fail_are_in_the_lake(self, failed: Live) -> None:
        """990 of 1,000, by content; a record that is there twice has the same id."""
        landed = failed.compared([path for path in LISTED if path not in LOST], failed.lines)

        assert landed.is_complete

    def test_each_that_fails_is_a_dead_letter_of_its_own(self, failed: Live) -> None:
        """Ten events of one URL each, without the others of their message."""
        urls = [failed.api.url(path) for path in LOST]
        bodies = [json.loads(letter["Body"]) for letter in failed.letters]

        assert sorted(body["url"] for body in bodies if body.get("url") in urls) == sorted(urls)
        assert [body for body in bodies if "urls" in body] == []


class TestWhatFails:
    def test_it_is_tried_three_times_and_then_no_more(self, failed: Live) -> None:
        """Alone or among others, its source was asked at each attempt."""
        assert {path: failed.requests[path] for path in FAILED} == dict.fromkeys(FAILED, ATTEMPTS)

    def test_its_dead_letter_is_the_very_event(self, failed: Live) -> None:
        """With the kind of its error beside it, and nothing around it."""
        events = [*({"url": failed.api.url(path)} for path in [*LOST, POISON]), {"source": "broken"}]
        kinds = [*["SourceRejected"] * len(events[:-1]), "SourceUnavailable"]
        found = [
            (json.loads(letter["Body"]), letter["MessageAttributes"]["error_type"]["StringValue"])
            for letter in failed.letters
        ]

        assert sorted(found, key=str) == sorted(zip(events, kinds, strict=True), key=str)

    def test_nothing_of_it_is_in_the_lake(self, failed: Live) -> None:
        """Else it could not be told that a redrive brought it."""
        assert [line for line in failed.lines if path_of(line) in FAILED] == []


class TestLooking:
    def test_status_names_what_is_wrong(self, failed: Live) -> None:
        """A source by its error, the schedules by their state, and the dead letters; each fits 80 columns."""
        said = failed.looks["status"]
        rows = {line[3:].split()[0]: line.split() for line in said.splitlines() if line[3:].strip()}

        assert rows["broken"][0] == "!"
        assert "SourceUnavailable" in rows["broken"]
        assert ("done" in rows["often"], rows["off"][-1], rows["nested"][0]) == (True, "disabled", "!")
        assert f"!  dead events     {len(FAILED)} in the queue" in said
        assert "!  dead records    1 object today" in said
        assert max(map(len, said.splitlines())) <= 80

    def test_logs_say_why_a_source_failed(self, failed: Live) -> None:
        """At each attempt, in words."""
        said = failed.looks["logs"]

        assert said.count("broken  SourceUnavailable\n") == ATTEMPTS
        assert f"    {failed.api.url(BROKEN)}: " in said

    def test_dead_shows_each_reason_and_takes_nothing(self, failed: Live) -> None:
        """The events by their errors, and the records by their reasons."""
        said = failed.looks["dead"]

        assert said.startswith(f"Dead events: {len(FAILED)}\n")
        assert "1 event of broken: SourceUnavailable, " in said
        assert f"    tried {ATTEMPTS} times\n" in said
        assert f"{len(records_of(NESTED))} records of nested: " in said
        assert len(failed.letters) == len(FAILED)


class TestABatchWithAPoisonMessage:
    def test_one_invocation_gets_all_ten(self, mended: Live) -> None:
        """Nothing of what follows would be shown by ten invocations."""
        urls = {mended.api.url(path) for path in BATCH}
        together: dict[str, set[str]] = {}
        for line in mended.started():
            together.setdefault(line["function_request_id"], set()).add(str(line.get("source_url")))

        assert any(urls <= found for found in together.values())

    def test_the_nine_others_are_ingested_once(self, failed: Live) -> None:
        """None of them comes again because the tenth fails."""
        others = [path for path in BATCH if path != POISON]

        assert failed.compared(others, failed.lines).is_complete
        assert {path: failed.requests[path] for path in others} == dict.fromkeys(others, 1)


class TestASchedule:
    def test_its_source_is_ingested_by_itself(self, failed: Live) -> None:
        """The records are in the lake, and no command was given for them."""
        assert failed.compared([OFTEN], failed.lines).is_complete

    def test_all_that_was_ever_begun_came_from_the_queue(self, mended: Live) -> None:
        """Nobody invoked the function: each line of its log names a message."""
        begun = mended.started()

        assert [line for line in begun if line.get("source_name") == "often"]
        assert [line for line in begun if not line.get("message_id")] == []

    def test_one_that_is_off_or_seldom_runs_sends_nothing(self, mended: Live) -> None:
        """Its source was never asked."""
        assert {"/off", "/seldom"} & {*mended.api.requests} == set()

    @pytest.mark.parametrize(
        ("source", "state", "window"),
        [
            ("often", "ENABLED", {"Mode": "OFF"}),
            ("off", "DISABLED", {"Mode": "OFF"}),
            ("seldom", "ENABLED", {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5}),
        ],
    )
    def test_it_is_deployed_as_its_source_says(
        self, live: Live, source: str, state: str, window: dict[str, Any]
    ) -> None:
        """In the group of the pipeline, with the role and the dead letters."""
        scheduler = live.deployment.emulator.client("scheduler")
        made = scheduler.get_schedule(GroupName="live-local-schedules", Name=source)

        assert (made["State"], made["FlexibleTimeWindow"]) == (state, window)
        assert (made["Target"]["Arn"], made["Target"]["DeadLetterConfig"], made["Target"]["RoleArn"]) == (
            f"{QUEUES}:live-local-work",
            {"Arn": f"{QUEUES}:live-local-dead-letters"},
            SCHEDULES_ROLE,
        )

    @pytest.mark.parametrize(
        ("action", "queue", "decision"),
        [
            ("sqs:SendMessage", "live-local-work", "allowed"),
            ("sqs:SendMessage", "live-local-dead-letters", "allowed"),
            ("sqs:SendMessage", "theirs-local-work", "implicitDeny"),
            ("sqs:ReceiveMessage", "live-local-work", "implicitDeny"),
        ],
    )
    def test_its_role_may_send_and_nothing_else(
        self, live: Live, action: str, queue: str, decision: str
    ) -> None:
        """IAM's simulator judges the deployed role, which the emulator does not enforce."""
        results = live.deployment.emulator.client("iam").simulate_principal_policy(
            PolicySourceArn=SCHEDULES_ROLE, ActionNames=[action], ResourceArns=[f"{QUEUES}:{queue}"]
        )["EvaluationResults"]

        assert [result["EvalDecision"] for result in results] == [decision]


class TestRedrive:
    def test_all_that_had_failed_is_in_the_lake(self, mended: Live) -> None:
        """Once the source is mended, by content."""
        assert mended.compared([*LISTED, *BATCH, BROKEN], mended.lake.lines).is_complete

    def test_a_second_one_finds_nothing(self, mended: Live) -> None:
        """Each dead letter is sent once."""
        first, second = (said.splitlines()[0] for said in mended.redrives)

        assert (first, second) == (
            f"Dead letters sent to the work queue: {len(FAILED)}",
            "Dead letters sent to the work queue: 0",
        )


class TestReplay:
    def test_the_records_arrive_once_more_with_the_same_id(self, mended: Live, replayed: list[bytes]) -> None:
        """What Firehose could not deliver is the very line that was on the stream, and comes once."""
        before = [line for line in mended.lines if path_of(line) == ONCE_MORE]

        assert [line for line in replayed if path_of(line) == ONCE_MORE] == [before[0]]

    def test_dead_letters_arrive_under_their_own_ids(self, mended: Live, replayed: list[bytes]) -> None:
        """Each record that its source's limit held back comes once, as if it had never been."""
        moved = Lake(mended.s3, LAKE, "replayed/dead-letters/")
        moved.look()
        letters = {json.loads(line)["id"]: json.loads(line)["data"].encode() for line in moved.lines}
        found = [parse(line) for line in replayed if path_of(line) == NESTED]

        assert sorted((line.id, bytes(line.data)) for line in found if line) == sorted(letters.items())
        assert sorted(letters.values()) == sorted(records_of(NESTED))

    @pytest.mark.usefixtures("replayed")
    def test_a_second_one_puts_nothing(self, mended: Live) -> None:
        """What was put is not where a replay looks any more."""
        assert mended.replays[1].splitlines()[0].startswith("Objects read: 0;")


@pytest.mark.usefixtures("replayed")
def test_a_second_plan_is_empty(live: Live) -> None:
    """Nothing that ran by itself has changed what was deployed."""
    done = live.deployment.run(
        "terraform", "plan", "-detailed-exitcode", "-no-color", folder=live.deployment.stack
    )

    assert done.returncode == 0, done.stdout
    assert warnings(live.deployment.said) == []


@pytest.mark.usefixtures("replayed")
def test_a_source_that_goes_takes_its_own_schedule_alone(live: Live) -> None:
    """No other schedule, queue or permission is changed, and none made anew."""
    deployment = live.deployment
    settings = deployment.settings.read_text(encoding="utf-8")
    deployment.settings.write_text(settings.replace('name = "off"', 'name = "new"'), encoding="utf-8")
    deployment.synthesize()
    deployment.terraform("plan", "-input=false", "-refresh=false", "-out=planned")
    changes = json.loads(deployment.terraform("show", "-json", "planned"))["resource_changes"]

    assert {
        each.get("index", each["address"]): each["change"]["actions"]
        for each in changes
        if each["type"].startswith(SCHEDULING) and each["change"]["actions"] != ["no-op"]
    } == {"off": ["delete"], "new": ["create"]}
