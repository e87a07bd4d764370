"""The stack's outputs: a contract with every stack that reads them from the state.

An output may be added. Only a major version renames, removes or redefines one.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestion_pipeline.pipeline import IngestionPipeline


@dataclass(frozen=True)
class Output:
    """One value that others may rely on.

    Attributes:
        name: In Terraform.
        since: The version that brought it.
        meaning: A sentence for `terraform output` and the documents.
        value: Where a pipeline has it.
    """

    name: str
    since: str
    meaning: str
    value: "Callable[[IngestionPipeline], str]"


OUTPUTS = (
    Output("bucket_name", "0.1.0", "Bucket that holds the records.", lambda p: p.bucket.name),
    Output("bucket_arn", "0.1.0", "ARN of the bucket, for readers' policies.", lambda p: p.bucket.arn),
    Output("stream_name", "0.1.0", "Kinesis stream of the records.", lambda p: p.stream.name),
    Output("stream_arn", "0.1.0", "ARN of the stream, for further readers.", lambda p: p.stream.arn),
    Output("function_name", "0.1.0", "Function to invoke.", lambda p: p.function.function_name),
    Output("function_arn", "0.1.0", "ARN of the function, for triggers.", lambda p: p.function.arn),
    Output(
        "function_role_arn",
        "0.1.0",
        "ARN of the function's role, for policies of keys and secrets.",
        lambda p: p.function_role.arn,
    ),
    Output(
        "delivery_stream_name",
        "0.1.0",
        "Firehose delivery stream.",
        lambda p: p.delivery_stream_name,
    ),
    Output(
        "delivery_stream_arn",
        "0.1.0",
        "ARN of the delivery stream, for alarms and policies.",
        lambda p: p.delivery_stream_arn,
    ),
    Output(
        "delivery_role_arn",
        "0.1.0",
        "ARN of Firehose's role, for policies of keys.",
        lambda p: p.delivery_role.arn,
    ),
    Output(
        "dead_letter_queue_url", "0.1.0", "Queue of events that failed.", lambda p: p.dead_letter_queue.url
    ),
    Output(
        "dead_letter_queue_arn",
        "0.1.0",
        "ARN of that queue, for whoever replays.",
        lambda p: p.dead_letter_queue.arn,
    ),
    Output("work_queue_url", "0.1.0", "Queue to send events to.", lambda p: p.work_queue.url),
    Output("work_queue_arn", "0.1.0", "ARN of that queue, for whoever sends.", lambda p: p.work_queue.arn),
    Output(
        "function_url",
        "0.1.0",
        "URL of the function, for signed requests; empty without `function.url_enabled`.",
        lambda p: p.function_url,
    ),
)
