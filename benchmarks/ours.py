"""This project's function, invoked as Lambda does: the real handler with an event and an environment."""

import json

import tools  # noqa: F401 - puts the function's root on the path
from benchmarks.environment import kinesis_at
from url_fetcher.clients import Clients
from url_fetcher.handler import run

OURS = "url_fetcher"
"""What the names of our variants begin with."""
PACKED = OURS
GZIPPED = 'url_fetcher, packing = "gzip"'
UNPACKED = 'url_fetcher, packing = "none"'
DOTTED, POINTER = (f'url_fetcher, record_path = "{path}"' for path in ("items", "/items"))
SETTINGS: dict[str, dict[str, str]] = {
    PACKED: {},
    GZIPPED: {"packing": "gzip"},
    UNPACKED: {"packing": "none"},
    DOTTED: {"record_path": "items"},
    POINTER: {"record_path": "/items"},
}
"""What `ingest` takes, by variant."""

_SECONDS = 900
_clients: dict[str, Clients] = {}


class _Context:
    aws_request_id = "benchmark"

    def get_remaining_time_in_millis(self) -> int:
        """As much as Lambda allows."""
        return _SECONDS * 1000


def ingest(
    url: str, endpoint: str, *, packing: str = "lines", record_path: str = "", clients: Clients | None = None
) -> int:
    """Ingest the source and say how many records the stream accepted."""
    environ = {
        "KINESIS_STREAM_NAME": "bench",
        "ALLOW_HTTP": "true",
        "ALLOW_PRIVATE_NETWORKS": "true",
        "DEAD_LETTER_BUCKET": "dead-letters",
        "PACKING": packing,
    }
    event = {
        "url": url,
        "record_path": record_path,
        "limits": {"max_body_mib": 10_240, "max_decompressed_mib": 10_240},
    }
    clients = clients or _clients.setdefault(endpoint, Clients())
    with kinesis_at(endpoint):
        answer = run(event, _Context(), environ=environ, clients=clients)
    return int(json.loads(str(answer["body"]))["recordsProcessed"])
