"""That deliveries look as AWS documents them: buffered, joined, GZIP, named; not that AWS delivers so."""

import gzip
import re
import time
from typing import Any

import pytest

from local_aws.emulator.instance import Emulator

ROLE = "arn:aws:iam::000000000000:role/delivery"
PATIENCE_SECONDS = 300
PATIENT = {"SizeInMBs": 1, "IntervalInSeconds": 900}


def deliver_to(aws: Emulator, name: str, **settings: Any) -> None:
    """Makes a stream, a bucket and the delivery stream between them, all of one name."""
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    aws.client("s3").create_bucket(Bucket=name)
    stream = kinesis.describe_stream(StreamName=name)["StreamDescription"]["StreamARN"]
    aws.client("firehose").create_delivery_stream(
        DeliveryStreamName=name,
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": stream, "RoleARN": ROLE},
        ExtendedS3DestinationConfiguration={
            "BucketARN": f"arn:aws:s3:::{name}",
            "RoleARN": ROLE,
            "Prefix": "year=!{timestamp:yyyy}/",
            "ErrorOutputPrefix": "errors/",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
            **settings,
        },
    )


def put(aws: Emulator, name: str, *records: bytes) -> None:
    """Puts the records in one request."""
    entries = [{"Data": record, "PartitionKey": "k"} for record in records]
    aws.client("kinesis").put_records(StreamName=name, Records=entries)


def landed(aws: Emulator, name: str, objects: int) -> dict[str, bytes]:
    """Key and body of each object once that many have arrived."""
    s3 = aws.client("s3")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=name).get("Contents", [])]
        if len(keys) >= objects:
            return {key: s3.get_object(Bucket=name, Key=key)["Body"].read() for key in keys}
        time.sleep(0.05)
    pytest.fail(f"{objects} objects did not arrive in {name}; log:\n{aws.log.read_text()[-2000:]}")


def test_records_of_several_requests_become_one_gzip_object(aws: Emulator) -> None:
    """All bytes arrive joined in order, newlines kept and none added."""
    deliver_to(aws, "joined", CompressionFormat="GZIP", BufferingHints=PATIENT)
    put(aws, "joined", b"one\n", b"two\n")
    put(aws, "joined", b"three\nfour\n", b"no newline")
    aws.client("firehose").delete_delivery_stream(DeliveryStreamName="joined")
    bodies = landed(aws, "joined", 1).values()

    assert [gzip.decompress(body) for body in bodies] == [b"one\ntwo\nthree\nfour\nno newline"]


def test_the_object_is_named_as_aws_names_it(aws: Emulator) -> None:
    """Prefix, stream, version, time of the oldest record, random end, ``.gz``."""
    deliver_to(aws, "named", CompressionFormat="GZIP")
    put(aws, "named", b"x\n")
    (key,) = landed(aws, "named", 1)

    assert re.fullmatch(r"year=\d{4}/named-1-\d{4}(-\d\d){5}-[0-9a-f-]{36}\.gz", key)


def test_a_file_extension_replaces_gz(aws: Emulator) -> None:
    """The extension asked for is the whole extension."""
    deliver_to(aws, "extended", CompressionFormat="GZIP", FileExtension=".jsonl.gz")
    put(aws, "extended", b"x\n")
    (key,) = landed(aws, "extended", 1)

    assert re.search(r"[0-9a-f]\.jsonl\.gz$", key)


def test_gzip_members_are_joined_as_they_are_and_named_gz(aws: Emulator) -> None:
    """Without compression no byte is added or decoded; the extension is all that the name gains."""
    members = [gzip.compress(b"%d\n" % number * 100) for number in range(3)]
    deliver_to(aws, "members", CompressionFormat="UNCOMPRESSED", FileExtension=".gz")
    put(aws, "members", *members)
    [(key, body)] = landed(aws, "members", 1).items()

    assert body == b"".join(members)
    assert re.fullmatch(r"year=\d{4}/members-1-\d{4}(-\d\d){5}-[0-9a-f-]{36}\.gz", key)


def test_a_full_buffer_is_written_before_its_time(aws: Emulator) -> None:
    """One MiB is written at once, a long interval notwithstanding; AWS's exact cut is not shown."""
    deliver_to(aws, "full", BufferingHints=PATIENT)
    put(aws, "full", *[b"x" * 300_000] * 4)
    put(aws, "full", b"rest")
    bodies = landed(aws, "full", 1).values()

    assert [len(body) for body in bodies] == [1_200_000]


def test_a_delimiter_is_added_only_if_asked_for(aws: Emulator) -> None:
    """The AppendDelimiterToRecord processor puts a newline after each record."""
    processing = {"Enabled": True, "Processors": [{"Type": "AppendDelimiterToRecord", "Parameters": []}]}
    deliver_to(aws, "delimited", ProcessingConfiguration=processing)
    put(aws, "delimited", b"a", b"b")

    assert list(landed(aws, "delimited", 1).values()) == [b"a\nb\n"]


def test_deleting_the_delivery_stream_writes_what_it_holds(aws: Emulator) -> None:
    """Nothing is lost by a destroy here; AWS makes no such promise."""
    deliver_to(aws, "deleted", BufferingHints=PATIENT)
    put(aws, "deleted", b"held\n")
    aws.client("firehose").delete_delivery_stream(DeliveryStreamName="deleted")
    objects = aws.client("s3").list_objects_v2(Bucket="deleted").get("Contents", [])

    assert [entry["Size"] for entry in objects] == [5]


def test_stopping_the_emulator_writes_what_is_held() -> None:
    """What was buffered is an object before the process ends."""
    with Emulator() as emulator:
        deliver_to(emulator, "stopped")
        put(emulator, "stopped", b"held\n")
        process = emulator._process
        assert process is not None
        process.stop()
        log = emulator.log.read_text()

    assert re.search(r"Wrote s3://stopped/year=\S+: 1 records, 5 bytes", log)


def test_an_object_that_s3_refuses_is_an_error_in_the_log(aws: Emulator) -> None:
    """A missing bucket is said with the bytes lost; AWS would retry for a day and log an error."""
    deliver_to(aws, "gone")
    aws.client("s3").delete_bucket(Bucket="gone")
    put(aws, "gone", b"x\n")
    aws.client("firehose").delete_delivery_stream(DeliveryStreamName="gone")

    assert re.search(r"Lost 2 bytes for s3://gone/", aws.log.read_text())


def destination(aws: Emulator, name: str) -> Any:
    """The description of the only destination."""
    description = aws.client("firehose").describe_delivery_stream(DeliveryStreamName=name)
    return description["DeliveryStreamDescription"]["Destinations"][0]


def test_the_description_has_time_zone_extension_and_backup(aws: Emulator) -> None:
    """What the Terraform provider compares is described, so that a second plan is empty."""
    backup = {"BucketARN": "arn:aws:s3:::described", "RoleARN": ROLE, "Prefix": "raw/"}
    deliver_to(
        aws, "described", FileExtension=".json.gz", S3BackupMode="Enabled", S3BackupConfiguration=backup
    )
    s3 = destination(aws, "described")["ExtendedS3DestinationDescription"]

    assert (s3["CustomTimeZone"], s3["FileExtension"], s3["S3BackupDescription"]["Prefix"]) == (
        "UTC",
        ".json.gz",
        "raw/",
    )


def test_dynamic_partitions_do_not_share_an_object(aws: Emulator) -> None:
    """Each evaluated prefix has a buffer of its own."""
    query = [
        {"ParameterName": "MetadataExtractionQuery", "ParameterValue": "{k:.k}"},
        {"ParameterName": "JsonParsingEngine", "ParameterValue": "JQ-1.6"},
    ]
    deliver_to(
        aws,
        "partitioned",
        Prefix="k=!{partitionKeyFromQuery:k}/!{timestamp:yyyy}/",
        DynamicPartitioningConfiguration={"Enabled": True},
        ProcessingConfiguration={
            "Enabled": True,
            "Processors": [{"Type": "MetadataExtraction", "Parameters": query}],
        },
    )
    put(aws, "partitioned", b'{"k":"a","n":1}\n', b'{"k":"b","n":2}\n', b'{"k":"a","n":3}\n')
    bodies = {key[:3]: body for key, body in landed(aws, "partitioned", 2).items()}

    assert bodies == {"k=a": b'{"k":"a","n":1}\n{"k":"a","n":3}\n', "k=b": b'{"k":"b","n":2}\n'}
