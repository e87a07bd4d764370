"""Terraform's own language as text: expressions in strings, and the layout of ``terraform fmt``."""

import pytest

from tools.module.syntax.expressions import Unbalanced, expression, layout, pieces, template


def test_a_string_that_is_one_expression_is_that_expression() -> None:
    """Quotes around an expression alone say nothing."""
    assert expression('${var.a ? "on" : null}') == 'var.a ? "on" : null'


def test_an_object_within_an_expression_keeps_its_brackets() -> None:
    """The bracket that ends an expression is the one that is left over."""
    assert expression("${{ for key, value in var.a : key => value }}") == (
        "{ for key, value in var.a : key => value }"
    )


def test_two_expressions_make_a_template() -> None:
    """Whatever is not one expression is a string."""
    assert expression("${var.a}${var.b}") == '"${var.a}${var.b}"'


def test_a_string_within_an_expression_may_hold_anything() -> None:
    """Neither a bracket nor an expression in an inner string ends the outer one."""
    text = 'a "b" ${join("}", ["${var.c}"])}'

    assert list(pieces(text)) == [(False, 'a "b" '), (True, 'join("}", ["${var.c}"])')]


def test_only_what_is_outside_of_expressions_is_escaped() -> None:
    """An expression keeps its quotes."""
    assert template('"x" takes ${length(join(",", var.a))}') == '"\\"x\\" takes ${length(join(",", var.a))}"'


def test_what_only_looks_like_an_expression_is_text() -> None:
    """Firehose's own placeholders and an escaped dollar stay as they are."""
    assert expression("!{timestamp:yyyy}/$${a}") == '"!{timestamp:yyyy}/$${a}"'


@pytest.mark.parametrize("text", ["${var.a", '${"a}', "${[}"])
def test_an_expression_without_an_end_is_refused(text: str) -> None:
    """Nothing is written that Terraform could not read."""
    with pytest.raises(Unbalanced):
        expression(text)


def test_arguments_that_follow_each_other_are_aligned() -> None:
    """An argument over several lines, a comment and an empty line each begin another alignment."""
    lines = [
        "a {",
        "b = 1",
        "long = [1]",
        "# why",
        "c = 1",
        "list = [",
        "1,",
        "]",
        "d = 1",
        "",
        "ef = 2",
        "}",
    ]

    assert layout(lines) == (
        "a {\n  b    = 1\n  long = [1]\n  # why\n  c = 1\n  list = [\n    1,\n  ]\n  d = 1\n\n  ef = 2\n}\n"
    )


def test_brackets_that_open_on_one_line_indent_once() -> None:
    """As `terraform fmt` does, however many there are."""
    lines = ["policy = jsonencode({", "Statement = [{", 'Sid = "a{b"', "}]", "})"]

    assert layout(lines) == 'policy = jsonencode({\n  Statement = [{\n    Sid = "a{b"\n  }]\n})\n'


def test_a_comparison_is_no_assignment() -> None:
    """Only `=` by itself is aligned."""
    lines = ["a == 1 ? 2 : 3", "key => value", "long_name = a <= b"]

    assert layout(lines) == "a == 1 ? 2 : 3\nkey => value\nlong_name = a <= b\n"
