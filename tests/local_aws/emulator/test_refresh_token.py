"""Refresh tokens against the emulator's Secrets Manager, with botocore's client between."""

import json
import threading
from typing import Any

import pytest

from local_aws.emulator.instance import Emulator
from local_aws.servers.hostile_source import HostileSource
from local_aws.servers.rotating_tokens import RotatingTokens
from tests.url_fetcher.reading import bodies_of, reader_of
from url_fetcher.deadline import Deadline
from url_fetcher.source.auth.secrets import SecretCache
from url_fetcher.telling.redaction import Redactor


class Pipeline:
    """A secret in the emulator, a token server, and processes of the function."""

    def __init__(self, aws: Emulator, name: str) -> None:
        self.client = aws.client("secretsmanager")
        first = {"client_id": "id", "client_secret": "s3cret", "refresh_token": "refresh-0"}
        self.arn = self.client.create_secret(Name=name, SecretString=json.dumps(first))["ARN"]
        self.server = RotatingTokens(lambda: str(self.secret["refresh_token"]))

    @property
    def secret(self) -> dict[str, Any]:
        """What is in it now."""
        return dict(json.loads(self.client.get_secret_value(SecretId=self.arn)["SecretString"]))

    def process(self) -> SecretCache:
        """A process of the function."""
        return SecretCache(lambda _: self.client, Redactor())

    def read(self, source: HostileSource, process: SecretCache) -> list[bytes]:
        """One invocation."""
        auth = {
            "kind": "oauth2_refresh_token",
            "secret_arn": self.arn,
            "token_url": source.url("/token"),
        }
        deadline = Deadline(60)
        settings = {"url": source.url("/"), "auth": auth}
        return bodies_of(reader_of(settings, cache=process.within(deadline), deadline=deadline))


def test_the_secret_holds_the_next_refresh_token_before_it_counts(aws: Emulator) -> None:
    """Three processes one after the other, the last after a 401: two renewals, each kept first."""
    pipeline = Pipeline(aws, "rotating")
    with HostileSource({"/token": pipeline.server.token, "/": pipeline.server.records}) as source:
        bodies = [pipeline.read(source, pipeline.process()) for _ in range(2)]
        process = pipeline.process()
        pipeline.read(source, process)
        process.forget_token(next(iter(process._tokens)))
        bodies.append(pipeline.read(source, process))

    assert bodies == [[b"[1]"]] * 3
    assert (pipeline.server.asked, pipeline.server.used_too_early) == (["refresh-0", "refresh-1"], [])
    assert pipeline.secret["refresh_token"] == "refresh-2"


def test_of_many_at_once_one_renews(aws: Emulator) -> None:
    """The emulator refuses the second lock, as AWS does; everybody gets the one token."""
    pipeline = Pipeline(aws, "rotating-at-once")
    bodies: list[list[bytes]] = []
    with HostileSource({"/token": pipeline.server.token, "/": pipeline.server.records}) as source:
        threads = [
            threading.Thread(target=lambda: bodies.append(pipeline.read(source, pipeline.process())))
            for _ in range(5)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert (bodies, pipeline.server.asked) == ([[b"[1]"]] * 5, ["refresh-0"])


@pytest.mark.parametrize("label", ["AWSCURRENT", "url-fetcher-lock"])
def test_the_lock_stands_beside_the_current_version(aws: Emulator, label: str) -> None:
    """The lock is a version with a label of its own and holds no secret."""
    pipeline = Pipeline(aws, f"rotating-{label}")
    with HostileSource({"/token": pipeline.server.token, "/": pipeline.server.records}) as source:
        pipeline.read(source, pipeline.process())
    text = pipeline.client.get_secret_value(SecretId=pipeline.arn, VersionStage=label)["SecretString"]

    assert ("refresh-1" in text) == (label == "AWSCURRENT")
