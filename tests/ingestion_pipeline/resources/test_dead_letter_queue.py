import pytest

from ingestion_pipeline.settings.names import Names
from tests.ingestion_pipeline.conftest import Synthesize
from tests.ingestion_pipeline.synthesized import Synthesized


def queue(synthesize: Synthesize, retention_days: int, kms_key: str = "") -> Synthesized:
    """A stack with the queue."""
    from ingestion_pipeline.resources.dead_letter_queue import NAME
    from ingestion_pipeline.resources.queue import PrivateQueue

    return synthesize(
        lambda stack: PrivateQueue(
            stack,
            "dead-letters",
            names=Names("our", "dev", "cn-north-1"),
            name=NAME,
            account_id="123456789012",
            retention_days=retention_days,
            kms_key=kms_key,
        )
    )


@pytest.fixture(scope="module")
def default(synthesize: Synthesize) -> Synthesized:
    """The queue with the default retention."""
    return queue(synthesize, 14)


class TestDefaults:
    def test_keeps_events_as_long_as_sqs_can(self, default: Synthesized) -> None:
        """Fourteen days are 1,209,600 seconds, the most that SQS takes."""
        made = default.only("aws_sqs_queue")

        assert (made["name"], made["message_retention_seconds"]) == ("our-dev-dead-letters", 1_209_600)


class TestCustomised:
    def test_keeps_events_for_the_days_given(self, synthesize: Synthesize) -> None:
        """One day is 86,400 seconds."""
        made = queue(synthesize, 1).only("aws_sqs_queue")

        assert made["message_retention_seconds"] == 86_400


class TestGuarded:
    def test_is_encrypted(self, default: Synthesized) -> None:
        """Events are encrypted at rest by SQS."""
        made = default.only("aws_sqs_queue")

        assert made["sqs_managed_sse_enabled"] is True

    def test_refuses_plain_http(self, default: Synthesized) -> None:
        """Everybody is denied everything on the queue that does not come over TLS, in any partition."""
        assert default.statements("aws_sqs_queue") == [
            {
                "Sid": "RequireTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["sqs:*"],
                "Resource": ["arn:aws-cn:sqs:cn-north-1:123456789012:our-dev-dead-letters"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ]


class TestKey:
    def test_a_key_of_the_users_takes_the_place_of_sqs_own(self, synthesize: Synthesize) -> None:
        """SQS refuses both at once."""
        key = "arn:aws:kms:eu-west-1:123456789012:key/queue"
        made = queue(synthesize, 14, key).only("aws_sqs_queue")

        assert (made["kms_master_key_id"], "sqs_managed_sse_enabled" in made) == (key, False)
