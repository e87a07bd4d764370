"""``make send`` to a real queue and a real bucket of the local AWS."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tools.parts import Parts
from tools.operate import send

pytestmark = pytest.mark.terraform


@pytest.fixture
def consumed(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> Parts:
    """A pipeline whose work queue counts as consumed, but whose messages stay there to be looked at."""
    monkeypatch.setattr(send, "refuse_unconsumed", lambda *_: None)
    return parts


@pytest.mark.parametrize(
    ("arguments", "event"),
    [
        ([], {}),
        (["--source", "orders"], {"source": "orders"}),
        (["--source", "orders", "--resume", '{"page":3}'], {"source": "orders", "resume": {"page": 3}}),
        (["--url", "https://example.com/ü?a=1"], {"url": "https://example.com/ü?a=1"}),
    ],
    ids=["the first source", "a source", "where to go on", "a url"],
)
def test_the_event_is_on_the_queue(consumed: Parts, arguments: list[str], event: dict[str, Any]) -> None:
    """One message has what was given and nothing else."""
    send.main(arguments)

    assert [json.loads(body) for body in consumed.bodies("work")] == [event]


def test_a_list_is_in_the_bucket_before_its_event_is_sent(consumed: Parts, tmp_path: Path) -> None:
    """The event has the address of the very file that was given."""
    urls = tmp_path / "urls.txt"
    urls.write_bytes(b"https://example.com/1\n" * 500_000)
    send.main(["--urls", str(urls)])
    (event,) = [json.loads(body) for body in consumed.bodies("work")]
    key = event["urls_from"].removeprefix(f"s3://{consumed.bucket}/")

    assert key.startswith("lists/")
    assert consumed.objects()[key] == urls.read_bytes()


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "is empty; write one URL a line"), (None, "cannot be read: No such file")]
)
def test_a_list_without_urls_is_refused(
    consumed: Parts, tmp_path: Path, content: bytes | None, why: str
) -> None:
    """Nothing is uploaded or sent."""
    urls = tmp_path / "urls.txt"
    if content is not None:
        urls.write_bytes(content)

    with pytest.raises(SystemExit, match=why):
        send.main(["--urls", str(urls)])
    assert (consumed.bodies("work"), consumed.objects()) == ([], {})


def test_a_queue_that_nobody_reads_is_refused(parts: Parts) -> None:
    """The event would only lie there until it is dropped."""
    with pytest.raises(SystemExit, match=r"send: .* takes no messages from"):
        send.main([])
    assert parts.bodies("work") == []


def test_watching_ends_when_the_queue_is_empty(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The function has taken the message by then."""
    parts.consume(enabled=True)
    monkeypatch.setattr(send, "POLL_SECONDS", 0.1)
    send.main(["--watch"])

    assert "The queue is empty; there are 0 dead letters." in capsys.readouterr().out
    assert parts.bodies("work") == []


def test_watching_ends_with_1_if_there_are_dead_letters(
    consumed: Parts, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says how many are not of this run, and which command looks at them."""
    consumed.add_dead_letter({"source": "orders"})

    def fail(_: float) -> None:
        if consumed.taken("work"):
            consumed.add_dead_letter({"source": "orders"})

    monkeypatch.setattr("tools.operate.send.time.sleep", fail)

    assert send.main(["--watch"]) == 1
    said = capsys.readouterr().out
    assert "The queue is empty; there are 2 dead letters, of which 1 were there before." in said
    assert "See why: make dead ENV=local EVENTS=1" in said


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--source", "order"], r"SOURCE=order: there is no such source; did you mean 'orders'\? .* orders$"),
        (["--source", "orders", "--resume", "{"], r"RESUME={: must be the JSON that an error gave"),
    ],
)
def test_what_the_function_would_refuse_is_refused_now(
    consumed: Parts, arguments: list[str], why: str
) -> None:
    """It would only be a dead letter, minutes later."""
    with pytest.raises(SystemExit, match=why):
        send.main(arguments)
    assert consumed.bodies("work") == []
