"""Two pipelines in one account, through plain Terraform in the synthesized folders, with IAM enforced.

What this cannot prove of AWS: the emulator enforces the policies of users and of the function's
role, but neither Firehose's role, nor trust policies, nor logs; those are judged by the
simulator of IAM below. Its Firehose buffers and compresses by a patch of this project.
"""

import gzip
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from local_aws.demo.lake import compare
from local_aws.servers.hostile_source import HostileSource, answer
from local_aws.servers.loopback import LoopbackServer
from local_aws.servers.rotating_tokens import RotatingTokens
from local_aws.servers.sample_api import SampleApi
from local_aws.servers.sample_data import records, stored_form
from tests.checkout import ROOT, Checkout
from tests.e2e.deployment import Deployment, together, wait_until, warnings
from tests.e2e.provider import PooledEmulator

pytestmark = pytest.mark.e2e

PYTHON = ROOT / ".venv" / "bin" / "python"
STATE_BUCKET = "data-ingestion-local-state"
LAKE = "arn:aws:s3:::orders-local-lake-000000000000-us-east-1"
STREAMS = "arn:aws:kinesis:us-east-1:000000000000:stream"
QUEUES = "arn:aws:sqs:us-east-1:000000000000"
SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:x"
API = "arn:aws:execute-api:us-east-1:000000000000:abc123/prod/GET/orders"
TOKEN = "a-token-that-nobody-may-see"
EXPECTED = [stored_form(record) for record in records()]


@pytest.fixture(scope="module")
def orders(emulator: PooledEmulator, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A pipeline with lifecycle rules, synthesized."""
    checkout = Checkout.copy(tmp_path_factory.mktemp("terraform") / "checkout")
    deployment = Deployment(checkout, emulator, "orders", "out/orders")
    deployment.configure(("noncurrent_version_days = 0", "noncurrent_version_days = 30"))
    deployment.synthesize()
    return deployment


@pytest.fixture(scope="module")
def private_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an API that wants a token."""
    with _serving(tmp_path_factory.mktemp("private"), b'[{"private": true}]', PrivateFiles) as url:
        yield url


@pytest.fixture(scope="module")
def rotating(emulator: PooledEmulator) -> Iterator[HostileSource]:
    """An API whose refresh tokens are good once."""

    def kept() -> str:
        secret = emulator.client("secretsmanager").get_secret_value(SecretId="rotating")
        return str(json.loads(secret["SecretString"])["refresh_token"])

    tokens = RotatingTokens(kept)
    with HostileSource({"/token": tokens.token, "/": tokens.records}) as source:
        yield source


@pytest.fixture(scope="module")
def signed_api() -> Iterator[HostileSource]:
    """An API that remembers who asked."""
    with HostileSource({"/": answer(b"[1]")}) as source:
        yield source


@pytest.fixture(scope="module")
def clicks(
    orders: Deployment, private_url: str, rotating: HostileSource, signed_api: HostileSource
) -> Deployment:
    """A second pipeline: its queue is consumed, it has a URL, and 300 sources with secrets of their own."""
    deployment = Deployment(orders.checkout, orders.emulator, "clicks", "out/clicks")
    secrets = orders.emulator.client("secretsmanager")
    arn = secrets.create_secret(Name="clicks", SecretString=json.dumps({"token": TOKEN}))["ARN"]
    deployment.configure(('runtime = "host"', 'runtime = "host"\nurl_enabled = true'))
    with deployment.settings.open("a", encoding="utf-8") as settings:
        settings.write("\n[queue]\nenabled = true\nmax_concurrency = 3\n")
        settings.write(
            f'\n[[sources]]\nname = "private"\nurl = "{private_url}"\n'
            f'auth = {{ kind = "bearer", secret_arn = "{arn}" }}\n'
        )
        client = {"client_id": "id", "client_secret": TOKEN, "refresh_token": "refresh-0"}
        arn = secrets.create_secret(Name="rotating", SecretString=json.dumps(client))["ARN"]
        settings.write(
            f'\n[[sources]]\nname = "rotating"\nurl = "{rotating.url("/")}"\n'
            f'auth = {{ kind = "oauth2_refresh_token", secret_arn = "{arn}", '
            f'token_url = "{rotating.url("/token")}" }}\n'
            f'\n[[sources]]\nname = "signed"\nurl = "{signed_api.url("/")}"\n'
            f'auth = {{ kind = "aws_sigv4", service = "execute-api", resource_arn = "{API}" }}\n'
        )
        for number in range(298):
            settings.write(
                f'\n[[sources]]\nname = "api-{number}"\nurl = "https://api-{number}.example.com/v1/records"\n'
                f'auth = {{ kind = "bearer", secret_arn = "{SECRET}/api-{number}" }}\n'
            )
    deployment.synthesize()
    return deployment


@pytest.fixture(scope="module")
def state_bucket(orders: Deployment) -> str:
    """The bucket of the state, made by the bootstrap; its name."""
    orders.must(PYTHON, "-m", "tools.deploy.bootstrap")
    return STATE_BUCKET


@pytest.fixture(scope="module")
def refusal(state_bucket: str, orders: Deployment, clicks: Deployment) -> str:
    """What Terraform said to a plan while both pipelines were being applied."""
    said = []

    def plan_meanwhile() -> None:
        lock = "orders/local/terraform.tfstate.tflock"
        s3 = orders.emulator.client("s3")
        wait_until(
            lambda: "Contents" in s3.list_objects_v2(Bucket=state_bucket, Prefix=lock),
            "the lock of the apply",
        )
        colleague = orders.stack.with_name("colleague")
        shutil.copytree(orders.stack, colleague, symlinks=True)
        done = orders.checkout.run("terraform", "plan", "-no-color", folder=colleague, **orders.variables)
        assert done.returncode == 1, done.stdout
        said.append(done.stderr)

    for deployment in (orders, clicks):
        deployment.terraform("init", "-input=false")
    together(
        lambda: orders.terraform("apply", "-auto-approve", "-input=false"),
        lambda: clicks.terraform("apply", "-auto-approve", "-input=false"),
        plan_meanwhile,
    )
    return said[0]


@pytest.fixture(scope="module")
def applied(refusal: str) -> bool:
    """Both pipelines are there."""
    return bool(refusal)


def test_the_state_is_in_the_bucket_that_it_describes(state_bucket: str, emulator: PooledEmulator) -> None:
    """The bootstrap's own state has moved into the bucket that it made."""
    state = emulator.client("s3").get_object(Bucket=state_bucket, Key="bootstrap/terraform.tfstate")

    assert STATE_BUCKET in state["Body"].read().decode()


def test_a_second_bootstrap_changes_nothing(state_bucket: str, orders: Deployment) -> None:
    """The bootstrap can be run again."""
    said = orders.must(PYTHON, "-m", "tools.deploy.bootstrap")

    assert f"The state's bucket is {state_bucket}." in said


def test_a_bucket_of_somebody_else_is_not_taken_for_the_states(orders: Deployment) -> None:
    """The bootstrap leaves a bucket alone that it did not make, and says what to do."""
    orders.emulator.client("s3").create_bucket(Bucket="somebody-elses-bucket")
    stranger = Deployment(orders.checkout, orders.emulator, "stranger")
    stranger.configure((f'bucket = "{STATE_BUCKET}"', 'bucket = "somebody-elses-bucket"'))

    done = stranger.run(PYTHON, "-m", "tools.deploy.bootstrap")

    assert done.returncode == 1
    assert "was not made by `make bootstrap`" in done.stderr


def test_a_plan_is_refused_while_an_apply_holds_the_lock(refusal: str) -> None:
    """Two people cannot change one state at the same time."""
    assert "Error acquiring the state lock" in refusal


@pytest.mark.usefixtures("applied")
def test_every_record_lands_exactly_once_in_its_own_bytes(orders: Deployment, sample: SampleApi) -> None:
    """What the source serves is what lies in the lake, record by record."""
    answer = orders.invoke({"url": sample.url})
    assert answer.get("statusCode") == 200, answer
    landed = compare(EXPECTED, orders.landed(len(EXPECTED)))

    assert (landed.is_complete, landed.duplicates, landed.missing) == (True, 0, [])
    assert json.loads(answer["body"])["recordsProcessed"] == len(EXPECTED)


@pytest.mark.usefixtures("applied")
def test_a_second_pipeline_has_a_lake_of_its_own(clicks: Deployment, sample: SampleApi) -> None:
    """Two pipelines in one account do not mix."""
    answer = clicks.invoke({"url": f"{sample.url}?page=1&per_page=7"})
    assert answer.get("statusCode") == 200, answer

    assert len(clicks.landed(7)) == 7


@pytest.mark.usefixtures("applied")
def test_objects_lie_under_hive_folders(orders: Deployment, emulator: PooledEmulator) -> None:
    """Every object of records is in a folder of its hour, below the data's own."""
    listed = emulator.client("s3").list_objects_v2(Bucket=orders.outputs()["bucket_name"], Prefix="data/")
    folders = [re.sub(r"=\d+", "=", entry["Key"].rpartition("/")[0]) for entry in listed["Contents"]]

    assert set(folders) == {"data/year=/month=/day=/hour="}


@pytest.mark.usefixtures("applied")
def test_without_permission_to_put_nothing_is_ingested(clicks: Deployment, sample: SampleApi) -> None:
    """The role's permission to put records is needed, and is what the function uses."""
    with _without("kinesis:PutRecords", clicks):
        answer = clicks.invoke({"url": sample.url})

    assert "not authorized to perform: kinesis:PutRecords" in answer["errorMessage"]


@pytest.mark.usefixtures("applied")
def test_without_permission_to_keep_dead_letters_the_invocation_fails(
    clicks: Deployment, tmp_path: Path
) -> None:
    """A record that the stream can never take is not dropped when its dead letter cannot be written."""
    with _without("s3:PutObject", clicks), _serving(tmp_path, b'{"a": 1}\nno json\n') as url:
        answer = clicks.invoke({"url": url, "format": "ndjson"})

    assert "not authorized to perform: s3:PutObject" in answer["errorMessage"]


@pytest.mark.usefixtures("applied")
def test_an_undeliverable_record_is_kept_with_its_reason(
    clicks: Deployment, emulator: PooledEmulator, tmp_path: Path
) -> None:
    """A broken line goes to the dead letters and does not stop its neighbours."""
    with _serving(tmp_path, b'{"a": 1}\nno json\n{"a": 2}\n') as url:
        answer = clicks.invoke({"url": url, "format": "ndjson"})
    s3, bucket = emulator.client("s3"), clicks.outputs()["bucket_name"]
    [listed] = s3.list_objects_v2(Bucket=bucket, Prefix="dead-letters/")["Contents"]
    lines = gzip.decompress(s3.get_object(Bucket=bucket, Key=listed["Key"])["Body"].read()).splitlines()

    assert answer.get("statusCode") == 200, answer
    [letter] = [json.loads(line) for line in lines]
    assert letter["reason"].startswith("is not JSON"), letter


@pytest.mark.usefixtures("applied")
def test_an_event_that_failed_for_good_ends_in_the_queue(
    clicks: Deployment, emulator: PooledEmulator
) -> None:
    """An asynchronous event is tried again and then kept whole, to be replayed."""
    event = {"url": "http://127.0.0.1:9/nobody-listens", "retry": {"max_attempts": 1}}
    emulator.client("lambda").invoke(
        FunctionName=clicks.outputs()["function_name"],
        InvocationType="Event",
        Payload=json.dumps(event).encode(),
    )
    sqs = emulator.client("sqs")
    url = clicks.outputs()["dead_letter_queue_url"]
    messages: list[dict[str, str]] = []

    def received() -> bool:
        messages.extend(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", []))
        return bool(messages)

    wait_until(received, "the event in the dead letter queue")

    assert json.loads(messages[0]["Body"])["requestPayload"] == event


@pytest.mark.usefixtures("applied")
@pytest.mark.parametrize(
    ("name", "state", "concurrency"), [("orders", "Disabled", 10), ("clicks", "Enabled", 3)]
)
def test_lambda_polls_the_queue_only_if_it_is_consumed(
    emulator: PooledEmulator, name: str, state: str, concurrency: int
) -> None:
    """The mapping as Lambda describes it; one that is disabled is there and does not poll."""
    [mapping] = emulator.client("lambda").list_event_source_mappings(FunctionName=f"{name}-local-fetch")[
        "EventSourceMappings"
    ]

    assert (mapping["State"], mapping["EventSourceArn"]) == (state, f"{QUEUES}:{name}-local-work")
    assert (mapping["BatchSize"], mapping["FunctionResponseTypes"], mapping["ScalingConfig"]) == (
        1,
        ["ReportBatchItemFailures"],
        {"MaximumConcurrency": concurrency},
    )


@pytest.mark.usefixtures("applied")
def test_the_work_queue_is_as_lambda_and_sqs_ask(emulator: PooledEmulator) -> None:
    """What was deployed of it, beside the function's timeout of 60 seconds."""
    sqs = emulator.client("sqs")
    url = sqs.get_queue_url(QueueName="orders-local-work")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]

    assert (attributes["VisibilityTimeout"], attributes["MessageRetentionPeriod"]) == ("360", "345600")
    assert json.loads(attributes["RedrivePolicy"]) == {
        "deadLetterTargetArn": f"{QUEUES}:orders-local-dead-letters",
        "maxReceiveCount": 7,
    }


@pytest.mark.usefixtures("applied")
def test_the_function_may_be_invoked_by_its_own_queue(emulator: PooledEmulator) -> None:
    """Lambda would else stop it after some rounds, which the emulator does not count in a queue."""
    config = emulator.client("lambda").get_function_recursion_config(FunctionName="orders-local-fetch")

    assert config["RecursiveLoop"] == "Allow"


@pytest.mark.usefixtures("applied")
def test_the_url_takes_signed_requests_only(clicks: Deployment, emulator: PooledEmulator) -> None:
    """The output is the URL that Lambda names, and it is not open."""
    config = emulator.client("lambda").get_function_url_config(FunctionName="clicks-local-fetch")

    assert (config["AuthType"], config["FunctionUrl"]) == ("AWS_IAM", clicks.outputs()["function_url"])


@pytest.mark.usefixtures("applied")
def test_without_permission_to_read_the_secret_nothing_is_fetched(clicks: Deployment) -> None:
    """The role may read the secret that a source names, and needs to; no answer holds it."""
    with _without_secrets(clicks):
        denied = clicks.invoke({"source": "private"})
    answer = clicks.invoke({"source": "private"})

    assert "cannot be read (AccessDeniedException)" in denied["errorMessage"]
    assert answer.get("statusCode") == 200, answer
    assert json.loads(answer["body"])["recordsProcessed"] == 1
    assert TOKEN not in json.dumps([denied, answer])


@pytest.mark.usefixtures("applied")
def test_the_role_may_write_the_secret_whose_refresh_token_changes(
    clicks: Deployment, rotating: HostileSource
) -> None:
    """Without that permission nothing is asked of the token server; with it the new token is kept."""
    with _without("secretsmanager:PutSecretValue", clicks):
        denied = clicks.invoke({"source": "rotating"})
    asked = len(rotating.requests)
    answer = clicks.invoke({"source": "rotating"})
    secrets = clicks.emulator.client("secretsmanager")
    kept = json.loads(secrets.get_secret_value(SecretId="rotating")["SecretString"])

    assert "cannot be written (AccessDeniedException)" in denied["errorMessage"]
    assert (asked, answer.get("statusCode"), kept["refresh_token"]) == (0, 200, "refresh-1")
    assert (kept["client_secret"], TOKEN in json.dumps([denied, answer])) == (TOKEN, False)


@pytest.mark.usefixtures("applied")
def test_the_function_signs_with_its_own_role(clicks: Deployment, signed_api: HostileSource) -> None:
    """The signature is by a key of the function's own session, in its Region."""
    answer = clicks.invoke({"source": "signed"})
    asked = signed_api.requests[-1].headers

    assert answer.get("statusCode") == 200, answer
    assert re.search(r"Credential=\w+/\d{8}/us-east-1/execute-api/aws4_request", asked["authorization"])


@pytest.mark.usefixtures("applied")
@pytest.mark.parametrize("role", ["fetch", "delivery"])
def test_no_permission_is_given_twice(clicks: Deployment, role: str) -> None:
    """IAM's simulator allows each action on its resource, and without that one action does not."""
    iam = clicks.emulator.client("iam")
    whole = iam.get_role_policy(RoleName=f"clicks-local-{role}-us-east-1", PolicyName="permissions")[
        "PolicyDocument"
    ]

    def decision(document: object, action: str, resource: str) -> str:
        simulated = iam.simulate_custom_policy(
            PolicyInputList=[json.dumps(document)],
            ActionNames=[action],
            ResourceArns=[resource.replace("*", "x")],
        )
        return str(simulated["EvaluationResults"][0]["EvalDecision"])

    granted = [
        (action, resource)
        for statement in whole["Statement"]
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
    ]
    decisions = {
        (action, decision(whole, action, resource), decision(_lacking(action, whole), action, resource))
        for action, resource in granted
    }

    assert len(granted) > 5
    assert decisions == {(action, "allowed", "implicitDeny") for action, _ in granted}


@pytest.mark.usefixtures("applied")
@pytest.mark.parametrize(
    ("role", "action", "resource", "decision"),
    [
        ("delivery", "kinesis:GetRecords", f"{STREAMS}/orders-local-stream", "allowed"),
        ("delivery", "kinesis:GetRecords", f"{STREAMS}/clicks-local-stream", "implicitDeny"),
        ("delivery", "s3:PutObject", "{lake}/data/year=2026/month=11/day=23/hour=01/x", "allowed"),
        ("delivery", "s3:PutObject", "{lake}/errors/processing-failed/x", "allowed"),
        ("delivery", "s3:PutObject", "{lake}/dead-letters/x", "implicitDeny"),
        ("delivery", "s3:DeleteObject", "{lake}/data/year=2026/x", "implicitDeny"),
        ("fetch", "s3:PutObject", "{lake}/dead-letters/x", "allowed"),
        ("fetch", "s3:PutObject", "{lake}/data/year=2026/x", "implicitDeny"),
        ("fetch", "s3:GetObject", "{lake}/dead-letters/x", "implicitDeny"),
        ("fetch", "s3:GetObject", "{lake}/lists/x", "allowed"),
        ("fetch", "s3:PutObject", "{lake}/lists/x", "implicitDeny"),
        ("fetch", "sqs:ReceiveMessage", f"{QUEUES}:orders-local-work", "allowed"),
        ("fetch", "sqs:ReceiveMessage", f"{QUEUES}:clicks-local-work", "implicitDeny"),
        ("fetch", "sqs:ReceiveMessage", f"{QUEUES}:orders-local-dead-letters", "implicitDeny"),
        ("fetch", "sqs:SendMessage", f"{QUEUES}:orders-local-work", "allowed"),
        ("fetch", "sqs:SendMessage", f"{QUEUES}:orders-local-dead-letters", "allowed"),
        ("fetch", "sqs:PurgeQueue", f"{QUEUES}:orders-local-work", "implicitDeny"),
        ("delivery", "sqs:SendMessage", f"{QUEUES}:orders-local-work", "implicitDeny"),
        ("fetch", "logs:CreateLogGroup", "arn:aws:logs:us-east-1:000000000000:log-group:x", "implicitDeny"),
        ("fetch", "secretsmanager:GetSecretValue", SECRET, "implicitDeny"),
        ("fetch", "execute-api:Invoke", API, "implicitDeny"),
    ],
)  # fmt: skip
def test_roles_may_do_their_job_and_nothing_else(
    emulator: PooledEmulator, role: str, action: str, resource: str, decision: str
) -> None:
    """IAM's simulator judges the deployed roles, also those that the emulator does not enforce."""
    results = emulator.client("iam").simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::000000000000:role/orders-local-{role}-us-east-1",
        ActionNames=[action],
        ResourceArns=[resource.format(lake=LAKE)],
    )["EvaluationResults"]

    assert [result["EvalDecision"] for result in results] == [decision]


@pytest.mark.usefixtures("applied")
def test_a_second_plan_is_empty(orders: Deployment) -> None:
    """What was applied is what is planned; the emulator has no gap left that would show here."""
    done = orders.run("terraform", "plan", "-detailed-exitcode", "-no-color", folder=orders.stack)

    assert done.returncode == 0, done.stdout


@pytest.mark.usefixtures("applied")
def test_a_fresh_synth_with_other_shards_retention_and_tags_changes_no_policy(clicks: Deployment) -> None:
    """The plan has the stream and what carries tags, with what changed of each and nothing else.

    The synth is made in a folder without the former one, as in another clone, and changes no zip.
    """
    shutil.rmtree(clicks.stack.parent.parent)
    changes = (
        ("shard_count = 2", "shard_count = 4"),
        ("retention_hours = 24", "retention_hours = 48"),
        ('tags = { Purpose = "DataIngestion" }', 'tags = { Purpose = "Sales" }'),
    )
    with _changed(clicks, *changes):
        clicks.terraform("init", "-input=false")
        clicks.terraform("plan", "-input=false", "-out=planned")
        planned = json.loads(clicks.terraform("show", "-json", "planned"))
    updated: dict[str, set[str]] = {}
    for resource in planned["resource_changes"]:
        before, after = resource["change"]["before"] or {}, resource["change"]["after"]
        if resource["change"]["actions"] != ["no-op"]:
            changed = {key for key in after if after[key] != before.get(key)}
            # A refresh may take default tags for the resource's own; `tags_all` has both.
            updated.setdefault(resource["type"], set()).update(changed - {"tags"})

    assert updated == {
        "aws_kinesis_stream": {"shard_count", "retention_period", "tags_all"},
        **{
            kind: {"tags_all"}
            for kind in (
                *("aws_cloudwatch_log_group", "aws_iam_policy", "aws_iam_role", "aws_lambda_function"),
                "aws_lambda_event_source_mapping",
                *("aws_kinesis_firehose_delivery_stream", "aws_s3_bucket", "aws_sqs_queue"),
            )
        },
    }


@pytest.mark.usefixtures("applied")
def test_destroy_leaves_nothing_but_the_state(
    orders: Deployment, clicks: Deployment, emulator: PooledEmulator
) -> None:
    """After destroying both pipelines only buckets of others are left."""
    together(
        lambda: orders.terraform("destroy", "-auto-approve", "-input=false", "-refresh=false"),
        lambda: clicks.terraform("destroy", "-auto-approve", "-input=false", "-refresh=false"),
    )
    left = {
        "streams": emulator.client("kinesis").list_streams()["StreamNames"],
        "deliveries": emulator.client("firehose").list_delivery_streams()["DeliveryStreamNames"],
        "functions": emulator.client("lambda").list_functions()["Functions"],
        "roles": emulator.client("iam").list_roles()["Roles"],
        "logs": emulator.client("logs").describe_log_groups()["logGroups"],
        "queues": emulator.client("sqs").list_queues().get("QueueUrls", []),
        "buckets": [bucket["Name"] for bucket in emulator.client("s3").list_buckets()["Buckets"]],
    }

    assert left == {
        "streams": [],
        "deliveries": [],
        "functions": [],
        "roles": [],
        "logs": [],
        "queues": [],
        "buckets": [STATE_BUCKET, "somebody-elses-bucket"],
    }


@pytest.mark.usefixtures("applied")
def test_terraform_never_warned(orders: Deployment, clicks: Deployment) -> None:
    """No command above printed a warning."""
    assert warnings(orders.said + clicks.said) == []


@contextmanager
def _changed(deployment: Deployment, *changes: tuple[str, str]) -> Iterator[None]:
    """The stack synthesized with other settings, for the time of the block."""
    text = deployment.settings.read_text(encoding="utf-8")
    other = text
    for before, after in changes:
        assert before in other
        other = other.replace(before, after)
    deployment.settings.write_text(other, encoding="utf-8")
    deployment.synthesize()
    try:
        yield
    finally:
        deployment.settings.write_text(text, encoding="utf-8")
        deployment.synthesize()


@contextmanager
def _without(action: str, deployment: Deployment) -> Iterator[None]:
    """The function's role without one of its actions, for the time of the block."""
    iam = deployment.emulator.client("iam")
    role, name = f"{deployment.name}-local-fetch-us-east-1", "permissions"
    whole = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    lacking = _lacking(action, whole)
    assert lacking != whole
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(lacking))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(whole))


@contextmanager
def _without_secrets(deployment: Deployment) -> Iterator[None]:
    """The function's role without its policies for secrets, for the time of the block."""
    iam = deployment.emulator.client("iam")
    role = f"{deployment.name}-local-fetch-us-east-1"
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    assert attached
    for policy in attached:
        iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    try:
        yield
    finally:
        for policy in attached:
            iam.attach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])


def _lacking(action: str, document: dict[str, Any]) -> dict[str, Any]:
    """The policy without one action."""
    statements = [
        {**statement, "Action": left}
        for statement in document["Statement"]
        if (left := [other for other in _listed(statement["Action"]) if other != action])
    ]
    return {**document, "Statement": statements}


def _listed(one_or_more: str | list[str]) -> list[str]:
    return [one_or_more] if isinstance(one_or_more, str) else one_or_more


class QuietFiles(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the inherited name
        """Nothing."""


class PrivateFiles(QuietFiles):
    """Serves files to those that have the token."""

    def do_GET(self) -> None:
        """Serve or refuse."""
        if self.headers["Authorization"] == f"Bearer {TOKEN}":
            super().do_GET()
        else:
            self.send_error(401)


@contextmanager
def _serving(folder: Path, body: bytes, files: type[QuietFiles] = QuietFiles) -> Iterator[str]:
    """The URL of a file on loopback."""
    (folder / "body").write_bytes(body)

    class Handler(files):  # type: ignore[valid-type, misc]
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder))

    with LoopbackServer(Handler) as server:
        yield f"{server.origin}/body"
