"""The dead letter queue: events that could not be ingested after all retries."""

from constructs import Construct

from ingestion_pipeline.resources.capability import Capability, Output
from ingestion_pipeline.resources.queue import QUEUE_CHARACTERS, PrivateQueue
from ingestion_pipeline.settings.names import Name, Names
from ingestion_pipeline.settings.tables.dead_letters import DeadLetterSettings

NAME = Name("dead_letter_queue", "dead-letters", QUEUE_CHARACTERS)

CAPABILITY = Capability(
    file="dead_letters",
    names=(NAME,),
    outputs=(
        Output("dead_letter_queue_url", "0.1.0", "Queue of events that failed.", "dead_letter_queue.url"),
        Output(
            "dead_letter_queue_arn",
            "0.1.0",
            "ARN of that queue, for whoever replays.",
            "dead_letter_queue.arn",
        ),
    ),
)


class DeadLetterQueue(PrivateQueue):
    """An SQS queue that keeps each event that could not be ingested, with the reason.

    Creates: a `PrivateQueue`.

    Args:
        scope: Parent in the construct tree.
        id_: Name within the parent; becomes part of the Terraform address.
        names: Names of the pipeline, with its Region.
        account_id: Account of the queue.
        settings: Days that an event is kept, and the key.

    Attributes:
        reference: Its ARN goes to the function, its URL to whoever reads it.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        names: Names,
        account_id: str,
        settings: DeadLetterSettings,
    ) -> None:
        super().__init__(
            scope,
            id_,
            names=names,
            name=NAME,
            account_id=account_id,
            retention_days=settings.queue_retention_days,
            kms_key=settings.kms_key,
        )
