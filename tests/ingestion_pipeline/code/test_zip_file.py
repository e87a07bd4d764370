import io
import stat
import zipfile

from hypothesis import given
from hypothesis import strategies as st

from ingestion_pipeline.code.zip_file import write_zip

names = st.lists(st.text("abcä-_.", min_size=1, max_size=8), min_size=1, max_size=3).map("/".join)
contents = st.binary(max_size=300) | st.integers(1, 5_000).map(lambda size: b"a" * size)


def opened(files: dict[str, bytes]) -> zipfile.ZipFile:
    """The archive, as the standard library reads it."""
    return zipfile.ZipFile(io.BytesIO(write_zip(files)))


@given(files=st.dictionaries(names, contents, max_size=5))
def test_holds_what_was_put_in(files: dict[str, bytes]) -> None:
    """Another reader finds every file with its bytes, and its checks pass."""
    with opened(files) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}

        assert archive.testzip() is None
    assert found == files


def test_order_does_not_matter() -> None:
    """The same files in another order are the same bytes."""
    assert write_zip({"a": b"1", "b/c": b"2"}) == write_zip({"b/c": b"2", "a": b"1"})


def test_names_are_sorted() -> None:
    """Files stand in the order of their names."""
    with opened({"b": b"", "a/z": b"", "a": b""}) as archive:
        assert archive.namelist() == ["a", "a/z", "b"]


def test_no_clock_gets_in() -> None:
    """Every file has the earliest date that the format knows."""
    with opened({"a": b"1"}) as archive:
        assert archive.getinfo("a").date_time == (1980, 1, 1, 0, 0, 0)


def test_everybody_may_read() -> None:
    """Every file is a regular one, readable by all, as Lambda's user is not the one that unpacks."""
    with opened({"a": b"1"}) as archive:
        info = archive.getinfo("a")

    assert stat.filemode(info.external_attr >> 16) == "-rw-r--r--"
    assert info.create_system == 3


def test_packs_what_gets_smaller() -> None:
    """What compresses is compressed, and what would grow is stored."""
    with opened({"long": b"a" * 1_000, "short": b"a"}) as archive:
        methods = {info.filename: info.compress_type for info in archive.infolist()}

    assert methods == {"long": zipfile.ZIP_DEFLATED, "short": zipfile.ZIP_STORED}


def test_an_empty_archive_is_one() -> None:
    """No files are an archive without files."""
    with opened({}) as archive:
        assert archive.namelist() == []
