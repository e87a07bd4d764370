"""Rules of settings as conditions of Terraform; `terraform test` of the module holds them against values."""

import pytest

from ingestion_pipeline.settings.patterns import BUCKET_NAME
from ingestion_pipeline.settings.rules import Rule
from tools.module.checks.validations import UnknownPattern, matches, validation


def test_a_number_has_both_limits_and_no_fraction() -> None:
    """A whole number is checked as the rule does, though Terraform knows only numbers."""
    check = validation("x", Rule("Shards.", int, minimum=1, maximum=9))

    assert check
    assert check.condition == "(var.x >= 1 && var.x <= 9 && floor(var.x) == var.x)"


def test_a_value_that_may_be_missing_is_checked_only_if_it_is_there() -> None:
    """Null passes, by a conditional: `||` would look at the value all the same."""
    check = validation("x", Rule("Shards.", int, minimum=1, maximum=9), optional=True)

    assert check
    assert check.condition.startswith("var.x == null ? true : (")


def test_a_choice_is_one_of_the_choices() -> None:
    """Choices are listed."""
    check = validation("x", Rule("Packing.", str, choices=("lines", "none")))

    assert check
    assert check.condition == 'contains(["lines", "none"], var.x)'


def test_a_switch_needs_no_check() -> None:
    """Terraform's own type is enough."""
    check = validation("x", Rule("Whether.", bool))

    assert check is None


def test_the_message_has_the_words_of_the_rule() -> None:
    """What is allowed is said once, with its source."""
    check = validation("x", Rule("Shards.", int, minimum=1, maximum=9, source="https://a.example"))

    assert check
    assert check.message == "x must be a whole number from 1 to 9 (https://a.example)"


def test_what_a_pattern_forbids_is_a_check_of_its_own() -> None:
    """RE2 has no negative lookahead."""
    condition = matches("var.x", r"(?!xn--)(?!.*-s3alias$)[a-z]{3}")

    assert condition == (
        r'(can(regex("^([a-z]{3})$", var.x)) && '
        r'!can(regex("^(xn--)", var.x)) && !can(regex("^(.*-s3alias$)", var.x)))'
    )


def test_an_optional_pattern_takes_the_empty_string() -> None:
    """A pattern that is optional as a whole is either met or not there."""
    condition = matches("var.x", rf"({BUCKET_NAME})?")

    assert condition.startswith('(var.x == "" || (can(regex(')


@pytest.mark.parametrize("pattern", ["a(?!b)", "(?<=a)b", "(a"])
def test_a_pattern_that_terraform_does_not_know_is_refused(pattern: str) -> None:
    """A rule that would come out wrong stops the emitter."""
    with pytest.raises(UnknownPattern):
        matches("var.x", f"(?!{pattern}" if pattern == "(a" else pattern)
