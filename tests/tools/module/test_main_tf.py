"""Steps from a stack's JSON to a module's."""

from typing import Any

import pytest

from tools.module.main_tf import OutOfDate, all_short_names, renamed, replace_at, short_name


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
        all_short_names({"resource": blocks, "data": {}})


def test_a_reference_is_null_if_there_is_nothing() -> None:
    """A reference within a text is rewritten for a resource that has a count."""
    names = {"data.aws_x.a_1": "a"}

    assert renamed("arn:${data.aws_x.a_1.arn}/*", names) == "arn:${one(data.aws_x.a[*].arn)}/*"


def test_a_dependency_is_renamed() -> None:
    """What stands in depends_on is an address, not an expression."""
    assert renamed({"depends_on": ["aws_x.a_1"]}, {"aws_x.a_1": "a"}) == {"depends_on": ["aws_x.a"]}


def test_a_place_that_is_gone_stops_the_emitter() -> None:
    """A construct that sets something elsewhere does not leave a constant behind unnoticed."""
    with pytest.raises(OutOfDate, match=r"aws_x\.y\.z"):
        replace_at({"aws_x": {"y": {}}}, "aws_x.y.z", 1)
