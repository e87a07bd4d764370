"""The picture of what is deployed, drawn from the synthesized JSON as Mermaid."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

REFERENCE = re.compile(r"\$\{(aws_\w+)\.([\w-]+)\.\w+\}|^(aws_\w+)\.([\w-]+)$")


class Shape(NamedTuple):
    """How a kind of resource is drawn."""

    label: str
    opening: str
    closing: str


class Meaning(NamedTuple):
    """What it means that one resource refers to another."""

    label: str
    towards: bool = True
    dotted: bool = False


SHAPES = {
    "aws_lambda_function": Shape("Function", "[", "]"),
    "aws_kinesis_stream": Shape("Kinesis stream", "[[", "]]"),
    "aws_kinesis_firehose_delivery_stream": Shape("Firehose", "[", "]"),
    "aws_s3_bucket": Shape("S3 bucket", "[(", ")]"),
    "aws_sqs_queue": Shape("SQS queue", "[[", "]]"),
    "aws_iam_role": Shape("Role", "{{", "}}"),
    "aws_cloudwatch_log_group": Shape("Log group", "[/", "/]"),
}

# By the kind that refers and the key that holds the reference.
MEANINGS = {
    ("aws_lambda_function", "KINESIS_STREAM_NAME"): Meaning("records"),
    ("aws_lambda_function", "DEAD_LETTER_BUCKET"): Meaning("records that cannot go", dotted=True),
    ("aws_lambda_function", "depends_on"): Meaning("log", dotted=True),
    ("aws_lambda_function", "role"): Meaning("acts as", dotted=True),
    ("aws_kinesis_firehose_delivery_stream", "kinesis_stream_arn"): Meaning("records", towards=False),
    ("aws_kinesis_firehose_delivery_stream", "bucket_arn"): Meaning("objects by the hour"),
    ("aws_kinesis_firehose_delivery_stream", "log_group_name"): Meaning("errors", dotted=True),
    ("aws_kinesis_firehose_delivery_stream", "role_arn"): Meaning("acts as", dotted=True),
}


def mermaid(stack: Mapping[str, Any]) -> str:
    """A left-to-right flowchart of the stack's resources and how records move between them.

    Args:
        stack: The parsed ``cdk.tf.json``.
    """
    resources = stack["resource"]
    lines = ["flowchart LR"]
    for kind, shape in SHAPES.items():
        for name, resource in sorted(resources.get(kind, {}).items()):
            label = f"{shape.label}<br/>{_called(resource)}"
            lines.append(f'    {_node(resources, kind, name)}{shape.opening}"{label}"{shape.closing}')
    edges = dict.fromkeys([*_sources(resources), *_edges(resources), *_failures(resources)])
    return "\n".join([*lines, *(f"    {edge}" for edge in edges)]) + "\n"


def _called(resource: Mapping[str, Any]) -> str:
    """The resource's name; what only Terraform will know is left out."""
    name = str(next(resource[key] for key in ("function_name", "bucket", "name") if key in resource))
    return re.sub(r"-?\$\{[^}]*\}", "", name)


def _node(resources: Mapping[str, Any], kind: str, name: str) -> str:
    """An id from the place in the construct tree, without the stack and its one pipeline."""
    path = str(resources[kind][name]["//"]["metadata"]["path"])
    return re.sub(r"\W", "_", "_".join(path.split("/")[2:]))


def _edges(resources: Mapping[str, Any]) -> Iterator[str]:
    """How records, logs and rights go between resources, by what refers to what."""
    for kind in SHAPES:
        for name, resource in sorted(resources.get(kind, {}).items()):
            for key, other_kind, other_name in _references(resource):
                meaning = MEANINGS.get((kind, key))
                is_order_only = key == "depends_on" and other_kind != "aws_cloudwatch_log_group"
                if meaning and other_kind in SHAPES and not is_order_only:
                    ends = (_node(resources, kind, name), _node(resources, other_kind, other_name))
                    yield _edge(*(ends if meaning.towards else ends[::-1]), meaning)


def _edge(origin: str, target: str, meaning: Meaning) -> str:
    line = f"-. {meaning.label} .->" if meaning.dotted else f"-- {meaning.label} -->"
    return f"{origin} {line} {target}"


def _sources(resources: Mapping[str, Any]) -> Iterator[str]:
    """The URLs that the function knows."""
    for name, function in sorted(resources["aws_lambda_function"].items()):
        for source in json.loads(function["environment"]["variables"]["SOURCES"]):
            label = source.get("name") or source["url"]
            yield f'source_{label}(["{label}"]) -- https --> {_node(resources, "aws_lambda_function", name)}'


def _failures(resources: Mapping[str, Any]) -> Iterator[str]:
    """Where events go whose invocation failed to the last."""
    for settings in resources.get("aws_lambda_function_event_invoke_config", {}).values():
        found = {kind: name for _, kind, name in _references(settings)}
        origin, target = (
            _node(resources, kind, found[kind]) for kind in ("aws_lambda_function", "aws_sqs_queue")
        )
        yield _edge(origin, target, Meaning("events that failed", dotted=True))


def _references(value: object, key: str = "") -> Iterator[tuple[str, str, str]]:
    """Every reference within a resource: the key that holds it, and the kind and name of the other."""
    if isinstance(value, Mapping):
        for inner_key, inner in value.items():
            yield from _references(inner, inner_key)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner, key)
    elif isinstance(value, str):
        for match in REFERENCE.finditer(value):
            yield key, match[1] or match[3], match[2] or match[4]
