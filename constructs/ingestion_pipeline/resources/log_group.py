"""Log groups, which capabilities make for themselves."""

from constructs import Construct

from ingestion_pipeline.bindings import CloudwatchLogGroup
from ingestion_pipeline.resources.capability import Capability, Read
from ingestion_pipeline.resources.drawing import Drawing
from ingestion_pipeline.settings.references import LogGroupReference

LOG_GROUP_ID = "log-group"
LOG_GROUP = "logs:{region}:{account}:log-group:{name}"

CAPABILITY = Capability(
    drawn={"aws_cloudwatch_log_group": Drawing("Log group", "[/ /]", is_detail=True)},
    reads={
        "aws_cloudwatch_log_group": Read(
            "{name}", (LOG_GROUP,), ("logs:ListTagsForResource",), ("logs:DescribeLogGroups",)
        )
    },
)


def make_log_group(scope: Construct, name: str, retention_days: int) -> LogGroupReference:
    """The log group that is made for a construct."""
    group = CloudwatchLogGroup(scope, LOG_GROUP_ID, name=name, retention_in_days=retention_days)
    return LogGroupReference(name=group.name, arn=group.arn)
