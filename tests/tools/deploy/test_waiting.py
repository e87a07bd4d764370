"""Which messages a deployment leaves waiting, with SQS's answers in botocore's own stubs."""

from typing import TYPE_CHECKING, cast

import botocore.session
import pytest
from botocore.stub import Stubber

from tools.deploy.waiting import COUNTS, left_waiting, switched_off

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/our-work"


@pytest.fixture
def sqs() -> Stubber:
    """SQS, which answers what it is told."""
    client = botocore.session.Session().create_client(
        "sqs", "eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    return Stubber(client)


@pytest.mark.parametrize(("enabled", "queues"), [(False, ["our-work"]), (True, [])])
def test_a_queue_is_switched_off_by_its_mapping(enabled: bool, queues: list[str]) -> None:
    """The stack's JSON tells it before Terraform is asked."""
    mapping = {"event_source_arn": "${aws_sqs_queue.work_A1-b.arn}", "enabled": enabled}
    stack = {
        "resource": {
            "aws_lambda_event_source_mapping": {"mapping": mapping},
            "aws_sqs_queue": {"work_A1-b": {"name": "our-work"}},
        }
    }

    assert switched_off(stack) == queues


@pytest.mark.parametrize(
    ("counts", "told"), [((0, 0, 0), ""), ((3, 0, 0), "3 messages"), ((0, 0, 1), "1 message")]
)
def test_what_waits_is_counted_with_what_is_delayed(sqs: Stubber, counts: tuple[int, ...], told: str) -> None:
    """A retry waits up to 15 minutes, unseen by the first two counts."""
    numbers = dict(zip(COUNTS, map(str, counts), strict=True))
    sqs.add_response("get_queue_url", {"QueueUrl": URL}, {"QueueName": "our-work"})
    sqs.add_response("get_queue_attributes", {"Attributes": numbers})
    with sqs:
        message = left_waiting("our-work", cast("SQSClient", sqs.client))

    assert (told in message, bool(message)) == (True, bool(told))


def test_a_queue_that_is_not_made_yet_has_nothing_waiting(sqs: Stubber) -> None:
    """The first deployment says nothing."""
    sqs.add_client_error("get_queue_url", "AWS.SimpleQueueService.NonExistentQueue", http_status_code=400)
    with sqs:
        message = left_waiting("our-work", cast("SQSClient", sqs.client))

    assert message == ""
