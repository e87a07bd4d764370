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
Edits = tuple[tuple[str, str | None, str], ...]
"""A file, the text in it, and what is put before that text; None: at the end."""

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

NOTE = '''"""The note: a parameter of SSM that says how many events are looked at."""

from constructs import Construct

from ingestion_pipeline.bindings import SsmParameter
from ingestion_pipeline.resources.capability import Capability, Output, Read
from ingestion_pipeline.settings.expressions import as_text
from ingestion_pipeline.settings.names import Name, Names

NAME = Name("note", "note", 63)

CAPABILITY = Capability(
    file="note",
    names=(NAME,),
    reads={
        "aws_ssm_parameter": Read(
            "{name}",
            ("ssm:{region}:{account}:parameter/{name}",),
            ("ssm:GetParameter", "ssm:ListTagsForResource"),
        )
    },
    outputs=(Output("note_arn", "0.1.0", "ARN of the note, for whoever reads it.", "note.arn"),),
)


class Note(Construct):
    """A note of the number of events."""

    def __init__(self, scope: Construct, id_: str, *, names: Names, events: int) -> None:
        super().__init__(scope, id_)
        self.note = SsmParameter(self, "note", name=names.of(NAME), type="String", value=as_text(events))
'''
RESOURCE: Edits = (
    (
        f"{CONSTRUCTS}bindings.py",
        "from cdktf_cdktf_provider_aws.sqs_queue",
        "from cdktf_cdktf_provider_aws.ssm_parameter import SsmParameter\n",
    ),
    (f"{CONSTRUCTS}resources/note.py", "", NOTE),
    (
        f"{CONSTRUCTS}settings/tables/dead_letters.py",
        "    kms_key: str",
        '    noted_count: int = whole(1, 1, 1_000, "Events in the queue that are noted.")\n',
    ),
    (
        f"{CONSTRUCTS}pipeline.py",
        "from ingestion_pipeline.resources.queue",
        "from ingestion_pipeline.resources.note import Note\n",
    ),
    (
        f"{CONSTRUCTS}pipeline.py",
        "        trigger = self.queue_trigger = QueueTrigger(\n",
        "        events = settings.dead_letters.noted_count\n"
        '        self.note = Note(self, "note", names=settings.names, events=events).note\n',
    ),
    (ADDRESSES[0], "output stream_arn", "output note_arn\n"),
    (ADDRESSES[0], None, "resource aws_ssm_parameter.pipeline_note_7792B1C8\n"),
    (ADDRESSES[1], None, "aws_ssm_parameter.note\n"),
)

ALARM: Edits = (
    (
        f"{CONSTRUCTS}resources/alarms_table.py",
        ")\nUNHEALTHY",
        """    Alarm(
        name="slow",
        metrics=(Metric(FUNCTION, "Errors"),),
        means="The function is slow.",
    ),
""",
    ),
    (
        "docs/runbook.md",
        None,
        "\n## slow\n\n**Means** it is.\n\n**Look** at it.\n\n**Mend** it.\n\n**Replay** it.\n",
    ),
    ("docs/runbook.md", "\n## unhealthy", "- [slow](#slow)\n"),
)
"""Edits of an alarm on a metric that another alarm has as well."""

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
    "tests/ingestion_pipeline/resources/test_alarms.py",
    "tests/ingestion_pipeline/settings/test_names.py",
    "tests/test_links.py",
    "tests/ingestion_pipeline/settings/test_tables.py",
    "tests/tools/docs/test_cost.py",
    "tests/tools/docs/test_generate.py",
    "tests/tools/module/test_emit.py",
    "tests/tools/module/test_variables.py",
    "tests/tools/plan/test_role.py",
)
CHOSEN = (
    "not import_the_bindings and not starts_no_node"
    " and (not reaches_in_the_module or noted_count or spare_attempts)"
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
        assert place is None or place in text, f"{name} has no {place!r}"
        new = text + added if place is None else text.replace(place, added + place, 1)
        file.write_text(new, encoding="utf-8")
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
        re.sub(r"tables/\w+", "tables/<table>", name).replace("note.py", "<capability>.py") for name in names
    ]
    return list(dict.fromkeys(words))


def test_a_resource_costs_the_files_that_are_listed() -> None:
    """A note with a setting and an output: what is edited for it is what CONTRIBUTING.md lists."""
    assert edited(RESOURCE) == listed("Add a resource")


def test_a_setting_of_the_function_costs_its_table_and_the_module_that_reads_it() -> None:
    """The variable, the function's reading of it and the module's variable follow."""
    assert (edited(SETTING)[:1], len(edited(SETTING))) == (listed("Add a setting"), 2)


def test_an_alarm_costs_the_table_and_its_page() -> None:
    """Stack, module, dashboard, outputs and documents follow."""
    assert edited(ALARM) == listed("Add an alarm")


def test_no_guard_asks_for_another_file(tmp_path: Path) -> None:
    """With a note, an alarm and a setting that nobody has thought of, every guard passes."""
    done = guarded(changed(tmp_path / "checkout", (*RESOURCE, *ALARM, *SETTING)))

    assert done.returncode == 0, done.stdout
