"""Calls to Secrets Manager, bounded by a deadline and with our own errors."""

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from url_fetcher.aws_calls import refusal_in
from url_fetcher.errors import ConfigurationError, SourceTimeout, SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from url_fetcher.deadline import Deadline

_RETRYABLE_CODES = {
    "InternalServiceError", "InternalFailure", "ServiceUnavailable", "Throttling", "ThrottlingException",
    "TooManyRequestsException", "RequestTimeout", "LimitExceededException",
}  # fmt: skip


class KeepsSecrets(Protocol):
    """The calls of a Secrets Manager client that are used here."""

    @property
    def get_secret_value(self) -> Callable[..., Mapping[str, Any]]:
        """As boto3's: a SecretId in, a SecretString out."""

    @property
    def put_secret_value(self) -> Callable[..., Mapping[str, Any]]:
        """As boto3's: a SecretId and a SecretString in."""


class SecretVersion(NamedTuple):
    """A secret's text and the id of its version."""

    text: str
    id: str


class SecretsManager:
    """Reads and writes secrets, each in the Region of its ARN.

    Args:
        client: Returns the client of a Region; called when a secret is read or written.
    """

    def __init__(self, client: Callable[[str], KeepsSecrets]) -> None:
        self._client = client

    def read(self, arn: str, deadline: "Deadline") -> SecretVersion:
        """The current version.

        Raises:
            ConfigurationError: When the secret is missing or may not be read; not retryable.
            SourceUnavailable: When Secrets Manager fails; retryable.
            SourceTimeout: When it does not answer before the deadline; retryable.
        """
        with _translated(arn, "read"):
            return deadline.bounded(lambda: self._get(SecretId=arn))

    def staged(self, arn: str, stage: str, deadline: "Deadline") -> SecretVersion | None:
        """The version with that label; None without one. Raises as ``read``."""
        with _translated(arn, "read"):
            try:
                return deadline.bounded(lambda: self._get(SecretId=arn, VersionStage=stage))
            except ClientError as error:
                if refusal_in(error).code == "ResourceNotFoundException":
                    return None
                raise

    def write(
        self, arn: str, text: str, deadline: "Deadline", *, version_id: str, stage: str = "AWSCURRENT"
    ) -> bool:
        """Writes a version. Returns False if the version of that id has another text.

        Of several runs that write a version of the same id, one succeeds, and may repeat the call:
        https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html.
        Raises as ``read``.
        """
        with _translated(arn, "written"):
            try:
                deadline.bounded(
                    lambda: self._client(_region(arn)).put_secret_value(
                        SecretId=arn, SecretString=text, ClientRequestToken=version_id, VersionStages=[stage]
                    )
                )
            except ClientError as error:
                if refusal_in(error).code == "ResourceExistsException":
                    return False
                raise
        return True

    def _get(self, **which: str) -> SecretVersion:
        answer = self._client(_region(which["SecretId"])).get_secret_value(**which)
        return SecretVersion(str(answer.get("SecretString", "")), str(answer.get("VersionId", "")))


@contextmanager
def _translated(arn: str, done: str) -> "Iterator[None]":
    """Turns foreign errors into ours and keeps their cause."""
    try:
        yield
    except ClientError as error:
        code = refusal_in(error).code or "Unknown"
        if code in _RETRYABLE_CODES:
            raise SourceUnavailable(
                f"secret {arn}: Secrets Manager answers {code}", secret_arn=arn
            ) from error
        raise ConfigurationError(
            f"secret {arn}: cannot be {done} ({code}); name it in a configured source, so "
            "that the role is granted access",
            secret_arn=arn,
        ) from error
    except TimeoutError as error:
        raise SourceTimeout(f"secret {arn}: no answer from Secrets Manager in time") from error
    except BotoCoreError as error:
        reason = type(error).__name__
        raise SourceUnavailable(f"secret {arn}: no answer from Secrets Manager ({reason})") from error


def _region(arn: str) -> str:
    """The Region of ``arn:<partition>:secretsmanager:<region>:…``; the function's own cannot read others."""
    return arn.split(":")[3]
