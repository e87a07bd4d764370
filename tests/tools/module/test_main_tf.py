"""Steps from a stack's JSON to a module's."""

import pytest

from tools.module.addresses import OutOfDate
from tools.module.main_tf import count, replace_at, switched


def test_a_statement_under_a_condition_is_dynamic() -> None:
    """A statement that a variable switches is made or not by Terraform; the others stay as they are."""
    statements = [{"sid": "PutRecords"}, {"sid": "SendTraces"}]

    assert switched({"statement": statements}) == {
        "statement": [{"sid": "PutRecords"}],
        "dynamic": {
            "statement": [
                {"for_each": "${var.function_tracing ? [1] : []}", "content": {"sid": "SendTraces"}}
            ]
        },
    }


def test_a_block_without_conditions_stays_as_it_is() -> None:
    """Nothing is rewritten that no variable switches."""
    body = {"rule": [{"id": "another"}], "name": "x"}

    assert switched(body) == body


def test_the_most_particular_switch_counts() -> None:
    """The lifecycle of the bucket has a switch of its own."""
    assert count("lake_lifecycle") == "${local.create.lifecycle ? 1 : 0}"


def test_whatever_has_no_switch_of_its_own_follows_enabled() -> None:
    """Nothing is made when the module is not enabled."""
    assert count("fetch_function") == "${var.enabled ? 1 : 0}"


def test_a_place_that_is_gone_stops_the_emitter() -> None:
    """A construct that sets something elsewhere does not leave a constant behind unnoticed."""
    with pytest.raises(OutOfDate, match=r"aws_x\.y\.z"):
        replace_at({"aws_x": {"y": {}}}, "aws_x.y.z", 1)
