"""Resources as blocks of Terraform's own language."""

from typing import Any

import pytest

from tools.module.syntax.blocks import UnknownKind
from tools.module.syntax.expressions import layout
from tools.module.syntax.resource_blocks import resource_lines


def written(kind: str, body: dict[str, Any], remarks: dict[str, str] | None = None) -> str:
    """The text of a resource called ``x``."""
    return layout(resource_lines("resource", kind, "x", body, remarks or {}))


def test_blocks_and_attributes_are_told_apart() -> None:
    """Terraform's JSON writes both alike: `environment` is a block, `variables` within it is a map."""
    text = written("aws_lambda_function", {"environment": {"variables": {"A": "${var.a}", "a.b": "c"}}})

    assert text == (
        'resource "aws_lambda_function" "x" {\n'
        "  environment {\n"
        "    variables = {\n"
        "      A     = var.a\n"
        '      "a.b" = "c"\n'
        "    }\n"
        "  }\n"
        "}\n"
    )


def test_meta_arguments_come_first_and_last() -> None:
    """How many there are comes first, the name next, tags after the others, then blocks, then the order."""
    body = {
        "depends_on": ["aws_sqs_queue.y"],
        "lifecycle": {"create_before_destroy": True},
        "timeouts": {"create": "1m"},
        "tags": "${local.tags}",
        "delay_seconds": 1,
        "name": "a",
        "count": "${var.enabled ? 1 : 0}",
    }

    assert [line.strip() for line in written("aws_sqs_queue", body).splitlines()] == [
        'resource "aws_sqs_queue" "x" {',
        "count = var.enabled ? 1 : 0",
        "",
        'name          = "a"',
        "delay_seconds = 1",
        "tags          = local.tags",
        "",
        "timeouts {",
        'create = "1m"',
        "}",
        "",
        "lifecycle {",
        "create_before_destroy = true",
        "}",
        "",
        "depends_on = [aws_sqs_queue.y]",
        "}",
    ]


def test_null_is_left_out() -> None:
    """An argument without a value is none."""
    assert written("aws_sqs_queue", {"name": "a", "policy": None}) == (
        'resource "aws_sqs_queue" "x" {\n  name = "a"\n}\n'
    )


def test_each_block_of_a_list_is_written() -> None:
    """Blocks of one name repeat; those by condition are dynamic, behind those that are always there."""
    body = {
        "dynamic": {"rule": [{"content": {"status": "Enabled"}, "for_each": "${var.a ? [1] : []}"}]},
        "rule": [{"id": "1"}, {"id": "2"}],
    }

    assert written("aws_s3_bucket_lifecycle_configuration", body) == (
        'resource "aws_s3_bucket_lifecycle_configuration" "x" {\n'
        '  rule {\n    id = "1"\n  }\n'
        "\n"
        '  rule {\n    id = "2"\n  }\n'
        "\n"
        '  dynamic "rule" {\n'
        "    for_each = var.a ? [1] : []\n"
        "\n"
        "    content {\n"
        '      status = "Enabled"\n'
        "    }\n"
        "  }\n"
        "}\n"
    )


def test_an_expression_over_several_lines_is_indented() -> None:
    """A document that Terraform encodes is as readable as the blocks around it."""
    policy = '${jsonencode({\nStatement = [\n{\nSid = "A"\nAction = ["b"]\n},\n]\n})}'
    text = written("aws_sqs_queue", {"policy": policy, "name": "a"}, {"A": "Why A."})

    assert text == (
        'resource "aws_sqs_queue" "x" {\n'
        '  name = "a"\n'
        "  policy = jsonencode({\n"
        "    Statement = [\n"
        "      {\n"
        "        # Why A.\n"
        '        Sid    = "A"\n'
        '        Action = ["b"]\n'
        "      },\n"
        "    ]\n"
        "  })\n"
        "}\n"
    )


def test_a_long_list_has_an_item_a_line() -> None:
    """No line grows with the list."""
    items = [f"kinesis:Action{number}" for number in range(9)]
    text = written("aws_sqs_queue", {"policy": items})

    assert text.count("\n") == len(items) + len(['resource "', "policy = [", "]", "}"])


@pytest.mark.parametrize("place", ["aws_sqs_queue", "aws_sqs_queue.name", "aws_sqs_queue.timeouts"])
def test_a_remark_stands_before_what_it_is_about(place: str) -> None:
    """A resource, an argument and a block have their comment on the line before."""
    text = written("aws_sqs_queue", {"name": "a", "timeouts": {}}, {place: "Because."})
    lines = [line.strip().split(" ")[0] for line in text.splitlines()]

    assert lines[lines.index("#") + 1] == place.split(".")[1] if "." in place else "resource"


def test_an_unknown_kind_stops_the_emitter() -> None:
    """Without its schema, a block would be written as an attribute; the error says how to get it."""
    with pytest.raises(UnknownKind, match="provider_schema"):
        written("aws_nothing", {})
