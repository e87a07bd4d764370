"""Pages that more than one module names."""

SQS_KEYS = (
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html"
)
SQS_QUOTAS = (
    "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html"
)
LAMBDA_SQS_SCALING = "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html"
REPOSITORY = "github.com/ORG/REPO"
"""The repository of this project."""
RUNBOOK = f"https://{REPOSITORY}/blob/main/docs/runbook.md"
