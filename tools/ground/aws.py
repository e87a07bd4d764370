"""AWS as the commands ask it, beside Terraform: the same account, endpoint and credentials."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, overload

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSOError,
    TokenRetrievalError,
)

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

SIGN_IN = (
    "sign in (`aws sso login`, `aws configure`), or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY"
)
# Codes of https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html and of S3.
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
WRONG = {
    "AuthFailure",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
UNREACHABLE = (ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError)


class AwsError(RuntimeError):
    """When AWS refuses a command or cannot be reached; the message says what to do.

    Args:
        message: What is wrong and what to do.
        status: HTTP status of AWS's answer, 0 if there was none. HEAD has no other word for what is wrong.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@overload
def client(service: Literal["kinesis"], variables: Mapping[str, str], region: str) -> "KinesisClient": ...
@overload
def client(service: Literal["lambda"], variables: Mapping[str, str], region: str) -> "LambdaClient": ...
@overload
def client(service: Literal["s3"], variables: Mapping[str, str], region: str) -> "S3Client": ...
@overload
def client(service: Literal["sqs"], variables: Mapping[str, str], region: str) -> "SQSClient": ...
@overload
def client(service: Literal["sts"], variables: Mapping[str, str], region: str) -> "STSClient": ...
def client(service: Any, variables: Mapping[str, str], region: str) -> Any:
    """A client for the account that Terraform will use.

    Args:
        service: Its name in boto3.
        variables: As for Terraform: endpoint and credentials, else boto3's own ways to find them.
        region: AWS Region.

    Raises:
        AwsError: When AWS_PROFILE names no profile.
    """
    with explained():
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=variables.get(f"AWS_ENDPOINT_URL_{service.upper()}")
            or variables.get("AWS_ENDPOINT_URL"),
            aws_access_key_id=variables.get("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=variables.get("AWS_SECRET_ACCESS_KEY"),
            aws_session_token=variables.get("AWS_SESSION_TOKEN"),
            config=Config(connect_timeout=10, retries={"total_max_attempts": 3}),
        )


def account_id(sts: "STSClient") -> str:
    """The number of the account that the credentials belong to; every caller may ask this.

    Raises:
        AwsError: When there are no credentials, or they are expired or wrong, or AWS cannot be reached.
    """
    with explained():
        return sts.get_caller_identity()["Account"]


@contextmanager
def explained() -> Iterator[None]:
    """Raises boto3's errors within the block as an `AwsError` that says what to do."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"] if isinstance(error, ClientError) else 0
        raise AwsError(_explanation(error), status) from error


def _explanation(error: BotoCoreError | ClientError) -> str:
    if isinstance(error, (NoCredentialsError, PartialCredentialsError, ProfileNotFound)):
        return f"there are no AWS credentials ({error}): {SIGN_IN}"
    if isinstance(error, (SSOError, TokenRetrievalError)):
        return f"the AWS sign-in has expired ({error}): {SIGN_IN}"
    if isinstance(error, UNREACHABLE):
        return f"AWS cannot be reached ({error}): check the network, the proxy and AWS_ENDPOINT_URL"
    if not isinstance(error, ClientError):
        return f"AWS cannot be asked: {error}"
    code = error.response["Error"]["Code"]
    if code in EXPIRED:
        return f"the AWS credentials have expired ({code}): {SIGN_IN}"
    if code in WRONG:
        return f"the AWS credentials are wrong ({code}): {SIGN_IN}"
    return f"AWS refused: {error}"
