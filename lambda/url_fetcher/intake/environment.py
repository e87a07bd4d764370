"""The function's environment, read once into one frozen value."""

import re
from collections.abc import Mapping
from typing import Annotated

import idna
import msgspec
from msgspec import Meta

from url_fetcher.errors import ConfigurationError
from url_fetcher.intake.decoding import decode_settings
from url_fetcher.settings_variables import SettingsVariables
from url_fetcher.telling.logs import DEFAULT_NAMESPACE, DEFAULT_SERVICE

_HOST = re.compile(r"(\*\.)?[a-z0-9_][a-z0-9_-]{0,62}(\.[a-z0-9_][a-z0-9_-]{0,62})*|\[[0-9a-f:.]+\]")

# No variable needs such a character, and half of a surrogate pair can be neither sent nor logged.
_UNUSABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class Environment(SettingsVariables, frozen=True, kw_only=True, rename="upper"):
    """The settings of the deployment; each field is the variable of the same name in capitals.

    Args:
        kinesis_stream_name: The stream that records are put on.
        sources_uri: The object with the configured sources, ``s3://<bucket>/<key>``; empty for none.
        dead_letter_bucket: Bucket for undeliverable records; if empty, they fail the invocation.
        work_queue_url: The queue of messages that are events; empty if there is none.
        work_queue_is_read: True if Lambda delivers its messages to this function.
        dead_letter_queue_url: Queue for messages that failed at their last attempt.
        lists_uri: Folder for lists of URLs, ``s3://<bucket>/<folder>/``; empty for none.
        max_attempts: Most attempts at a message.
        aws_lambda_runtime_api: Set by Lambda: host and port of its runtime API.
    """

    kinesis_stream_name: Annotated[str, Meta(max_length=128, pattern=r"^[a-zA-Z0-9_.-]+$")]
    sources_uri: str = ""
    dead_letter_bucket: Annotated[str, Meta(max_length=63)] = ""
    work_queue_url: str = ""
    work_queue_is_read: bool = True
    dead_letter_queue_url: str = ""
    lists_uri: Annotated[str, Meta(pattern=r"^(s3://[^/]+/(.*/)?)?$")] = ""
    max_attempts: Annotated[int, Meta(ge=1, le=1000)] = 3
    powertools_service_name: Annotated[str, Meta(max_length=128)] = DEFAULT_SERVICE
    powertools_metrics_namespace: Annotated[str, Meta(max_length=255)] = DEFAULT_NAMESPACE
    aws_lambda_runtime_api: str = ""

    @property
    def own_queue_url(self) -> str:
        """The queue for work that is done later; empty if this function would never receive it."""
        return self.work_queue_url if self.work_queue_is_read else ""


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Reads and checks the environment; an empty variable counts as not set.

    Raises:
        ConfigurationError: Naming the variable, its value and what is allowed; not retryable.
    """
    names = [field.encode_name for field in msgspec.structs.fields(Environment)]
    texts = {name: environ[name] for name in names if environ.get(name)}
    _refuse_unusable(texts)
    settings: dict[str, object] = {**texts}
    settings["ALLOWED_HOSTS"] = _hosts(environ.get("ALLOWED_HOSTS", ""))
    if not environ.get("KINESIS_STREAM_NAME"):
        raise ConfigurationError("KINESIS_STREAM_NAME is not set: set it to the name of the stream")
    return decode_settings(settings, Environment, where="the environment", from_text=True)


def _refuse_unusable(texts: Mapping[str, str]) -> None:
    """Refuses control characters, because `$` in a pattern would overlook a line break at the end."""
    for name, text in texts.items():
        if found := _UNUSABLE.search(text):
            raise ConfigurationError(
                f"{name}: has the character {found.group()!a}; write UTF-8 without control characters"
            )


def _hosts(text: str) -> list[str]:
    """Host names of ``ALLOWED_HOSTS`` in lower case and IDNA, as URLs are compared."""
    return [_host(part) for each in text.split(",") if (part := each.strip())]


def _host(text: str) -> str:
    prefix, name = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    try:
        host = name.lower().rstrip(".") if name.isascii() else idna.encode(name.lower()).decode()
    except idna.IDNAError as error:
        raise ConfigurationError(f"ALLOWED_HOSTS: {text[:80]!r} is not a host name: {error}") from error
    if not _HOST.fullmatch(prefix + host):
        raise ConfigurationError(
            f"ALLOWED_HOSTS: {text[:80]!r} is not a host; write example.com or *.example.com, without port"
        )
    return prefix + host
