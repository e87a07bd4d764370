"""A replay from a bucket in memory: what is put, what stays and why, and when it ends."""

import gzip
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from rich.console import Console

from benchmarks.histories.faults import refusal
from tests.tools.replay_lines import URL, error, letter
from tools.ground.aws import AwsError
from tools.operate.progress import Progress
from tools.operate.replay.listing import Found
from tools.operate.replay.run import Replay, Replayed
from tools.operate.replay.stored import Replayable, documents
from url_fetcher.delivery.envelope import Lines
from url_fetcher.delivery.packing import Entry

KEY = "dead-letters/a.json"


class Bucket:
    """S3 behind the client's seam.

    Args:
        objects: Its content by key.
        refuse: Raised instead of an object, by its key.
    """

    def __init__(self, objects: Mapping[str, bytes], refuse: Mapping[str, Exception] | None = None) -> None:
        self.objects = dict(objects)
        self._refuse = refuse or {}

    def get_object(self, *, Key: str, **_: object) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """As boto3's."""
        if Key in self._refuse:
            raise self._refuse[Key]
        return {"Body": io.BytesIO(self.objects[Key])}

    def copy_object(self, *, Key: str, CopySource: Mapping[str, str], **_: object) -> None:  # noqa: N803
        """As boto3's."""
        self.objects[Key] = self.objects[CopySource["Key"]]

    def put_object(self, *, Key: str, Body: Any, **_: object) -> None:  # noqa: N803
        """As boto3's."""
        self.objects[Key] = Body.read()

    def delete_object(self, *, Key: str, **_: object) -> None:  # noqa: N803
        """As boto3's."""
        del self.objects[Key]

    def listed(self) -> list[Found]:
        """What a replay looks at; the ETag is that of the content."""
        kept = [key for key in [*self.objects, *self._refuse] if not key.startswith("replayed/")]
        return [Found(key, f'"{hash(self.objects.get(key)):x}"', 1) for key in kept]


class Put:
    """Takes what is put."""

    def __init__(self) -> None:
        self.data: list[bytes] = []

    def put_as_it_is(self, entry: Entry) -> None:
        """As the sink's."""
        self.data.append(entry.data)

    def put_again(self, lines: Lines) -> None:
        """As the sink's."""
        self.data.append(lines.joined())

    def close(self) -> None:
        """As the sink's."""


def replayed(bucket: Bucket, *, max_line_bytes: int = 1_000) -> tuple[Replayed, list[bytes]]:
    """The result of a run, and what it put."""
    put, client = Put(), bucket
    replayable = Replayable(is_packed=False, max_line_bytes=max_line_bytes, sources={})
    make_sink: Any = lambda: put  # noqa: E731
    run = Replay(client, "lake", make_sink=make_sink, replayable=replayable)  # type: ignore[arg-type]
    return run.run(bucket.listed(), lambda _: None), put.data


def text(lines: Sequence[Mapping[str, Any]], end: str = "\n") -> bytes:
    """An object of these lines."""
    return "".join(json.dumps(line) + end for line in lines).encode()


def test_reasons_that_differ_in_numbers_are_one() -> None:
    """Sixty depths are one line of the report; names keep their numbers."""
    deep = [letter("[" * depth + "]" * depth) for depth in range(101, 161)]
    long = [letter(json.dumps("x" * size)) for size in range(1_000, 1_060)]
    done, _ = replayed(Bucket({KEY: text([*deep, *long])}))

    assert dict(done.stay) == {
        "is nested … levels deep; the limit is … of any source that is not configured": 60,
        "is too long: it has … bytes, a record of the stream has room for …": 60,
    }


def test_what_was_found_is_told_by_source_and_reason() -> None:
    """With the first bytes and the object of one of each, of both kinds of line."""
    taken = b'{"timestamp":"t","sourceUrl":"https://example.com/orders","id":"i","data":1}\n'
    lines = [letter("[1]"), letter("[22]"), error(taken), error(gzip.compress(taken)), {"other": 1}]
    done, _ = replayed(Bucket({KEY: text(lines)}))
    console = Console(file=io.StringIO(), width=1_000)
    with Progress(console) as progress:
        done.found.show("record", progress)
    said = console.file.getvalue().splitlines()  # type: ignore[attr-defined]

    assert said == [
        f"2 records of {URL}: Lambda.FunctionError: The Lambda function was successfully invoked but it "
        "returned an error result., 2026-11-28 13:25 UTC",
        f"    {taken.decode()[:72]}…",
        f"    {KEY}",
        f"2 records of {URL}: is nested 3 levels deep; the limit is 2, 2026-11-23 01:18 UTC",
        "    [1]",
        f"    {KEY}",
        "1 record: is neither a dead letter nor an error record of Firehose",
        '    {"other": 1}',
        f"    {KEY}",
    ]


def test_the_rest_does_not_overwrite_the_first_copy() -> None:
    """Each copy of an object of which lines stay has a name of its own, and the last one has the old key."""
    first, long = text([letter("[1]"), letter(json.dumps("x" * 2_000))]), letter(json.dumps("x" * 2_000))
    bucket = Bucket({KEY: first})
    replayed(bucket)
    assert bucket.objects[KEY] == text([long])
    replayed(bucket, max_line_bytes=5_000)

    assert bucket.objects.keys() - {f"replayed/{KEY}"} == {f"replayed/{KEY}.{hash(first):x}"}
    assert set(bucket.objects.values()) == {first, text([long])}


def test_two_documents_on_a_line_are_two() -> None:
    """What can be put of them is put, and the other one stays."""
    bad = error(b"", rawData="***")
    bucket = Bucket({KEY: text([error(b'{"data":1}\n'), bad, error(b'{"data":"} {"}\n')], end=" ")})
    done, put = replayed(bucket)

    assert (put, done.lines) == ([b'{"data":1}\n', b'{"data":"} {"}\n'], 2)
    assert bucket.objects[KEY] == text([bad])


@pytest.mark.parametrize(
    "line", [b'{"a":"}{"}\n', b'{"a":1}{"b"\n', b'{"a":1} x\n', b"\xff{}{}\n", b"[" * 9_000]
)
def test_what_is_no_row_of_documents_is_one(line: bytes) -> None:
    """It stays byte for byte."""
    assert documents(line) == [line]


@pytest.mark.parametrize(
    "refused",
    [
        refusal("GetObject", "InvalidObjectState", 403),
        refusal("GetObject", "KMS.DisabledException", 400),
        refusal("GetObject", "AccessDenied", 403, "not authorized to perform: kms:Decrypt on this resource"),
    ],
)
def test_an_object_that_alone_cannot_be_read_stays(refused: Exception) -> None:
    """It is archived, or encrypted with another key; the others are replayed."""
    done, put = replayed(Bucket({KEY: text([letter("[1]")])}, {"dead-letters/b": refused}))

    assert (len(put), list(done.unreadable)) == (1, ["dead-letters/b"])


@pytest.mark.parametrize(
    ("code", "status"),
    [("ExpiredToken", 400), ("InvalidAccessKeyId", 403), ("AccessDenied", 403), ("SlowDown", 503)],
)
def test_what_concerns_all_objects_ends_the_run(code: str, status: int) -> None:
    """Each of a thousand objects would else be told as one that cannot be read; the first one is named."""
    with pytest.raises(AwsError, match=f"{KEY}: .*{code}"):
        replayed(Bucket({}, {KEY: refusal("GetObject", code, status)}))
