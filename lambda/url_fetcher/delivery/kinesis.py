"""One PutRecords request and its result."""

import gzip
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import botocore.session
import msgspec
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
)
from botocore.exceptions import ConnectionError as BotocoreConnectionError
from botocore.loaders import JSONFileLoader, Loader
from botocore.parsers import ResponseParserError

from url_fetcher.aws_calls import PATIENCE, config, refusal_in
from url_fetcher.delivery.encoding import encode_directly
from url_fetcher.delivery.packing import Entry
from url_fetcher.errors import StreamRejected

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

# A fixed value, because botocore builds its own anew for each request: a tenth of the request's cost.
_USER_AGENT = f"url-fetcher botocore/{botocore.__version__}"
_NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)
# Errors of the stream's KMS key. They are retried because they often pass: a policy takes effect, a key is
# enabled, or its deletion is cancelled.
_KEY_CODES = frozenset(
    {
        "KMSAccessDeniedException",
        "KMSDisabledException",
        "KMSInvalidStateException",
        "KMSNotFoundException",
        "KMSOptInRequired",
        "KMSThrottlingException",
    }
)
_KEY_ADVICE = "check the state, the policy and the request quota of the stream's KMS key"
_MAX_MESSAGE_CHARACTERS = 300
_TRANSIENT_CODES = _KEY_CODES | frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


class _Models(JSONFileLoader):
    """Reads botocore's models in a quarter of the time, into plain dictionaries."""

    def load_file(self, file_path: str) -> Any:
        """The content of ``file_path`` with the ending of a model, or None if there is no such file."""
        for ending, open_file in ((".json", open), (".json.gz", gzip.open)):
            try:
                with open_file(file_path + ending, "rb") as file:
                    return msgspec.json.decode(file.read())
            except FileNotFoundError:
                continue
        return None


class _KinesisLoader(Loader):
    """Knows one service only: looking for all 400 takes a third of the time to make a client."""

    FILE_LOADER_CLASS = _Models

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - the base class's
        return ["kinesis"]


class PutsRecords(Protocol):
    """The call of a Kinesis client that the sink uses."""

    def put_records(self, *, StreamName: str, Records: Sequence[Any]) -> Mapping[str, Any]:  # noqa: N803
        """As boto3's."""


class PutResult(NamedTuple):
    """The result of a request.

    Args:
        refused: The entries that must be sent again, in their order.
        reason: The service's code or the transport's error, of the last refusal; empty if none. Of a
            problem with the stream's key also what the service says and what to check.
        outcome_unknown: True if the service may have accepted the refused entries.
    """

    refused: Sequence[Entry]
    reason: str = ""
    outcome_unknown: bool = False


def kinesis_client(
    *,
    connections: int = 8,
    region: str | None = None,
    read_timeout_seconds: float = PATIENCE["kinesis"].read_seconds,
) -> "KinesisClient":
    """A client for PutRecords: bodies encoded directly, nothing retried or validated behind the sink's back.

    Endpoint, region and credentials are botocore's own, so ``AWS_ENDPOINT_URL`` and roles work.

    Args:
        connections: Most requests in flight.
        region: Overrides the environment's Region.
        read_timeout_seconds: An answer that takes longer counts as lost.
    """
    settings = config(
        "kinesis",
        read_timeout=read_timeout_seconds,
        max_pool_connections=connections,
        parameter_validation=False,
        tcp_keepalive=True,
        user_agent=_USER_AGENT,
    )
    session = botocore.session.get_session()
    session.register_component("data_loader", _KinesisLoader())
    client = session.create_client("kinesis", region_name=region, config=settings)
    encode_directly(client)
    return cast("KinesisClient", client)


def send(client: PutsRecords, stream_name: str, entries: Sequence[Entry]) -> PutResult:
    """Put ``entries`` on the stream once.

    Raises:
        StreamRejected: When the call itself is refused, and would be again; not retryable.
    """
    records = [{"Data": entry.data, "PartitionKey": entry.key} for entry in entries]
    try:
        response = client.put_records(StreamName=stream_name, Records=records)
    except ClientError as error:
        return _refused_call(error, stream_name, entries)
    except (HTTPClientError, BotocoreConnectionError) as error:
        return PutResult(entries, type(error).__name__, outcome_unknown=not isinstance(error, _NEVER_SENT))
    except ResponseParserError as error:
        return PutResult(entries, type(error).__name__, outcome_unknown=True)
    except BotoCoreError as error:
        raise StreamRejected(f"the stream {stream_name} cannot be called: {error}") from error
    return _answer(response, entries)


def _answer(response: Mapping[str, Any], entries: Sequence[Entry]) -> PutResult:
    results = response.get("Records", ())
    if len(results) != len(entries):
        return PutResult(entries, f"{len(results)} results for {len(entries)} records", outcome_unknown=True)
    refused = [entry for entry, result in zip(entries, results, strict=True) if result.get("ErrorCode")]
    if not refused:
        return PutResult(refused)
    last = next(result for result in reversed(results) if result.get("ErrorCode"))
    return PutResult(refused, _reason(last["ErrorCode"], last.get("ErrorMessage", "")))


def _refused_call(error: ClientError, stream_name: str, entries: Sequence[Entry]) -> PutResult:
    refusal = refusal_in(error)
    code = refusal.code
    if refusal.is_servers_fault:
        return PutResult(entries, refusal.name, outcome_unknown=True)
    if code in _TRANSIENT_CODES:
        return PutResult(entries, _reason(code, error.response.get("Error", {}).get("Message", "")))
    raise StreamRejected(f"the stream {stream_name} refuses the call: {error}", code=code) from error


def _reason(code: str, message: str) -> str:
    """The reason of a refusal: the code and, for a problem with the key, the service's message and advice."""
    if code not in _KEY_CODES:
        return code
    return f"{code} ({message[:_MAX_MESSAGE_CHARACTERS]}): {_KEY_ADVICE}"
