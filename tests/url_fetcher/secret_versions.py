"""Secrets Manager in memory, with versions and their labels."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from url_fetcher.source.auth.secrets import SecretCache
from url_fetcher.telling.redaction import Redactor


def refused(code: str) -> ClientError:
    """As botocore raises it."""
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "PutSecretValue")


@dataclass
class Manager:
    """Secrets Manager as AWS describes it: versions never change, labels move; may fail."""

    texts: dict[str, str] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)
    faults: list[Exception | None] = field(default_factory=list)
    lost_answers: int = 0
    writes: list[str] = field(default_factory=list)
    mutex: Any = field(default_factory=threading.Lock)

    def put_secret_value(
        self,
        *,
        SecretId: str,  # noqa: N803, ARG002 - boto3's names
        SecretString: str,  # noqa: N803
        ClientRequestToken: str,  # noqa: N803
        VersionStages: list[str],  # noqa: N803
    ) -> dict[str, str]:
        """A version that did not exist, or the same again."""
        with self.mutex:
            if self.faults and (fault := self.faults.pop(0)):
                raise fault
            if self.texts.get(ClientRequestToken, SecretString) != SecretString:
                raise refused("ResourceExistsException")
            if ClientRequestToken not in self.texts:
                self.texts[ClientRequestToken] = SecretString
                self.stages |= dict.fromkeys(VersionStages, ClientRequestToken)
                self.writes += VersionStages
            if self.lost_answers:
                self.lost_answers -= 1
                raise ReadTimeoutError(endpoint_url="https://secretsmanager")
            return {"VersionId": ClientRequestToken}

    def get_secret_value(self, *, SecretId: str, VersionStage: str = "AWSCURRENT") -> dict[str, str]:  # noqa: N803, ARG002
        """The version with a label."""
        with self.mutex:
            if VersionStage not in self.stages:
                raise refused("ResourceNotFoundException")
            id_ = self.stages[VersionStage]
            return {"SecretString": self.texts[id_], "VersionId": id_}

    def store(self, **fields: str) -> None:
        """What a person does who authorizes anew."""
        id_ = f"by-hand-{len(self.texts)}"
        self.texts[id_] = json.dumps({"client_id": "id", "client_secret": "s3cret", "mine": "kept"} | fields)
        self.stages["AWSCURRENT"] = id_

    @property
    def current(self) -> dict[str, Any]:
        """The secret as it is now."""
        return dict(json.loads(self.texts[self.stages["AWSCURRENT"]]))

    def process(self, now: Callable[[], float] = lambda: 1000.0) -> SecretCache:
        """A new process of the function."""
        return SecretCache(lambda _: self, Redactor(), clock=now)
