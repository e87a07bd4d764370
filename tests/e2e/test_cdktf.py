"""One pipeline through the cdktf command line, as the README says it."""

import json
from collections.abc import Iterator

import pytest

from local_aws.emulator import Emulator
from local_aws.landed import compare
from local_aws.sample_api import SampleApi
from local_aws.sample_data import records, stored_form
from tests.checkout import Checkout
from tests.e2e.deployment import Deployment, warnings

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-cdktf")]

NAME = "data-ingestion"
EXPECTED = [stored_form(record) for record in records()]


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The project's own pipeline.toml, deployed by ``cdktf deploy`` into a local AWS."""
    checkout = Checkout.copy(tmp_path_factory.mktemp("cdktf") / "checkout")
    with Emulator(firehose_time_scale=0.05) as emulator:
        deployment = Deployment(checkout, emulator, NAME)
        deployment.configure()
        deployment.must("make", "bootstrap", "ENV=local")
        deployment.must("cdktf", "deploy", "--auto-approve", "--outputs-file", "outputs.json")
        yield deployment


def test_the_outputs_name_what_was_deployed(deployment: Deployment) -> None:
    """``--outputs-file`` has every output under the stack's name."""
    outputs = json.loads((deployment.checkout.root / "outputs.json").read_text(encoding="utf-8"))
    queues = f"{deployment.emulator.endpoint_url}/000000000000"

    assert outputs == {
        f"{NAME}-local": {
            "bucket_name": f"{NAME}-local-lake-000000000000-us-east-1",
            "dead_letter_queue_url": f"{queues}/{NAME}-local-dead-letters",
            "delivery_stream_name": f"{NAME}-local-delivery",
            "function_arn": f"arn:aws:lambda:us-east-1:000000000000:function:{NAME}-local-fetch",
            "function_name": f"{NAME}-local-fetch",
            "stream_name": f"{NAME}-local-stream",
        }
    }


def test_every_record_lands(deployment: Deployment, sample: SampleApi) -> None:
    """What cdktf deployed ingests."""
    answer = deployment.invoke({"url": sample.url})
    assert answer.get("statusCode") == 200, answer
    landed = compare(EXPECTED, deployment.landed(len(EXPECTED)))

    assert (landed.is_complete, landed.duplicates) == (True, 0)


def test_diff_finds_nothing_to_change(deployment: Deployment) -> None:
    """``cdktf diff`` after ``cdktf deploy`` is empty."""
    assert "No changes" in deployment.must("cdktf", "diff", "--no-color")


def test_destroy_removes_it(deployment: Deployment) -> None:
    """``cdktf destroy`` removes what ``cdktf deploy`` made."""
    deployment.must("cdktf", "destroy", "--auto-approve", "--no-color")

    assert deployment.emulator.client("kinesis").list_streams()["StreamNames"] == []


def test_no_command_warned(deployment: Deployment) -> None:
    """No command above printed a warning of Terraform."""
    assert warnings(deployment.said) == []
