"""The dead letter queue: events whose invocation failed after all retries."""

from constructs import Construct

from ingestion_pipeline.bindings import SqsQueue
from ingestion_pipeline.resources.documents import policy_document
from ingestion_pipeline.resources.drawing import Drawing
from ingestion_pipeline.resources.policies import require_tls_to_queue
from ingestion_pipeline.settings.existing import QueueReference
from ingestion_pipeline.settings.expressions import either_or_none, given, negated, times
from ingestion_pipeline.settings.names import Name
from ingestion_pipeline.settings.tables import DeadLetterSettings

SECONDS_A_DAY = 86_400
NAME = Name("dead_letter_queue", "dead-letters", 80)
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"""

DRAWN = {"aws_sqs_queue": Drawing("SQS queue", "[[ ]]")}

REMARKS = {
    "aws_sqs_queue.policy": "Within the queue: a policy of its own takes 25 s more to deploy.",
}


class DeadLetterQueue(Construct):
    """An SQS queue that keeps each event that could not be ingested, with the reason.

    Creates: the queue with its policy, in one resource.
    Protects: encrypted with a key of SQS; refuses requests without TLS.

    Args:
        scope: Parent in the construct tree.
        id_: Name within the parent; becomes part of the Terraform address.
        name: The queue's, up to 80 characters.
        partition: That the Region belongs to.
        region: Where it is.
        account_id: Of the account that it runs in.
        settings: Days that an event is kept, and the key.

    Attributes:
        reference: Its ARN goes to the function, its URL to whoever reads it.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        partition: str,
        region: str,
        account_id: str,
        settings: DeadLetterSettings,
    ) -> None:
        super().__init__(scope, id_)
        # Within the queue, which cannot refer to itself: a policy of its own takes 25 s more to deploy.
        arn = f"arn:{partition}:sqs:{region}:{account_id}:{name}"
        has_key = given(settings.kms_key)
        queue = SqsQueue(
            self,
            "queue",
            name=name,
            message_retention_seconds=times(settings.queue_retention_days, SECONDS_A_DAY),
            sqs_managed_sse_enabled=either_or_none(negated(has_key), True),
            kms_master_key_id=either_or_none(has_key, settings.kms_key),
            policy=policy_document(require_tls_to_queue(arn)),
        )
        self.reference = QueueReference(arn=queue.arn, url=queue.url, kms_key=settings.kms_key)
