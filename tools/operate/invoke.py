"""Invokes the deployed function and shows its answer: ``make invoke ENV=… [SOURCE=…] [URL=…]``."""

import argparse
import json
import os
import sys
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ingestion_pipeline.settings.file import read
from ingestion_pipeline.settings.names import FUNCTION
from ingestion_pipeline.settings.rules import SettingsError
from tools.ground.paths import ROOT

MAX_SECONDS = 900
"""That Lambda lets an invocation take."""


def client_config() -> Config:
    """A client that waits as long as Lambda does and never repeats the invocation.

    The keepalive is for the routers on the way, some of which drop a connection that is silent for minutes:
    the answer would never arrive.
    """
    return Config(read_timeout=MAX_SECONDS, retries={"total_max_attempts": 1}, tcp_keepalive=True)


def main() -> None:
    """Print the answer's counters, or exit with the function's error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", default="", help="name of a configured source; default: the first")
    parser.add_argument("--url", default="", help="any other address that is allowed")
    given = parser.parse_args()
    event = {name: value for name, value in vars(given).items() if value}
    environment = os.environ.get("ENV") or "dev"
    try:
        settings = read(Path(os.environ.get("PIPELINE_TOML", ROOT / "pipeline.toml")), environment)
        config = client_config()
        client = boto3.client("lambda", region_name=settings.pipeline.region, config=config)
        function = settings.names.of(FUNCTION)
        answer = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    except (SettingsError, BotoCoreError, ClientError) as error:
        sys.exit(f"invoke: {error}")
    payload = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        sys.exit(f"{function} failed: {payload.get('errorType')}: {payload.get('errorMessage')}")
    print(json.dumps(json.loads(payload["body"]), indent=2))


if __name__ == "__main__":
    main()
