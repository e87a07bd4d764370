"""``make logs`` of a real log of the local AWS."""

import re
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.tools.parts import Parts
from tools.operate import logs

pytestmark = pytest.mark.terraform

ERROR: dict[str, Any] = {
    "level": "ERROR",
    "message": "ingestion failed",
    "message_id": "m1",
    "source": "orders",
    "error": 'the source answers 503; go on with "resume": {"page":3}',
    "error_type": "SourceUnavailable",
    "retryable": True,
    "details": {
        "source_url": "https://example.com/orders",
        "page": 3,
        "offset": 1200,
        "accepted": 200,
        "resume": '{"page":3}',
    },
}
WARNING = {"level": "WARNING", "message": "there may be more pages", "source": "posts"}
MOVED = {"level": "WARNING", "message": "message sent to the dead letters", "message_id": "m1", "attempt": 3}
TIMEOUT = "2026-12-01T10:00:00Z 1-2-3 Task timed out after 60.00 seconds"
NORMAL = {"level": "INFO", "message": "ingestion ended", "source": "orders", "WARNING": 'of "ERROR"'}


def said_by(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """The lines that the command prints, without their times."""
    logs.main(arguments)
    return [re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", "", each) for each in _out(capsys).splitlines()]


def _out(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_a_failure_is_told_in_words(parts: Parts, capsys: pytest.CaptureFixture[str]) -> None:
    """Name, source, reason, place, and how to go on; what became of its message belongs to the source."""
    parts.write_log(NORMAL, ERROR, MOVED)

    assert said_by(capsys) == [
        "orders  SourceUnavailable",
        "    the source answers 503",
        "    URL https://example.com/orders",
        "    page 3, byte 1,200, 200 records accepted, may succeed later",
        '    resume {"page":3}',
        "orders  warning",
        "    message sent to the dead letters",
        "    attempt 3",
    ]


def test_a_process_that_died_is_told(parts: Parts, capsys: pytest.CaptureFixture[str]) -> None:
    """The function could not write why; Lambda did."""
    parts.write_log("START RequestId: 1-2-3", TIMEOUT, "REPORT RequestId: 1-2-3")

    assert said_by(capsys) == ["Lambda", f"    {TIMEOUT}"]


def test_a_source_has_its_own_lines(parts: Parts, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of other sources are left out."""
    parts.write_log(ERROR, WARNING | {"source": "orders"})
    parts.write_log(ERROR | {"source": "posts"})

    assert [line for line in said_by(capsys, "--source", "orders") if line[0] != " "] == [
        "orders  SourceUnavailable",
        "orders  warning",
    ]


def test_a_source_that_is_none_is_refused(parts: Parts) -> None:
    """An empty answer would say that nothing failed."""
    parts.write_log(ERROR)

    with pytest.raises(SystemExit, match=r"SOURCE=order: there is no such source; did you mean 'orders'\?"):
        logs.main(["--source", "order"])


def test_only_the_newest_are_shown_and_the_others_counted(
    parts: Parts, capsys: pytest.CaptureFixture[str]
) -> None:
    """However much failed, the answer is bounded and says so."""
    parts.write_log(*[WARNING | {"message": f"number {n}"} for n in range(5)])

    assert said_by(capsys, "--max", "2")[1:4:2] == ["    number 3", "    number 4"]
    logs.main(["--max", "2"])
    assert "3 earlier lines since " in _out(capsys)


def test_what_is_older_is_left_out_and_nothing_is_said_to_be_nothing(
    parts: Parts, capsys: pytest.CaptureFixture[str]
) -> None:
    """The span is part of the answer."""
    parts.write_log(ERROR, ago_seconds=7200)
    (said,) = said_by(capsys)

    assert said.startswith("No error and no warning since ")
    assert said_by(capsys, "--since", "3h")[0] == "orders  SourceUnavailable"


def test_a_log_that_is_not_there_is_no_good_news(parts: Parts) -> None:
    """Nothing is known then."""
    with pytest.raises(SystemExit, match=f"there is no log group /aws/lambda/{parts.function}"):
        logs.main([])


def test_a_shared_group_gives_this_functions_lines_alone(
    parts: Parts, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another function may write to the same group, in the same form."""
    parts.write_log(ERROR | {"service": "theirs"}, WARNING)

    assert said_by(capsys)[0] == "posts  warning"


def test_no_line_steers_the_terminal(parts: Parts, capsys: pytest.CaptureFixture[str]) -> None:
    """A source writes part of the messages."""
    parts.write_log(WARNING | {"message": "a\x1b[31mred\nline"})

    assert said_by(capsys)[1] == "    a [31mred line"


def test_following_prints_each_line_once_until_it_is_interrupted(
    parts: Parts, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines that come are shown, and Ctrl-C ends it as any end."""
    parts.write_log(WARNING)
    polls = []

    def pause(_: float) -> None:
        polls.append(1)
        parts.write_log(WARNING | {"message": f"number {len(polls)}"})
        if len(polls) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", pause)
    logs.main(["--follow"])

    assert [line for line in _out(capsys).splitlines() if line.startswith(" ")] == [
        "    there may be more pages",
        "    number 1",
        "    number 2",
    ]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90m", datetime(2026, 12, 1, 8, 30, tzinfo=UTC)),
        ("1h", datetime(2026, 12, 1, 9, tzinfo=UTC)),
        ("2d", datetime(2026, 11, 29, 10, tzinfo=UTC)),
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
    ],
)
def test_a_span_or_a_time_is_taken(text: str, moment: datetime) -> None:
    """As whoever looks for something says it."""
    assert logs.since(text, datetime(2026, 12, 1, 10, tzinfo=UTC)) == moment


@pytest.mark.parametrize(
    "arguments", [["--since", "1w"], ["--since", "0h"], ["--max", "0"], ["--max", "10001"]]
)
def test_what_is_neither_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The message says what is taken."""
    with pytest.raises(SystemExit):
        logs.main(arguments)
    assert re.search("must be", capsys.readouterr().err)
