"""Keeps AWS clients, secrets and tokens of one process between invocations."""

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, cast

from url_fetcher.aws_calls import client
from url_fetcher.delivery.kinesis import PutsRecords, kinesis_client
from url_fetcher.telling.redaction import Redactor

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs.client import SQSClient

    from url_fetcher.deadline import Deadline
    from url_fetcher.intake.source_list import GetsObjects, SourceList
    from url_fetcher.source.auth.auth_kind import OwnRole
    from url_fetcher.source.auth.secrets import SecretCache
    from url_fetcher.source.auth.secrets_manager import KeepsSecrets


class ReadsMetrics(Protocol):
    """The call of a CloudWatch client that is used here."""

    def get_metric_data(self, **asked: Any) -> Mapping[str, Any]:
        """As boto3's, but for its times, which are seconds since 1970."""


class Clients:
    """Makes each client when it is first needed; most invocations need only one.

    Args:
        kinesis: Replaces the own client.
        secrets_manager: Replaces the own clients.
        s3: Replaces the own client, which reads the configured sources and lists of URLs.
        sqs: Replaces the own client.
        cloudwatch: Replaces the own client.
    """

    def __init__(
        self,
        *,
        kinesis: PutsRecords | None = None,
        secrets_manager: "KeepsSecrets | None" = None,
        s3: "GetsObjects | None" = None,
        sqs: "SQSClient | None" = None,
        cloudwatch: "ReadsMetrics | None" = None,
    ) -> None:
        self.redactor = Redactor()
        self._s3 = s3
        self._sqs = sqs
        self._cloudwatch = cloudwatch
        self._source_list: tuple[str, SourceList] | None = None
        self._kinesis = kinesis
        self._given_secrets_manager = secrets_manager
        self._secrets_managers: dict[str, KeepsSecrets] = {}

    @cached_property
    def kinesis(self) -> PutsRecords:
        """The client that records are put with."""
        return self._kinesis or kinesis_client()

    @cached_property
    def s3(self) -> "S3Client":
        """The client that objects are read with."""
        return cast("S3Client", self._s3 or client("s3"))

    @cached_property
    def sqs(self) -> "SQSClient":
        """The client that messages are sent with."""
        return self._sqs or cast("SQSClient", client("sqs"))

    @cached_property
    def cloudwatch(self) -> "ReadsMetrics":
        """The client that metrics are read with.

        Its times are numbers, as they come: botocore takes 3 s to make 100,000 of them into datetimes.
        """
        return self._cloudwatch or cast("ReadsMetrics", client("cloudwatch", timestamp_parser=float))

    def sources(self, uri: str, deadline: "Deadline", warn: Callable[[str], None]) -> "SourceList":
        """The configured sources, kept for as long as the deployment names the same object.

        Args:
            uri: The object's URI.
            deadline: This invocation does not wait for the object after it.
            warn: Called with a message for each source that cannot be used.
        """
        from url_fetcher.intake.source_list import SourceList

        if self._source_list is None or self._source_list[0] != uri:
            self._source_list = (uri, SourceList(uri, lambda: self.s3))
        self._source_list[1].deadline, self._source_list[1].warn = deadline, warn
        return self._source_list[1]

    @cached_property
    def secrets(self) -> "SecretCache":
        """The secrets and tokens, kept until they age or a source refuses them."""
        from url_fetcher.source.auth.secrets import SecretCache

        return SecretCache(self.secrets_manager, self.redactor)

    @cached_property
    def own_role(self) -> "OwnRole":
        """The function's own keys, kept until they expire, and its Region."""
        from botocore.session import get_session

        from url_fetcher.source.auth.auth_kind import OwnRole

        keys = get_session().get_credentials()
        return OwnRole(
            credentials=lambda: keys.get_frozen_credentials() if keys else None,
            region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION", ""),
        )

    def secrets_manager(self, region: str) -> "KeepsSecrets":
        """The client of the Region that a secret's ARN names."""
        if self._given_secrets_manager:
            return self._given_secrets_manager
        if region not in self._secrets_managers:
            self._secrets_managers[region] = client("secretsmanager", region)
        return self._secrets_managers[region]
