"""Searches the function's log with CloudWatch Logs Insights, the newest lines first.

One query is bounded in lines and in time however much the log holds, and reads log groups of either class.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tools.ground.aws import AwsError, client, explained
from tools.operate.deployed import Deployed

PATIENCE_SECONDS, POLL_SECONDS = 60.0, 0.5
MAX_LINES = 10_000
"""https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html"""


class NotSearched(RuntimeError):
    """When the log could not be searched; says why, and what to do."""


class Line(NamedTuple):
    """One line of the log.

    Attributes:
        key: CloudWatch's own, by which a line is told from an equal one.
        at: When it was written.
        text: The line as it stands.
        fields: What it holds; empty if it is not of the function's own, such as a line of Lambda.
    """

    key: str
    at: datetime
    text: str
    fields: Mapping[str, Any]


class Found(NamedTuple):
    """The lines of a search, and how many there are in all."""

    lines: list[Line]
    matched: int


class Log:
    """The log of one function.

    Args:
        found: The environment.
    """

    def __init__(self, found: Deployed) -> None:
        self._logs = client("logs", os.environ, found.region)
        self._found = found

    def search(
        self, pattern: str, start: float, end: float, *, limit: int, one_a_source: bool = False
    ) -> Found:
        """The newest lines that have the pattern, the newest first.

        Args:
            pattern: A regular expression, in which a slash is escaped.
            start: From when on, in seconds since 1970.
            end: Until when.
            limit: How many lines at most.
            one_a_source: True for the newest line of each source alone.

        Raises:
            NotSearched: When there is no log, or the search took too long or failed.
            AwsError: When AWS refuses or cannot be reached.
        """
        stages = ["fields @timestamp, @message, @logStream", f"filter @message like /{pattern}/"]
        stages += ["sort @timestamp desc", *(["dedup `source`"] if one_a_source else [])]
        answer = self._answer(
            " | ".join(stages), int(start), int(end) + 1, MAX_LINES if one_a_source else limit
        )
        lines = [line for row in answer["results"] if (line := self._line(row)) is not None]
        if one_a_source:
            first: dict[str, Line] = {}
            for line in lines:
                first.setdefault(str(line.fields.get("source")), line)
            lines = list(first.values())
        return Found(lines, int(answer["statistics"]["recordsMatched"]))

    def _answer(self, query: str, start: int, end: int, limit: int) -> Any:
        group = self._found.log_group
        try:
            with explained():
                id_ = self._logs.start_query(
                    logGroupName=group, startTime=start, endTime=end, queryString=query, limit=limit
                )["queryId"]
        except AwsError as error:
            if error.code == "ResourceNotFoundException":
                raise NotSearched(f"there is no log group {group}: the function has not run yet") from error
            raise
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            with explained():
                answer = self._logs.get_query_results(queryId=id_)
            if answer["status"] == "Complete":
                return answer
            if answer["status"] not in ("Scheduled", "Running"):
                raise NotSearched(f"CloudWatch ended the search of {group}: {answer['status']}")
            if time.monotonic() > deadline:
                with explained():
                    self._logs.stop_query(queryId=id_)
                raise NotSearched(
                    f"the search of {group} took over {PATIENCE_SECONDS:g} s: give a shorter SINCE"
                )
            time.sleep(POLL_SECONDS)

    def _line(self, row: list[Any]) -> Line | None:
        """A row as a line; None if another function wrote it to the same group."""
        cells = {each["field"]: each["value"] for each in row}
        text, key = cells["@message"].rstrip("\n"), cells.get("@ptr", "")
        try:
            fields = json.loads(text)
        except ValueError:
            fields = None
        fields = fields if isinstance(fields, dict) else {}
        if "service" in fields:
            is_own = fields["service"] == self._found.variables.get("POWERTOOLS_SERVICE_NAME")
        else:
            # A stream of a shared group is named with its function, before the version in brackets.
            writer = cells.get("@logStream", "").rpartition("/")[2].partition("[")[0]
            is_own = writer in ("", self._found.function)
        if not is_own:
            return None
        at = datetime.fromisoformat(cells["@timestamp"].replace(" ", "T")).replace(tzinfo=UTC)
        return Line(key, at, text, fields)
