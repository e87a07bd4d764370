"""The module's variables: one a setting, those that every module has, and the parts that may exist."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, Field, dataclass, fields, replace
from itertools import groupby
from typing import Any

from ingestion_pipeline.code.target import Target
from ingestion_pipeline.settings.existing import ONLY_MADE, Existing, settings_of
from ingestion_pipeline.settings.patterns import ACCOUNT_ID, ENVIRONMENT, ENVIRONMENT_FORM
from ingestion_pipeline.settings.rules import Rule, default_of, rule_of
from ingestion_pipeline.settings.settings import Settings, all_settings
from tools.module.checks.cross_validations import cross_validations
from tools.module.checks.existing_parts import PARTS, part_variable
from tools.module.checks.validations import Validation, validation

TYPES = {int: "number", str: "string", bool: "bool", tuple: "list(string)", dict: "map(string)"}

LEFT_OUT = {
    "pipeline.allowed_account_ids": "`account_id` is the one account that is allowed",
    "state": "a module has no state of its own; the root module's backend keeps it",
}
"""Settings without a variable, with the reason; a table's name stands for all of its settings."""

RENAMED = {
    "pipeline.name": "name",
    "pipeline.region": "region",
    "pipeline.tags": "tags",
    "lake.delete_with_stack": "force_destroy",
}

GROUPED = {"alarms": "Who is told when something is wrong, and of what; without a receiver no alarm exists."}
"""Tables whose settings are the attributes of one variable, with its meaning."""

REQUIRED = object()
"""In the place of a default where there is none."""

ACCOUNT = Rule(
    "Account of the provider; one of another account is refused.", str, pattern=ACCOUNT_ID, form="12 digits"
)

MEANINGS = {
    "region": "Region of the provider; one of another Region is refused.",
    "force_destroy": "Whether `terraform destroy` deletes the bucket with the records in it; otherwise it "
    "fails while there are any.",
    "function_runtime": "Lambda runtime; another than the default needs a `package_path` built for it.",
    "function_architecture": "Processor; another than the default needs a `package_path` built for it.",
}

SOURCES = (
    'What to fetch: objects with the keys of a source, such as `{ name = "posts", url = "https://…" }`; '
    "the first is the default. Every key is checked at plan; null is as good as leaving a key out."
)


@dataclass(frozen=True)
class Input:
    """One variable of the module.

    Attributes:
        name: Its name.
        type: In Terraform's words.
        description: Its meaning, in one sentence or two.
        default: Its default, or `REQUIRED`.
        rule: Rule of the setting, if it stands for one.
        validations: Checked by Terraform before anything is planned.
    """

    name: str
    type: str
    description: str
    default: object
    rule: Rule | None = None
    validations: tuple[Validation, ...] = ()


def inputs(target: Target) -> list[Input]:
    """Every variable, in the order of the documentation.

    Args:
        target: Runtime and architecture of the module's zip.
    """
    enabled = Input("enabled", "bool", "Whether anything is made; if not, every output is null.", True)
    environment_rule = Rule("Second part of every name.", str, pattern=ENVIRONMENT, form=ENVIRONMENT_FORM)
    environment = _input("environment", environment_rule, Settings().environment)
    settings = [_of_setting(path, column, target) for path, column in settings_with_variable()]
    by_name = {setting.name: setting for setting in _grouped(settings)}
    place = [_input("account_id", ACCOUNT, REQUIRED), by_name.pop("region")]
    naming = [by_name.pop("name"), environment, *place, by_name.pop("tags"), by_name.pop("force_destroy")]
    package = Input(
        "package_path",
        "string",
        "Zip of the function to deploy instead of the one in the module.",
        None,
    )
    sources = Input("sources", "any", SOURCES, ())
    every = [enabled, *naming, sources, *by_name.values(), package, *_parts()]
    more = cross_validations(target)
    for name, validations in _only_made().items():
        more[name] = (*more.get(name, ()), *validations)
    return [
        replace(
            given,
            description=in_variables(given.description, given.name),
            validations=tuple(
                replace(each, message=in_variables(each.message, given.name))
                for each in (*given.validations, *more.get(given.name, ()))
            ),
        )
        for given in every
    ]


def in_variables(text: str, variable: str = "") -> str:
    """The text with the module's variable in the place of each setting that it names.

    Args:
        text: Words of the settings or of an output.
        variable: The variable that the text is about, whose table's settings may be named without the table.
    """
    for path, _ in settings_with_variable():
        table, name = path.split(".")
        text = re.sub(rf"\b{re.escape(path)}\b", variable_name(path), text)
        if variable.startswith(f"{table}_"):
            text = text.replace(f"`{name}`", f"`{variable_name(path)}`")
    return text


def variable_name(path: str) -> str:
    """The variable that stands for a setting, given by its dotted path."""
    is_grouped = path.partition(".")[0] in GROUPED
    return RENAMED.get(path, path if is_grouped else path.replace(".", "_"))


def settings_with_variable() -> Iterator[tuple[str, Field[Any]]]:
    """Dotted path and field of each setting that the module has a variable for."""
    for table, column in all_settings():
        if not {table, f"{table}.{column.name}"} & set(LEFT_OUT):
            yield f"{table}.{column.name}", column


def _grouped(settings: Iterable[Input]) -> Iterator[Input]:
    """The settings, those of a table in `GROUPED` as one object."""
    for group, members in groupby(settings, lambda setting: setting.name.partition(".")[0]):
        each = list(members)
        if group not in GROUPED:
            yield from each
            continue
        kinds = {
            given.name.partition(".")[2]: f"optional({given.type}, {json.dumps(given.default)})"
            for given in each
        }
        described = "".join(
            f" `{name}`: {given.description}" for name, given in zip(kinds, each, strict=True)
        )
        checks = tuple(check for given in each for check in given.validations)
        kind = f"object({{ {', '.join(f'{name} = {kind}' for name, kind in kinds.items())} }})"
        yield Input(group, kind, GROUPED[group] + described, {}, None, checks)


def _of_setting(path: str, column: Field[Any], target: Target) -> Input:
    name, rule = variable_name(path), rule_of(column)
    default = default_of(column)
    fixed = {"function_runtime": target.runtime, "function_architecture": target.architecture}
    if name == "region":
        default = REQUIRED
    if name in fixed:
        default = fixed[name]
        choices = [choice for choice in rule.choices if choice != "host"]
        rule = replace(rule, choices=tuple(dict.fromkeys([*choices, default])))
    return _input(name, rule, default)


def _input(name: str, rule: Rule, default: object) -> Input:
    check = validation(name, rule, optional=default is None)
    return Input(
        name,
        TYPES[rule.kind],
        MEANINGS.get(name, rule.meaning),
        default,
        rule,
        (check,) if check else (),
    )


def _only_made() -> dict[str, list[Validation]]:
    """By variable: the check that it is not given for a part that exists."""
    found: dict[str, list[Validation]] = defaultdict(list)
    for column in fields(Existing):
        kind = PARTS[column.name]
        # What the variable of a part leaves out, the setting's own variable says, as for one that is made.
        elsewhere = {each.name for each in fields(kind)} - set(kind.in_module)
        for table, setting, default in settings_of(column):
            if setting in elsewhere:
                continue
            name, is_made = variable_name(f"{table}.{setting}"), f"var.{part_variable(column.name)} == null"
            is_default = (
                f"var.{name} == {json.dumps(default)}" if default != () else f"length(var.{name}) == 0"
            )
            found[name].append(Validation(f"{is_made} || {is_default}", f"{name} {ONLY_MADE}"))
    return found


def local_name(part: str) -> str:
    """The local value that holds a part's attributes, whether it is made or exists."""
    _, *form = part.split("-")
    return "_".join([part_variable(part).removeprefix("existing_"), *form])


def _parts() -> Iterator[Input]:
    """A variable for each part: an object, so that whether it is given is known at plan."""
    for column in fields(Existing):
        kind = PARTS[column.name]
        known = {each.name: each.default for each in fields(kind)}
        attributes = ", ".join(_attribute(name, known[name]) for name in kind.in_module)
        meaning = column.metadata["meaning"]
        yield Input(part_variable(column.name), f"object({{ {attributes} }})", meaning, None)


def _attribute(name: str, default: object) -> str:
    if default is MISSING:
        return f"{name} = string"
    return f"{name} = optional(string{f', {json.dumps(default)}' if default else ''})"
