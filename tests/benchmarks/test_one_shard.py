"""That a benchmark on a shard with limits sees each record, and that the peers lose none there."""

import gzip
import itertools
import json
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from benchmarks import peers
from benchmarks.one_shard import numbers
from benchmarks.ours import ingest
from benchmarks.sources import source
from local_aws.servers.kinesis_shards import KinesisShards
from local_aws.servers.loopback import LoopbackServer

_RECORDS = 1_200
_SECONDS_BETWEEN_REQUESTS = 0.2


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the benchmark's records are."""
    folder = tmp_path_factory.mktemp("sources")
    name = source(folder, records=_RECORDS)
    # The class is what the server calls, and so may be anything that makes a handler.
    with LoopbackServer(partial(_Silent, directory=str(folder))) as far:  # type: ignore[arg-type]
        yield f"{far.origin}/{name}"


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "benchmark")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def limited() -> KinesisShards:
    """One shard, on a clock that only goes on with requests: so that some are refused on any machine."""
    return KinesisShards(1, clock=partial(next, itertools.count(0, _SECONDS_BETWEEN_REQUESTS)))


@pytest.mark.parametrize("put", [peers.put_records, peers.put_records_threads], ids=["one", "threads"])
def test_a_peer_puts_again_what_a_shard_refused(put: Callable[[str, str], int], url: str) -> None:
    """Every record arrives once, though many were refused."""
    with limited() as stream:
        put(url, stream.origin)

    assert (stream.refused > 0, numbers(stream.accepted)) == (True, dict.fromkeys(range(_RECORDS), 1))


def test_ours_puts_again_what_a_shard_refused(url: str) -> None:
    """Every record arrives once, though some were refused."""
    with limited() as stream:
        ingest(url, stream.origin)

    assert (stream.refused > 0, numbers(stream.accepted)) == (True, dict.fromkeys(range(_RECORDS), 1))


def _lines(*ids: int, separators: tuple[str, str] = (",", ":")) -> bytes:
    return b"".join(
        json.dumps({"data": {"id": id_, "userId": 1}}, separators=separators).encode() + b"\n" for id_ in ids
    )


@pytest.mark.parametrize(
    "data",
    [
        _lines(1, 2),
        _lines(1, 2, separators=(", ", ": ")),
        gzip.compress(_lines(1, 2)),
        gzip.compress(_lines(1)) + gzip.compress(_lines(2)),
        b"\xf3\x89\x9a\xc2\n\x01k\x1a\x2c\x08\x00\x1a\x28" + _lines(1) + b"\x1a\x2c" + _lines(2) + bytes(16),
    ],
    ids=["lines", "spaced lines", "gzip", "two members", "aggregate"],
)
def test_records_are_counted_in_every_packing(data: bytes) -> None:
    """However a tool has packed them."""
    assert numbers([data]) == {1: 1, 2: 1}


def test_a_record_that_came_again_is_counted_again() -> None:
    """Also if it came in another Kinesis record."""
    assert numbers([_lines(1, 2), gzip.compress(_lines(2))]) == {1: 1, 2: 2}


@pytest.mark.parametrize("random_text", [False, True], ids=["words", "random text"])
def test_a_source_has_its_records_in_about_their_size(tmp_path: Path, random_text: bool) -> None:
    """They count from 0, and are at most a tenth larger or smaller."""
    path = tmp_path / source(tmp_path, records=60, record_bytes=1_000, random_text=random_text)
    records = json.loads(path.read_bytes())
    size = path.stat().st_size / len(records)

    assert ([record["id"] for record in records], abs(size - 1_000) < 100) == (list(range(60)), True)


def test_random_text_does_not_compress_as_words_do(tmp_path: Path) -> None:
    """It stays at more than half of its size."""
    path = tmp_path / source(tmp_path, records=300, record_bytes=1_000, random_text=True)
    text = path.read_bytes()

    assert len(gzip.compress(text)) > len(text) / 2
