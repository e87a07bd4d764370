"""The module's variables beside the settings."""

import json
import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from ingestion_pipeline.code.target import Target
from ingestion_pipeline.settings.rules import SettingsError
from ingestion_pipeline.settings.settings import TABLES, Settings
from ingestion_pipeline.settings.tables.pipeline import PipelineSettings
from tools.module.variables import (
    GROUPED,
    LEFT_OUT,
    REQUIRED,
    Input,
    inputs,
    settings_with_variable,
    variable_name,
)

AWS = Target("python3.13", "arm64")
VARIABLES = {given.name: given for given in inputs(AWS)}
SETTINGS = [f"{table}.{column.name}" for table, kind in TABLES.items() for column in fields(kind)]  # type: ignore[arg-type]


def _tag_advice() -> str:
    with pytest.raises(SettingsError) as refused:
        PipelineSettings(tags={"aws:x": ""})
    return refused.value.problems[0].advice


@pytest.mark.parametrize("path", SETTINGS)
def test_every_setting_has_a_variable_or_a_reason(path: str) -> None:
    """No setting is forgotten when one is added."""
    group, _, name = variable_name(path).partition(".")
    covered = f" {name} = optional(" in VARIABLES[group].type if name else group in VARIABLES

    assert covered != bool({path, path.split(".")[0]} & set(LEFT_OUT))


@pytest.mark.parametrize("path", [path for path, _ in settings_with_variable()])
def test_a_default_is_that_of_the_setting(path: str) -> None:
    """Module and stack do the same if nobody says anything."""
    table, name = path.split(".")
    default = getattr(getattr(Settings(), table), name)
    if table in GROUPED:
        assert re.search(
            rf" {name} = optional\([a-z()]+, {re.escape(json.dumps(default))}\)", VARIABLES[table].type
        )
    else:
        assert VARIABLES[variable_name(path)].default in (default, REQUIRED)


def test_what_names_are_made_of_is_asked_for() -> None:
    """Account and Region have no default, so that no name waits for AWS to tell them."""
    required = [given.name for given in VARIABLES.values() if given.default is REQUIRED]

    assert required == ["account_id", "region"]


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, given in VARIABLES.items()
        if given.rule and given.rule.kind is not bool and given.validations
    ],
)
def test_a_refusal_has_the_words_of_the_setting(name: str) -> None:
    """A value that the rule refuses is refused by Terraform with the same advice."""
    given = VARIABLES[name]
    problem = given.rule.problem(name, object()) if given.rule else None
    words = _tag_advice() if name == "tags" else problem.advice if problem else "there is no advice"

    assert any(words in check.message for check in given.validations)


def test_a_zip_for_another_machine_makes_other_defaults() -> None:
    """The runtime that is deployed is the one that the zip was built for."""
    other: dict[str, Input] = {given.name: given for given in inputs(Target("python3.11", "x86_64"))}

    assert (other["function_runtime"].default, other["function_architecture"].default) == (
        "python3.11",
        "x86_64",
    )


@pytest.mark.terraform
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("function_runtime", "python3.9", "must be one of python3.13, python3.12, python3.11"),
        (
            "function_runtime",
            "python3.12",
            "must be python3.13, which the module's zip was built for",
        ),
        ("function_runtime", "host", "must be one of python3.13, python3.12, python3.11"),
        ("function_architecture", "arm", "must be one of arm64, x86_64"),
        ("function_architecture", "x86_64", "must be arm64, which the module's zip was built for"),
    ],
)
def test_a_runtime_is_refused_for_one_reason(tmp_path: Path, name: str, value: str, said: str) -> None:
    """Terraform's plan says either that AWS has none of the name or that the zip is for another, not both."""
    variables = {
        given.name: {
            "type": given.type,
            "default": given.default,
            "validation": [
                {"condition": f"${{{check.condition}}}", "error_message": check.message}
                for check in given.validations
            ],
        }
        for given in (VARIABLES[name], VARIABLES["package_path"])
    }
    (tmp_path / "main.tf.json").write_text(json.dumps({"variable": variables}), encoding="utf-8")
    done = subprocess.run(
        ["terraform", "plan", "-no-color", f"-var={name}={value}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr.count("Error: Invalid value for variable") == 1
    assert f"{name} {said}" in " ".join(done.stderr.replace("│", " ").split())


def test_the_host_is_no_choice_of_the_module() -> None:
    """A consumer's machine has no part in what is deployed."""
    choices = [choice for given in VARIABLES.values() if given.rule for choice in given.rule.choices]

    assert "host" not in choices


def test_what_is_brought_along_is_an_object() -> None:
    """Whether something is made is known at plan, though its ARN is not yet."""
    types = {given.type.split("(")[0] for given in VARIABLES.values() if given.name.startswith("existing_")}

    assert types == {"object"}
