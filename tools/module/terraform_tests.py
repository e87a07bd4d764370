"""Test files for `terraform test`: each variable's limits, the names, and that nothing need be made.

Their expectations come from the constructs' own rules and functions.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ingestion_pipeline.settings.names import Name, Names
from ingestion_pipeline.settings.rules import Rule
from tools.module.hcl import HEADING, attributes, literal, quoted
from tools.module.variables import Input

REGION, ACCOUNT = "eu-central-1", "123456789012"
"""As in files/tests/mocks."""

CASES = {
    "gives_names_as_they_are": Names("orders", "prod", REGION),
    "cuts_long_names": Names(f"a-name-of-forty-characters-{'x' * 13}", "e" * 20, REGION),
    # The 28th character of the lake's name is where it is cut.
    "cuts_before_a_hyphen": Names(f"{'a' * 27}-bcd", "prod", REGION),
}


SCHEDULED = '[{ name = "posts", url = "https://example.com", schedule = "rate(1 day)" }]'
"""Sources with which everything has a name."""

UNFIT = ("no such value!", -1, ("no such value!",))
MOCK = f"""mock_provider "aws" {{
  source = "./tests/mocks"
}}

variables {{
{attributes({"account_id": quoted(ACCOUNT), "region": quoted(REGION)})}}}
"""


def disabled_test(outputs: Iterable[str]) -> str:
    """The text of tests/disabled.tftest.hcl: nothing is made and every output is null."""
    null = _assertion(" && ".join(f"output.{name} == null" for name in outputs), "an output is not null")
    unasked = _assertion("length(data.aws_caller_identity.current) == 0", "AWS is asked")
    variables = "  variables {\n    enabled = false\n  }\n"
    return f'{HEADING}\n{MOCK}\nrun "makes_nothing" {{\n{variables}\n{unasked}\n{null}}}\n'


def names_test(main: Mapping[str, Any], used: Mapping[str, Name]) -> str:
    """The text of tests/names.tftest.hcl: Terraform computes the names that the constructs compute.

    Args:
        main: Resources of the module, in Terraform's JSON.
        used: Every name, by its key.
    """
    places = dict(_named_places(main))
    runs = [_named(case, names, places, used) for case, names in CASES.items()]
    return HEADING + "\n" + "\n".join([MOCK, *runs])


def _named_places(main: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The place of each resource's name, and the name's key."""
    for kind, blocks in main["resource"].items():
        for name, body in blocks.items():
            for argument in ("name", "function_name", "bucket", "dashboard_name"):
                found = re.fullmatch(r"\$\{local\.names\.(\w+)\}", str(body.get(argument)))
                if found and kind not in {"aws_lambda_function_event_invoke_config"}:
                    yield f"{kind}.{name}[*].{argument}", found[1]


def _named(case: str, names: Names, places: Mapping[str, str], used: Mapping[str, Name]) -> str:
    # With both packings, a schedule, an address and a dashboard everything that has a name is there.
    inputs = {
        "name": quoted(names.name),
        "environment": quoted(names.environment),
        "delivery_keep_former": literal(True),
        "sources": SCHEDULED,
        "alarms": '{ emails = ["a@example.com"], dashboard = true }',
    }
    given = attributes(inputs, 4)
    assertions = [
        _assertion(
            f"one({place}) == {quoted(names.of(used[key]) if key in used else names.bucket(ACCOUNT))}",
            f"{place} has another name",
        )
        for place, key in places.items()
    ]
    head = f'run "{case}" {{\n  command = plan\n\n  variables {{\n{given}  }}\n\n'
    return head + "\n".join(assertions) + "}\n"


def _assertion(condition: str, message: str) -> str:
    lines = attributes({"condition": condition, "error_message": quoted(message)}, 4)
    return f"  assert {{\n{lines}  }}\n"


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
        rule: Rule of a setting.
        low: True for a number that is too small, not too large.
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
