"""The client where botocore's model of Kinesis is another one than today's."""

import json
from typing import Any

import botocore.loaders
import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest

from url_fetcher.delivery.encoding import encode_directly
from url_fetcher.delivery.kinesis import kinesis_client, send
from url_fetcher.delivery.packing import Entry

_ENTRIES = [Entry(b"one\n", "a", 1), Entry(b"\x00\xff\n", 'é"', 1)]


class _SentError(Exception):
    """Stands for the answer."""


def _body_of(client: Any) -> bytes:
    """What the client would send for the entries."""
    bodies: list[bytes] = []

    def take(request: AWSPreparedRequest, **_: object) -> None:
        bodies.append(request.body if isinstance(request.body, bytes) else str(request.body).encode())
        raise _SentError

    client.meta.events.register("before-send.kinesis.PutRecords", take)
    with pytest.raises(_SentError):
        send(client, "stream", _ENTRIES)
    return bodies[0]


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture
def protocol(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What botocore's model of Kinesis says, in every client that is made."""
    original, name = botocore.loaders.Loader.load_service_model, str(request.param)

    def load(loader: Any, service: str, type_name: str, api_version: str | None = None) -> Any:
        model = original(loader, service, type_name, api_version)
        if (service, type_name) != ("kinesis", "service-2"):
            return model
        return {**model, "metadata": {**model["metadata"], "protocol": name, "protocols": [name]}}

    monkeypatch.setattr(botocore.loaders.Loader, "load_service_model", load)
    return name


def test_the_sinks_client_is_one_that_encodes_directly() -> None:
    """Other bytes than botocore's serializer writes, but the same request."""
    own, plain = _body_of(kinesis_client()), _body_of(botocore.session.get_session().create_client("kinesis"))

    assert (own == plain, json.loads(own)) == (False, json.loads(plain))


@pytest.mark.usefixtures("protocol")
@pytest.mark.parametrize("protocol", ["query", "smithy-rpc-v2-cbor"], indirect=True)
def test_another_protocol_falls_back_to_botocores_own_serializer() -> None:
    """What goes out is byte for byte what botocore itself makes of the same call."""
    plain = botocore.session.get_session().create_client("kinesis")

    assert _body_of(kinesis_client()) == _body_of(plain)


@pytest.mark.parametrize("protocol", ["json", "query"], indirect=True)
def test_only_json_is_encoded_directly(protocol: str) -> None:
    """The protocol is that of the model which the client was made with."""
    client = botocore.session.get_session().create_client("kinesis")

    assert encode_directly(client) == (protocol == "json")


def test_another_target_is_not_encoded_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new version of the API is another one."""
    client = botocore.session.get_session().create_client("kinesis")
    monkeypatch.setitem(client.meta.service_model.metadata, "targetPrefix", "Kinesis_20300101")

    assert encode_directly(client) is False
