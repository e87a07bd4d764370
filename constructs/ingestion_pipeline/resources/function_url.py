"""The function's URL: an event in a signed request, answered with what was ingested."""

from constructs import Construct

from ingestion_pipeline.bindings import LambdaFunctionUrl
from ingestion_pipeline.resources.switch import exist_only_if
from ingestion_pipeline.settings.expressions import Condition

AUTHORIZATION = "AWS_IAM"
"""https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"""


class FunctionUrl(Construct):
    """A URL that answers requests signed by a role that may invoke it, and no others.

    Creates: the URL, if it is wanted.

    Args:
        scope: Parent in the construct tree.
        id_: Name within the parent; becomes part of the Terraform address.
        function_name: Of the function.
        when: Whether there is one.

    Attributes:
        url: Of the function; empty if there is none.
    """

    def __init__(self, scope: Construct, id_: str, *, function_name: str, when: Condition) -> None:
        super().__init__(scope, id_)
        self.url = ""
        if when:
            made = LambdaFunctionUrl(
                self, "url", function_name=function_name, authorization_type=AUTHORIZATION
            )
            exist_only_if(made, when)
            self.url = made.function_url
