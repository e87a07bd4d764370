"""``make replay`` from a real bucket to a real stream of the local AWS."""

import gzip
import json
from typing import Any

import pytest

from tests.tools.killing import Killing
from tests.tools.parts import Parts
from tests.tools.replay_lines import error, letter, line
from tools.operate.replay import __main__ as replay
from tools.operate.replay import listing

pytestmark = pytest.mark.terraform

HOUR = "year=2026/month=11/day=23/hour=10/"
LETTERS = f"dead-letters/{HOUR}a.json.gz"
ERRORS = f"errors/processing-failed/{HOUR}a"
CUT = letter("{", truncated=True)


def run(*arguments: str) -> int:
    """The exit code of the command."""
    return replay.main(arguments)


def stored(parts: Parts, key: str) -> list[dict[str, Any]]:
    """The lines of an object."""
    return [json.loads(each) for each in parts.objects()[key].splitlines()]


def test_a_dead_letter_is_put_with_the_id_of_its_record(parts: Parts) -> None:
    """The line on the stream is that of a record that was never rejected."""
    parts.store(LETTERS, [letter('{"a": [[1]]}')])
    run()

    assert parts.lines() == [line('{"a": [[1]]}')]


@pytest.mark.parametrize("is_gzip", [False, True])
def test_an_error_record_is_put_as_it_was(parts: Parts, is_gzip: bool) -> None:
    """The record of the stream has the very bytes again, from plain and from compressed objects."""
    data = b'{"data":1}\n{"data":2}\n'
    parts.store(ERRORS, [error(data)], is_gzip=is_gzip)
    run()

    assert parts.on_stream() == [data]


def test_a_replayed_object_is_moved_as_it_was(parts: Parts) -> None:
    """Its bytes, metadata and tags are below ``replayed/``, and its former key has nothing any more."""
    body = parts.store(LETTERS, [letter("[1]")])
    parts.s3.put_object(
        Bucket=parts.bucket, Key=LETTERS, Body=body, Metadata={"by": "us"}, Tagging="team=data"
    )
    run()
    moved = parts.s3.get_object(Bucket=parts.bucket, Key=f"replayed/{LETTERS}")
    tags = parts.s3.get_object_tagging(Bucket=parts.bucket, Key=f"replayed/{LETTERS}")["TagSet"]

    assert (moved["Body"].read(), moved["Metadata"], tags) == (
        body,
        {"by": "us"},
        [{"Key": "team", "Value": "data"}],
    )
    assert list(parts.objects()) == [f"replayed/{LETTERS}"]


def test_a_second_run_puts_nothing(parts: Parts) -> None:
    """What was replayed is not where a replay looks."""
    parts.store(LETTERS, [letter("[1]"), CUT])
    parts.store(ERRORS, [error(b'{"data":1}\n')])
    run()
    before = (parts.on_stream(), parts.objects())
    run()

    assert (parts.on_stream(), parts.objects()) == before


class TestWhatStays:
    def test_it_alone_stays_under_its_key(self, parts: Parts, capsys: pytest.CaptureFixture[str]) -> None:
        """The lines that were put are gone from there; metadata and tags are kept."""
        body = parts.store(LETTERS, [letter("[1]"), CUT, letter("[2]")])
        parts.s3.put_object(
            Bucket=parts.bucket, Key=LETTERS, Body=body, Metadata={"by": "us"}, Tagging="team=data"
        )
        run()
        left = parts.s3.get_object(Bucket=parts.bucket, Key=LETTERS)

        assert (stored(parts, LETTERS), left["Metadata"], left["TagCount"]) == ([CUT], {"by": "us"}, 1)
        assert len(stored(parts, f"replayed/{LETTERS}")) == 3
        assert "1  is cut: raise limits.max_record_kib" in capsys.readouterr().out

    def test_an_object_of_which_all_stays_is_not_touched(self, parts: Parts) -> None:
        """It is no new version, and nothing is below ``replayed/``."""
        parts.store(LETTERS, [CUT])
        run()
        versions = parts.s3.list_object_versions(Bucket=parts.bucket)

        assert [each["Key"] for each in versions["Versions"]] == [LETTERS]

    @pytest.mark.parametrize(
        "body",
        [gzip.compress(b"{}\n" * 1_000)[:-9], gzip.compress(b"{}\n") + b"no member"],
        ids=["cut", "more behind"],
    )
    def test_a_broken_object_stays_whole(
        self, parts: Parts, body: bytes, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Nothing of it is put, with each run again; the others are, and the exit code tells."""
        parts.s3.put_object(Bucket=parts.bucket, Key=LETTERS, Body=body)
        parts.store(ERRORS, [error(b'{"data":1}\n')])

        assert (run(), parts.on_stream()) == (1, [b'{"data":1}\n'])
        assert f"{LETTERS} stays: is " in capsys.readouterr().out

    def test_a_line_without_bounds_stays(self, parts: Parts) -> None:
        """It is never in memory as a whole, and is there unchanged among what stays."""
        endless = b'{"data": "' + b"x" * (9 << 20) + b'"}\n'
        whole = json.dumps(letter("[1]")).encode() + b"\n"
        parts.s3.put_object(Bucket=parts.bucket, Key=LETTERS, Body=whole + endless + whole)
        run()

        assert (len(parts.lines()), parts.objects()[LETTERS]) == (2, endless)


class TestChoice:
    def test_a_prefix_limits_it(self, parts: Parts) -> None:
        """What lies elsewhere stays."""
        parts.store(LETTERS, [letter("[1]")])
        parts.store(ERRORS, [error(b'{"data":1}\n')])
        run("--prefix", "errors/processing-failed/")

        assert (len(parts.on_stream()), LETTERS in parts.objects()) == (1, True)

    @pytest.mark.parametrize("prefix", ["data/", "replayed/dead-letters/", "dead"])
    def test_a_prefix_of_something_else_is_refused(self, parts: Parts, prefix: str) -> None:
        """Records that were delivered are not to be put again."""
        parts.store(f"{prefix}x", [letter("[1]")])

        with pytest.raises(SystemExit, match=r"must begin with 'dead-letters/' or 'errors/'"):
            run("--prefix", prefix)

    def test_a_span_limits_it(self, parts: Parts) -> None:
        """The hour in the key counts."""
        parts.store(LETTERS, [letter("[1]")])
        parts.store(LETTERS.replace("hour=10", "hour=11"), [letter("[2]")])
        run("--from", "2026-11-23T11:00", "--to", "2026-11-24")

        assert [each["data"] for each in parts.lines()] == [[2]]

    def test_a_dry_run_puts_and_moves_nothing(self, parts: Parts, capsys: pytest.CaptureFixture[str]) -> None:
        """It counts what would be put and what would stay."""
        parts.store(LETTERS, [letter("[1]"), letter("[2]"), CUT])
        run("--dry-run")

        assert (parts.on_stream(), list(parts.objects())) == ([], [LETTERS])
        assert "records of 1 would be put on the stream: 2" in capsys.readouterr().out


def test_objects_of_many_pages_are_all_replayed(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a page are moved while the next is listed; here S3 lists ten at a time, not a thousand."""
    pages = []

    def few(params: dict[str, Any], **_: object) -> dict[str, Any]:
        pages.append(params)
        return {**params, "MaxKeys": 10}

    parts.s3.meta.events.register("provide-client-params.s3.ListObjectsV2", few)
    monkeypatch.setattr(replay, "client", lambda *_: parts.s3)
    for number in range(45):
        parts.store(f"dead-letters/{HOUR}{number:05}.json.gz", [letter(f"[{number}]")])
    run()

    assert sorted(each["data"][0] for each in parts.lines()) == list(range(45))
    assert len(pages) > 4


def test_an_object_that_another_run_has_moved_is_left_out(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runs at once put some records twice at most, and both end well."""
    parts.store(LETTERS, [letter("[1]")])
    listed = listing.objects

    def late(*arguments: Any) -> Any:
        found = list(listed(*arguments))
        run_alone()
        return found

    def run_alone() -> None:
        monkeypatch.setattr(replay, "objects", listed)
        run()

    monkeypatch.setattr(replay, "objects", late)

    assert (run(), len(parts.lines())) == (0, 1)


COMMAND = "from tools.operate.replay.__main__ import main"


def test_killed_at_any_point_it_loses_no_record(parts: Parts) -> None:
    """It dies before each of its requests; the next run puts what is missing, and nothing stays behind."""
    lost = []
    with Killing(parts.aws, COMMAND, parts.variables) as way:
        fill_and_run(parts, way, 0)
        for number in range(1, way.requests + 1):
            fill_and_run(parts, way, number)
            run()
            put = {json.dumps(each["data"]) for each in parts.lines()}
            wanted = {f'"{number}-{kind}"' for kind in ("letter", "error")}
            kept = [key for key in parts.objects() if not key.startswith("replayed/")]
            if not wanted <= put or kept != [LETTERS] or stored(parts, LETTERS) != [CUT]:
                lost.append(number)

    assert lost == []


def fill_and_run(parts: Parts, way: Killing, number: int) -> None:
    """Run the command over two objects with records of that number, on the way that kills it there."""
    parts.store(LETTERS, [letter(f'"{number}-letter"'), CUT])
    parts.store(ERRORS, [error(f'{{"data":"{number}-error"}}\n'.encode())])
    way.run(before=number)
