from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)
from botocore.stub import Stubber

from tools.ground.aws import AwsError, account_id, client, explained

KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}


@pytest.fixture
def sts() -> Iterator[Stubber]:
    """STS with the answer that a test gives it; it must be asked for."""
    made = boto3.client("sts", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(made) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


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
    def test_asks_where_terraform_will(self, variables: dict[str, str], endpoint: str) -> None:
        """The same endpoint is asked that Terraform is told, the service's own first."""
        made = client("s3", {**variables, **KEYS}, "eu-west-1")

        assert (made.meta.endpoint_url, made.meta.region_name) == (endpoint, "eu-west-1")


class TestAccount:
    def test_is_the_one_of_the_credentials(self, sts: Stubber) -> None:
        """STS says whose credentials they are."""
        sts.add_response("get_caller_identity", {"Account": "123456789012"})
        asked: Any = sts.client

        assert account_id(asked) == "123456789012"

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("ExpiredToken", r"credentials have expired \(ExpiredToken\): sign in"),
            ("InvalidClientTokenId", r"credentials are wrong \(InvalidClientTokenId\): sign in"),
            ("SignatureDoesNotMatch", r"credentials are wrong \(SignatureDoesNotMatch\): sign in"),
            ("ServiceUnavailable", "AWS refused: .*ServiceUnavailable"),
        ],
    )
    def test_refused_credentials_are_explained(self, sts: Stubber, code: str, message: str) -> None:
        """Expired credentials are told from wrong ones, each with the way out."""
        sts.add_client_error("get_caller_identity", service_error_code=code, http_status_code=403)
        asked: Any = sts.client

        with pytest.raises(AwsError, match=message):
            account_id(asked)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (NoCredentialsError(), "there are no AWS credentials .*: sign in .*AWS_PROFILE"),
        (ProfileNotFound(profile="work"), r"there are no AWS credentials .*\(work\).*: sign in"),
        (UnauthorizedSSOTokenError(), "the AWS sign-in has expired .*`aws sso login`"),
        (EndpointConnectionError(endpoint_url="http://x"), "AWS cannot be reached .*check the network"),
    ],
)
def test_what_keeps_a_question_from_aws_is_explained(error: Exception, message: str) -> None:
    """Each way to fail before AWS answers has a message that says what to do."""
    with pytest.raises(AwsError, match=message), explained():
        raise error


def test_aws_names_the_error(sts: Stubber) -> None:
    """Whoever expects an error finds its code and status, and does not read the message."""
    sts.add_client_error("get_caller_identity", service_error_code="NoSuchThing", http_status_code=404)
    asked: Any = sts.client

    with pytest.raises(AwsError) as caught:
        account_id(asked)

    assert (caught.value.code, caught.value.status) == ("NoSuchThing", 404)


def test_a_refused_upload_is_explained(sts: Stubber) -> None:
    """boto3 hides AWS's answer to an upload behind an error of its own; the answer is explained."""
    sts.add_client_error("get_caller_identity", service_error_code="ExpiredToken", http_status_code=400)

    asked: Any = sts.client

    def upload() -> None:
        try:
            asked.get_caller_identity()
        except ClientError as error:
            raise S3UploadFailedError("Failed to upload") from error

    with pytest.raises(AwsError, match="the AWS credentials have expired"), explained():
        upload()
