"""That shared libraries lose what only a debugger reads, and nothing else."""

import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import xxhash
from hypothesis import example, given
from hypothesis import strategies as st

from ingestion_pipeline.code.shared_library import without_debugging

(LIBRARY,) = Path(xxhash.__file__).parent.glob("_xxhash*.so")


@pytest.fixture(scope="module")
def emptied() -> bytes:
    """Xxhash's library without debugging information."""
    return without_debugging(LIBRARY.read_bytes())


def loaded(folder: Path, library: bytes) -> str:
    """What the library's hash of a text is in a new process that loads it from ``folder``."""
    (folder / LIBRARY.name).write_bytes(library)
    program = "import _xxhash; print(_xxhash.xxh3_128_hexdigest(b'text', 7))"
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); {program}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_library_still_works(emptied: bytes, tmp_path: Path) -> None:
    """It is loaded and gives the same hash."""
    assert loaded(tmp_path, emptied) == xxhash.xxh3_128_hexdigest(b"text", 7)


def test_debugging_information_is_gone(emptied: bytes) -> None:
    """What is left compresses far better: xxhash's wheel was not stripped."""
    before, after = (len(zlib.compress(data, 1)) for data in (LIBRARY.read_bytes(), emptied))

    assert after < 0.5 * before


def test_nothing_moves(emptied: bytes) -> None:
    """The size stays, and every byte is as it was or zero."""
    original = LIBRARY.read_bytes()

    assert len(emptied) == len(original)
    assert all(new in (0, old) for new, old in zip(emptied, original, strict=True))


def test_only_a_debuggers_sections_change(emptied: bytes, tmp_path: Path) -> None:
    """All that a loader maps is the same, as the system's own reader of such files sees it."""
    original, changed = tmp_path / "original", tmp_path / "changed"
    original.write_bytes(LIBRARY.read_bytes())
    changed.write_bytes(emptied)

    assert segments(original) == segments(changed)


def segments(path: Path) -> list[bytes]:
    """The content of every segment that is loaded, by the program's header."""
    data = path.read_bytes()
    place, size, number = (
        int.from_bytes(data[start:end], "little") for start, end in ((32, 40), (54, 56), (56, 58))
    )
    headers = [data[place + index * size : place + (index + 1) * size] for index in range(number)]
    loads = [header for header in headers if int.from_bytes(header[:4], "little") == 1]
    assert loads
    spans = [
        (int.from_bytes(header[8:16], "little"), int.from_bytes(header[32:40], "little")) for header in loads
    ]
    return [data[offset : offset + length] for offset, length in spans]


# A table of sections at a place that no index of Python's reaches.
@example(tail=bytes(15) + b"\x80" + bytes(13) + b"\1\0\0", kept=32)
@given(tail=st.binary(max_size=200), kept=st.integers(0, 4_000))
def test_what_is_no_whole_library_stays_as_it_is_or_as_long(tail: bytes, kept: int) -> None:
    """Any other file, and one that was cut or damaged, is no reason to fail."""
    damaged = LIBRARY.read_bytes()[:kept] + tail

    assert len(without_debugging(damaged)) == len(damaged)
    assert without_debugging(tail) == tail
