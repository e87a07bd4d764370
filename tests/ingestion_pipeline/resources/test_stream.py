import pytest

from tests.ingestion_pipeline.conftest import Synthesize
from tests.ingestion_pipeline.synthesized import Json


def stream(synthesize: Synthesize, **settings: object) -> Json:
    """The stream that some settings make."""
    from ingestion_pipeline.resources.stream import RecordStream
    from ingestion_pipeline.settings.settings import Settings
    from ingestion_pipeline.settings.tables.stream import StreamSettings

    chosen = Settings(stream=StreamSettings(**settings))  # type: ignore[arg-type]
    stack = synthesize(lambda s: RecordStream(s, "records", settings=chosen))
    return stack.only("aws_kinesis_stream")


@pytest.fixture(scope="module")
def default(synthesize: Synthesize) -> Json:
    """The stream of the default settings."""
    return stream(synthesize)


class TestDefaults:
    @pytest.mark.parametrize(
        ("argument", "value"),
        [
            ("name", "data-ingestion-dev-stream"),
            ("shard_count", 2),
            ("retention_period", 24),
            ("stream_mode_details", {"stream_mode": "PROVISIONED"}),
        ],
    )
    def test_is_as_designed(self, default: Json, argument: str, value: object) -> None:
        """Two provisioned shards keep records for a day."""
        given = default[argument]

        assert given == value


class TestCustomised:
    def test_takes_every_setting(self, synthesize: Synthesize) -> None:
        """Shards, retention and key are the user's."""
        made = stream(
            synthesize,
            shard_count=7,
            retention_hours=8_760,
            kms_key="arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012",
        )

        assert (made["shard_count"], made["retention_period"], made["kms_key_id"]) == (
            7,
            8_760,
            "arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012",
        )


class TestGuarded:
    def test_is_encrypted(self, default: Json) -> None:
        """Records are encrypted with KMS, by Kinesis's own key unless another is given."""
        encryption = (default["encryption_type"], default["kms_key_id"])

        assert encryption == ("KMS", "alias/aws/kinesis")
