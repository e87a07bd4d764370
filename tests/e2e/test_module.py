"""The plain Terraform module where nothing else of this project is, on a local AWS that enforces IAM."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import boto3
import pytest

from ingestion_pipeline.code.target import Target
from ingestion_pipeline.settings.rules import SettingsError
from ingestion_pipeline.settings.tables.stream import StreamSettings
from local_aws.demo.lake import Lake, compare
from local_aws.servers.sample_api import SampleApi
from local_aws.servers.sample_data import records, stored_form
from tests.checkout import ROOT, Checkout
from tests.e2e.consumer import HOST_FETCHES_HOST, Consumer, emitted
from tests.e2e.deployment import together, wait_until, warnings
from tests.e2e.provider import PooledEmulator, pool
from tools.module.capabilities import resource_files
from tools.module.main_tf import main_tf, short_name
from tools.module.synthesis import synthesize

pytestmark = pytest.mark.e2e

EXPECTED = [stored_form(record) for record in records()]
EXAMPLES = sorted({path.name for path in (ROOT / "examples" / "terraform").iterdir()} - {"two-pipelines"})
"""Those that are planned; `two-pipelines` is applied."""

SETTINGS = """
[pipeline]
name = "orders"
[[sources]]
name = "orders"
url = "https://api.example.com/orders"
[environments.local.delivery]
buffer_seconds = 10
[environments.local.lake]
delete_with_stack = true
noncurrent_version_days = 0
[environments.local.function]
runtime = "host"
architecture = "host"
[environments.local.fetch]
allow_http = true
allow_private_networks = true
"""
MANY = f"""
variable "before" {{
  default = "one"
}}

variable "many" {{
  type    = any
  default = {{ shards = 1, hours = 24, tags = {{ Team = "data" }} }}
}}

resource "terraform_data" "before" {{
  input = var.before
}}

locals {{
  secrets = "arn:aws:secretsmanager:us-east-1:000000000000:secret"
}}

variable "sources" {{
  type = list(object({{
    name        = optional(string)
    url         = string
    method      = optional(string)
    headers     = optional(map(string))
    query       = optional(map(string))
    body        = optional(string)
    auth        = optional(object({{ kind = string, secret_arn = optional(string) }}))
    format      = optional(string)
    record_path = optional(string)
    pagination  = optional(object({{ kind = string, path = optional(string), size = optional(number) }}))
    rate        = optional(object({{ min_interval_seconds = optional(number) }}), {{}})
    limits      = optional(object({{ max_records = optional(number) }}), {{}})
    retry       = optional(object({{ max_attempts = optional(number) }}), {{}})
  }}))
  default = [
    {{ url = "THE_URL" }},
    {{ name = "typed", url = "THE_URL", auth = {{ kind = "none" }}, query = {{ a = null }} }},
  ]
}}

resource "aws_secretsmanager_secret" "sample" {{
  provider                = aws.america
  name                    = "sample"
  recovery_window_in_days = 0
}}

resource "aws_secretsmanager_secret_version" "sample" {{
  provider      = aws.america
  secret_id     = aws_secretsmanager_secret.sample.id
  secret_string = jsonencode({{ token = "t" }})
}}

module "many" {{
  source    = "./modules/ingestion"
  providers = {{ aws = aws.america }}
  name      = "many"

  account_id             = data.aws_caller_identity.current.account_id
  region                 = "us-east-1"
  stream_shard_count     = var.many.shards
  stream_retention_hours = var.many.hours
  tags                   = var.many.tags

  # As a user orders the module after a network, a key or a repository's settings.
  depends_on = [terraform_data.before]

  sources = concat(
    var.sources,
    [null],
    [{{
      name     = "sample"
      url      = sensitive("THE_URL")
      auth     = {{ kind = "bearer", secret_arn = aws_secretsmanager_secret.sample.arn }}
      schedule = "rate(1 day)"
    }}],
    [for number in range(299) : {{
      name = "api-${{number}}"
      url  = "https://api-${{number}}.example.com/v1/records"
      auth = {{ kind = "bearer", secret_arn = "${{local.secrets}}:api-${{number}}" }}
    }}],
  )
{HOST_FETCHES_HOST}}}

output "many" {{
  value = module.many.function_name
}}
"""
WRONG_SETTINGS = """
module "ingestion" {
  stream_shard_count = 0
  existing_bucket    = { arn = "arn:aws:s3:::one", name = "another" }
}
"""
WRONG_SOURCES = """
resource "aws_secretsmanager_secret" "at_apply" {
  name = "at-apply"
}

module "wrong" {
  source     = "./modules/ingestion"
  name       = "wrong"
  account_id = "000000000000"
  region     = "eu-central-1"
  sources = [
    { url = "https://", auth = { kind = "bearer", secret_arn = aws_secretsmanager_secret.at_apply.arn } },
    { name = "hidden", url = sensitive("ftp://hidden.example.com") },
    { name = "Orders", url = "https://api.example.com/orders", pagintion = { kind = "page" } },
  ]
}
"""
SAID_OF_SOURCES = (
    'sources[0].url = "https://": must be an https:// or http:// URL',
    "sources[1].url = (sensitive): must be an https:// or http:// URL",
    'sources[2].name = "Orders": must match',
    "sources[2].pagintion: is not a key; there are auth, body, ca_certificates, children, csv,",
)
LAKE = "many-local-lake-000000000000-us-east-1"
TAGGED = {
    *("aws_cloudwatch_log_group.delivery_log_group", "aws_cloudwatch_log_group.fetch_log_group"),
    *("aws_iam_policy.fetch_secrets_policy", "aws_iam_role.delivery_access_role"),
    *("aws_iam_role.fetch_access_role", "aws_kinesis_firehose_delivery_stream.delivery_stream"),
    *("aws_kinesis_stream.stream", "aws_lambda_function.fetch_function", "aws_s3_bucket.lake_bucket"),
    *("aws_sqs_queue.dead_letters_queue", "aws_sqs_queue.work_queue"),
    *("aws_lambda_event_source_mapping.trigger_mapping", "aws_iam_role.schedules_role"),
    "aws_scheduler_schedule_group.schedules_group",
}
PIPELINES = (("eu-west-1", "orders"), ("eu-west-1", "clicks"), ("us-east-1", "orders"))


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module with a zip for this machine."""
    return emitted(tmp_path_factory.mktemp("module") / "terraform-aws-ingestion-pipeline", "host")


@pytest.fixture(scope="module")
def own_tests(module: Path, tmp_path_factory: pytest.TempPathFactory) -> Consumer:
    """The module in a folder of its own, without AWS and without credentials, to run its tests in."""
    folder = tmp_path_factory.mktemp("own-tests") / "module"
    shutil.copytree(module, folder)
    return Consumer(folder)


@pytest.fixture(scope="module")
def consumer(
    module: Path,
    own_tests: Consumer,
    emulator: PooledEmulator,
    sample: SampleApi,
    tmp_path_factory: pytest.TempPathFactory,
) -> Consumer:
    """The example of two pipelines, applied from a folder of its own while the module's tests run."""
    consumer = Consumer.of_example(module, "two-pipelines", tmp_path_factory.mktemp("consumer") / "root")
    consumer.override("europe", "america")
    (consumer.folder / "many.tf").write_text(MANY.replace("THE_URL", sample.url), encoding="utf-8")
    consumer.must(emulator, "init", "-input=false")
    own_tests.must(None, "init", "-input=false")
    with pool({}) as terraform_in:
        own_tests.providers = terraform_in(own_tests.folder)
        together(
            lambda: consumer.must(emulator, "apply", "-auto-approve", "-input=false"),
            lambda: own_tests.run(None, "test"),
            lambda: own_tests.run(None, "validate"),
        )
    return consumer


CHANGED = ("-var=before=two", '-var=many={ shards = 2, hours = 48, tags = { Team = "sales" } }')
"""Variables: another value of what a module waits for, and other shards, hours and tags."""


@pytest.fixture(scope="module")
def changed(consumer: Consumer, emulator: PooledEmulator) -> dict[str, Any]:
    """A plan in which these and nothing else have changed since the first apply."""
    return _planned(consumer, emulator, *CHANGED)


@pytest.mark.parametrize(("region", "name"), PIPELINES)
def test_every_record_lands_through_every_pipeline(
    consumer: Consumer, emulator: PooledEmulator, sample: SampleApi, region: str, name: str
) -> None:
    """Each pipeline of each Region ingests into a lake of its own what the source serves."""
    outputs = consumer.outputs()
    pipeline = outputs["america"] if region == "us-east-1" else outputs["europe"][name]
    invoked = _client(emulator, "lambda", region).invoke(
        FunctionName=pipeline["function"], Payload=json.dumps({"url": sample.url}).encode()
    )
    answer = json.loads(invoked["Payload"].read())
    assert answer.get("statusCode") == 200, answer
    lake = Lake(_client(emulator, "s3", region), pipeline["bucket"])

    def enough() -> bool:
        lake.look()
        return len(lake.lines) >= len(EXPECTED)

    wait_until(enough, f"{len(EXPECTED)} records in the lake of {name} in {region}")
    landed = compare(EXPECTED, lake.lines)

    assert (landed.is_complete, landed.duplicates, landed.missing) == (True, 0, [])


@pytest.mark.parametrize(
    "event", [{"source": "sample"}, {"source": "typed"}, {}], ids=["sample", "typed", "first"]
)
def test_one_of_three_hundred_sources_is_ingested(
    consumer: Consumer, emulator: PooledEmulator, event: dict[str, str]
) -> None:
    """One whose secret was made in the same apply; and two that a typed variable gives with nulls."""
    invoked = _client(emulator, "lambda", "us-east-1").invoke(
        FunctionName=consumer.outputs()["many"], Payload=json.dumps(event).encode()
    )
    answer = json.loads(invoked["Payload"].read())

    assert answer.get("statusCode") == 200, answer
    assert json.loads(answer["body"])["recordsProcessed"] == len(EXPECTED)


def test_the_next_plan_has_what_was_changed_and_nothing_else(changed: dict[str, Any]) -> None:
    """No policy depends on shards, retention or tags; and no name or count on data that waits for an apply.

    With `depends_on`, the module's data sources are read at apply when what it waits for changes.
    """
    read = [each["address"] for each in changed["resource_changes"] if each["change"]["actions"] == ["read"]]
    tags = {f"{address}.{argument}" for address in TAGGED for argument in ("tags", "tags_all")}

    assert read == [
        "module.many.data.aws_caller_identity.current[0]",
        "module.many.data.aws_region.current[0]",
    ]
    assert {re.sub(r"\[[^]]*\]", "", each.removeprefix("module.many.")) for each in _changes(changed)} == {
        *tags,
        "aws_kinesis_stream.stream.shard_count",
        "aws_kinesis_stream.stream.retention_period",
        "terraform_data.before.input",
    }


@pytest.mark.usefixtures("changed")
def test_the_records_outlive_a_change_of_what_the_module_waits_for(
    consumer: Consumer, emulator: PooledEmulator
) -> None:
    """What was delivered before is there after."""
    lake = Lake(_client(emulator, "s3", "us-east-1"), LAKE)

    def enough() -> bool:
        lake.look()
        return len(lake.lines) >= len(EXPECTED)

    wait_until(enough, f"{len(EXPECTED)} records in {LAKE}")
    consumer.must(emulator, "apply", "-input=false", "planned")
    after = Lake(_client(emulator, "s3", "us-east-1"), LAKE)
    after.look()

    assert sorted(after.lines) == sorted(lake.lines)


def test_the_json_that_the_module_is_written_from_plans_no_change(
    consumer: Consumer, emulator: PooledEmulator, tmp_path: Path
) -> None:
    """A resource in Terraform's own language means what its JSON means; and what was applied is planned."""
    synthesis = synthesize(Target.of("host", "host"), tmp_path / "synthesized")
    main = main_tf(synthesis)
    root = Consumer(tmp_path / "root")
    shutil.copytree(consumer.folder, root.folder, symlinks=True)
    module = root.folder / "modules" / "ingestion"
    for name in resource_files(synthesis, main):
        (module / name).unlink()
    (module / "main.tf.json").write_text(json.dumps(main), encoding="utf-8")
    done = root.run(emulator, "plan", "-detailed-exitcode", "-input=false", *CHANGED)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_stack_of_the_constructs_would_make_the_same(
    consumer: Consumer, emulator: PooledEmulator, tmp_path: Path
) -> None:
    """With the module's resources as its own, the stack plans no change but of tags and the zip's place.

    The plan is the same with the provider's processes that other commands share as with its own.
    """
    stack = _stack(tmp_path / "synthesized")
    config = json.loads((stack.folder / "cdk.tf.json").read_text(encoding="utf-8"))
    state = json.loads((consumer.folder / "terraform.tfstate").read_text(encoding="utf-8"))
    (stack.folder / "terraform.tfstate").write_text(json.dumps(_adopted(state, config)), encoding="utf-8")
    del config["terraform"]["backend"]
    (stack.folder / "cdk.tf.json").write_text(json.dumps(config), encoding="utf-8")
    stack.providers = {"TF_REATTACH_PROVIDERS": ""}
    stack.must(emulator, "init", "-input=false")
    alone = _planned(stack, emulator)
    stack.providers = {}
    planned = _planned(stack, emulator)

    assert planned == alone
    assert [change for change in _changes(planned) if not change.endswith((".tags", ".filename"))] == []


def test_destroy_leaves_nothing(consumer: Consumer, emulator: PooledEmulator) -> None:
    """After destroying, neither Region has anything left, nor has the account."""
    consumer.must(emulator, "destroy", "-auto-approve", "-input=false", "-refresh=false")
    left = {
        region: [
            *_client(emulator, "kinesis", region).list_streams()["StreamNames"],
            *_client(emulator, "firehose", region).list_delivery_streams()["DeliveryStreamNames"],
            *_client(emulator, "lambda", region).list_functions()["Functions"],
            *_client(emulator, "logs", region).describe_log_groups()["logGroups"],
            *_client(emulator, "sqs", region).list_queues().get("QueueUrls", []),
            *_client(emulator, "iam", region).list_roles()["Roles"],
            *_client(emulator, "s3", region).list_buckets()["Buckets"],
        ]
        for region in ("eu-west-1", "us-east-1")
    }

    assert left == {"eu-west-1": [], "us-east-1": []}


def test_terraform_never_warned(consumer: Consumer) -> None:
    """No command above printed a warning."""
    assert warnings(consumer.said) == []


def test_the_examples_plan_without_a_warning(module: Path, emulator: PooledEmulator, tmp_path: Path) -> None:
    """The examples that are not applied above are accepted as they stand; one root plans them all."""
    root = Consumer(tmp_path / "root")
    shutil.copytree(module, root.folder / "ingestion")
    calls = [f'module "{name}" {{\n  source = "./ingestion/examples/{name}"\n}}\n' for name in EXAMPLES]
    (root.folder / "main.tf").write_text("".join(calls), encoding="utf-8")
    root.must(emulator, "init", "-input=false")
    planned = root.must(emulator, "plan", "-input=false")
    created = set(re.findall(r"^  # module\.([\w-]+)\.module\.\S+ will be created", planned, re.MULTILINE))

    assert (created, warnings(root.said)) == ({*EXAMPLES}, [])
    assert "to add, 0 to change, 0 to destroy" in planned


@pytest.mark.usefixtures("consumer")
def test_the_modules_own_tests_pass(own_tests: Consumer) -> None:
    """`terraform test` passes in the module's folder."""
    tests = next(said for said in own_tests.said if "tests/" in said)

    assert re.search(r"Success! \d+ passed, 0 failed\.", tests), tests


def test_the_module_is_formatted(own_tests: Consumer) -> None:
    """`terraform fmt` would change no file of the module nor of its examples."""
    done = own_tests.run(None, "fmt", "-check", "-diff", "-recursive")

    assert done.returncode == 0, done.stdout


@pytest.mark.usefixtures("consumer")
def test_the_module_is_valid(own_tests: Consumer) -> None:
    """`terraform validate` accepts the module by itself, without a warning."""
    assert "Success! The configuration is valid.\n\n" in own_tests.said


@pytest.fixture(scope="module")
def wrong(module: Path, emulator: PooledEmulator, tmp_path_factory: pytest.TempPathFactory) -> Consumer:
    """A root module with a pipeline of wrong sources."""
    root = Consumer.of_example(module, "minimal", tmp_path_factory.mktemp("refused") / "minimal")
    (root.folder / "wrong.tf").write_text(WRONG_SOURCES, encoding="utf-8")
    root.must(emulator, "init", "-input=false")
    return root


@pytest.fixture(scope="module")
def refused_sources(wrong: Consumer, emulator: PooledEmulator) -> str:
    """What Terraform says of them, on one line."""
    return on_one_line(wrong.run(emulator, "plan", "-input=false").stderr)


@pytest.fixture(scope="module")
def refused_settings(refused_sources: str, wrong: Consumer, emulator: PooledEmulator) -> str:  # noqa: ARG001
    """What Terraform says of other wrong values, which it finds before it looks at sources."""
    (wrong.folder / "local_override.tf").write_text(WRONG_SETTINGS, encoding="utf-8")
    return on_one_line(wrong.run(emulator, "plan", "-input=false").stderr)


def on_one_line(said: str) -> str:
    """The text without the frame and the line breaks that Terraform gives it."""
    return " ".join(said.replace("│", " ").split())


def test_a_value_out_of_range_is_refused_in_the_words_of_the_settings(refused_settings: str) -> None:
    """A user reads the same sentence from Terraform as from the settings."""
    with pytest.raises(SettingsError) as error:
        StreamSettings(shard_count=0)

    assert error.value.problems[0].advice in refused_settings


@pytest.mark.parametrize("said", SAID_OF_SOURCES)
def test_a_wrong_source_is_refused_as_in_pipeline_toml(refused_sources: str, said: str) -> None:
    """Every mistake is told, although a secret beside it is known only at apply."""
    assert said in refused_sources


def test_a_name_and_an_arn_of_two_buckets_are_refused(refused_settings: str) -> None:
    """Records would go to one and permissions to the other."""
    assert "existing_bucket.name is not what existing_bucket.arn names" in refused_settings


def test_another_account_or_region_than_the_providers_is_refused(
    module: Path, emulator: PooledEmulator, tmp_path: Path
) -> None:
    """The plan fails with both values, the provider's, and the way out."""
    root = Consumer.of_example(module, "minimal", tmp_path / "minimal")
    given = 'module "ingestion" {\n  account_id = "123456789012"\n  region     = "eu-west-1"\n}\n'
    (root.folder / "local_override.tf").write_text(given, encoding="utf-8")
    root.must(emulator, "init", "-input=false")
    said = " ".join(root.run(emulator, "plan", "-input=false").stderr.replace("│", " ").split())

    assert "account_id is 123456789012, but the provider's account is 000000000000: give the account" in said
    assert "region is eu-west-1, but the provider's Region is eu-central-1: give the Region" in said


def test_nothing_is_made_in_another_account_that_is_found_out_at_apply(
    module: Path, emulator: PooledEmulator, tmp_path: Path
) -> None:
    """If `depends_on` puts the question to AWS off, every resource waits for the answer."""
    root = Consumer.of_example(module, "minimal", tmp_path / "minimal")
    main = root.folder / "main.tf"
    text = main.read_text(encoding="utf-8")
    waits = 'depends_on = [terraform_data.before]\n  account_id = "123456789012"\n'
    text = text.replace("account_id = data.aws_caller_identity.current.account_id\n", waits)
    main.write_text(f'{text}\nresource "terraform_data" "before" {{}}\n', encoding="utf-8")
    root.must(emulator, "init", "-input=false")
    done = root.run(emulator, "apply", "-auto-approve", "-input=false")

    assert "account_id is 123456789012" in done.stderr
    assert [each for each in root.must(None, "state", "list").split() if ".data." not in each] == [
        *("data.aws_caller_identity.current", "terraform_data.before")
    ]


def _planned(consumer: Consumer, emulator: PooledEmulator, *arguments: str) -> dict[str, Any]:
    """A plan as Terraform shows it to programs; it is in the file ``planned``."""
    consumer.must(emulator, "plan", "-input=false", "-out=planned", *arguments)
    planned = dict(json.loads(consumer.must(emulator, "show", "-json", "planned")))
    planned.get("relevant_attributes", []).sort(key=str)  # Terraform gives them in any order
    return planned | {"timestamp": ""}


def _client(emulator: PooledEmulator, service: str, region: str) -> Any:
    session: Any = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=region)
    return session.client(service, endpoint_url=emulator.endpoint_url)


def _stack(output: Path) -> Consumer:
    """The stack that main.py synthesizes from the settings that the example has in America."""
    settings = output.with_suffix(".toml")
    settings.write_text(SETTINGS, encoding="utf-8")
    Checkout(ROOT).synthesize(output, ENV="local", PIPELINE_TOML=str(settings))
    return Consumer(output / "stacks" / "orders-local")


def _adopted(state: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """A state in which the resources of ``module.america`` have the addresses of the stack."""
    unique = {
        (kind, short_name(body["//"]["metadata"]["path"])): name
        for kind, instances in config["resource"].items()
        for name, body in instances.items()
    }
    resources = []
    for resource in state["resources"]:
        if resource.get("module") == "module.america" and resource["mode"] == "managed":
            (instance,) = resource["instances"]
            kept = {
                key: instance[key] for key in ("schema_version", "attributes", "private") if key in instance
            }
            resources.append(
                {
                    "mode": "managed",
                    "type": resource["type"],
                    "name": unique.pop((resource["type"], resource["name"])),
                    "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
                    "instances": [kept],
                }
            )
    assert unique == {}
    return {"version": 4, "serial": 1, "lineage": "adopted", "outputs": {}, "resources": resources}


def _changes(planned: dict[str, Any]) -> list[str]:
    """Every argument that the plan would change, as ``address.argument``."""
    changes = []
    for resource in planned["resource_changes"]:
        if resource["mode"] == "data":
            continue
        before, after = resource["change"]["before"], resource["change"]["after"]
        if before is None or after is None:
            changes.append(f"{resource['address']} {resource['change']['actions']}")
        elif resource["change"]["actions"] != ["no-op"]:
            keys = [key for key in after if after[key] != before.get(key)]
            changes += [f"{resource['address']}.{key}" for key in keys]
    return changes
