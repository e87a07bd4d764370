"""Delivery: from the stream to the lake, without code."""

from collections.abc import Mapping, Sequence
from typing import Any

from cdktf import ITerraformDependable
from constructs import Construct

from ingestion_pipeline.bindings import CloudwatchLogStream, KinesisFirehoseDeliveryStream
from ingestion_pipeline.resources import policies
from ingestion_pipeline.resources.bill import GIB_MIB, BillLine, Price
from ingestion_pipeline.resources.capability import Capability, Output, Read
from ingestion_pipeline.resources.conditions import exist_only_if
from ingestion_pipeline.resources.drawing import ROLE, Drawing, Edge
from ingestion_pipeline.resources.log_group import LOG_GROUP, make_log_group
from ingestion_pipeline.resources.role import ROLE_CHARACTERS, Role
from ingestion_pipeline.settings.existing import Existing
from ingestion_pipeline.settings.expressions import chosen
from ingestion_pipeline.settings.forms import Form
from ingestion_pipeline.settings.names import DELIVERY, Name
from ingestion_pipeline.settings.references import BucketReference, StreamReference
from ingestion_pipeline.settings.settings import Settings
from ingestion_pipeline.settings.tables.delivery import DeliverySettings

ROLE_NAME = Name("delivery_role", "delivery", ROLE_CHARACTERS, with_region=True)

HOUR_FOLDERS = "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/"
"""Hive-style, so that a query engine prunes by time; the time is UTC and that of arrival."""

FIREHOSE = Price("Firehose, a GB", "0.029", "firehose")

CAPABILITY = Capability(
    file="delivery",
    names=(*DELIVERY.values(), ROLE_NAME),
    drawn={
        "aws_kinesis_firehose_delivery_stream": Drawing(
            "Firehose",
            edges={
                "kinesis_stream_arn": Edge("records", reverse=True),
                "bucket_arn": Edge("objects by the hour"),
                "log_group_name": Edge("errors", dotted=True),
                "role_arn": ROLE,
            },
        ),
    },
    remarks={
        "aws_kinesis_firehose_delivery_stream.extended_s3_configuration.file_extension": (
            "What it reads are gzip members: joined they are a file of gzip, with the name that Firehose "
            "gives its own: https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html"
        ),
        "sts:ExternalId": "Without it, another account's Firehose could be talked into using the role.",
        "aws_kinesis_firehose_delivery_stream.depends_on": (
            "A role whose policy is not there yet fails the first apply now and then: "
            "https://github.com/hashicorp/terraform-provider-aws/issues/47937. The bucket's policy is the "
            "last of what protects it, and has to be there before the first object."
        ),
    },
    reads={
        "aws_kinesis_firehose_delivery_stream": Read(
            "{name}",
            ("firehose:{region}:{account}:deliverystream/{name}",),
            ("firehose:DescribeDeliveryStream", "firehose:ListTagsForDeliveryStream"),
        ),
        # CloudWatch checks this action on the group's ARN with another ending.
        "aws_cloudwatch_log_stream": Read(
            "{log_group_name}", (LOG_GROUP, f"{LOG_GROUP}:*"), ("logs:DescribeLogStreams",)
        ),
    },
    # A new one starts at its creation time: https://docs.aws.amazon.com/firehose/latest/dev/writing-with-kinesis-streams.html
    losses={"aws_kinesis_firehose_delivery_stream": "records that it has not delivered are lost"},
    bill=(BillLine("Firehose", {"firehose": FIREHOSE}, lambda use: use.sent_mib / GIB_MIB * FIREHOSE.usd),),
    outputs=(
        Output("delivery_stream_name", "0.1.0", "Firehose delivery stream.", "delivery_stream_name"),
        Output(
            "delivery_stream_arn",
            "0.1.0",
            "ARN of the delivery stream, for alarms and policies.",
            "delivery_stream_arn",
        ),
        Output(
            "delivery_role_arn", "0.1.0", "ARN of Firehose's role, for policies of keys.", "delivery_role.arn"
        ),
    ),
    module_outputs={
        "delivery_log_group_name": ("Log group of Firehose's errors.", "local.delivery_log_group.name"),
        "delivery_policy_json": (
            "What Firehose's role has to permit, for a role that you bring.",
            "local.delivery_policy",
        ),
    },
)


class Delivery(Construct):
    """A Firehose delivery stream for each form of records, which writes objects by the hour.

    Creates: a log group with one log stream, a role, one delivery stream or two.
    Protects: the role reads their streams and writes below two prefixes of one bucket and to one log
    stream; only Firehose on behalf of this account may assume it.

    Args:
        account_id: Account that it runs in.
        settings: Settings of the pipeline.
        streams: Streams to read, by the form of their records.
        bucket: Bucket for the objects.
        existing: The parts that exist.
        depends_on: Protects the bucket, so it must exist before the first object.

    Attributes:
        delivery_streams: Delivery streams by the form of the records that they read.
        role: Role of Firehose; a key's policy may have to name its ARN.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        account_id: str,
        settings: Settings,
        streams: Mapping[Form, StreamReference],
        bucket: BucketReference,
        existing: Existing,
        depends_on: Sequence[ITerraformDependable] = (),
    ) -> None:
        super().__init__(scope, id_)
        names, forms, delivery = settings.names, settings.forms, settings.delivery
        log_stream = self._log_stream(names.of(DELIVERY[Form.LINES]), delivery, existing)
        self.role = Role(
            self,
            "access",
            name=names.of(ROLE_NAME),
            trust=policies.trust("firehose.amazonaws.com", sts__ExternalId=account_id),
            permissions=[
                *policies.of_each_form(
                    streams,
                    forms,
                    lambda stream: [*policies.read_stream(stream.arn), *policies.read_with_key(stream)],
                ),
                *policies.write_objects(bucket.arn, [delivery.data_folder, delivery.error_prefix]),
                *policies.encrypt_objects(bucket),
                *policies.decrypt_objects(bucket),
                *policies.write_log_stream(log_stream.arn),
            ],
            existing=existing,
            part="delivery_role",
        )
        logging = {
            "enabled": True,
            "log_group_name": log_stream.log_group_name_input,
            "log_stream_name": log_stream.name,
        }
        self.delivery_streams: dict[Form, KinesisFirehoseDeliveryStream] = {}
        for form, stream in streams.items():
            delivery_stream = KinesisFirehoseDeliveryStream(
                self,
                f"delivery-stream{form.value}",
                name=names.of(DELIVERY[form]),
                destination="extended_s3",
                kinesis_source_configuration={
                    "kinesis_stream_arn": stream.arn,
                    "role_arn": self.role.role.arn,
                },
                extended_s3_configuration=self._destination(form, bucket, delivery, logging),
                depends_on=[*self.role.policies, *depends_on],
            )
            exist_only_if(delivery_stream, forms.exists(form))
            self.delivery_streams[form] = delivery_stream

    def _destination(
        self, form: Form, bucket: BucketReference, settings: DeliverySettings, logging: dict[str, Any]
    ) -> dict[str, Any]:
        """The arguments of the destination. Gzip members are not compressed again."""
        compression = (
            {"compression_format": settings.compression}
            if form is Form.LINES
            else {"compression_format": "UNCOMPRESSED", "file_extension": ".gz"}
        )
        return {
            "role_arn": self.role.role.arn,
            "bucket_arn": bucket.arn,
            "prefix": f"{settings.data_prefix}{HOUR_FOLDERS}",
            "error_output_prefix": f"{settings.error_prefix}!{{firehose:error-output-type}}/{HOUR_FOLDERS}",
            "buffering_size": settings.buffer_mib,
            "buffering_interval": settings.buffer_seconds,
            "cloudwatch_logging_options": logging,
            **compression,
        }

    def _log_stream(self, name: str, settings: DeliverySettings, existing: Existing) -> CloudwatchLogStream:
        group = existing.use(
            "delivery_log_group",
            lambda: make_log_group(self, f"/aws/kinesisfirehose/{name}", settings.log_retention_days),
        )
        # A group that exists has the log streams of others too, so the name must be the pipeline's own.
        own_name = chosen(existing.has("delivery_log_group"), name, "DestinationDelivery")
        return CloudwatchLogStream(self, "log-stream", name=own_name, log_group_name=group.name)
