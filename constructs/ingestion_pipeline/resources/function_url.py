"""The function's URL: an event in a signed request, answered with what was ingested."""

from constructs import Construct

from ingestion_pipeline.bindings import LambdaFunctionUrl
from ingestion_pipeline.resources.capability import Capability, Output, Read
from ingestion_pipeline.resources.conditions import exist_only_if
from ingestion_pipeline.settings.expressions import Condition, chosen

AUTHORIZATION = "AWS_IAM"
"""https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"""

FUNCTION_ARN = "lambda:{region}:{account}:function:{name}"

CAPABILITY = Capability(
    file="function_url",
    inside=("fetch/url",),
    reads={
        "aws_lambda_function_url": Read("{function_name}", (FUNCTION_ARN,), ("lambda:GetFunctionUrlConfig",))
    },
    outputs=(
        Output(
            "function_url",
            "0.1.0",
            "URL of the function, for signed requests; empty without `function.url_enabled`.",
            "function_url",
        ),
    ),
)


class FunctionUrl(Construct):
    """A URL that answers requests signed by a role that may invoke it, and no others.

    Creates: the URL, if it is wanted.

    Args:
        function_name: Name of the function.
        when: Condition under which the URL exists.

    Attributes:
        url: The URL; empty if there is none.
    """

    def __init__(self, scope: Construct, id_: str, *, function_name: str, when: Condition) -> None:
        super().__init__(scope, id_)
        self.url = ""
        if when:
            made = LambdaFunctionUrl(
                self, "url", function_name=function_name, authorization_type=AUTHORIZATION
            )
            exist_only_if(made, when)
            self.url = chosen(when, made.function_url, "")
