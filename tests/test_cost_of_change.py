"""A new resource and a new setting edit the files that CONTRIBUTING.md lists, and no others."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT, UNFINISHED, Checkout

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("cost-of-change")]

CONSTRUCTS = "constructs/ingestion_pipeline/"
ADDRESSES = ("tests/ingestion_pipeline/addresses.txt", "tests/tools/module/addresses.txt")
Edits = tuple[tuple[str, str, str], ...]
"""A file, the text in it, and what is put before that text."""

COPIED = (
    "docs",
    "tests",
    "examples",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE",
    "pyproject.toml",
)

ALARM = '''"""The alarm: fires when the dead letter queue holds events."""

from constructs import Construct

from ingestion_pipeline.bindings import CloudwatchMetricAlarm
from ingestion_pipeline.resources.capability import Capability, Output, Read
from ingestion_pipeline.settings.names import Name, Names

NAME = Name("alarm", "alarm", 63)

CAPABILITY = Capability(
    file="alarm",
    names=(NAME,),
    reads={
        "aws_cloudwatch_metric_alarm": Read(
            "{alarm_name}",
            ("cloudwatch:{region}:{account}:alarm:{name}",),
            ("cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"),
        )
    },
    outputs=(Output("alarm_arn", "0.1.0", "ARN of the alarm, for whoever is told.", "alarm.arn"),),
)


class Alarm(Construct):
    """An alarm on the number of dead letters."""

    def __init__(self, scope: Construct, id_: str, *, names: Names, events: int) -> None:
        super().__init__(scope, id_)
        self.alarm = CloudwatchMetricAlarm(
            self,
            "alarm",
            alarm_name=names.of(NAME),
            comparison_operator="GreaterThanOrEqualToThreshold",
            evaluation_periods=1,
            metric_name="ApproximateNumberOfMessagesVisible",
            namespace="AWS/SQS",
            period=300,
            statistic="Maximum",
            threshold=events,
        )
'''
IMPORTS = "from ingestion_pipeline.resources import dead_letter_queue"
RESOURCE: Edits = (
    (
        f"{CONSTRUCTS}bindings.py",
        "from cdktf_cdktf_provider_aws.data_aws",
        "from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm\n",
    ),
    (f"{CONSTRUCTS}resources/alarm.py", "", ALARM),
    (
        f"{CONSTRUCTS}settings/tables/dead_letters.py",
        "    kms_key: str",
        '    alarm_count: int = whole(1, 1, 1_000, "Events in the queue that set off the alarm.")\n',
    ),
    (f"{CONSTRUCTS}pipeline.py", IMPORTS, "from ingestion_pipeline.resources.alarm import Alarm\n"),
    (
        f"{CONSTRUCTS}pipeline.py",
        "        trigger = self.queue_trigger = QueueTrigger(\n",
        "        events = settings.dead_letters.alarm_count\n"
        '        self.alarm = Alarm(self, "alarm", names=settings.names, events=events).alarm\n',
    ),
    (ADDRESSES[0], "output bucket_arn", "output alarm_arn\n"),
    (
        ADDRESSES[0],
        "resource aws_iam_role.",
        "resource aws_cloudwatch_metric_alarm.pipeline_alarm_FA72D575\n",
    ),
    (ADDRESSES[1], "aws_iam_policy.", "aws_cloudwatch_metric_alarm.alarm\n"),
)

SETTING: Edits = (
    (
        f"{CONSTRUCTS}settings/tables/fetch.py",
        "    allow_http: bool",
        '    spare_attempts: int = whole(7, 1, 99, "Nothing.", variable="SPARE_ATTEMPTS")\n',
    ),
    (
        "lambda/url_fetcher/delivery/counters.py",
        "        return cls(\n            packing=",
        "        assert variables.spare_attempts\n",
    ),
)
MAKE_DOCS = """
from runpy import run_module
run_module("tools.docs.generate", run_name="__main__")
run_module("tools.module.provider_schema", run_name="__main__")
"""
"""`make docs`, with one start of Node."""

GUARDS = (
    "tests/test_layout.py",
    "tests/test_contract.py",
    "tests/ingestion_pipeline/test_outputs.py",
    "tests/ingestion_pipeline/test_pipeline.py",
    "tests/ingestion_pipeline/test_stack.py",
    "tests/ingestion_pipeline/settings/test_names.py",
    "tests/ingestion_pipeline/settings/test_tables.py",
    "tests/tools/docs/test_cost.py",
    "tests/tools/docs/test_generate.py",
    "tests/tools/module/test_emit.py",
    "tests/tools/module/test_variables.py",
    "tests/tools/plan/test_role.py",
)
CHOSEN = (
    "not import_the_bindings and not starts_no_node"
    " and (not reaches_in_the_module or alarm_count or spare_attempts)"
)
"""Left out are what tests import, and how each of the settings that are the same as before gets through."""


def changed(root: Path, edits: Edits) -> Checkout:
    """A copy of the checkout with each text replaced, and with the documents written again."""
    copy = Checkout.copy(root)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=UNFINISHED)
        else:
            shutil.copy2(ROOT / name, root / name)
    for name, place, added in edits:
        file = root / name
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        assert place in text, f"{name} has no {place!r}"
        file.write_text(text.replace(place, added + place, 1), encoding="utf-8")
    done = copy.run(sys.executable, "-c", MAKE_DOCS, PYTHONPATH="constructs:lambda:.")
    assert done.returncode == 0, done.stderr
    return copy


def guarded(copy: Checkout) -> subprocess.CompletedProcess[str]:
    """What the tests that guard lists say in the copy."""
    options = ["-q", "-n", "0", "-p", "no:cacheprovider", "-k", CHOSEN]
    return copy.run(sys.executable, "-m", "pytest", *options, *GUARDS)


def listed(section: str) -> list[str]:
    """The files that a section of CONTRIBUTING.md tells to edit, in its order."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"^## {section}\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    return re.findall(r"^\d\. `([^`]+)`", found, re.MULTILINE)


def edited(edits: Edits) -> list[str]:
    """The files that are edited, in the words of CONTRIBUTING.md."""
    names = [name.removeprefix(CONSTRUCTS) for name, *_ in edits]
    words = [
        re.sub(r"tables/\w+", "tables/<table>", name).replace("alarm.py", "<capability>.py") for name in names
    ]
    return list(dict.fromkeys(words))


def test_a_resource_costs_the_files_that_are_listed() -> None:
    """An alarm with a setting and an output: what is edited for it is what CONTRIBUTING.md lists."""
    assert edited(RESOURCE) == listed("Add a resource")


def test_a_setting_of_the_function_costs_its_table_and_the_module_that_reads_it() -> None:
    """The variable, the function's reading of it and the module's variable follow."""
    assert (edited(SETTING)[:1], len(edited(SETTING))) == (listed("Add a setting"), 2)


def test_no_guard_asks_for_another_file(tmp_path: Path) -> None:
    """With an alarm and a setting that nobody has thought of, every guard passes."""
    done = guarded(changed(tmp_path / "checkout", (*RESOURCE, *SETTING)))

    assert done.returncode == 0, done.stdout
