"""The module's folder as it is emitted, and what its expressions reach compared with the settings."""

import base64
import hashlib
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from ingestion_pipeline.code.target import Target
from ingestion_pipeline.resources.capability import capabilities
from ingestion_pipeline.settings.rules import SettingsError, rule_of
from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.tables.alarms import AlarmSettings
from ingestion_pipeline.settings.tables.delivery import DeliverySettings
from ingestion_pipeline.settings.tables.vpc import VpcSettings
from tests.ingestion_pipeline.synthesized import stack_json
from tools.ground.paths import ROOT
from tools.module.capabilities import all_remarks
from tools.module.emit import emit
from tools.module.local_values import local_values
from tools.module.main_tf import main_tf, short_name
from tools.module.syntax.expressions import pieces
from tools.module.synthesis import Synthesis, synthesize
from tools.module.variables import GROUPED, inputs, settings_with_variable, variable_name

pytestmark = pytest.mark.usefixtures("only_small_zips")

AWS = Target("python3.13", "arm64")
ADDRESSES = Path(__file__).with_name("addresses.txt")

TOGETHER = {
    "alarms": Settings(alarms=AlarmSettings(emails=("a@b.example",))),
    "vpc": Settings(vpc=VpcSettings(subnet_ids=("subnet-01234567",), security_group_ids=("sg-01234567",))),
}
"""What is compared with, by table, where a setting cannot be given alone."""

ELSEWHERE = {
    "pipeline.tags": "default tags in the stack",
    "delivery.keep_former": "makes further resources: files/tests/packing.tftest.hcl",
    "vpc.permissions_only": "keeps a resource: files/tests/optional.tftest.hcl",
    "lake.delete_with_stack": "needs a second key in the stack",
    "function.runtime": "another zip",
    "function.architecture": "another zip",
}
"""Settings that reach the module in another way than by a variable alone, and how."""

KEY = "arn:aws:kms:eu-west-1:123456789012:key/a"
TEXTS: tuple[object, ...] = (
    *("another", "eu-west-1", "other/", KEY, "id"),
    *(
        ("a.example",),
        ("a@c.example",),
        ("arn:aws:sns:us-east-1:123456789012:id",),
        {"throttled": 3},
        (KEY,),
        ("subnet-0123456789abcdef0",),
        ("sg-0123456789abcdef0",),
    ),
)
"""Values of settings that are texts or lists of them; the first that a rule allows is tried."""


def paths() -> list[str]:
    """Each setting that has a variable of its own, as ``table.name``."""
    return [path for path, _ in settings_with_variable() if path not in ELSEWHERE]


def another(path: str) -> Settings:
    """Settings with another value than the default for one of them; the rule says which are allowed."""
    table, name = path.split(".")
    before = TOGETHER.get(table, Settings())
    given = getattr(before, table)
    rule = rule_of(next(column for column in fields(given) if column.name == name))
    default = getattr(given, name)
    numbers = [n for n in (rule.minimum, rule.maximum) if n is not None]
    near = [default + 1, default - 1] if rule.kind is int and default is not None else []
    candidates = {bool: [not default], int: [*near, *(n + 1 for n in numbers), *numbers]}
    for value in [*rule.choices, *candidates.get(rule.kind, TEXTS)]:
        if value != default and rule.problem(path, value) is None:
            with suppress(SettingsError):
                return replace(before, **{table: replace(given, **{name: value})})
    raise AssertionError(f"{path}: no value is known that its rule allows; add one to TEXTS")


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module, emitted."""
    folder = tmp_path_factory.mktemp("emitted") / "module"
    emit(folder, AWS)
    return folder


@pytest.fixture(scope="module")
def synthesis(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """What it is written from."""
    return synthesize(AWS, tmp_path_factory.mktemp("synthesis"))


@pytest.fixture(scope="module")
def main(synthesis: Synthesis) -> dict[str, Any]:
    """What it makes, as Terraform's JSON has it."""
    return main_tf(synthesis)


@pytest.fixture(scope="module")
def blocks(module: Path) -> dict[str, str]:
    """The text of each resource and data source, by mode, kind and name, from all files of the module."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(module.glob("*.tf")))
    found = re.findall(r'^((?:resource|data) "\w+" "\w+") \{\n(.*?)^\}$', text, re.MULTILINE | re.DOTALL)
    assert len(dict(found)) == len(found)
    return dict(found)


@pytest.fixture(scope="module")
def by_default() -> dict[str, str]:
    """Every argument of the stack's resources, by default."""
    return _stack(Settings())


@pytest.fixture(scope="module")
def of_both_packings() -> dict[str, str]:
    """Every argument of the stack's resources, while the packing changes."""
    return _stack(Settings(delivery=DeliverySettings(keep_former=True)))


def test_emitting_again_gives_the_same_bytes(module: Path, tmp_path: Path) -> None:
    """The folder depends on nothing but the constructs."""
    emit(tmp_path / "again", AWS)

    assert _bytes(tmp_path / "again") == _bytes(module)


def test_there_is_no_provider_and_no_backend(module: Path) -> None:
    """A module leaves both to its caller."""
    own = {path: path.read_text(encoding="utf-8") for path in module.glob("*.tf")}
    found = [path.name for path, text in own.items() if re.search(r"^\s*(provider|backend)\b", text, re.M)]

    assert found == []


def test_the_module_excludes_the_providers_that_fail_or_plan_a_change_for_ever(module: Path) -> None:
    """The module accepts what the stack accepts: 5.100 and 6.x, but not 6.0 to 6.2, 6.14 and 6.22 to 6.39."""
    versions = (module / "versions.tf").read_text(encoding="utf-8")
    (text,) = re.findall(r'hashicorp/aws"\s+version = "(.*)"', versions)
    excluded = [minor for minor in range(60) if f"6.{minor}.0" not in SpecifierSet(text)]

    assert ("5.100.0" in SpecifierSet(text), excluded) == (True, [0, 1, 2, 14, *range(22, 40)])


def test_nothing_of_this_machine_or_of_stand_ins_is_left(module: Path) -> None:
    """Whatever stood in for a setting has become an expression."""
    text = "".join(path.read_text(encoding="utf-8") for path in module.rglob("*.tf*"))
    left = [word for word in (str(ROOT), "TfToken", "module-name", "made-") if word in text]

    assert left == []


def test_texts_are_about_the_module(module: Path) -> None:
    """They name its variables instead of the settings of pipeline.toml, and no document that it has not."""
    named = (path for path, _ in settings_with_variable() if variable_name(path) != path)
    paths = "|".join(map(re.escape, named))
    settings = re.compile(rf"(?<![\w.])({paths})\b|(?<!/blob/main/)docs/(?!latest)[a-z]+\.md")
    files = [*module.glob("*.tf"), *module.glob("tests/*.hcl"), module / "README.md"]
    found = {
        (file.name, match[0])
        for file in files
        for match in settings.finditer(file.read_text("utf-8").partition("What the CDKTF stack has")[0])
    }

    assert found == set()


def test_addresses_are_those_of_the_contract(main: dict[str, Any]) -> None:
    """A changed address would destroy and make again what somebody has deployed."""
    addresses = [f"{kind}.{name}" for kind, blocks in main["resource"].items() for name in blocks]

    assert sorted(addresses) == ADDRESSES.read_text(encoding="utf-8").split()


def test_every_resource_is_in_the_file_of_its_capability(module: Path) -> None:
    """Where a resource stands is known from what it is for."""
    files = {
        path.stem: re.findall(r'^resource "\w+" "(\w+)"', path.read_text(encoding="utf-8"), re.MULTILINE)
        for path in module.glob("*.tf")
    }
    found = {file: {_place(name) for name in names} for file, names in files.items() if names}

    assert found == {
        each.file: {place.split("/")[0].split("-")[0] for place in each.places}
        for each in capabilities().values()
        if each.file
    }


def test_every_block_is_written(main: dict[str, Any], blocks: dict[str, str]) -> None:
    """What the module makes and reads is what its files have."""
    made = {f'{mode} "{kind}" "{name}"' for mode in main for kind in main[mode] for name in main[mode][kind]}

    assert {*blocks} == made


def test_every_word_of_the_structure_is_written(main: dict[str, Any], blocks: dict[str, str]) -> None:
    """Each key and each literal text of a resource stands in its block."""
    missing = [
        (kind, name, word)
        for mode in main
        for kind, bodies in main[mode].items()
        for name, body in bodies.items()
        for word in _words(body)
        if word not in blocks[f'{mode} "{kind}" "{name}"']
    ]

    assert missing == []


def test_every_remark_is_written(module: Path) -> None:
    """No remark is about something that the module has no more."""
    text = "".join(path.read_text(encoding="utf-8") for path in module.glob("*.tf"))
    said = " ".join(re.sub(r"^\s*# ?", "", text, flags=re.MULTILINE).split())
    stale = [place for place, remark in all_remarks().items() if remark not in said]

    assert stale == []


def test_a_star_for_all_resources_has_its_reason(module: Path) -> None:
    """A reviewer reads beside each `*` why AWS takes nothing narrower."""
    texts = (path.read_text(encoding="utf-8") for path in module.glob("*.tf"))
    lines = [line.strip() for text in texts for line in text.splitlines()]
    stars = [
        index
        for index, line in enumerate(lines)
        if re.fullmatch(r'(resources|"?Resource"?)\s*[=:]\s*(\["\*"\]|"\*"),?', line)
    ]
    statements = [next(at for at in range(index, 0, -1) if _is_sid(lines[at])) for index in stars]

    assert (bool(stars), [lines[at] for at in statements if not lines[at - 1].startswith("#")]) == (True, [])


def test_everything_depends_on_a_switch(main: dict[str, Any]) -> None:
    """With `enabled = false` there is nothing, not even a question to AWS."""
    blocks = [block for mode in main.values() for kind in mode.values() for block in kind.values()]
    switches = [block.get("count") or block["for_each"] for block in blocks]
    switched = re.compile(r"(var\.enabled|local\.create\.\w+).*( \? 1 : 0)?\}$")
    free = [each for each in switches if not switched.search(each)]

    assert (len(switches) > 20, free) == (True, [])


def test_aws_is_only_asked_to_check(module: Path, main: dict[str, Any]) -> None:
    """Account and Region are read, and no resource, local value or output refers to what was read."""
    read = {kind: list(blocks) for kind, blocks in main["data"].items()}
    texts = [(module / name).read_text(encoding="utf-8") for name in ("locals.tf", "outputs.tf")]

    assert read == {"aws_caller_identity": ["current"], "aws_region": ["current"]}
    assert [text for text in (*texts, json.dumps(main["resource"])) if re.search(r"\bdata\.aws_", text)] == []


@pytest.mark.parametrize(("kind", "file"), [("input", "variables.tf"), ("output", "outputs.tf")])
def test_the_readme_lists_every_variable_and_output(module: Path, kind: str, file: str) -> None:
    """The tables are complete and in the order of the files."""
    block = {"input": "variable", "output": "output"}[kind]
    stated = re.findall(rf'^{block} "(\w+)"', (module / file).read_text(encoding="utf-8"), re.M)
    listed = re.findall(rf'<a name="{kind}_(\w+)">', (module / "README.md").read_text(encoding="utf-8"))

    assert listed == stated


def test_the_zip_is_that_of_the_stack(module: Path, by_default: dict[str, str]) -> None:
    """Module and stack deploy the same bytes."""
    digest = base64.b64encode(hashlib.sha256((module / "lambda.zip").read_bytes()).digest()).decode()

    assert by_default["aws_lambda_function.fetch_function.source_code_hash"].strip() == digest


def test_every_variable_of_a_setting_is_compared() -> None:
    """Each variable that stands for a setting is compared below, or `ELSEWHERE` says why not."""
    named = {given.name for given in inputs(AWS) if given.rule} - {"environment", "account_id"}

    single = {path for path in {*paths(), *ELSEWHERE} if path.split(".")[0] not in GROUPED}
    assert {variable_name(path) for path in single} == named


@pytest.mark.parametrize("path", paths())
def test_a_setting_reaches_in_the_module_what_it_reaches_in_the_stack(
    main: dict[str, Any], synthesis: Synthesis, by_default: dict[str, str], path: str
) -> None:
    """Wherever the stack changes with a setting, the module has an expression over its variable."""
    table = path.split(".")[0]
    base = _stack(TOGETHER[table]) if table in TOGETHER else by_default
    other = _stack(another(path))
    reached = {place for place in {*other, *base} if other.get(place) != base.get(place)}
    expressions = _arguments(main)
    constant = {
        place
        for place in reached
        if f"var.{variable_name(path)}" not in _whole(expressions.get(place, ""), synthesis)
    }

    assert (bool(reached), constant) == (True, set())


def test_the_module_has_no_argument_that_the_stack_has_not(
    main: dict[str, Any], of_both_packings: dict[str, str]
) -> None:
    """Beside tags, and what is there only for a part that was brought along."""
    more = {place for place in {*_arguments(main)} - {*of_both_packings} if not place.endswith(".tags")}
    conditional = (
        *(
            "fetch_secrets",
            "fetch_url",
            "fetch_access_network",
            "schedules_",
            "alarms_",
            "dashboard",
            "kms_master_key_id",
            "vpc_config",
        ),
        *("logging_config", "reserved_concurrent_executions", "expire-records"),
    )

    assert {place for place in more if not any(word in place for word in conditional)} == set()


def test_the_stack_has_no_argument_that_the_module_has_not(
    main: dict[str, Any], of_both_packings: dict[str, str]
) -> None:
    """Nothing is lost on the way."""
    assert {*of_both_packings} - {*_arguments(main)} == set()


def _place(name: str) -> str:
    """The beginning of a resource's name: the construct's place below the pipeline."""
    return name.split("_")[0]


def _words(value: Any) -> Iterator[str]:
    """Keys and literal texts, as far as they are written as they are."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from () if key == "dynamic" else (key,)
            yield from _words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _words(inner)
    elif isinstance(value, str):
        yield from (literal for is_expression, literal in pieces(value) if not is_expression)
        yield from (
            line.split("=")[-1].strip()
            for is_expression, text in pieces(value)
            for line in text.splitlines()
            if is_expression
        )


def _is_sid(line: str) -> bool:
    return re.match(r'"?sid"?\s*[=:]', line, re.IGNORECASE) is not None


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _stack(settings: Settings) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        return _arguments(stack_json(settings, Path(folder)))


def _arguments(config: dict[str, Any]) -> dict[str, str]:
    """Every argument as text, by a place that is the same in stack and module."""
    found: dict[str, str] = {}
    for kind, blocks in config["resource"].items():
        for name, body in blocks.items():
            short = short_name(body["//"]["metadata"]["path"]) if "//" in body else name
            found.update(_places(f"{kind}.{short}", body, body.get("count", "")))
    return found


def _places(place: str, value: Any, condition: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "dynamic":
                for label, blocks in inner.items():
                    for block in blocks:
                        yield from _places(f"{place}.{label}", [block["content"]], block["for_each"])
            elif key == "for_each":
                yield f"{place}.{key}", str(inner)
            elif key not in {"//", "count", "lifecycle", "depends_on"}:
                yield from _places(f"{place}.{key}", inner, condition)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for index, inner in enumerate(value):
            # A single block is an object in the stack and a list where it is dynamic.
            own = inner.get("sid") or inner.get("id") or (index if len(value) > 1 else "")
            yield from _places(f"{place}.{own}".rstrip("."), inner, condition)
    else:
        yield place, f"{condition} {value}"


def _whole(expression: str, synthesis: Synthesis) -> str:
    """An expression with the local values that it takes, and theirs."""
    groups: dict[str, Any] = {
        name: value for group in local_values(synthesis) for name, value in group.items()
    }
    # Of the checks, which are written by hand.
    groups["given_sources"] = "var.sources"
    whole = expression
    seen: set[str] = set()
    while names := set(re.findall(r"local\.(\w+)", whole)) - seen:
        seen |= names
        # What the checks of sources take is in a file that is not generated.
        whole += " ".join(str(groups[name]) for name in names if name != "given_sources")
    return whole
