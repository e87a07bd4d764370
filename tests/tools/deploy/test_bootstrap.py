"""What is decided before Terraform runs; tests/e2e creates the bucket for real."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from tests.checkout import Checkout
from tools.deploy.bootstrap import LOCAL_STATE, _state_is_there
from tools.ground.aws import AwsError
from tools.ground.terraform import TerraformError

pytestmark = pytest.mark.terraform

ACCOUNT = "123456789012"
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
    return _state_is_there(client, ACCOUNT, BUCKET, KEY, folder)


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

        with pytest.raises(TerraformError, match=r"'our-state' exists and .*`make deploy`.*another name"):
            is_there(s3, tmp_path)

    def test_somebody_elses_bucket(self, s3: Stubber, tmp_path: Path) -> None:
        """Names are unique world-wide: a bucket that forbids looking is another's, or another account's."""
        answer_for_state(s3, 403)
        s3.add_client_error("head_bucket", http_status_code=403)

        with pytest.raises(
            TerraformError, match=r"but account 123456789012 may not look into it.*another name"
        ):
            is_there(s3, tmp_path)

    def test_that_is_hidden_from_who_may_not_list(self, s3: Stubber, tmp_path: Path) -> None:
        """S3 answers 403 for an object whose bucket may not be listed; the bucket decides."""
        answer_for_state(s3, 403)
        s3.add_client_error("head_bucket", http_status_code=404)

        assert is_there(s3, tmp_path) is False

    def test_bad_request_is_not_a_bucket(self, s3: Stubber, tmp_path: Path) -> None:
        """S3 answers HEAD with 400 to expired credentials: that says nothing about the bucket."""
        answer_for_state(s3, 400)

        with pytest.raises(AwsError, match="AWS refused"):
            is_there(s3, tmp_path)

    def test_bad_request_for_the_bucket_is_not_a_bucket(self, s3: Stubber, tmp_path: Path) -> None:
        """Neither does it if the credentials expire between the two questions."""
        answer_for_state(s3, 404)
        s3.add_client_error("head_bucket", http_status_code=400)

        with pytest.raises(AwsError, match="AWS refused"):
            is_there(s3, tmp_path)


def test_no_credentials_are_told_in_one_line(checkout: Checkout, tmp_path: Path) -> None:
    """Without credentials there is no traceback, but what to do."""
    file = tmp_path / "pipeline.toml"
    settings = (checkout.root / "pipeline.toml").read_text(encoding="utf-8")
    file.write_text(settings.replace('bucket = ""', 'bucket = "our-state"'), encoding="utf-8")
    done = checkout.run(
        sys.executable,
        "-m",
        "tools.deploy.bootstrap",
        PIPELINE_TOML=str(file),
        AWS_CONFIG_FILE=str(tmp_path / "none"),
        AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "none"),
        AWS_EC2_METADATA_DISABLED="true",
    )

    assert done.returncode == 1
    assert done.stderr == (
        "bootstrap: there are no AWS credentials (Unable to locate credentials): sign in (`aws sso login`, "
        "`aws configure`), or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY\n"
    )


def test_no_name_no_bucket(checkout: Checkout) -> None:
    """Without a name there is no default, because bucket names are globally unique."""
    done = checkout.run(sys.executable, "-m", "tools.deploy.bootstrap")

    assert done.returncode == 1
    assert done.stderr == (
        "bootstrap: state.bucket is not set: give pipeline.toml's [state] table a globally unique "
        "bucket name\n"
    )
