"""Invokes the deployed function: ``make invoke ENV=… [SOURCE=…] [URL=…] [RESUME='{…}']``.

It prints the counters of the answer, or the error's name, reason and place, and how to go on.
"""

import argparse
import json
import os
import sys
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from ingestion_pipeline.settings.file import read
from ingestion_pipeline.settings.names import FUNCTION
from ingestion_pipeline.settings.rules import SettingsError
from tools.ground.aws import INVOCATION, AwsError, client, explained
from tools.ground.ending import reported
from tools.ground.paths import ROOT
from tools.ground.text import one_line
from tools.operate.failure_text import explanation, facts_of, headline, resume_in
from tools.operate.send import NotSent, requested_event


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the answer's counters, or exit with the function's error."""
    parser = argparse.ArgumentParser(prog="invoke", description=__doc__)
    parser.add_argument("--source", default="", help="name of a configured source; default: the first")
    parser.add_argument("--url", default="", help="any other address that is allowed")
    parser.add_argument("--resume", default="", help="where to go on, as an error gave it")
    given = parser.parse_args(arguments)
    environment = os.environ.get("ENV") or "dev"
    with reported("invoke", AwsError, NotSent, SettingsError):
        event = requested_event(given.source, given.url, given.resume)
        settings = read(Path(os.environ.get("PIPELINE_TOML") or ROOT / "pipeline.toml"), environment)
        function = settings.names.of(FUNCTION)
        functions = client("lambda", os.environ, settings.pipeline.region, INVOCATION)
        with explained():
            answer = functions.invoke(
                FunctionName=function, Payload=json.dumps(event).encode(), LogType="Tail"
            )
            payload = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        tail = b64decode(answer.get("LogResult", "")).decode(errors="replace")
        failure = _failure_in(tail, payload)
        lines = [f"{function} failed: {headline(failure) or 'Lambda says why'}", *explanation(failure)]
        if "resume" in failure:
            which = "".join(
                f" {key.upper()}={quote(event[key])}" for key in ("source", "url") if key in event
            )
            command = f"make invoke ENV={environment}{which} RESUME={quote(str(failure['resume']))}"
            lines.append(f"go on with: {command}")
        sys.exit("\n    ".join(map(one_line, lines)))
    print(json.dumps(json.loads(payload["body"]), indent=2))


def _failure_in(tail: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The log line of the error, which says most; without it, what the answer says.

    Args:
        tail: The last 4 KiB of the invocation's log, in which a long traceback leaves no room for the line.
        payload: The function's answer.
    """
    fields = {"error_type": payload.get("errorType"), "error": payload.get("errorMessage")}
    lines = (each for each in _objects(tail) if each.get("level") == "ERROR")
    found = facts_of(next((each for each in lines if each.get("error") == fields["error"]), fields))
    resume = resume_in(str(found.get("error")))
    return {**found, "resume": resume} if resume else found


def _objects(text: str) -> Iterator[Mapping[str, Any]]:
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found


if __name__ == "__main__":
    main()
