"""Finds the pipeline that another name, environment, key or bucket of the state would leave running.

Terraform knows a pipeline only by its state. Where the state is looked for elsewhere, it plans a second
pipeline with nothing to destroy, and the first runs on and costs money, in nobody's state.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion_pipeline.settings.file import read
from tools.ground.aws import AwsError, client, explained
from tools.ground.paths import ROOT

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_s3 import S3Client

# Terraform writes about 180 bytes for a state without resources, and about 1,000 for each resource. The size
# needs no permission to read the states of others.
MAX_EMPTY_STATE_BYTES = 512
STATE_KEY = re.compile(r"([^/]+)/([^/]+)/terraform\.tfstate")
NOT_FOUND = 404
WAY_OUT = "docs/upgrading.md, under 'Another name, environment or state', says what to do"


def left_running(stack: Mapping[str, Any], variables: Mapping[str, str]) -> str:
    """What would be left running, and what to do; empty if nothing would.

    Args:
        stack: The synthesized Terraform JSON, with the bucket of its state.
        variables: As for Terraform, with ``ENV`` and ``PIPELINE_TOML``.

    Raises:
        AwsError: When AWS refuses to say, or cannot be reached.
    """
    backend = stack["terraform"]["backend"]["s3"]
    bucket, key = backend["bucket"], backend["key"]
    s3 = client("s3", variables, backend["region"])
    size = _size(s3, bucket, key)
    if size is not None and size > MAX_EMPTY_STATE_BYTES:
        return ""
    kinesis = client("kinesis", variables, stack["provider"]["aws"][0]["region"])
    streams = [resource["name"] for resource in stack["resource"]["aws_kinesis_stream"].values()]
    for stream in streams:
        if _exists(kinesis, stream):
            return (
                f"the stream {stream} exists, but the state {key} in {bucket} has no resource: its state is "
                f"elsewhere, perhaps under an earlier state.key or state.bucket; {WAY_OUT}"
            )
    # An empty state is what `destroy` leaves: the pipeline was here before.
    return _another(s3, bucket, key, variables) if size is None else ""


def _another(s3: "S3Client", bucket: str, key: str, variables: Mapping[str, str]) -> str:
    """What to say of states that are not this project's any more, unless the key is written down."""
    file = Path(variables.get("PIPELINE_TOML", ROOT / "pipeline.toml"))
    environment = variables.get("ENV") or "dev"
    settings = {
        name: read(file, name) for name in tomllib.loads(file.read_text(encoding="utf-8"))["environments"]
    }
    if settings[environment].state.key:
        return ""
    configured = {each.state.key or each.names.state_key for each in settings.values()}
    own = {settings[environment].pipeline.name, environment}
    others = [
        other
        for other in _states(s3, bucket)
        if other not in configured and (parts := STATE_KEY.fullmatch(other)) and own & set(parts.groups())
    ]
    if not others:
        return ""
    return (
        f"there is no state {key} in {bucket} yet, but there {'is' if len(others) == 1 else 'are'} "
        f"{', '.join(others)} with resources, which no environment of pipeline.toml has. If this pipeline "
        f"was renamed, that one would run on: {WAY_OUT}. If this is another pipeline, write that down: "
        f'key = "{key}" under [environments.{environment}.state] of pipeline.toml'
    )


def _size(s3: "S3Client", bucket: str, key: str) -> int | None:
    """Bytes of an object; None if there is none."""
    try:
        with explained():
            return s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
    except AwsError as error:
        if error.status == NOT_FOUND:
            return None
        raise


def _states(s3: "S3Client", bucket: str) -> list[str]:
    """Keys of what is long enough for a state with resources."""
    with explained():
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [
            found["Key"]
            for page in pages
            for found in page.get("Contents", [])
            if found["Size"] > MAX_EMPTY_STATE_BYTES
        ]


def _exists(kinesis: "KinesisClient", stream: str) -> bool:
    """Whether a stream is there to stay."""
    with explained():
        try:
            found = kinesis.describe_stream_summary(StreamName=stream)
        except kinesis.exceptions.ResourceNotFoundException:
            return False
    return found["StreamDescriptionSummary"]["StreamStatus"] != "DELETING"
