"""Terraform's own language, written the way ``terraform fmt`` wants it."""

import json
from collections.abc import Iterable, Mapping

from tools.module.variables import Input

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


def locals_(groups: Iterable[Mapping[str, object]]) -> str:
    """The text of locals.tf.

    Args:
        groups: Expression by name, or a mapping of such; an empty line stands between groups.
    """
    return HEADING + "\nlocals {\n" + "\n".join(attributes(group) for group in groups) + "}\n"


def versions(terraform: str, provider: Mapping[str, str]) -> str:
    """The text of versions.tf."""
    aws = {name: quoted(value) for name, value in sorted(provider.items())}
    required = f"  required_providers {{\n{attributes({'aws': aws}, 4)}  }}\n"
    return HEADING + f'\nterraform {{\n  required_version = "{terraform}"\n\n{required}}}\n'


def attributes(values: Mapping[str, object], indent: int = 2) -> str:
    """Lines ``name = expression``, aligned; a mapping becomes an object over several lines."""
    space, width = " " * indent, max((len(n) for n, v in values.items() if isinstance(v, str)), default=0)
    lines = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            lines.append(f"{space}{name} = {{\n{attributes(value, indent + 2)}{space}}}\n")
        else:
            lines.append(f"{space}{name.ljust(width)} = {value}\n")
    return "".join(lines)


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


def template(text: str) -> str:
    """A string whose ``${…}`` are Terraform's to fill in; they may hold strings of their own."""
    if text.startswith("${") and _end(text[2:]) == len(text) - 3:
        return text[2:-1]
    parts, rest = "", text
    while "${" in rest:
        before, _, inside = rest.partition("${")
        if before.endswith("$"):
            parts, rest = f"{parts}{_escaped(before)}${{", inside
            continue
        end = _end(inside)
        expression, rest = inside[:end], inside[end + 1 :]
        parts += f"{_escaped(before)}${{{expression}}}"
    return f'"{parts}{_escaped(rest)}"'


def _end(inside: str) -> int:
    """Where the expression closes that opened before; it may have braces of its own."""
    depth = 0
    for place, character in enumerate(inside):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth < 0:
            return place
    return len(inside)


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _variable(given: Input) -> str:
    lines = attributes(
        {
            "description": quoted(given.description),
            "type": given.type,
            "default": literal(given.default),
            "nullable": literal(given.default is None),
        }
    )
    checks = "".join(
        "\n  validation {\n"
        + attributes({"condition": check.condition, "error_message": template(check.message)}, 4)
        + "  }\n"
        for check in given.validations
    )
    return f'variable "{given.name}" {{\n{lines}{checks}}}\n'
