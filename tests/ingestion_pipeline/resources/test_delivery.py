from dataclasses import replace

import pytest

from ingestion_pipeline.settings.existing import Existing
from ingestion_pipeline.settings.forms import Form
from ingestion_pipeline.settings.references import BucketReference, StreamReference
from tests.ingestion_pipeline.conftest import Synthesize
from tests.ingestion_pipeline.synthesized import Json, Synthesized, settings_of

STREAM = "arn:partition:kinesis:eu-west-1:123456789012:stream/our-stream"
BUCKET = "arn:partition:s3:::our-bucket"
KEY = "arn:partition:kms:eu-west-1:123456789012:key/ours"
OTHER_KEYS = (f"{KEY}-next", f"{KEY}-former")
HOURS = "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/"


def delivery(
    synthesize: Synthesize,
    *,
    key: str = "alias/aws/kinesis",
    other_keys: tuple[str, ...] = (),
    **settings: object,
) -> Synthesized:
    """A stack with the delivery of some settings, and a bucket that protects itself first."""
    from ingestion_pipeline.bindings import CloudwatchLogGroup
    from ingestion_pipeline.resources.delivery import Delivery
    from ingestion_pipeline.settings.tables.delivery import DeliverySettings

    chosen = replace(settings_of("our"), delivery=DeliverySettings(**settings))  # type: ignore[arg-type]
    return synthesize(
        lambda stack: Delivery(
            stack,
            "delivery",
            account_id="123456789012",
            streams={
                Form.LINES: StreamReference(
                    name="our-stream", arn=STREAM, kms_key=key, other_kms_keys=other_keys
                )
            },
            bucket=BucketReference(name="our-bucket", arn=BUCKET),
            settings=chosen,
            existing=Existing(),
            depends_on=[CloudwatchLogGroup(stack, "first", name="stands-for-the-bucket-policy")],
        )
    )


def destination(stack: Synthesized) -> Json:
    """Where the delivery stream writes."""
    made: Json = stack.only("aws_kinesis_firehose_delivery_stream")["extended_s3_configuration"]
    return made


@pytest.fixture(scope="module")
def default(synthesize: Synthesize) -> Synthesized:
    """The delivery of the default settings."""
    return delivery(synthesize)


@pytest.fixture(scope="module")
def customised(synthesize: Synthesize) -> Synthesized:
    """The delivery with everything set."""
    return delivery(
        synthesize,
        buffer_mib=128,
        buffer_seconds=0,
        compression="UNCOMPRESSED",
        data_prefix="raw/",
        error_prefix="failed/",
        log_retention_days=3653,
    )


class TestDefaults:
    @pytest.mark.parametrize(
        ("argument", "value"),
        [
            ("buffering_size", 5),
            ("buffering_interval", 300),
            ("compression_format", "GZIP"),
            ("bucket_arn", BUCKET),
            ("prefix", f"data/{HOURS}"),
            ("error_output_prefix", f"errors/!{{firehose:error-output-type}}/{HOURS}"),
        ],
    )
    def test_is_as_designed(self, default: Synthesized, argument: str, value: object) -> None:
        """Objects of 5 MiB or 300 s, compressed, lie by the hour; errors by their kind and hour."""
        given = destination(default)[argument]

        assert given == value

    def test_writes_to_s3_the_extended_way(self, default: Synthesized) -> None:
        """The destination is the one that can log its errors."""
        made = default.only("aws_kinesis_firehose_delivery_stream")

        assert made["destination"] == "extended_s3"

    def test_reads_the_stream(self, default: Synthesized) -> None:
        """What is delivered is read from the stream that was given, in the delivery's own role."""
        source = default.only("aws_kinesis_firehose_delivery_stream")["kinesis_source_configuration"]
        role = f"${{{default.address('aws_iam_role')}.arn}}"

        assert source == {"kinesis_stream_arn": STREAM, "role_arn": role}

    def test_logs_its_errors(self, default: Synthesized) -> None:
        """What goes wrong is logged to one stream of its own log group."""
        logging = destination(default)["cloudwatch_logging_options"]
        group = default.address("aws_cloudwatch_log_group", "delivery")
        stream = default.address("aws_cloudwatch_log_stream")

        assert logging == {
            "enabled": True,
            "log_group_name": f"${{{group}.name}}",
            "log_stream_name": f"${{{stream}.name}}",
        }

    def test_log_is_named_for_the_delivery_and_ends(self, default: Synthesized) -> None:
        """The log group lies where the console looks for it and keeps 14 days."""
        group = default.only("aws_cloudwatch_log_group", "delivery")

        assert (group["name"], group["retention_in_days"]) == ("/aws/kinesisfirehose/our-dev-delivery", 14)

    def test_data_lies_in_a_folder_of_its_own(self, default: Synthesized) -> None:
        """Whoever reads the folder of the data, such as a crawler, reads no errors."""
        data, errors = (destination(default)[name] for name in ("prefix", "error_output_prefix"))

        assert (data.split("/")[0], errors.split("/")[0]) == ("data", "errors")


class TestCustomised:
    @pytest.mark.parametrize(
        ("argument", "value"),
        [
            ("buffering_size", 128),
            ("buffering_interval", 0),
            ("compression_format", "UNCOMPRESSED"),
            ("prefix", f"raw/{HOURS}"),
            ("error_output_prefix", f"failed/!{{firehose:error-output-type}}/{HOURS}"),
        ],
    )
    def test_takes_every_setting(self, customised: Synthesized, argument: str, value: object) -> None:
        """Buffers, compression and prefixes are the user's; the hours stay."""
        given = destination(customised)[argument]

        assert given == value

    def test_keeps_its_log_as_long_as_told(self, customised: Synthesized) -> None:
        """The log's days are the user's."""
        group = customised.only("aws_cloudwatch_log_group", "delivery")

        assert group["retention_in_days"] == 3653


class TestGuarded:
    def test_objects_only_below_the_two_prefixes(self, default: Synthesized) -> None:
        """Objects may be written where data and errors go, and nowhere else in the bucket."""
        (objects,) = [s for s in default.statements("aws_iam_role_policy") if "s3:PutObject" in s["Action"]]

        assert objects["Resource"] == [f"{BUCKET}/data/year=*", f"{BUCKET}/errors/*"]

    def test_prefixes_of_the_user_are_the_ones_allowed(self, customised: Synthesized) -> None:
        """With other prefixes, the permission is for those."""
        (objects,) = [
            s for s in customised.statements("aws_iam_role_policy") if "s3:PutObject" in s["Action"]
        ]

        assert objects["Resource"] == [f"{BUCKET}/raw/year=*", f"{BUCKET}/failed/*"]

    @pytest.mark.parametrize("prefix", ["prefix", "error_output_prefix"])
    def test_what_is_written_is_allowed(self, customised: Synthesized, prefix: str) -> None:
        """Each prefix that Firehose writes to begins as one that its role may write."""
        (objects,) = [
            s for s in customised.statements("aws_iam_role_policy") if "s3:PutObject" in s["Action"]
        ]
        allowed = [arn.removeprefix(f"{BUCKET}/").removesuffix("*") for arn in objects["Resource"]]

        assert any(destination(customised)[prefix].startswith(start) for start in allowed)

    def test_role_does_nothing_else(self, default: Synthesized) -> None:
        """Reading one stream, using one bucket and writing one log stream is all that it may do."""
        permitted = {
            action: statement["Resource"]
            for statement in default.statements("aws_iam_role_policy")
            for action in statement["Action"]
        }
        objects = [f"{BUCKET}/data/year=*", f"{BUCKET}/errors/*"]
        log_stream = f"${{{default.address('aws_cloudwatch_log_stream')}.arn}}"

        assert permitted == {
            "kinesis:DescribeStream": [STREAM],
            "kinesis:GetRecords": [STREAM],
            "kinesis:GetShardIterator": [STREAM],
            "kinesis:ListShards": [STREAM],
            "s3:GetBucketLocation": [BUCKET],
            "s3:ListBucket": [BUCKET],
            "s3:ListBucketMultipartUploads": [BUCKET],
            "s3:AbortMultipartUpload": objects,
            "s3:GetObject": objects,
            "s3:PutObject": objects,
            "logs:PutLogEvents": [log_stream],
        }

    def test_a_key_of_the_user_only_opens_the_stream(self, synthesize: Synthesize) -> None:
        """With a customer's key the role may decrypt that one stream's records with it, and nothing else."""
        (decrypting,) = [
            statement
            for statement in delivery(synthesize, key=KEY).statements("aws_iam_role_policy")
            if "kms:Decrypt" in statement["Action"]
        ]

        assert (decrypting["Resource"], decrypting["Condition"]) == (
            [KEY],
            {"StringEquals": {"kms:EncryptionContext:aws:kinesis:arn": STREAM}},
        )

    def test_other_keys_only_open_the_stream(self, synthesize: Synthesize) -> None:
        """The next and the former key decrypt that one stream's records, whichever key is in use."""
        decrypting = [
            (statement["Resource"], list(statement["Condition"]["StringEquals"].values()))
            for statement in delivery(synthesize, key=KEY, other_keys=OTHER_KEYS).statements(
                "aws_iam_role_policy"
            )
            if "kms:Decrypt" in statement["Action"]
        ]

        assert decrypting == [([KEY], [STREAM]), (list(OTHER_KEYS), [STREAM])]

    def test_only_for_this_account(self, default: Synthesized) -> None:
        """Firehose may take the role only in this account's name: no confused deputy."""
        assert default.statements("assume_role_policy") == [
            {
                "Sid": "Trust",
                "Effect": "Allow",
                "Action": ["sts:AssumeRole"],
                "Principal": {"Service": "firehose.amazonaws.com"},
                "Condition": {"StringEquals": {"sts:ExternalId": "123456789012"}},
            }
        ]

    def test_waits_for_permission_and_protection(self, default: Synthesized) -> None:
        """The delivery stream is made after its role's policy and after what protects the bucket."""
        waits = default.only("aws_kinesis_firehose_delivery_stream")["depends_on"]

        assert waits == [
            default.address("aws_iam_role_policy"),
            default.address("aws_cloudwatch_log_group", "first"),
        ]
