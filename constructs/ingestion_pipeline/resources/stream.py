"""The record stream between fetching and delivering."""

from constructs import Construct

from ingestion_pipeline.bindings import KinesisStream
from ingestion_pipeline.resources import bill
from ingestion_pipeline.resources.bill import BillLine, Price
from ingestion_pipeline.resources.capability import Capability, Output, Read
from ingestion_pipeline.resources.conditions import exist_only_if
from ingestion_pipeline.resources.drawing import Drawing
from ingestion_pipeline.settings.forms import Form
from ingestion_pipeline.settings.names import Name
from ingestion_pipeline.settings.references import StreamReference
from ingestion_pipeline.settings.settings import Settings

NAMES = {
    Form.LINES: Name("stream", "stream", 128),
    Form.MEMBERS: Name("stream_gzip", "stream-gzip", 128),
}
"""https://docs.aws.amazon.com/streams/latest/APIReference/API_CreateStream.html"""

SHARD = Price("a shard, an hour", "0.015", "kinesis/data-streams")
RETENTION = Price("retention of 1 to 7 days, a shard, an hour", "0.020", "kinesis/data-streams")
PUTS = Price("a million puts of up to 25 KiB", "0.014", "kinesis/data-streams")
KEY_CALLS = Price("ten thousand requests to KMS", "0.03", "kms")

CAPABILITY = Capability(
    file="stream",
    inside=("stream", "stream-gzip"),
    names=tuple(NAMES.values()),
    drawn={"aws_kinesis_stream": Drawing("Kinesis stream", "[[ ]]")},
    reads={
        "aws_kinesis_stream": Read(
            "{name}",
            ("kinesis:{region}:{account}:stream/{name}",),
            ("kinesis:DescribeStreamSummary", "kinesis:ListTagsForStream"),
            ("kinesis:DescribeLimits",),
        )
    },
    losses={"aws_kinesis_stream": "its records are lost"},
    bill=(
        BillLine("Kinesis: shards", {"shard": SHARD}, lambda use: use.shard_hours * SHARD.usd),
        BillLine(
            "Kinesis: retention beyond 24 hours",
            {"retention": RETENTION},
            lambda use: (
                use.shard_hours
                * RETENTION.usd
                * (use.settings.stream.retention_hours > bill.FIRST_RETENTION_HOURS)
            ),
        ),
        BillLine("Kinesis: puts", {"units": PUTS}, lambda use: use.units * PUTS.usd / bill.MILLION),
        BillLine(
            "KMS",
            {"key_calls": KEY_CALLS},
            lambda use: use.shard_hours * bill.KEY_CALLS_PER_SHARD_HOUR * KEY_CALLS.usd / 10_000,
        ),
    ),
    outputs=(
        Output("stream_name", "0.1.0", "Kinesis stream of the records.", "stream.name"),
        Output("stream_arn", "0.1.0", "ARN of the stream, for further readers.", "stream.arn"),
    ),
)


class RecordStream(Construct):
    """A Kinesis data stream with a fixed number of shards, encrypted with KMS.

    Creates: the stream.

    Args:
        settings: Settings of the pipeline.
        form: Form of the records in it.

    Attributes:
        reference: Its name goes to the function, its ARN to whoever writes or reads.
    """

    def __init__(self, scope: Construct, id_: str, *, settings: Settings, form: Form = Form.LINES) -> None:
        super().__init__(scope, id_)
        table = settings.stream
        stream = KinesisStream(
            self,
            "stream",
            name=settings.names.of(NAMES[form]),
            shard_count=table.shard_count,
            retention_period=table.retention_hours,
            encryption_type="KMS",
            kms_key_id=table.kms_key,
            stream_mode_details={"stream_mode": "PROVISIONED"},
        )
        exist_only_if(stream, settings.forms.exists(form))
        self.reference = StreamReference(
            name=stream.name,
            arn=stream.arn,
            kms_key=table.kms_key,
            other_kms_keys=table.other_kms_keys,
            packing=form.packing,
        )
