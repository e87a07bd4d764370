"""Test files for `terraform test` whose expectations come from the constructs' own functions."""

from collections.abc import Callable, Iterable

from ingestion_pipeline.settings.names import Names
from tools.module.hcl import HEADING, attributes, quoted
from tools.module.limits import MOCK

REGION, ACCOUNT = "eu-central-1", "123456789012"
"""As in files/tests/mocks."""

NAMED: dict[str, Callable[[Names], str]] = {
    "aws_kinesis_stream.stream[*].name": lambda names: names.stream,
    "aws_kinesis_firehose_delivery_stream.delivery_stream[*].name": lambda names: names.delivery_stream,
    "aws_lambda_function.fetch_function[*].function_name": lambda names: names.function,
    "aws_sqs_queue.dead_letters_queue[*].name": lambda names: names.dead_letter_queue,
    "aws_iam_role.fetch_access_role[*].name": lambda names: names.role("fetch"),
    "aws_iam_role.delivery_access_role[*].name": lambda names: names.role("delivery"),
    "aws_s3_bucket.lake_bucket[*].bucket": lambda names: names.bucket(ACCOUNT),
}
"""What something should be called, by where its name stands."""

CASES = {
    "gives_names_as_they_are": Names("orders", "prod", REGION),
    "cuts_long_names": Names(f"a-name-of-forty-characters-{'x' * 13}", "e" * 20, REGION),
    # The 28th character of the lake's name is where it is cut.
    "cuts_before_a_hyphen": Names(f"{'a' * 27}-bcd", "prod", REGION),
}


def disabled_test(outputs: Iterable[str]) -> str:
    """The text of tests/disabled.tftest.hcl: nothing is made and every output is null."""
    null = _assertion(" && ".join(f"output.{name} == null" for name in outputs), "an output is not null")
    unasked = _assertion("length(data.aws_caller_identity.caller) == 0", "AWS is asked")
    variables = "  variables {\n    enabled = false\n  }\n"
    return f'{HEADING}\n{MOCK}\nrun "makes_nothing" {{\n{variables}\n{unasked}\n{null}}}\n'


def names_test() -> str:
    """The text of tests/names.tftest.hcl: Terraform computes the names that the constructs compute."""
    return HEADING + "\n" + "\n".join([MOCK, *(_named(case, names) for case, names in CASES.items())])


def _named(case: str, names: Names) -> str:
    given = attributes({"name": quoted(names.name), "environment": quoted(names.environment)}, 4)
    assertions = [
        _assertion(f"one({place}) == {quoted(expected(names))}", f"{place} has another name")
        for place, expected in NAMED.items()
    ]
    head = f'run "{case}" {{\n  command = plan\n\n  variables {{\n{given}  }}\n\n'
    return head + "\n".join(assertions) + "}\n"


def _assertion(condition: str, message: str) -> str:
    lines = attributes({"condition": condition, "error_message": quoted(message)}, 4)
    return f"  assert {{\n{lines}  }}\n"
