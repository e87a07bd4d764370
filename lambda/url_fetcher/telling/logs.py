"""Log lines of JSON on standard output, which Lambda takes to CloudWatch, without a secret in them.

Powertools' Logger and Metrics were measured beside this: they add a tenth to the CPU of a cold start
(340 to 375 ms) and two thirds to the archive, for three lines an invocation.
"""

import json
import logging
import math
import sys
import threading
import time
import traceback
from collections.abc import Container, Mapping
from datetime import UTC, datetime

from url_fetcher.telling.redaction import Redactor

_NAME = "url_fetcher"
_FACTS = "facts"

DEFAULT_SERVICE = "url-fetcher"
DEFAULT_NAMESPACE = "IngestionPipeline"
_MAX_INTEGER_BITS = 64

ALARMED = ("failed", "dead_lettered", "urls_failed", "warnings", "overdue", "silent")
"""The metrics that are sent by service alone, too: alarms stand on them, whatever source it is."""


class _JsonLines(logging.Handler):
    """Writes each record as one line; standard output is looked up anew because Lambda replaces it."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor
        self.fields: dict[str, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        line: dict[str, object] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "message": _message(record),
            **self.fields,
            **getattr(record, _FACTS, {}),
        }
        if record.name != _NAME:
            line["logger"] = record.name
        if record.exc_info:
            line["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        self.write(line)

    def write(self, line: dict[str, object]) -> None:
        """One line of JSON without secrets, in ASCII: every encoding of standard output can write it."""
        cleaned = {name: self._cleaned(value) for name, value in line.items()}
        sys.stdout.write(json.dumps(cleaned) + "\n")

    def _cleaned(self, value: object) -> object:
        """The value as strict JSON can hold it, without secrets; names of fields are not searched."""
        if isinstance(value, Mapping):
            return {str(name): self._cleaned(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._cleaned(each) for each in value]
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int) and value.bit_length() <= _MAX_INTEGER_BITS:
            return value
        if isinstance(value, float) and math.isfinite(value):
            return value
        # Python limits the digits of an integer's decimal form, not of its hexadecimal one.
        return self._redactor.clean(hex(value) if isinstance(value, int) else str(value))


def take_over(redactor: Redactor) -> None:
    """Sends everything that this process logs through one handler that hides secrets.

    That covers the records of every logger, warnings, and errors that end a thread or a finalizer.
    Libraries log URLs with their keys, and the handler that Lambda's runtime puts on the root logger writes
    them unchanged. Call it only where the function owns the process: it removes all other handlers.

    Args:
        redactor: Cleans every line.
    """
    root = logging.getLogger()
    for name in tuple(root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    root.handlers = [_JsonLines(redactor)]
    logging.captureWarnings(True)
    threading.excepthook = _log_dead_thread
    sys.unraisablehook = _log_unraisable


def _log_dead_thread(found: threading.ExceptHookArgs) -> None:
    """In place of the traceback that Python prints to standard error."""
    error = found.exc_value
    logging.getLogger("threading").error("a thread ended with an error", exc_info=error)


def _log_unraisable(found: "sys.UnraisableHookArgs") -> None:
    """In place of the message that Python prints to standard error."""
    error = found.exc_value
    logging.getLogger("sys").error(found.err_msg or "an error was ignored", exc_info=error)


def _message(record: logging.LogRecord) -> str:
    """The record's text; arguments that do not fit it are no reason to lose it."""
    try:
        return record.getMessage()
    except Exception as error:  # whatever a foreign object's __str__ raises
        text = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        return f"{text} (cannot be formatted: {type(error).__name__})"


class Log:
    """The log of one invocation.

    Args:
        redactor: Cleans every line.
        request_id: The invocation's id, in every line.
        message_id: The id of the queue's message that is worked on, in every line; empty for none.
        service: The service's name, in every line and a dimension of every metric.
        namespace: The namespace of the metrics.
    """

    def __init__(
        self,
        redactor: Redactor,
        *,
        request_id: str,
        message_id: str = "",
        service: str = DEFAULT_SERVICE,
        namespace: str = DEFAULT_NAMESPACE,
    ) -> None:
        # urllib3 would log URLs with their keys, botocore the secrets themselves.
        for chatty in ("urllib3", "botocore", "boto3"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        self.request_id = request_id
        self._lines = _JsonLines(redactor)
        self._lines.fields = {"function_request_id": request_id, "service": service}
        if message_id:
            self._lines.fields["message_id"] = message_id
        self._namespace = namespace
        root = logging.getLogger()
        if any(isinstance(each, _JsonLines) for each in root.handlers):
            root.handlers = [self._lines]
        self._logger = logging.getLogger(_NAME)
        self._logger.handlers = [self._lines]
        self._logger.propagate = False

    def set_level(self, level: str) -> None:
        """Write lines of that level and above; metrics are always written."""
        self._logger.setLevel(level)

    def name_source(self, source: str) -> None:
        """Add the name of the source to every line from now on, so that a log can be searched by it."""
        self._lines.fields["source"] = source

    def info(self, message: str, **facts: object) -> None:
        """Logs an event of normal operation."""
        self._logger.info(message, extra={_FACTS: facts})

    def warning(self, message: str, **facts: object) -> None:
        """Logs a possible mistake."""
        self._logger.warning(message, extra={_FACTS: facts})

    def error(self, message: str, **facts: object) -> None:
        """Logs a failure."""
        self._logger.error(message, extra={_FACTS: facts})

    def metrics(
        self,
        metrics: dict[str, int],
        *,
        source: str,
        facts: Mapping[str, int | float],
        counted_later: Container[str] = (),
    ) -> None:
        """Writes metrics in CloudWatch's embedded metric format.

        Args:
            metrics: The counts by name; each name is a metric for each source and costs 0.30 USD a month.
            source: Their dimension beside the service; a configured name, because each value is a metric.
            facts: Numbers that are only fields of the line and cost nothing.
            counted_later: Names of counts of what comes again, which no alarm is to see before its last
                attempt.
        """
        alarmed = [name for name in ALARMED if name in metrics and name not in counted_later]
        # All metrics by service alone would double the cost.
        sets = ((["service", "source"], list(metrics)), (["service"], alarmed))
        directives = [
            {
                "Namespace": self._namespace,
                "Dimensions": [dimensions],
                "Metrics": [{"Name": name, "Unit": "Count"} for name in names],
            }
            for dimensions, names in sets
            if names
        ]
        metadata = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": directives}
        self._lines.write({"_aws": metadata, **self._lines.fields, "source": source, **facts, **metrics})
