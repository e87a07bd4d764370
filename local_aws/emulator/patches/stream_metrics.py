"""CloudWatch: what comes to a stream, and what Firehose reads of it, is measured; not so by the emulator.

How late Firehose delivers is measured where it does, in ``firehose_buffers``. It is never behind the stream.
https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html
https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html
"""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import cloudwatch, firehose, kinesis

from local_aws.emulator.patches import patch_point

Answer = tuple[int, dict[str, str], bytes]


def apply() -> None:
    """Measures both ways to put records, and each record that Firehose reads."""
    for name in ("_put_record", "_put_records"):
        patch_point.wrap(kinesis, name, _put, patch_point.seam(kinesis, "_resolve_stream"))
    patch_point.wrap(firehose, "_deliver_to_s3", _read)


def _put(
    original: Callable[[Any], Answer],
    resolve: Callable[[Any], tuple[str, Any]],
    request: Mapping[str, Any],
) -> Answer:
    answer = original(request)
    if answer[0] == 200:
        name, _ = resolve(request)
        count = len(request.get("Records", ["one"]))
        cloudwatch.record_metric("AWS/Kinesis", "IncomingRecords", count, "Count", {"StreamName": name})
    return answer


def _read(original: Callable[..., None], stream: Mapping[str, Any], *more: Any) -> None:
    name = {"DeliveryStreamName": stream["arn"].rpartition("/")[2]}
    cloudwatch.record_metric("AWS/Firehose", "DataReadFromKinesisStream.Records", 1, "Count", name)
    cloudwatch.record_metric("AWS/Firehose", "KinesisMillisBehindLatest", 0, "Milliseconds", name)
    original(stream, *more)
