"""Short names of resources and references to them."""

from typing import Any

import pytest

from tools.module.addresses import OutOfDate, renamed, short_name, short_names


def _block(path: str) -> dict[str, Any]:
    return {"//": {"metadata": {"path": path}}}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("stack/pipeline/lake/bucket", "lake_bucket"),
        ("stack/pipeline/stream/stream", "stream"),
        ("stack/pipeline/delivery/delivery-stream", "delivery_stream"),
        ("stack/pipeline/fetch/access/role", "fetch_access_role"),
    ],
)
def test_a_short_name_is_the_path_without_repetition(path: str, name: str) -> None:
    """Names in the module say where a resource stands, without hashes."""
    assert short_name(path) == name


def test_two_of_one_name_stop_the_emitter() -> None:
    """No resource is lost to another of the same name."""
    blocks = {"aws_x": {"a_1": _block("stack/pipeline/a/b"), "a_2": _block("stack/pipeline/a-b")}}
    with pytest.raises(OutOfDate, match="same short name"):
        short_names(blocks)


def test_a_reference_is_null_if_there_is_nothing() -> None:
    """A reference within a text is rewritten for a resource that has a count."""
    names = {"data.aws_x.a_1": "a"}

    assert renamed("arn:${data.aws_x.a_1.arn}/*", names) == "arn:${one(data.aws_x.a[*].arn)}/*"


def test_a_reference_to_what_may_be_brought_is_a_local_value() -> None:
    """Whoever writes the bucket does not ask whose it is."""
    names = {"aws_s3_bucket.long_1": "lake_bucket"}

    assert renamed(["${aws_s3_bucket.long_1.arn}"], names) == ["${local.bucket.arn}"]


def test_a_dependency_is_renamed() -> None:
    """What stands in depends_on is an address, not an expression."""
    assert renamed({"depends_on": ["aws_x.a_1"]}, {"aws_x.a_1": "a"}) == {"depends_on": ["aws_x.a"]}
