"""Makes clients of AWS with the timeouts of one table, and reads AWS's answer to a call that failed.

botocore is imported only when a client is made, because the import would slow every start.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from botocore.config import Config

FIRST_SERVER_ERROR = 500


class Patience(NamedTuple):
    """The timeouts of a service, and the number of attempts that botocore makes at a call."""

    connect_seconds: float
    read_seconds: float
    attempts: int


PATIENCE = {
    "cloudwatch": Patience(3, 10, 4),
    "kinesis": Patience(3, 10, 1),  # the sink repeats only what was refused, which botocore does not know
    "s3": Patience(3, 10, 4),
    "secretsmanager": Patience(3, 5, 3),
    "sqs": Patience(2, 5, 3),
}


class Refusal(NamedTuple):
    """AWS's answer to a call that failed: its code and HTTP status, empty and 0 if there was no answer."""

    code: str
    status: int

    @property
    def is_servers_fault(self) -> bool:
        """True if the same call may succeed later."""
        return self.status >= FIRST_SERVER_ERROR

    @property
    def name(self) -> str:
        """The code, or the status where AWS gave none."""
        return self.code or str(self.status)


def refusal_in(error: BaseException) -> Refusal:
    """Returns AWS's answer from an error of botocore.

    Takes any error, because a check for botocore's classes would have to import them.
    """
    response = getattr(error, "response", None) or {}
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return Refusal(str(response.get("Error", {}).get("Code", "")), status)


def config(service: str, **more: Any) -> "Config":
    """Botocore's settings for a service by the table; ``more`` adds or overrides some."""
    from botocore.config import Config

    patience = PATIENCE[service]
    settings: dict[str, Any] = {
        "connect_timeout": patience.connect_seconds,
        "read_timeout": patience.read_seconds,
        "retries": {"total_max_attempts": patience.attempts, "mode": "standard"},
    }
    return Config(**settings | more)


def client(service: str, region: str | None = None, **parsing: Any) -> Any:
    """Makes a client of a service; botocore finds its endpoint, its credentials and a Region not given.

    Args:
        service: A service of the table.
        region: Its Region.
        **parsing: Replaces what botocore parses parts of answers with, such as ``timestamp_parser``.
    """
    import botocore.session

    session = botocore.session.get_session()
    session.get_component("response_parser_factory").set_parser_defaults(**parsing)
    return session.create_client(service, region, config=config(service))
