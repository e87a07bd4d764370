from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from local_aws.servers.kinesis_faults import Fault, KinesisFaults
from url_fetcher.delivery.kinesis import kinesis_client, send
from url_fetcher.delivery.packing import Entry
from url_fetcher.errors import StreamRejected

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

KEY_CODES = (
    "KMSAccessDeniedException",
    "KMSDisabledException",
    "KMSInvalidStateException",
    "KMSNotFoundException",
    "KMSOptInRequired",
    "KMSThrottlingException",
)
ADVICE = "check the state, the policy and the request quota of the stream's KMS key"

_ENTRIES = [Entry(b"one\n", "a", 1), Entry(b"two\n", 'é"', 2), Entry(b"\x00\xff\n", "c", 1)]


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def _client_of(server: KinesisFaults, monkeypatch: pytest.MonkeyPatch) -> "KinesisClient":
    monkeypatch.setenv("AWS_ENDPOINT_URL_KINESIS", server.url)
    return kinesis_client(read_timeout_seconds=0.3)


@pytest.fixture
def endpoint() -> Iterator[KinesisFaults]:
    """An endpoint without faults."""
    with KinesisFaults() as server:
        yield server


@pytest.fixture
def client(endpoint: KinesisFaults, monkeypatch: pytest.MonkeyPatch) -> "KinesisClient":
    """The product's own client, pointed at the endpoint."""
    return _client_of(endpoint, monkeypatch)


class _Plain:
    """A botocore client without the shortcuts; the stubber compares its request and gives the answer."""

    def __init__(self) -> None:
        config = Config(retries={"total_max_attempts": 1})
        self.client = botocore.session.get_session().create_client("kinesis", "us-east-1", config=config)
        self.stubber = Stubber(self.client)

    def __enter__(self) -> Any:
        self.stubber.activate()
        return self.client

    def __exit__(self, *_: object) -> None:
        self.stubber.assert_no_pending_responses()
        self.stubber.deactivate()


def test_the_call_is_a_valid_put_records() -> None:
    """Botocore's own model accepts the parameters, and they are the entries."""
    plain = _Plain()
    records = [{"Data": entry.data, "PartitionKey": entry.key} for entry in _ENTRIES]
    answer = {"Records": [{"SequenceNumber": "1", "ShardId": "s"}] * 3}
    plain.stubber.add_response("put_records", answer, {"StreamName": "stream", "Records": records})
    with plain as client:
        result = send(client, "stream", _ENTRIES)

    assert list(result.refused) == []


def test_the_body_on_the_wire_is_what_botocore_would_send(monkeypatch: pytest.MonkeyPatch) -> None:
    """The body written by hand decodes to the same request as the one that botocore writes."""
    bodies: list[Any] = []

    class Recording(KinesisFaults):
        def put(self, body: dict[str, Any]) -> tuple[int, dict[str, Any], Fault | None]:
            bodies.append(body)
            return super().put(body)

    with Recording() as server:
        send(_client_of(server, monkeypatch), "stream", _ENTRIES)
        plain: Any = botocore.session.get_session().create_client("kinesis")
        send(plain, "stream", _ENTRIES)

    assert bodies[0] == bodies[1]


def test_data_arrives_as_it_was(endpoint: KinesisFaults, client: "KinesisClient") -> None:
    """What the endpoint decodes is what the entries hold."""
    send(client, "stream", _ENTRIES)

    assert endpoint.accepted == [entry.data for entry in _ENTRIES]


def test_refused_entries_come_back() -> None:
    """Of a partial failure exactly the refused entries are returned, with the code."""
    plain = _Plain()
    answer = {
        "FailedRecordCount": 1,
        "Records": [
            {"SequenceNumber": "1", "ShardId": "s"},
            {"ErrorCode": "InternalFailure", "ErrorMessage": "m"},
            {"SequenceNumber": "2", "ShardId": "s"},
        ],
    }
    plain.stubber.add_response("put_records", answer)
    with plain as client:
        result = send(client, "stream", _ENTRIES)

    assert result == ([_ENTRIES[1]], "InternalFailure", False)


def test_a_failed_count_of_zero_does_not_hide_a_refusal() -> None:
    """Results are believed before the count, should the two ever disagree."""

    class Contradictory:
        def put_records(self, *, StreamName: str, Records: Sequence[Any]) -> Mapping[str, Any]:  # noqa: N803, ARG002
            return {"FailedRecordCount": 0, "Records": [{"ErrorCode": "InternalFailure"}] * len(Records)}

    assert list(send(Contradictory(), "stream", _ENTRIES).refused) == _ENTRIES


@pytest.mark.parametrize(
    ("fault", "outcome_unknown"),
    [
        ("throttled", False),
        ("error", True),
        ("error_after", True),
        ("reset", True),
        ("reset_after", True),
        ("silent_after", True),
        ("miscounted", True),
    ],
)
def test_a_failed_request_is_sent_again_as_a_whole(
    fault: Fault, outcome_unknown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All entries come back; whether they may have been accepted depends on what is known."""
    with KinesisFaults({fault: 1.0}) as server:
        result = send(_client_of(server, monkeypatch), "stream", _ENTRIES)

    assert (list(result.refused), result.outcome_unknown) == (_ENTRIES, outcome_unknown)


def test_a_refused_connection_leaves_no_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was never sent cannot have been accepted."""
    with KinesisFaults() as server:
        client = _client_of(server, monkeypatch)
    result = send(client, "stream", _ENTRIES)

    assert (len(result.refused), result.outcome_unknown) == (3, False)


@pytest.mark.parametrize(
    "code",
    ["ResourceNotFoundException", "AccessDeniedException", "ValidationException"],
)
def test_a_call_that_will_be_refused_again_raises(code: str) -> None:
    """A missing stream, a missing permission and an invalid request end the delivery."""
    plain = _Plain()
    plain.stubber.add_client_error("put_records", code, http_status_code=400)

    with plain as client, pytest.raises(StreamRejected, match=code):
        send(client, "stream", _ENTRIES)


@pytest.mark.parametrize("code", KEY_CODES)
class TestProblemsOfTheKmsKeyAreRetried:
    """A policy or a key may be on its way, and what is given up meanwhile would be lost."""

    def test_when_the_call_is_refused(self, code: str) -> None:
        """All entries come back, certainly not accepted, and the reason is the key's."""
        plain = _Plain()
        plain.stubber.add_client_error("put_records", code, "is not authorized", http_status_code=400)
        with plain as client:
            result = send(client, "stream", _ENTRIES)

        assert result == (_ENTRIES, f"{code} (is not authorized): {ADVICE}", False)

    def test_when_a_record_is_refused(self, code: str) -> None:
        """The refused entry comes back, and the reason is the key's."""
        plain = _Plain()
        accepted = {"SequenceNumber": "1", "ShardId": "s"}
        results = [accepted, {"ErrorCode": code, "ErrorMessage": "is not authorized"}, accepted]
        plain.stubber.add_response("put_records", {"FailedRecordCount": 1, "Records": results})
        with plain as client:
            result = send(client, "stream", _ENTRIES)

        assert result == ([_ENTRIES[1]], f"{code} (is not authorized): {ADVICE}", False)


def test_missing_credentials_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that cannot sign is no transient failure."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    unsigned = kinesis_client()

    with pytest.raises(StreamRejected):
        send(unsigned, "stream", _ENTRIES)
