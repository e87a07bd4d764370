from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
)
from botocore.loaders import JSONFileLoader, Loader
from botocore.parsers import ResponseParserError
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

_URL = "https://kinesis.us-east-1.amazonaws.com"
_ENTRIES = [Entry(b"one\n", "a", 1), Entry(b"two\n", 'é"', 2), Entry(b"\x00\xff\n", "c", 1)]


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def _client_of(server: KinesisFaults, monkeypatch: pytest.MonkeyPatch) -> "KinesisClient":
    monkeypatch.setenv("AWS_ENDPOINT_URL_KINESIS", server.origin)
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
    """Botocore's own model accepts the parameters, which are the entries, and nothing is left to send."""
    plain = _Plain()
    records = [{"Data": entry.data, "PartitionKey": entry.key} for entry in _ENTRIES]
    answer = {"Records": [{"SequenceNumber": "1", "ShardId": "s"}] * 3}
    plain.stubber.add_response("put_records", answer, {"StreamName": "stream", "Records": records})
    with plain as client:
        result = send(client, "stream", _ENTRIES)

    assert result == ([], "", False)


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

    assert result == (_ENTRIES, "EndpointConnectionError", False)


class _Failing:
    """A client whose every call ends in one error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def put_records(self, *, StreamName: str, Records: Sequence[Any]) -> Mapping[str, Any]:  # noqa: N803, ARG002
        raise self._error


@pytest.mark.parametrize(
    ("error", "outcome_unknown"),
    [
        (ConnectTimeoutError(endpoint_url=_URL), False),
        (EndpointConnectionError(endpoint_url=_URL), False),
        (ProxyConnectionError(proxy_url=_URL), False),
        (ReadTimeoutError(endpoint_url=_URL), True),
        (ConnectionClosedError(endpoint_url=_URL), True),
        (HTTPClientError(error="cut"), True),
        (ResponseParserError("no JSON"), True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_error_of_the_transport_is_the_reason(error: Exception, outcome_unknown: bool) -> None:
    """All entries come back; only a connection that was never made leaves no doubt."""
    result = send(_Failing(error), "stream", _ENTRIES)

    assert result == (_ENTRIES, type(error).__name__, outcome_unknown)


def _client_error(code: str, status: int, message: str = "") -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "PutRecords")


@pytest.mark.parametrize(
    "code",
    [
        *("InternalFailure", "InternalServerError", "LimitExceededException"),
        *("ProvisionedThroughputExceededException", "RequestTimeout", "RequestTimeoutException"),
        *("ServiceUnavailable", "ServiceUnavailableException"),
        *("Throttling", "ThrottlingException", "TooManyRequestsException"),
    ],
)
def test_a_call_that_may_be_accepted_later_comes_back(code: str) -> None:
    """A refusal that passes is no end: all entries come back, certainly not accepted."""
    result = send(_Failing(_client_error(code, 400, "slow down")), "stream", _ENTRIES)

    assert result == (_ENTRIES, code, False)


@pytest.mark.parametrize(("code", "reason"), [("Unheard", "Unheard"), ("", "500")])
def test_after_an_error_of_the_service_all_is_sent_again(code: str, reason: str) -> None:
    """From status 500 on the service may have accepted the entries, whatever its code says."""
    result = send(_Failing(_client_error(code, 500)), "stream", _ENTRIES)

    assert result == (_ENTRIES, reason, True)


@pytest.mark.parametrize(
    "error",
    [
        _client_error("Unheard", 499),
        _client_error("", 400),
        ClientError({"Error": {"Code": "Unheard"}}, "PutRecords"),
        ClientError({}, "PutRecords"),
    ],
    ids=["below 500", "without a code", "without a status", "without anything"],
)
def test_an_unknown_refusal_raises(error: ClientError) -> None:
    """A refusal that is not known to pass ends the delivery, with the service's code."""
    with pytest.raises(StreamRejected, match=r"^the stream stream refuses the call: ") as caught:
        send(_Failing(error), "stream", _ENTRIES)

    assert caught.value.details == {"code": error.response.get("Error", {}).get("Code", "")}


def test_what_keeps_a_call_from_being_made_raises() -> None:
    """Botocore's own errors, such as missing credentials, stay what they are until somebody mends them."""
    with pytest.raises(StreamRejected, match=r"^the stream stream cannot be called: Unable to locate"):
        send(_Failing(NoCredentialsError()), "stream", _ENTRIES)


@pytest.mark.parametrize("results", [[{}] * 2, [{}] * 4, []], ids=["fewer", "more", "none"])
def test_a_wrong_number_of_results_is_believed_of_no_entry(results: list[dict[str, str]]) -> None:
    """Which entry a result belongs to cannot be known, so all are sent again."""

    class Miscounting:
        def put_records(self, *, StreamName: str, Records: Sequence[Any]) -> Mapping[str, Any]:  # noqa: N803, ARG002
            return {"Records": results} if results else {}

    result = send(Miscounting(), "stream", _ENTRIES)

    assert result == (_ENTRIES, f"{len(results)} results for 3 records", True)


def test_the_last_refusal_is_the_reason() -> None:
    """Of several reasons the freshest one is told; without a message, too."""

    class Refusing:
        def put_records(self, *, StreamName: str, Records: Sequence[Any]) -> Mapping[str, Any]:  # noqa: N803, ARG002
            return {"Records": [{"ErrorCode": "InternalFailure"}, {"ErrorCode": KEY_CODES[0]}, {}]}

    result = send(Refusing(), "stream", _ENTRIES)

    assert result == (_ENTRIES[:2], f"{KEY_CODES[0]} (): {ADVICE}", False)


def test_a_refused_call_without_a_message_is_no_problem() -> None:
    """The service need not explain itself."""
    result = send(_Failing(ClientError({"Error": {"Code": KEY_CODES[0]}}, "PutRecords")), "stream", _ENTRIES)

    assert result.reason == f"{KEY_CODES[0]} (): {ADVICE}"


def test_a_long_message_of_the_service_is_cut() -> None:
    """A reason stays readable in one line of a log."""
    result = send(_Failing(_client_error(KEY_CODES[0], 400, "x" * 301)), "stream", _ENTRIES)

    assert result.reason == f"{KEY_CODES[0]} ({'x' * 300}): {ADVICE}"


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


def test_a_request_is_tried_once_with_short_timeouts() -> None:
    """The sink itself retries, so nothing is retried behind its back."""
    config: Any = kinesis_client(connections=5, read_timeout_seconds=7).meta.config

    assert {
        "connect_timeout": config.connect_timeout,
        "read_timeout": config.read_timeout,
        "max_pool_connections": config.max_pool_connections,
        "retries": config.retries,
        "tcp_keepalive": config.tcp_keepalive,
        "user_agent": config.user_agent,
    } == {
        "connect_timeout": 3,
        "read_timeout": 7,
        "max_pool_connections": 5,
        "retries": {"total_max_attempts": 1, "mode": "standard"},
        "tcp_keepalive": True,
        "user_agent": f"url-fetcher botocore/{botocore.__version__}",
    }


def test_by_default_eight_requests_may_wait_ten_seconds() -> None:
    """What the sink needs at most, and what an answer takes at most."""
    config: Any = kinesis_client().meta.config

    assert (config.max_pool_connections, config.read_timeout) == (8, 10)


@pytest.mark.parametrize(("region", "used"), [(None, "us-east-1"), ("eu-west-1", "eu-west-1")])
def test_the_region_is_the_environments_unless_given(region: str | None, used: str) -> None:
    """Lambda sets its own region."""
    assert kinesis_client(region=region).meta.region_name == used


@pytest.mark.parametrize(
    ("owner", "name"), [(Loader, "list_available_services"), (JSONFileLoader, "load_file")]
)
def test_making_a_client_avoids_botocores_slow_ways(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str
) -> None:
    """Neither are all services looked for nor is a model read by the standard library."""

    def slow(*_: object) -> None:
        raise AssertionError(name)

    monkeypatch.setattr(owner, name, slow)

    assert kinesis_client().meta.service_model.service_name == "kinesis"
