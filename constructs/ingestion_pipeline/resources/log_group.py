"""Log groups: what a plan and the diagram know of those that capabilities make for themselves."""

from ingestion_pipeline.resources.capability import Capability, Read
from ingestion_pipeline.resources.drawing import Drawing

LOG_GROUP = "logs:{region}:{account}:log-group:{name}"

CAPABILITY = Capability(
    drawn={"aws_cloudwatch_log_group": Drawing("Log group", "[/ /]", is_detail=True)},
    reads={
        "aws_cloudwatch_log_group": Read(
            "{name}", (LOG_GROUP,), ("logs:ListTagsForResource",), ("logs:DescribeLogGroups",)
        )
    },
)
