"""Terraform's own language, written the way ``terraform fmt`` wants it."""

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping

from tools.module.syntax.expressions import expression, layout, template
from tools.module.syntax.resource_blocks import Remarks, with_remarks
from tools.module.variables import REQUIRED, Input

HEADING = "# Generated from the constructs of the pipeline; changes belong there.\n"


def variables(inputs: Iterable[Input]) -> str:
    """The text of variables.tf."""
    return HEADING + "".join(f"\n{_variable(given)}" for given in inputs)


def outputs(stated: Mapping[str, Mapping[str, str]]) -> str:
    """The text of outputs.tf.

    Args:
        stated: Description and value, an expression, by name.
    """
    blocks = []
    for name, output in stated.items():
        lines = attributes({"description": quoted(output["description"]), "value": output["value"]})
        blocks.append(f'\noutput "{name}" {{\n{lines}}}\n')
    return HEADING + "".join(blocks)


def locals_(groups: Iterable[Mapping[str, object]], remarks: Remarks | None = None) -> str:
    """The text of locals.tf.

    Args:
        groups: Expression by name, or a mapping of such; an empty line stands between groups.
        remarks: Those about a word become comments before the lines that have it; default: none.
    """
    lines = [line for group in groups for line in ("", *_lines(group))][1:]
    return HEADING + layout(["", "locals {", *with_remarks(lines, remarks or {}), "}"])


def versions(terraform: str, provider: Mapping[str, str]) -> str:
    """The text of versions.tf."""
    aws = {name: quoted(value) for name, value in sorted(provider.items())}
    required = f"  required_providers {{\n{attributes({'aws': aws}, 4)}  }}\n"
    return HEADING + f'\nterraform {{\n  required_version = "{terraform}"\n\n{required}}}\n'


def attributes(values: Mapping[str, object], indent: int = 2) -> str:
    """Lines ``name = expression``, aligned; a mapping becomes an object over several lines."""
    return textwrap.indent(layout(_lines(values)), " " * indent)


def literal(value: object) -> str:
    """A value as an expression, on one line."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{name} = {literal(inner)}" for name, inner in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(literal(inner) for inner in value)}]"
    return json.dumps(value)


def quoted(text: str) -> str:
    """A string as it is, should it look like a template."""
    return template(text.replace("${", "$${").replace("%{", "%%{"))


def _lines(values: Mapping[str, object]) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from (f"{name} = {{", *_lines(value), "}")
        else:
            yield from f"{name} = {value}".splitlines()


def _variable(given: Input) -> str:
    default = {} if given.default is REQUIRED else {"default": literal(given.default)}
    lines = attributes(
        {
            "description": quoted(given.description),
            "type": given.type,
            **default,
            "nullable": literal(given.default is None),
        }
    )
    checks = "".join(
        "\n  validation {\n"
        + attributes({"condition": check.condition, "error_message": expression(check.message)}, 4)
        + "  }\n"
        for check in given.validations
    )
    return f'variable "{given.name}" {{\n{lines}{checks}}}\n'
