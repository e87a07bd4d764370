"""``make dead`` of a real queue and a real bucket of the local AWS."""

import json
import re

import pytest

from tests.tools.parts import Parts
from tests.tools.replay_lines import letter
from tools.operate import dead

pytestmark = pytest.mark.terraform

HOUR = "dead-letters/year=2026/month=12/day=01/hour="


def said_by(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """The lines that the command prints."""
    dead.main(arguments)
    return capsys.readouterr().out.splitlines()


def test_both_are_shown_and_the_next_command_named(parts: Parts, capsys: pytest.CaptureFixture[str]) -> None:
    """What lies in the queue, and what lies in the bucket."""
    parts.add_dead_letter(
        {"source": "orders"},
        error_type="SourceRejected",
        error="answers 404",
        failed_at="2026-12-01T10:02:00Z",
    )
    parts.store(f"{HOUR}10/a.json.gz", [letter("{", id=None, reason="is not JSON")])

    assert said_by(capsys) == [
        "Dead events: 1",
        "1 event of orders: SourceRejected, 2026-12-01 10:02 UTC",
        "    answers 404",
        "Mend the cause, then send them again: make redrive ENV=local",
        "Dead records: 1 in 1 object",
        "1 record of orders: is not JSON, 2026-11-23 01:18 UTC",
        "    {",
        f"    {HOUR}10/a.json.gz",
        "Mend the cause, then put them again: make replay ENV=local DRY_RUN=1",
    ]


def test_nothing_is_taken(parts: Parts, capsys: pytest.CaptureFixture[str]) -> None:
    """Message and object are where they were, and can be received at once, however often one looks."""
    parts.add_dead_letter({"source": "orders"}, error_type="SourceRejected")
    body = parts.store(f"{HOUR}10/a.json.gz", [letter("[1]")])
    looks = [said_by(capsys) for _ in range(3)]

    assert looks[0] == looks[1] == looks[2]
    assert parts.bodies("dead-letters") == [json.dumps({"source": "orders"})]
    assert parts.s3.get_object(Bucket=parts.bucket, Key=f"{HOUR}10/a.json.gz")["Body"].read() == body
    assert (parts.bodies("work"), parts.on_stream()) == ([], [])


@pytest.mark.usefixtures("parts")
def test_nothing_is_told_as_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """With the place that was looked at."""
    assert said_by(capsys) == ["Dead events: 0", "Dead records: 0 in 0 objects"]


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize(("option", "thing"), [("--events", "events"), ("--records", "records")])
def test_one_kind_may_be_chosen(capsys: pytest.CaptureFixture[str], option: str, thing: str) -> None:
    """The other one is not asked for."""
    assert [line.split()[1] for line in said_by(capsys, option)] == [f"{thing}:"]


def test_the_newest_objects_are_shown_and_what_is_left_out_is_told(
    parts: Parts, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bucket may hold a million."""
    for hour in ("09", "11", "10"):
        parts.store(
            f"{HOUR}{hour}/a.json.gz",
            [letter("{", id=None, reason=f"reason {hour!r}", timestamp=f"2026-12-01T{hour}")],
        )
        parts.add_dead_letter({"source": "orders"}, error_type="SourceRejected")
    said = said_by(capsys, "--max", "2")

    assert said[0] == "Dead events: 2 of about 3"
    assert "Dead records: 2 in the newest 2 objects" in said
    assert re.findall(r"reason '(\d+)'", "\n".join(said)) == ["11", "10"]


def test_what_is_no_event_is_named(parts: Parts, capsys: pytest.CaptureFixture[str]) -> None:
    """It will not be sent again."""
    parts.add_dead_letter("no event")

    assert re.fullmatch(r"Message [-0-9a-f]{36} stays: is not JSON", said_by(capsys, "--events")[1])


def test_a_queue_that_counts_looks_is_left_alone(parts: Parts) -> None:
    """Its own redrive policy would move the messages on."""
    policy = json.dumps({"deadLetterTargetArn": parts.arn("work"), "maxReceiveCount": 1})
    parts.sqs.set_queue_attributes(QueueUrl=parts.url("dead-letters"), Attributes={"RedrivePolicy": policy})

    with pytest.raises(SystemExit, match="has a redrive policy of its own"):
        dead.main(["--events"])
