"""The contract with stacks that read the outputs from the state."""

import tomllib

from ingestion_pipeline.outputs import all_outputs
from tests.checkout import ROOT
from tests.ingestion_pipeline.synthesized import Synthesized

PROMISED = {
    "0.1.0": {
        *("bucket_name", "bucket_arn", "stream_name", "stream_arn"),
        *("function_name", "function_arn", "function_role_arn"),
        *("delivery_stream_name", "delivery_stream_arn", "delivery_role_arn"),
        *("dead_letter_queue_url", "dead_letter_queue_arn"),
        *("work_queue_url", "work_queue_arn", "function_url"),
    }
}
"""What each released version brought. A release adds its own; only a major version takes one away."""


def test_every_output_that_was_ever_promised_is_there(default_stack: Synthesized) -> None:
    """An output that is renamed or removed breaks the stacks that read it."""
    broken = set().union(*PROMISED.values()) - set(default_stack.json["output"])

    assert broken == set()


def test_what_was_promised_stays_with_its_version() -> None:
    """The documents go on saying which version brought an output; a new one needs no line here."""
    stated = {version: {o.name for o in all_outputs() if o.since == version} for version in PROMISED}

    assert {
        version: names - stated[version] for version, names in PROMISED.items() if names - stated[version]
    } == {}


def test_none_is_a_secret(default_stack: Synthesized) -> None:
    """None is marked sensitive, which would hide it from `terraform output`."""
    hidden = [name for name, output in default_stack.json["output"].items() if output.get("sensitive")]

    assert hidden == []


def test_none_is_of_a_version_that_is_yet_to_come() -> None:
    """The version stands in pyproject.toml; an output cannot have come with a later one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    def numbers(version: str) -> list[int]:
        return [int(part) for part in version.split(".")]

    assert [o.name for o in all_outputs() if numbers(o.since) > numbers(project["version"])] == []
