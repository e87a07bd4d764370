"""A test file for `terraform test`, from the rules: each variable takes its limits and nothing beyond."""

import re
from collections.abc import Iterable, Mapping, Sequence

from ingestion_pipeline.settings.rules import Rule
from tools.module.hcl import HEADING, attributes, literal
from tools.module.variables import Input

UNFIT = ("no such value!", -1, ("no such value!",))
MOCK = 'mock_provider "aws" {\n  source = "./tests/mocks"\n}\n'


def limits_test(inputs: Sequence[Input]) -> str:
    """The text of tests/limits.tftest.hcl."""
    ruled = {given.name: given.rule for given in inputs if given.rule and given.validations}
    below = {name: outside for name, rule in ruled.items() if (outside := unfit(rule, low=True)) is not None}
    above = {name: outside for name, rule in ruled.items() if (outside := unfit(rule)) is not None}
    numbers = {name: rule for name, rule in ruled.items() if rule.kind is int and not rule.choices}
    lowest = {name: rule.minimum for name, rule in numbers.items()}
    highest = {name: rule.maximum for name, rule in numbers.items()}
    together = [name for name in above if name not in dependent(inputs)]
    runs = [
        _run("takes_the_lowest", lowest, ()),
        _run("takes_the_highest", highest, ()),
        _run("refuses_what_is_below", *_refusal(below, together)),
        _run("refuses_what_is_above", *_refusal(above, together)),
        *(_run(f"refuses_{name}", *_refusal(above, [name])) for name in above if name not in together),
    ]
    return HEADING + "\n" + "\n".join([MOCK, *runs])


def unfit(rule: Rule, *, low: bool = False) -> object:
    """A value that the rule refuses, or None if it knows none that Terraform would hand on.

    Args:
        rule: Of a setting.
        low: Whether a number is to be too small rather than too large.
    """
    if rule.kind is int and rule.minimum is not None and rule.maximum is not None:
        return rule.minimum - 1 if low else rule.maximum + 1
    if rule.maximum is not None:
        return "x" * (rule.maximum + 1)
    fitting = (value for value in UNFIT if isinstance(value, rule.kind))
    return next((value for value in fitting if rule.problem("", value)), None)


def dependent(inputs: Iterable[Input]) -> set[str]:
    """Variables that are checked against others, which Terraform leaves out while those are refused."""
    return {
        given.name
        for given in inputs
        for check in given.validations
        if set(re.findall(r"var\.(\w+)", check.condition)) - {given.name, "package_path"}
    }


def _refusal(values: Mapping[str, object], names: Sequence[str]) -> tuple[dict[str, object], list[str]]:
    refused = [name for name in names if name in values]
    return {name: values[name] for name in refused}, refused


def _run(name: str, values: Mapping[str, object], refused: Iterable[str]) -> str:
    given = attributes({name: literal(value) for name, value in values.items()}, 4)
    variables = "".join(f"    var.{name},\n" for name in refused)
    expected = f"\n  expect_failures = [\n{variables}  ]\n" if variables else ""
    return f'run "{name}" {{\n  command = plan\n\n  variables {{\n{given}  }}\n{expected}}}\n'
