"""The wheel in an app of somebody else, and stacks that read the app's outputs from its state."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_aws.demo.lake import Lake, compare
from local_aws.servers.sample_api import SampleApi
from local_aws.servers.sample_data import records, stored_form
from tests.checkout import ROOT
from tests.e2e.deployment import wait_until, warnings
from tests.e2e.foreign import Foreign
from tests.e2e.provider import PooledEmulator
from tools.build import wheel

pytestmark = pytest.mark.e2e

STATE = {"STATE_BUCKET": "their-state", "STATE_KEY": "data-platform/local.tfstate"}
LAKE = "orders-local-lake-000000000000-us-east-1"
EXPECTED = [stored_form(record) for record in records()]


# CDKTF takes `node.add_dependency` and does nothing with it; an app says it to each resource.
AFTER = """
import os

import main
from cdktf import App, DataResource, TerraformDataSource, TerraformResource

app = App(context={"deletableEnvironments": ["local"]})
stack = main.DataPlatform(app, "data-platform-local", environment="local")
before = DataResource(stack, "before", input={"value": os.environ["BEFORE"]})
orders = stack.node.find_child("orders")
orders.node.add_dependency(before)
for each in orders.node.find_all():
    if isinstance(each, TerraformResource | TerraformDataSource):
        each.depends_on = [*(each.depends_on or []), "terraform_data.before"]
app.synth()
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel."""
    return wheel.build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def app(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Foreign]:
    """The example app in a folder elsewhere, with the wheel in a virtual environment of its own."""
    with PooledEmulator(firehose_time_scale=0.01) as emulator:
        foreign = Foreign(tmp_path_factory.mktemp("foreign") / "app", emulator)
        shutil.copytree(ROOT / "examples" / "cdktf-app", foreign.root)
        foreign.install(built)
        emulator.client("s3").create_bucket(Bucket=STATE["STATE_BUCKET"])
        yield foreign


@pytest.fixture(scope="module")
def stack(app: Foreign) -> Path:
    """The app's synthesized stack."""
    app.run(app.python, "main.py", folder=app.root, ENV="local", **STATE)
    return app.root / "cdktf.out" / "stacks" / "data-platform-local"


@pytest.fixture(scope="module")
def applied(app: Foreign, stack: Path) -> Path:
    """The app's stack with every resource behind another one, deployed."""
    (app.root / "after.py").write_text(AFTER, encoding="utf-8")
    app.run(app.python, "after.py", folder=app.root, BEFORE="one", ENV="local", **STATE)
    app.terraform(stack, "init", "-input=false")
    app.terraform(stack, "apply", "-auto-approve", "-input=false")
    return stack


@pytest.fixture(scope="module")
def consumers(app: Foreign, applied: Path) -> list[Path]:
    """Both consumers' folders, deployed; the one in Python by the app's virtual environment."""
    assert applied.exists()
    root = app.root.parent / "consumers"
    shutil.copytree(ROOT / "examples" / "remote-state-consumer", root)
    app.run(app.python, "main.py", folder=root / "cdktf", **STATE)
    folders = [root / "hcl", root / "cdktf" / "cdktf.out" / "stacks" / "consumer"]
    for folder, variables in zip(folders, (_variables(), []), strict=True):
        app.terraform(folder, "init", "-input=false")
        app.terraform(folder, "apply", "-auto-approve", "-input=false", *variables)
    return folders


OTHERS = (
    "settings/sources/schema.json",
    "synth_speed/node_hook.js",
    "code/compiling.mjs",
    "lambda/requirements.txt",
)
"""Files beside the modules that the wheel needs."""


def test_the_wheel_holds_both_packages(built: Path) -> None:
    """Every module of the constructs and of the function is in it, and what they read."""
    packages = (
        (ROOT / "constructs" / "ingestion_pipeline", ""),
        (ROOT / "lambda" / "url_fetcher", "lambda/url_fetcher/"),
    )
    modules = {
        f"{place}{file.relative_to(folder).as_posix()}"
        for folder, place in packages
        for file in folder.rglob("*.py")
    }
    with zipfile.ZipFile(built) as archive:
        names = {name.removeprefix("ingestion_pipeline/") for name in archive.namelist()}

    assert modules | {"py.typed", *OTHERS} <= names


def test_nothing_in_it_depends_on_when_it_was_built(built: Path, tmp_path: Path) -> None:
    """A second build is the same bytes."""
    assert wheel.build(tmp_path).read_bytes() == built.read_bytes()


def test_a_type_checker_reads_its_annotations(app: Foreign) -> None:
    """A wrong type and a wrong keyword are found in the foreign app without running it."""
    wrong = app.root / "wrong.py"
    wrong.write_text(
        "from typing import cast\n"
        "from constructs import Construct\n"
        "from ingestion_pipeline import IngestionPipeline, Settings, StreamSettings\n"
        'StreamSettings(shard_count="two")\n'
        "scope = cast(Construct, ...)\n"
        'IngestionPipeline(scope, "x", settings=Settings(), streams=1)\n',
        encoding="utf-8",
    )
    said = mypy(app, wrong)

    assert re.findall(r":(\d): error: .*\[(\S+)\]$", said, re.MULTILINE) == [
        ("4", "arg-type"),
        ("6", "call-arg"),
    ], said


def mypy(app: Foreign, *files: Path) -> str:
    """What ``mypy --strict`` says of files of the app."""
    # The provider's bindings are some 1,500 modules, which say nothing of this wheel.
    configuration = app.root / "mypy.ini"
    configuration.write_text(
        f"[mypy]\npython_executable = {app.python}\nstrict = true\n"
        "[mypy-cdktf_cdktf_provider_aws.*]\nfollow_imports = skip\n",
        encoding="utf-8",
    )
    return checked(app, sys.executable, "-m", "mypy", "--config-file", configuration, *files)


def pyright(app: Foreign, *files: Path) -> str:
    """What pyright says of files of the app."""
    return checked(app, ROOT / "node_modules" / ".bin" / "pyright", "--pythonpath", app.python, *files)


def checked(app: Foreign, *command: str | Path) -> str:
    """What a type checker says in the app's folder, whether it finds something or not."""
    done = subprocess.run(command, cwd=app.root, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


MISTAKES = {
    "unknown_key": ('"record_path"', '"record_pth"'),
    "wrong_type": ("1_000_000", '"many"'),
    "no_url": ('            "url": "https://api.example.com/v2/orders",\n', ""),
    "unknown_kind": ('"kind": "cursor"', '"kind": "spiral"'),
    "key_of_another_kind": ('"path": "meta.next_cursor"', '"size": 50'),
}
"""Mistakes in the example's source: what is written, and what is written by mistake."""


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_a_type_checker_finds_mistakes_in_a_source(
    app: Foreign, checker: Callable[..., str], tmp_path: Path
) -> None:
    """The example has no error; each copy of it with one mistake has errors in its source only."""
    right = (ROOT / "examples" / "cdktf-app" / "main.py").read_text(encoding="utf-8")
    (tmp_path / "right.py").write_text(right, encoding="utf-8")
    for name, (written, mistaken) in MISTAKES.items():
        assert right.count(written) == 1
        (tmp_path / f"{name}.py").write_text(right.replace(written, mistaken), encoding="utf-8")
    said = checker(app, *sorted(tmp_path.glob("*.py")))
    found = re.findall(r"(\w+)\.py:(\d+):.*? error\b", said)
    source = range(right[: right.index("Source = {")].count("\n") + 1, right.count("\n"))

    assert {name for name, line in found if int(line) in source} == {*MISTAKES}, said
    assert {name for name, _ in found} == {*MISTAKES}, said


def test_the_app_uses_nothing_of_this_checkout(app: Foreign, stack: Path) -> None:
    """What it synthesizes names no path of this checkout, and its zips lie in the user's cache."""
    assert str(ROOT) not in (stack / "cdk.tf.json").read_text(encoding="utf-8")
    assert list((app.root / "cache" / "ingestion-pipeline").glob("*.zip"))


def test_every_record_lands(app: Foreign, applied: Path) -> None:
    """The function that the wheel carried fetches the whole sample, once, into the shared bucket."""
    assert applied.exists()
    lake = Lake(app.emulator.client("s3"), LAKE)
    client = app.emulator.client("lambda", attempts=1)
    with SampleApi() as sample:
        event = json.dumps({"url": sample.url}).encode()
        answer = client.invoke(FunctionName="orders-local-fetch", Payload=event)
    assert "FunctionError" not in answer, answer["Payload"].read()

    def enough() -> bool:
        lake.look()
        return len(lake.lines) >= len(EXPECTED)

    wait_until(enough, "every record in the lake")
    landed = compare(EXPECTED, lake.lines)

    assert (landed.is_complete, landed.duplicates) == (True, 0)


def test_a_change_of_what_a_pipeline_waits_for_changes_nothing_in_it(app: Foreign, applied: Path) -> None:
    """What was applied is planned; and no name, count or policy waits for the change of another resource."""
    app.run(app.python, "after.py", folder=app.root, BEFORE="two", ENV="local", **STATE)
    app.terraform(applied, "plan", "-input=false", "-out=planned")
    planned = json.loads(app.terraform(applied, "show", "-json", "planned"))
    actions = {each["address"]: each["change"]["actions"] for each in planned["resource_changes"]}

    assert {address: made for address, made in actions.items() if made != ["no-op"]} == {
        "terraform_data.before": ["update"]
    }


def test_consumers_get_the_outputs(app: Foreign, consumers: list[Path]) -> None:
    """Both consumers made what they make from the bucket's name."""
    assert len(consumers) == 2
    ssm = app.emulator.client("ssm")
    names = ["/hcl-consumer/lake", "/cdktf-consumer/lake"]

    assert [ssm.get_parameter(Name=name)["Parameter"]["Value"] for name in names] == [LAKE, LAKE]


def test_the_consumer_in_hcl_is_formatted(app: Foreign, consumers: list[Path]) -> None:
    """As `terraform fmt` writes it."""
    assert app.terraform(consumers[0], "fmt", "-check") == ""


@pytest.mark.usefixtures("consumers")
def test_destroy_removes_everything(app: Foreign, applied: Path) -> None:
    """Only the state is left."""
    app.terraform(applied, "destroy", "-auto-approve", "-input=false", "-refresh=false")
    buckets = app.emulator.client("s3").list_buckets()["Buckets"]

    assert [bucket["Name"] for bucket in buckets] == [STATE["STATE_BUCKET"]]
    assert app.emulator.client("kinesis").list_streams()["StreamNames"] == []


def test_terraform_never_warned(app: Foreign) -> None:
    """No command above printed a warning."""
    assert warnings(app.said) == []


def _variables() -> list[str]:
    return [f"-var={name.lower()}={value}" for name, value in STATE.items()]
