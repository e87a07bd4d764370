"""The generated parts of the module's README."""

from collections.abc import Iterable, Mapping

from tools.module.hcl import literal
from tools.module.variables import LEFT_OUT, REQUIRED, Input

PROVIDER = "https://registry.terraform.io/providers/hashicorp/aws"
DOCUMENTS = f"{PROVIDER}/latest/docs"


def inputs_table(inputs: Iterable[Input]) -> str:
    """Markdown: one row a variable."""
    header = "| Name | Description | Type | Default |\n|------|-------------|------|---------|\n"
    return header + "".join(_row(given) for given in inputs)


def outputs_table(outputs: Mapping[str, Mapping[str, str]]) -> str:
    """Markdown: one row an output."""
    header = "| Name | Description |\n|------|-------------|\n"
    rows = (f"| {_anchor('output', name)} | {output['description']} |\n" for name, output in outputs.items())
    return header + "".join(rows)


def versions_table(versions: Mapping[str, str]) -> str:
    """Markdown: one row for each program or provider, with the versions that do."""
    rows = (f"| {name} | {version} |\n" for name, version in versions.items())
    return "| Name | Version |\n|------|---------|\n" + "".join(rows)


def left_out_list() -> str:
    """Markdown: one line for each setting that has no variable, with the reason."""
    return "".join(f"- `{setting}`: {reason}.\n" for setting, reason in LEFT_OUT.items())


def resources_table(blocks: Mapping[str, Mapping[str, Mapping[str, object]]]) -> str:
    """Markdown: one row for each resource and data source."""
    modes = {"resource": ("resource", "resources"), "data": ("data source", "data-sources")}
    rows = [
        f"| [{kind}.{name}]({DOCUMENTS}/{folder}/{kind.removeprefix('aws_')}) | {called} |\n"
        for mode, (called, folder) in modes.items()
        for kind, instances in blocks[mode].items()
        for name in instances
    ]
    return "| Name | Type |\n|------|------|\n" + "".join(rows)


def _row(given: Input) -> str:
    rule = given.rule
    allowed = f" Allowed: {rule.allowed()}." if rule and given.validations else ""
    source = f" ([limit]({rule.source}))" if rule and rule.source else ""
    description = f"{given.description}{allowed}{source}".replace("..", ".").replace("|", "\\|")
    default = "required" if given.default is REQUIRED else f"`{literal(given.default)}`"
    cells = (_anchor("input", given.name), description, f"`{given.type}`", default)
    return f"| {' | '.join(cells)} |\n"


def _anchor(kind: str, name: str) -> str:
    return f'<a name="{kind}_{name}"></a> [{name}](#{kind}_{name})'
