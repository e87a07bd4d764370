"""Invokes the deployed function and shows its answer: ``make invoke ENV=… [SOURCE=…] [URL=…]``."""

import argparse
import json
import os
import sys
from pathlib import Path

from ingestion_pipeline.settings.file import read
from ingestion_pipeline.settings.names import FUNCTION
from ingestion_pipeline.settings.rules import SettingsError
from tools.ground.aws import INVOCATION, AwsError, client, explained
from tools.ground.ending import reported
from tools.ground.paths import ROOT


def main() -> None:
    """Print the answer's counters, or exit with the function's error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default="", help="name of a configured source; default: the first")
    parser.add_argument("--url", default="", help="any other address that is allowed")
    given = parser.parse_args()
    event = {name: value for name, value in vars(given).items() if value}
    environment = os.environ.get("ENV") or "dev"
    with reported("invoke", AwsError, SettingsError):
        settings = read(Path(os.environ.get("PIPELINE_TOML") or ROOT / "pipeline.toml"), environment)
        function = settings.names.of(FUNCTION)
        functions = client("lambda", os.environ, settings.pipeline.region, INVOCATION)
        with explained():
            answer = functions.invoke(FunctionName=function, Payload=json.dumps(event).encode())
            payload = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        sys.exit(f"{function} failed: {payload.get('errorType')}: {payload.get('errorMessage')}")
    print(json.dumps(json.loads(payload["body"]), indent=2))


if __name__ == "__main__":
    main()
