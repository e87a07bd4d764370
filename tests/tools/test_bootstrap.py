"""What is decided before Terraform runs; tests/e2e creates the bucket for real."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from tests.checkout import Checkout
from tools.bootstrap import LOCAL_STATE, _client, _state_is_there
from tools.terraform import TerraformError

pytestmark = pytest.mark.terraform

BUCKET, KEY = "our-state", "bootstrap/terraform.tfstate"


@pytest.fixture
def s3() -> Iterator[Stubber]:
    """S3 that gives the answers of a test; each must be used."""
    client = boto3.client("s3", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def answer_for_state(s3: Stubber, status: int) -> None:
    """Have S3 answer a request for the state's object."""
    if status == 200:
        s3.add_response("head_object", {}, {"Bucket": BUCKET, "Key": KEY})
    else:
        s3.add_client_error(
            "head_object", http_status_code=status, expected_params={"Bucket": BUCKET, "Key": KEY}
        )


def is_there(s3: Stubber, folder: Path) -> bool:
    """Whether the state is in the bucket."""
    client: Any = s3.client
    return _state_is_there(client, BUCKET, KEY, folder)


class TestState:
    def test_is_there(self, s3: Stubber, tmp_path: Path) -> None:
        """The state is found in the bucket that holds it."""
        answer_for_state(s3, 200)

        assert is_there(s3, tmp_path) is True

    def test_is_not_there_yet(self, s3: Stubber, tmp_path: Path) -> None:
        """A bucket that does not exist has to be created."""
        answer_for_state(s3, 404)
        s3.add_client_error("head_bucket", http_status_code=404)

        assert is_there(s3, tmp_path) is False

    def test_interrupted(self, s3: Stubber, tmp_path: Path) -> None:
        """A bucket without the state, while the local state exists, is from an interrupted run."""
        answer_for_state(s3, 404)
        (tmp_path / LOCAL_STATE).write_text("{}", encoding="utf-8")

        assert is_there(s3, tmp_path) is False

    def test_somebody_made_the_bucket_by_hand(self, s3: Stubber, tmp_path: Path) -> None:
        """A bucket without our state is not touched; the message says how to use it or to choose another."""
        answer_for_state(s3, 404)
        s3.add_response("head_bucket", {})

        with pytest.raises(
            TerraformError, match=r"'our-state' exists \(HTTP 404\).*`make deploy`.*another name"
        ):
            is_there(s3, tmp_path)

    def test_somebody_elses_bucket(self, s3: Stubber, tmp_path: Path) -> None:
        """A bucket that denies access belongs to another account."""
        answer_for_state(s3, 403)
        s3.add_client_error("head_bucket", http_status_code=403)

        with pytest.raises(TerraformError, match=r"'our-state' exists \(HTTP 403\)"):
            is_there(s3, tmp_path)


class TestClient:
    @pytest.mark.parametrize(
        ("variables", "endpoint"),
        [
            ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "http://127.0.0.1:1"),
            (
                {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:2"},
                "http://127.0.0.1:2",
            ),
        ],
    )
    def test_uses_terraforms_endpoint(self, variables: dict[str, str], endpoint: str) -> None:
        """The client uses Terraform's endpoint; the variable for S3 takes precedence."""
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        client = _client({**variables, **keys}, "eu-west-1")

        assert (client.meta.endpoint_url, client.meta.region_name) == (endpoint, "eu-west-1")


@pytest.mark.xdist_group("synth")
def test_no_name_no_bucket(checkout: Checkout) -> None:
    """Without a name there is no default, because bucket names are globally unique."""
    done = checkout.run(sys.executable, "-m", "tools.bootstrap")

    assert done.returncode == 1
    assert done.stderr == (
        "bootstrap: state.bucket is not set: give pipeline.toml's [state] table a globally unique "
        "bucket name\n"
    )
