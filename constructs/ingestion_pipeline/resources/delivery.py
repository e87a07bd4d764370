"""Delivery: from the stream to the lake, without code."""

from collections.abc import Sequence

from cdktf import ITerraformDependable
from constructs import Construct

from ingestion_pipeline.bindings import (
    CloudwatchLogGroup,
    CloudwatchLogStream,
    KinesisFirehoseDeliveryStream,
    KinesisFirehoseDeliveryStreamExtendedS3Configuration,
    KinesisFirehoseDeliveryStreamExtendedS3ConfigurationCloudwatchLoggingOptions,
    KinesisFirehoseDeliveryStreamKinesisSourceConfiguration,
)
from ingestion_pipeline.resources.drawing import LOG_GROUP, ROLE, Drawing, Edge
from ingestion_pipeline.resources.policies import (
    decrypt_objects,
    encrypt_objects,
    read_stream,
    read_with_key,
    trust,
    write_log_stream,
    write_objects,
)
from ingestion_pipeline.resources.role import ROLE_CHARACTERS, Role
from ingestion_pipeline.settings.existing import (
    BucketReference,
    Existing,
    LogGroupReference,
    StreamReference,
)
from ingestion_pipeline.settings.expressions import chosen
from ingestion_pipeline.settings.names import Name, Names
from ingestion_pipeline.settings.tables import DATA_FOLDER, DeliverySettings

NAME = Name("delivery_stream", "delivery", 64)
"""https://docs.aws.amazon.com/firehose/latest/APIReference/API_CreateDeliveryStream.html"""
ROLE_NAME = Name("delivery_role", "delivery", ROLE_CHARACTERS, with_region=True)

HOUR_FOLDERS = "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/"
"""Hive-style, so that a query engine prunes by time; the time is UTC and that of arrival."""

DRAWN = {
    "aws_kinesis_firehose_delivery_stream": Drawing(
        "Firehose",
        edges={
            "kinesis_stream_arn": Edge("records", reverse=True),
            "bucket_arn": Edge("objects by the hour"),
            "log_group_name": Edge("errors", dotted=True),
            "role_arn": ROLE,
        },
    ),
    **LOG_GROUP,
}

REMARKS = {
    "sts:ExternalId": "Without it, another account's Firehose could be talked into using the role.",
    "aws_kinesis_firehose_delivery_stream.depends_on": (
        "A role whose policy is not there yet fails the first apply now and then: "
        "https://github.com/hashicorp/terraform-provider-aws/issues/47937. The bucket's policy is the last "
        "of what protects it, and has to be there before the first object."
    ),
}


class Delivery(Construct):
    """A Firehose delivery stream that reads the record stream and writes objects by the hour.

    Creates: a log group with one log stream, a role, the delivery stream.
    Protects: the role reads one stream and writes below two prefixes of one bucket and to one log
    stream; only Firehose on behalf of this account may assume it.

    Args:
        scope: Parent in the construct tree.
        id_: Name within the parent; becomes part of the Terraform address.
        names: Gives the names of the delivery stream and of the role.
        account_id: Of the account that it runs in.
        stream: What is read.
        bucket: Where objects are written.
        settings: Buffers, compression, prefixes, days that the log is kept.
        existing: The parts that exist.
        depends_on: What protects the bucket and has to be there before the first object.

    Attributes:
        delivery_stream: Its name is an output.
        role: Whose ARN a key's policy may have to name.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        names: Names,
        account_id: str,
        stream: StreamReference,
        bucket: BucketReference,
        settings: DeliverySettings,
        existing: Existing,
        depends_on: Sequence[ITerraformDependable] = (),
    ) -> None:
        super().__init__(scope, id_)
        name = names.of(NAME)
        log_stream = self._log_stream(name, settings, existing)
        prefixes = [f"{settings.data_prefix}{DATA_FOLDER}", settings.error_prefix]
        self.role = Role(
            self,
            "access",
            name=names.of(ROLE_NAME),
            trust=trust("firehose.amazonaws.com", sts__ExternalId=account_id),
            permissions=[
                *read_stream(stream.arn),
                *read_with_key(stream),
                *write_objects(bucket.arn, prefixes),
                *encrypt_objects(bucket),
                *decrypt_objects(bucket),
                *write_log_stream(log_stream.arn),
            ],
            existing=existing,
            part="delivery_role",
        )
        logging = KinesisFirehoseDeliveryStreamExtendedS3ConfigurationCloudwatchLoggingOptions(
            enabled=True, log_group_name=log_stream.log_group_name_input, log_stream_name=log_stream.name
        )
        source = KinesisFirehoseDeliveryStreamKinesisSourceConfiguration(
            kinesis_stream_arn=stream.arn, role_arn=self.role.role.arn
        )
        destination = KinesisFirehoseDeliveryStreamExtendedS3Configuration(
            role_arn=self.role.role.arn,
            bucket_arn=bucket.arn,
            prefix=f"{settings.data_prefix}{HOUR_FOLDERS}",
            error_output_prefix=f"{settings.error_prefix}!{{firehose:error-output-type}}/{HOUR_FOLDERS}",
            buffering_size=settings.buffer_mib,
            buffering_interval=settings.buffer_seconds,
            compression_format=settings.compression,
            cloudwatch_logging_options=logging,
        )
        self.delivery_stream = KinesisFirehoseDeliveryStream(
            self,
            "delivery-stream",
            name=name,
            destination="extended_s3",
            kinesis_source_configuration=source,
            extended_s3_configuration=destination,
            depends_on=[*self.role.policies, *depends_on],
        )

    def _log_stream(self, name: str, settings: DeliverySettings, existing: Existing) -> CloudwatchLogStream:
        def make() -> LogGroupReference:
            group = CloudwatchLogGroup(
                self,
                "log-group",
                name=f"/aws/kinesisfirehose/{name}",
                retention_in_days=settings.log_retention_days,
            )
            return LogGroupReference(name=group.name, arn=group.arn)

        group = existing.use("delivery_log_group", make)
        # In a group that exists, it stands beside the log streams of others.
        own_name = chosen(existing.has("delivery_log_group"), name, "DestinationDelivery")
        return CloudwatchLogStream(self, "log-stream", name=own_name, log_group_name=group.name)
