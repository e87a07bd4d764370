"""The commands of README.md, run as they stand there.

What the tests change: the environment is ``local``, the only one whose function runs on this
machine, and nobody is there to answer "yes". The order is another one, so that cdktf deploys.
"""

import json
import re
from collections.abc import Iterator

import pytest

from local_aws.demo.lake import compare
from local_aws.servers.sample_api import SampleApi
from local_aws.servers.sample_data import records, stored_form
from tests.checkout import ROOT, Checkout
from tests.e2e.deployment import Deployment, warnings
from tests.e2e.provider import PooledEmulator

pytestmark = pytest.mark.e2e

NAME = "data-ingestion"
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
LOOKS = re.findall(r"`(make (?:status|logs|dead) [^`]*)`", README)
BY_HAND, BY_CDKTF, BY_TERRAFORM = BLOCKS[1:4]
BOOTSTRAP = next(line for line in BY_HAND.splitlines(keepends=True) if "bootstrap" in line)
INVOKE, DESTROY = BLOCKS[4:6]
EXPECTED = [stored_form(record) for record in records()]

CHANGES = (
    ("ENV=prod", "ENV=local"),
    ("data-ingestion-prod", "data-ingestion-local"),
    ("cdktf deploy", "cdktf deploy --auto-approve --outputs-file outputs.json"),
    ("terraform apply", "terraform apply -auto-approve"),
    ("make deploy", "make deploy AUTO_APPROVE=1"),
    ("make destroy", "make destroy AUTO_APPROVE=1"),
)


class Reader(Deployment):
    """Somebody who types what the README says, in a shell with AWS credentials."""

    @property
    def variables(self) -> dict[str, str]:
        """No more than the credentials; CI keeps cdktf's spinner out of the output."""
        return {**self.emulator.environment, "CI": "1"}

    def types(self, *blocks: str) -> str:
        """What the shell said to the blocks of commands; every one has to succeed."""
        script = "set -e\n" + "".join(blocks)
        for before, after in CHANGES:
            script = script.replace(before, after)
        return self.must("bash", "-c", script)


@pytest.fixture(scope="module")
def sample() -> Iterator[SampleApi]:
    """A real HTTP API with known records."""
    with SampleApi() as api:
        yield api


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory, sample: SampleApi) -> Iterator[Reader]:
    """A fresh checkout with a source of its own, deployed by ``cdktf deploy``."""
    checkout = Checkout.copy(tmp_path_factory.mktemp("readme") / "checkout")
    settings = checkout.root / "pipeline.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(
        text.replace("https://jsonplaceholder.typicode.com/posts", sample.url), encoding="utf-8"
    )
    with PooledEmulator(firehose_time_scale=0.05) as emulator:
        reader = Reader(checkout, emulator, NAME)
        reader.types(BOOTSTRAP)
        reader.types(BY_CDKTF)
        yield reader


def test_every_block_of_commands_is_run_by_a_test() -> None:
    """The front door is run by test_demo.py; the others are run here."""
    assert BLOCKS == ["make demo\n", BY_HAND, BY_CDKTF, BY_TERRAFORM, INVOKE, DESTROY]


def test_cdktf_deploy_gives_the_outputs(reader: Reader) -> None:
    """``--outputs-file`` has the outputs under the stack's name."""
    outputs = json.loads((reader.checkout.root / "outputs.json").read_text(encoding="utf-8"))
    queues = f"{reader.emulator.endpoint_url}/000000000000"
    roles = "arn:aws:iam::000000000000:role"

    def of(service: str) -> str:
        return f"arn:aws:{service}:us-east-1:000000000000"

    expected = {
        "bucket_name": f"{NAME}-local-lake-000000000000-us-east-1",
        "bucket_arn": f"arn:aws:s3:::{NAME}-local-lake-000000000000-us-east-1",
        "dead_letter_queue_url": f"{queues}/{NAME}-local-dead-letters",
        "dead_letter_queue_arn": f"{of('sqs')}:{NAME}-local-dead-letters",
        "delivery_stream_name": f"{NAME}-local-delivery",
        "delivery_stream_arn": f"{of('firehose')}:deliverystream/{NAME}-local-delivery",
        "delivery_role_arn": f"{roles}/{NAME}-local-delivery-us-east-1",
        "function_arn": f"{of('lambda')}:function:{NAME}-local-fetch",
        "function_name": f"{NAME}-local-fetch",
        "function_role_arn": f"{roles}/{NAME}-local-fetch-us-east-1",
        "function_url": "",
        "stream_name": f"{NAME}-local-stream",
        "stream_arn": f"{of('kinesis')}:stream/{NAME}-local-stream",
        "work_queue_url": f"{queues}/{NAME}-local-work",
        "work_queue_arn": f"{of('sqs')}:{NAME}-local-work",
    }

    assert {name: outputs[f"{NAME}-local"].get(name) for name in expected} == expected


def test_cdktf_diff_finds_nothing_to_change(reader: Reader) -> None:
    """``cdktf diff`` after ``cdktf deploy`` is empty."""
    said = reader.types('eval "$(make env)"\nexport ENV=prod\ncdktf diff --no-color\n')

    assert "No changes" in said


def test_plan_and_deploy_find_nothing_to_change(reader: Reader) -> None:
    """``make plan`` and ``make deploy`` see what cdktf deployed as it is."""
    assert reader.types(BY_HAND.replace(BOOTSTRAP, "")).count("No changes") == 2


def test_a_plan_that_loses_data_fails(reader: Reader) -> None:
    """``make plan`` of a pipeline under another name ends with what would be lost, and with an error."""
    settings = (reader.checkout.root / "pipeline.toml").read_text(encoding="utf-8")
    renamed = reader.checkout.root / "renamed.toml"
    renamed.write_text(
        settings.replace('name = "data-ingestion"', 'name = "renamed"').replace(
            "[environments.local.state]",
            f'[environments.local.state]\nkey = "{NAME}/local/terraform.tfstate"',
        ),
        encoding="utf-8",
    )
    stack = reader.checkout.root / "cdktf.out" / "stacks" / "renamed-local"
    variables = {**reader.emulator.environment_in(stack), "CI": "1", "PIPELINE_TOML": str(renamed)}
    done = reader.checkout.run("make", "plan", "ENV=local", folder=reader.checkout.root, **variables)
    summary = stack / "plan.md"
    lost = re.findall(
        r"^\| \*\*replace\*\* \| \*\*`(\w+)\.", summary.read_text(encoding="utf-8"), re.MULTILINE
    )

    assert lost == [
        "aws_kinesis_firehose_delivery_stream",
        "aws_kinesis_stream",
        "aws_s3_bucket",
        "aws_sqs_queue",
        "aws_sqs_queue",
    ]
    assert (done.returncode, "this plan loses the data of" in done.stderr) == (2, True)


def test_terraform_alone_finds_nothing_to_change(reader: Reader) -> None:
    """So does plain Terraform in the stack's folder, with the variables of ``make env``."""
    said = reader.types('eval "$(make env)"\n', BY_TERRAFORM)

    assert "No changes" in said


def test_every_record_of_the_source_lands(reader: Reader) -> None:
    """``make invoke`` fetches the named source, and all of it lies in the lake."""
    said = reader.types(INVOKE)
    landed = compare(EXPECTED, reader.landed(len(EXPECTED)))

    assert (landed.is_complete, landed.duplicates) == (True, 0)
    assert json.loads(said)["recordsProcessed"] == len(EXPECTED)


def test_nothing_is_found_wrong_with_it(reader: Reader) -> None:
    """``make status`` ends with 0; its source has run, and nothing failed."""
    said = reader.types("\n".join(LOOKS))

    assert [each.split()[1] for each in LOOKS] == ["status", "logs", "dead"]
    assert f" {len(EXPECTED)}\n" in said
    assert "Healthy" in said
    assert "No error and no warning" in said
    assert "Dead events: 0\nDead records: 0 in 0 objects\n" in said


def test_destroy_removes_it(reader: Reader) -> None:
    """``make destroy`` removes what was deployed."""
    reader.types(DESTROY)

    assert reader.emulator.client("kinesis").list_streams()["StreamNames"] == []


def test_no_command_warned(reader: Reader) -> None:
    """No command above printed a warning of Terraform."""
    assert warnings(reader.said) == []
