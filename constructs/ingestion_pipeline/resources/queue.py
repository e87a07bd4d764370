"""A private queue: what every queue of the project has in common."""

from typing import Any

from constructs import Construct

from ingestion_pipeline.bindings import SqsQueue
from ingestion_pipeline.resources.bill import MILLION, REQUESTS_PER_EVENT, BillLine, Price
from ingestion_pipeline.resources.capability import Capability, Read
from ingestion_pipeline.resources.documents import policy_document
from ingestion_pipeline.resources.drawing import Drawing, Edge
from ingestion_pipeline.resources.policies import require_tls
from ingestion_pipeline.settings.expressions import either_or_none, given, negated, times
from ingestion_pipeline.settings.names import Name, Names
from ingestion_pipeline.settings.references import QueueReference

SECONDS_A_DAY = 86_400
QUEUE_CHARACTERS = 80
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"""

REQUESTS = Price("a million requests to SQS", "0.40", "sqs")

CAPABILITY = Capability(
    drawn={
        "aws_sqs_queue": Drawing("SQS queue", "[[ ]]", {"redrive_policy": Edge("failed events", dotted=True)})
    },
    remarks={
        "aws_sqs_queue.policy": "Within the queue: a policy of its own takes 25 s more to deploy.",
    },
    reads={
        "aws_sqs_queue": Read(
            "{name}", ("sqs:{region}:{account}:{name}",), ("sqs:GetQueueAttributes", "sqs:ListQueueTags")
        )
    },
    losses={"aws_sqs_queue": "its messages are lost"},
    bill=(
        BillLine(
            "SQS: polling, if the work queue is consumed",
            {"queue_requests": REQUESTS},
            lambda use: use.polls * REQUESTS.usd / MILLION,
        ),
        BillLine(
            "SQS: events",
            {"queue_requests": REQUESTS},
            lambda use: use.runs * REQUESTS_PER_EVENT * REQUESTS.usd / MILLION,
        ),
    ),
)


class PrivateQueue(Construct):
    """A standard SQS queue that is encrypted, reached over TLS only, and used by the account's own roles.

    Its policy permits nothing to anybody, so that only a role of the account that is granted an action has
    it. A service that sends does so with such a role.

    Creates: the queue with its policy, in one resource.

    Args:
        names: Names of the pipeline, with its Region.
        name: Name of the queue among them.
        account_id: Account of the queue.
        retention_days: Days that a message is kept, 1 to 14.
        kms_key: ARN of the key that encrypts it; empty: one of SQS's own.
        other_kms_keys: The next key before a change, and the former one after it.
        arguments: Extra arguments of the queue.

    Attributes:
        reference: Its ARN goes to whoever uses it, its URL to whoever sends or reads.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        names: Names,
        name: Name,
        account_id: str,
        retention_days: int,
        kms_key: str,
        other_kms_keys: tuple[str, ...] = (),
        arguments: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(scope, id_)
        # Within the queue, which cannot refer to itself: a policy of its own takes 25 s more to deploy.
        arn = f"arn:{names.partition}:sqs:{names.region}:{account_id}:{names.of(name)}"
        has_key = given(kms_key)
        queue = SqsQueue(
            self,
            "queue",
            name=names.of(name),
            message_retention_seconds=times(retention_days, SECONDS_A_DAY),
            sqs_managed_sse_enabled=either_or_none(negated(has_key), True),
            kms_master_key_id=either_or_none(has_key, kms_key),
            policy=policy_document(require_tls("sqs", arn)),
            **(arguments or {}),
        )
        self.reference = QueueReference(
            arn=queue.arn, url=queue.url, kms_key=kms_key, other_kms_keys=other_kms_keys
        )
