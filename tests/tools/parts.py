"""A pipeline's parts in the local AWS, as far as the commands use them, without Terraform."""

import gzip
import io
import json
import os
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from local_aws.emulator.instance import ACCOUNT_ID, REGION, Emulator
from tests.checkout import ROOT

ENVIRONMENT = "local"


@dataclass(frozen=True)
class Parts:
    """Queues, bucket, stream and function of one pipeline.

    Attributes:
        aws: Where they are.
        name: The pipeline's.
        settings: Its pipeline.toml.
    """

    aws: Emulator
    name: str
    settings: Path

    @classmethod
    def make(cls, aws: Emulator, folder: Path) -> "Parts":
        """A new pipeline, with nothing in it."""
        parts = cls(aws, f"p{uuid.uuid4().hex[:12]}", folder / "pipeline.toml")
        parts.settings.write_text(
            f'[pipeline]\nname = "{parts.name}"\nregion = "{REGION}"\n'
            '[[sources]]\nname = "orders"\nurl = "https://example.com/orders"\n'
            f"limits = {{ max_nesting = 3 }}\n[environments.{ENVIRONMENT}]\n",
            encoding="utf-8",
        )
        for ending in ("work", "dead-letters"):
            parts.sqs.create_queue(QueueName=f"{parts.prefix}-{ending}")
        parts.s3.create_bucket(Bucket=parts.bucket)
        parts.s3.put_bucket_versioning(Bucket=parts.bucket, VersioningConfiguration={"Status": "Enabled"})
        parts.kinesis.create_stream(StreamName=parts.stream, ShardCount=1)
        parts.make_role()
        parts.functions.create_function(
            FunctionName=parts.function,
            Runtime="python3.12",
            Role=f"arn:aws:iam::{ACCOUNT_ID}:role/{parts.prefix}",
            Handler="index.handler",
            Code={"ZipFile": _zip("def handler(event, context):\n    return {'body': '{}'}\n")},
            Environment={"Variables": parts.function_variables},
        )
        return parts

    def make_role(self) -> None:
        """Make a role that lets a function take the work queue's messages, and nothing else."""
        iam = self.aws.client("iam")
        service = {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        take = {"Effect": "Allow", "Action": "sqs:*", "Resource": self.arn("work")}
        iam.create_role(RoleName=self.prefix, AssumeRolePolicyDocument=_policy(service))
        iam.put_role_policy(RoleName=self.prefix, PolicyName="take", PolicyDocument=_policy(take))

    @property
    def prefix(self) -> str:
        """How the names of its parts begin."""
        return f"{self.name}-{ENVIRONMENT}"

    @property
    def function(self) -> str:
        """The function's name."""
        return f"{self.prefix}-fetch"

    @property
    def stream(self) -> str:
        """The stream's name."""
        return f"{self.prefix}-stream"

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return f"{self.prefix}-lake"

    @property
    def function_variables(self) -> dict[str, str]:
        """What a deployment sets."""
        return {
            "KINESIS_STREAM_NAME": self.stream,
            "DEAD_LETTER_BUCKET": self.bucket,
            "DEAD_LETTER_PREFIX": "dead-letters/",
            "WORK_QUEUE_URL": self.url("work"),
            "DEAD_LETTER_QUEUE_URL": self.url("dead-letters"),
            "LISTS_URI": f"s3://{self.bucket}/lists/",
            "PACKING": "lines",
            "POWERTOOLS_SERVICE_NAME": self.function,
        }

    @property
    def variables(self) -> dict[str, str]:
        """The environment of the commands."""
        return {**self.aws.environment, "ENV": ENVIRONMENT, "PIPELINE_TOML": str(self.settings)}

    @cached_property
    def sqs(self) -> Any:
        """A client."""
        return self.aws.client("sqs")

    @cached_property
    def s3(self) -> Any:
        """A client."""
        return self.aws.client("s3")

    @cached_property
    def kinesis(self) -> Any:
        """A client."""
        return self.aws.client("kinesis")

    @cached_property
    def functions(self) -> Any:
        """A client."""
        return self.aws.client("lambda")

    @cached_property
    def logs(self) -> Any:
        """A client."""
        return self.aws.client("logs")

    @property
    def log_group(self) -> str:
        """The name of the function's log group."""
        return f"/aws/lambda/{self.function}"

    def make_schedules(self, *sources: str, state: str = "ENABLED") -> None:
        """Make the schedule of each of these sources."""
        scheduler = self.aws.client("scheduler")
        scheduler.create_schedule_group(Name=f"{self.prefix}-schedules")
        for source in sources:
            scheduler.create_schedule(
                Name=source,
                GroupName=f"{self.prefix}-schedules",
                ScheduleExpression="rate(1 hour)",
                State=state,
                FlexibleTimeWindow={"Mode": "OFF"},
                Target={"Arn": self.arn("work"), "RoleArn": f"arn:aws:iam::{ACCOUNT_ID}:role/{self.prefix}"},
            )

    def write_log(self, *lines: Mapping[str, Any] | str, ago_seconds: float = 0.0) -> None:
        """Write lines to the function's log as the function would, and Lambda with texts."""
        stream = uuid.uuid4().hex
        with suppress(self.logs.exceptions.ResourceAlreadyExistsException):
            self.logs.create_log_group(logGroupName=self.log_group)
        self.logs.create_log_stream(
            logGroupName=self.log_group, logStreamName=f"2026/12/01/[$LATEST]{stream}"
        )
        now = int((time.time() - ago_seconds) * 1000)
        self.logs.put_log_events(
            logGroupName=self.log_group,
            logStreamName=f"2026/12/01/[$LATEST]{stream}",
            logEvents=[
                {"timestamp": now + number, "message": self._log_line(line)}
                for number, line in enumerate(lines)
            ],
        )

    def _log_line(self, line: Mapping[str, Any] | str) -> str:
        if isinstance(line, str):
            return line
        head = {"level": line["level"]} if "level" in line else {"_aws": {"CloudWatchMetrics": []}}
        return json.dumps({**head, "service": self.function, **line})

    def url(self, ending: str) -> str:
        """A queue's address."""
        return f"{self.aws.endpoint_url}/{ACCOUNT_ID}/{self.prefix}-{ending}"

    def arn(self, ending: str) -> str:
        """A queue's ARN."""
        return f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{self.prefix}-{ending}"

    def consume(self, *, enabled: bool) -> None:
        """Have the function take the work queue's messages, or make what would if it were switched on."""
        self.functions.create_event_source_mapping(
            EventSourceArn=self.arn("work"), FunctionName=self.function, Enabled=enabled
        )

    def add_dead_letter(self, body: object, **attributes: str) -> None:
        """Put a message on the dead letter queue."""
        self.sqs.send_message(
            QueueUrl=self.url("dead-letters"),
            MessageBody=body if isinstance(body, str) else json.dumps(body),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )

    def bodies(self, ending: str) -> list[str]:
        """The messages of a queue that can be received now; they stay there for others."""
        found: dict[str, tuple[str, str]] = {}
        while some := self.sqs.receive_message(
            QueueUrl=self.url(ending), MaxNumberOfMessages=10, VisibilityTimeout=30
        ).get("Messages"):
            found |= {each["MessageId"]: (each["ReceiptHandle"], each["Body"]) for each in some}
        for handle, _ in found.values():
            self.sqs.change_message_visibility(
                QueueUrl=self.url(ending), ReceiptHandle=handle, VisibilityTimeout=0
            )
        return sorted(body for _, body in found.values())

    def taken(self, ending: str) -> set[str]:
        """The messages of a queue that can be received now, which are gone then."""
        found = set()
        while some := self.sqs.receive_message(QueueUrl=self.url(ending), MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for each in some:
                found.add(each["Body"])
                self.sqs.delete_message(QueueUrl=self.url(ending), ReceiptHandle=each["ReceiptHandle"])
        return found

    def wait_until_due(self, ending: str) -> None:
        """Return when no message of a queue is held by who received it."""
        name = "ApproximateNumberOfMessagesNotVisible"
        while int(
            self.sqs.get_queue_attributes(QueueUrl=self.url(ending), AttributeNames=[name])["Attributes"][
                name
            ]
        ):
            time.sleep(0.1)

    def store(self, key: str, lines: Iterable[Mapping[str, Any]], *, is_gzip: bool = True) -> bytes:
        """Write an object of NDJSON; what was written."""
        text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        body = gzip.compress(text, mtime=0) if is_gzip else text
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return body

    def objects(self) -> dict[str, bytes]:
        """What is in the bucket, decompressed, by key."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        found = {
            each["Key"]: self.s3.get_object(Bucket=self.bucket, Key=each["Key"])["Body"].read()
            for each in listed
        }
        return {
            key: gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body for key, body in found.items()
        }

    def on_stream(self) -> list[bytes]:
        """The records of the stream, in their order."""
        shard = self.kinesis.list_shards(StreamName=self.stream)["Shards"][0]["ShardId"]
        iterator = self.kinesis.get_shard_iterator(
            StreamName=self.stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found: list[bytes] = []
        while True:
            answer = self.kinesis.get_records(ShardIterator=iterator, Limit=1000)
            found += [record["Data"] for record in answer["Records"]]
            iterator = answer.get("NextShardIterator")
            if not answer["Records"] or not iterator:
                return found

    def lines(self) -> list[dict[str, Any]]:
        """The lines on the stream."""
        return [json.loads(line) for data in self.on_stream() for line in data.splitlines()]


def start(code: str, variables: Mapping[str, str], arguments: Sequence[str] = ()) -> subprocess.Popen[str]:
    """A process of this checkout that runs a piece of Python."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env={**kept, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _policy(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _zip(code: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("index.py", code)
    return packed.getvalue()
