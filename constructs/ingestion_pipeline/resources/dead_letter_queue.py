"""The dead letter queue: events that could not be ingested after all retries."""

from ingestion_pipeline.resources.capability import Capability, Output
from ingestion_pipeline.resources.queue import QUEUE_CHARACTERS
from ingestion_pipeline.settings.names import Name

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
