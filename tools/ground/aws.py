"""Calls AWS with the account, endpoint and credentials that Terraform uses, and explains its errors."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, overload

import boto3
from boto3.exceptions import Boto3Error
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
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
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


CONNECTIONS = 32
"""Kept by a client; the threads of a command may have as many requests under way."""


class Patience(NamedTuple):
    """How long a client waits for an answer, and how often it calls in all.

    The mode ``adaptive`` also slows down while AWS asks for that.
    """

    read_seconds: int
    attempts: int
    mode: Literal["legacy", "adaptive"] = "legacy"


CALL = Patience(read_seconds=60, attempts=3)
INVOCATION = Patience(read_seconds=900, attempts=1)
"""Lambda lets an invocation take 900 seconds; a second attempt would fetch and deliver everything twice."""

MANY_CALLS = Patience(read_seconds=60, attempts=10, mode="adaptive")
ONE_CALL = Patience(read_seconds=10, attempts=1)


class AwsError(RuntimeError):
    """When AWS refuses a command or cannot be reached; the message says what to do.

    Args:
        message: What is wrong and what to do.
        status: HTTP status of AWS's answer, 0 if there was none. HEAD requests tell no more than that.
        code: AWS's name for the error, such as ``NoSuchTagSet``; empty if there was no answer.
    """

    def __init__(self, message: str, status: int = 0, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@overload
def client(
    service: Literal["cloudwatch"], variables: Mapping[str, str], region: str
) -> "CloudWatchClient": ...
@overload
def client(service: Literal["logs"], variables: Mapping[str, str], region: str) -> "CloudWatchLogsClient": ...
@overload
def client(service: Literal["scheduler"], variables: Mapping[str, str], region: str) -> Any: ...
@overload
def client(
    service: Literal["kinesis"], variables: Mapping[str, str], region: str, patience: Patience = ...
) -> "KinesisClient": ...
@overload
def client(
    service: Literal["lambda"], variables: Mapping[str, str], region: str, patience: Patience = ...
) -> "LambdaClient": ...
@overload
def client(
    service: Literal["s3"], variables: Mapping[str, str], region: str, patience: Patience = ...
) -> "S3Client": ...
@overload
def client(service: Literal["sqs"], variables: Mapping[str, str], region: str) -> "SQSClient": ...
@overload
def client(service: Literal["sts"], variables: Mapping[str, str], region: str) -> "STSClient": ...
def client(service: Any, variables: Mapping[str, str], region: str, patience: Patience = CALL) -> Any:
    """A client for the account that Terraform will use.

    Args:
        service: Its name in boto3.
        variables: As for Terraform: endpoint and credentials, else boto3's own ways to find them.
        region: AWS Region.
        patience: How long and how often it tries.

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
            config=Config(
                connect_timeout=10,
                read_timeout=patience.read_seconds,
                retries={"total_max_attempts": patience.attempts, "mode": patience.mode},
                max_pool_connections=CONNECTIONS,
                # Some routers drop a connection that is silent for minutes: the answer would never arrive.
                tcp_keepalive=True,
            ),
        )


def account_id(sts: "STSClient") -> str:
    """The number of the account that the credentials belong to; this call needs no permission.

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
    except ClientError as error:
        raise _refusal(error) from error
    except BotoCoreError as error:
        raise AwsError(_explanation(error)) from error
    except Boto3Error as error:
        # An upload hides AWS's answer behind an error of its own.
        hidden = error.__context__
        raise (_refusal(hidden) if isinstance(hidden, ClientError) else AwsError(str(error))) from error


def _refusal(error: ClientError) -> AwsError:
    code = error.response["Error"]["Code"]
    message = f"AWS refused: {error}"
    if code in EXPIRED:
        message = f"the AWS credentials have expired ({code}): {SIGN_IN}"
    elif code in WRONG:
        message = f"the AWS credentials are wrong ({code}): {SIGN_IN}"
    return AwsError(message, error.response["ResponseMetadata"]["HTTPStatusCode"], code)


def _explanation(error: BotoCoreError) -> str:
    if isinstance(error, (NoCredentialsError, PartialCredentialsError, ProfileNotFound)):
        return f"there are no AWS credentials ({error}): {SIGN_IN}"
    if isinstance(error, (SSOError, TokenRetrievalError)):
        return f"the AWS sign-in has expired ({error}): {SIGN_IN}"
    if isinstance(error, UNREACHABLE):
        return f"AWS cannot be reached ({error}): check the network, the proxy and AWS_ENDPOINT_URL"
    return f"AWS cannot be called: {error}"
