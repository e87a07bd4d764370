"""Steps from a stack's JSON to a module's."""

from pathlib import Path
from typing import Any

import pytest

from tools.module.main_tf import OutOfDate, all_short_names, main_tf, renamed, replace_at, short_name
from tools.module.synthesis import Synthesis


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
        all_short_names({"resource": blocks})


def test_a_reference_is_null_if_there_is_nothing() -> None:
    """A reference within a text is rewritten for a resource that has a count."""
    assert renamed("arn:${aws_x.a_1.arn}/*", {"aws_x.a_1": "a"}) == "arn:${one(aws_x.a[*].arn)}/*"


def test_a_reference_alone_in_an_expression_needs_no_quotes() -> None:
    """Within `jsonencode` a string that is one reference is the reference itself."""
    policy = '${jsonencode({ A = "${aws_x.a_1.arn}", B = "${aws_x.a_1.arn}/*" })}'

    assert renamed(policy, {"aws_x.a_1": "a"}) == (
        '${jsonencode({ A = one(aws_x.a[*].arn), B = "${one(aws_x.a[*].arn)}/*" })}'
    )


def test_a_data_source_of_the_constructs_stops_the_emitter() -> None:
    """Whatever depends on one may be replaced when anything changes that the module waits for."""
    config: dict[str, Any] = {"resource": {}, "data": {"aws_partition": {}}}
    synthesis = Synthesis(config, Path("lambda.zip"), {}, {}, {})

    with pytest.raises(OutOfDate, match="aws_partition"):
        main_tf(synthesis)


def test_a_dependency_is_renamed() -> None:
    """What stands in depends_on is an address, not an expression."""
    assert renamed({"depends_on": ["aws_x.a_1"]}, {"aws_x.a_1": "a"}) == {"depends_on": ["aws_x.a"]}


def test_a_place_that_is_gone_stops_the_emitter() -> None:
    """A construct that sets something elsewhere does not leave a constant behind unnoticed."""
    with pytest.raises(OutOfDate, match=r"aws_x\.y\.z"):
        replace_at({"aws_x": {"y": {}}}, "aws_x.y.z", 1)
