"""One pipeline: planned by a role that only reads, destroyed but for its data, and deployed again over it."""

import json
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from local_aws.demo.lake import compare
from local_aws.servers.sample_api import SampleApi
from local_aws.servers.sample_data import records, stored_form
from tests.checkout import ROOT, Checkout
from tests.e2e.consumer import Consumer, emitted
from tests.e2e.deployment import Deployment
from tests.e2e.provider import PooledEmulator

pytestmark = pytest.mark.e2e

PYTHON = ROOT / ".venv" / "bin" / "python"
EXPECTED = [stored_form(record) for record in records()]
STATE_BUCKET = "data-ingestion-local-state"
MAPPINGS = ":event-source-mapping:"
"""Whose ids only AWS knows; in any other ARN the ending is not what the emulator decides on."""
# Its secret needs a policy of its own; no test takes as long as its schedule.
PRIVATE_SOURCE = """
[[sources]]
name = "private"
url = "https://api.example.com/"
schedule = "rate(1 day)"
auth = { kind = "bearer", secret_arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:orders-AbCdEf" }
"""
LAKE = "orders-local-lake-000000000000-us-east-1"


def make(deployment: Deployment, action: str, **switches: str) -> str:
    """What ``make ACTION`` runs and prints; it has to succeed."""
    settings = [f"{name}={value}" for name, value in {"AUTO_APPROVE": "1", **switches}.items()]
    return deployment.must("env", *settings, PYTHON, "-m", "tools.deploy.stack", action)


@pytest.fixture(scope="module")
def decisions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file to which the local AWS writes each of its decisions."""
    return tmp_path_factory.mktemp("decisions") / "decisions.jsonl"


@pytest.fixture(scope="module")
def emulator(decisions: Path) -> Iterator[PooledEmulator]:
    """A local AWS that enforces IAM and writes down its decisions."""
    with PooledEmulator(
        auth=True, firehose_time_scale=0.05, iam_decisions=decisions, settings={"TLS_IN_FRONT": "true"}
    ) as running:
        yield running


@pytest.fixture(scope="module")
def filled(
    emulator: PooledEmulator, sample: SampleApi, tmp_path_factory: pytest.TempPathFactory
) -> Deployment:
    """A deployed pipeline whose lake may not be deleted, with records in it."""
    checkout = Checkout.copy(tmp_path_factory.mktemp("lifecycle") / "checkout")
    deployment = Deployment(checkout, emulator, "orders")
    deployment.configure(("delete_with_stack = true", "delete_with_stack = false"))
    with deployment.settings.open("a", encoding="utf-8") as settings:
        settings.write(PRIVATE_SOURCE)
    deployment.must(PYTHON, "-m", "tools.deploy.bootstrap")
    make(deployment, "deploy")
    answer = deployment.invoke({"url": sample.url})
    assert answer.get("statusCode") == 200, answer
    deployment.landed(len(EXPECTED))
    return deployment


@pytest.fixture(scope="module")
def policy(filled: Deployment) -> dict[str, Any]:
    """The policy of the role that plans, as ``make plan-role`` writes it."""
    file = filled.must(PYTHON, "-m", "tools.plan.role").strip()
    return dict(json.loads(Path(file).read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def calls(filled: Deployment, policy: dict[str, Any], decisions: Path) -> list[dict[str, Any]]:
    """The decisions on a plan by a user who has this policy alone; the plan has to be empty."""
    iam = filled.emulator.client("iam")
    iam.create_user(UserName="plan")
    iam.put_user_policy(UserName="plan", PolicyName="plan", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="plan")["AccessKey"]
    credentials = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    earlier = len(decisions.read_text(encoding="utf-8").splitlines())
    said = make(filled, "plan", TF_CLI_ARGS_plan="-lock=false", TF_REATTACH_PROVIDERS="", **credentials)
    assert "No changes." in said
    made = map(json.loads, decisions.read_text(encoding="utf-8").splitlines()[earlier:])
    return [call for call in made if call["access_key_id"] == key["AccessKeyId"]]


def elsewhere(filled: Deployment, name: str, *changes: tuple[str, str]) -> Deployment:
    """The deployed pipeline's settings with another name or other changes, in a folder of their own."""
    other = Deployment(filled.checkout, filled.emulator, name, f"out/{name}")
    other.configure(("delete_with_stack = true", "delete_with_stack = false"), *changes)
    with other.settings.open("a", encoding="utf-8") as settings:
        settings.write(PRIVATE_SOURCE)
    return other


def with_key(key: str) -> tuple[str, str]:
    """Settings in which the key of the state is written down."""
    return "[environments.local.state]", f'[environments.local.state]\nkey = "{key}"'


@pytest.fixture(scope="module")
def destroyed(filled: Deployment, calls: list[dict[str, Any]]) -> str:
    """What the destruction printed, after the plan above."""
    assert calls
    return make(filled, "destroy", KEEP_DATA="1")


@pytest.fixture(scope="module")
def left(destroyed: str, emulator: PooledEmulator) -> dict[str, list[str]]:
    """What is there after the destruction."""
    assert destroyed
    return {
        "streams": emulator.client("kinesis").list_streams()["StreamNames"],
        "deliveries": emulator.client("firehose").list_delivery_streams()["DeliveryStreamNames"],
        "functions": [
            each["FunctionName"] for each in emulator.client("lambda").list_functions()["Functions"]
        ],
        "roles": [role["RoleName"] for role in emulator.client("iam").list_roles()["Roles"]],
        "logs": [g["logGroupName"] for g in emulator.client("logs").describe_log_groups()["logGroups"]],
        "queues": emulator.client("sqs").list_queues().get("QueueUrls", []),
        "buckets": [bucket["Name"] for bucket in emulator.client("s3").list_buckets()["Buckets"]],
    }


@pytest.fixture(scope="module")
def redeployed(left: dict[str, list[str]], filled: Deployment) -> str:
    """What `make deploy` printed over the bucket that was kept."""
    assert left
    return make(filled, "deploy")


@pytest.fixture(scope="module")
def again(redeployed: str, filled: Deployment) -> Deployment:
    """The pipeline, deployed over the bucket that was kept."""
    assert redeployed
    return filled


@pytest.fixture(scope="module")
def former(again: Deployment) -> dict[str, Any]:
    """The stream as AWS describes it, before the module takes it over."""
    return described_stream(again.emulator)


@pytest.fixture(scope="module")
def root(former: dict[str, Any], again: Deployment) -> Consumer:
    """The root module that ``make migration`` writes, with the module beside it, initialized."""
    assert former
    dist = again.checkout.root / "dist"
    emitted(dist / "terraform-aws-ingestion-pipeline", "host")
    again.must(PYTHON, "-m", "tools.module.migration")
    root = Consumer(dist / "migration-orders-local")
    root.must(again.emulator, "init", "-input=false")
    return root


@pytest.fixture(scope="module")
def moves(root: Consumer, emulator: PooledEmulator) -> list[dict[str, Any]]:
    """What the first plan of the root module would do to each resource."""
    root.must(emulator, "plan", "-input=false", "-out=planned")
    planned = json.loads(root.must(emulator, "show", "-json", "planned"))
    return [each for each in planned["resource_changes"] if each["mode"] == "managed"]


@pytest.fixture(scope="module")
def migrated(moves: list[dict[str, Any]], root: Consumer, emulator: PooledEmulator) -> Consumer:
    """The root module, applied over the stack's state."""
    assert moves
    root.must(emulator, "apply", "-input=false", "planned")
    return root


def described_stream(emulator: PooledEmulator) -> dict[str, Any]:
    """What tells a stream from one of the same name that was made later."""
    summary = emulator.client("kinesis").describe_stream_summary(StreamName="orders-local-stream")
    described = summary["StreamDescriptionSummary"]
    return {key: described[key] for key in ("StreamARN", "StreamCreationTimestamp")}


def test_plan_role_may_make_every_call_of_a_plan(calls: list[dict[str, Any]]) -> None:
    """A plan under this policy alone is refused nothing."""
    assert [call for call in calls if not call["allowed"]] == []


def test_plan_role_may_do_exactly_what_a_plan_calls(
    policy: dict[str, Any], calls: list[dict[str, Any]]
) -> None:
    """Each action that is granted on a resource is called on it, and the other way round."""
    granted = {
        (action, resource if MAPPINGS in resource else resource.removesuffix(":*"))
        for statement in policy["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    }
    called = {
        next(
            (pair for pair in granted if pair[0] == call["action"] and fnmatch(call["resource"], pair[1])),
            (call["action"], call["resource"]),
        )
        for call in calls
    }

    assert granted == called


@pytest.mark.parametrize("action", ["plan", "deploy", "destroy"])
def test_a_renamed_pipeline_is_not_taken_for_a_new_one(filled: Deployment, action: str) -> None:
    """Nothing is planned, deployed or destroyed under the new name while the old one has its resources."""
    renamed = elsewhere(filled, "purchases")
    done = renamed.run("env", "AUTO_APPROVE=1", "KEEP_DATA=1", PYTHON, "-m", "tools.deploy.stack", action)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        f"{action}: there is no state purchases/local/terraform.tfstate in {STATE_BUCKET} yet, but there is "
        "orders/local/terraform.tfstate with resources"
    )


def test_a_name_that_would_cost_a_protected_lake_names_the_settings(filled: Deployment) -> None:
    """ALLOW_DATA_LOSS=1 does not destroy what is protected; the message says which settings come first."""
    renamed = elsewhere(filled, "purchases", with_key("orders/local/terraform.tfstate"))
    done = renamed.run("env", "ALLOW_DATA_LOSS=1", PYTHON, "-m", "tools.deploy.stack", "plan")
    summary = (renamed.stack / "plan.md").read_text(encoding="utf-8")

    assert (done.returncode, "Instance cannot be destroyed" in done.stderr) == (1, True)
    assert (
        "set delete_with_stack = true in [environments.local.lake] of pipeline.toml, add 'local' to"
        in (done.stderr.splitlines()[-1])
    )
    assert summary.startswith("**Terraform failed while it planned: this cannot be applied")
    assert "| **replace** | **`aws_s3_bucket." in summary


def test_another_key_of_the_state_goes_with_the_state(filled: Deployment) -> None:
    """The new key is refused until the state is moved to it; then the plan changes nothing."""
    s3, old, new = filled.emulator.client("s3"), "orders/local/terraform.tfstate", "team/orders.tfstate"
    moved = Deployment(filled.checkout, filled.emulator, "orders", "out/moved")
    before = moved.settings.read_text(encoding="utf-8")
    try:
        moved.settings.write_text(before.replace(*with_key(new)), encoding="utf-8")
        refused = moved.run(PYTHON, "-m", "tools.deploy.stack", "plan")
        s3.copy_object(Bucket=STATE_BUCKET, Key=new, CopySource=f"{STATE_BUCKET}/{old}")
        s3.delete_object(Bucket=STATE_BUCKET, Key=old)
        planned = make(moved, "plan")
    finally:
        moved.settings.write_text(before, encoding="utf-8")
        s3.copy_object(Bucket=STATE_BUCKET, Key=old, CopySource=f"{STATE_BUCKET}/{new}")
        s3.delete_object(Bucket=STATE_BUCKET, Key=new)

    assert refused.returncode == 1
    assert "the stream orders-local-stream exists, but the state team/orders.tfstate" in refused.stderr
    assert "No changes." in planned


def test_destroy_keep_data_leaves_nothing_but_buckets(left: dict[str, list[str]]) -> None:
    """All that costs anything but storage is gone, though the lake may not be deleted."""
    assert left == {
        "streams": [],
        "deliveries": [],
        "functions": [],
        "roles": [],
        "logs": [],
        "queues": [],
        "buckets": [STATE_BUCKET, LAKE],
    }


def test_destroy_keep_data_names_what_it_kept(destroyed: str) -> None:
    """The last line says which bucket is left and how it is used again."""
    assert destroyed.endswith(f"Kept: {LAKE}. `make deploy` takes it back.\n")


def test_kept_bucket_is_protected_as_before(left: dict[str, list[str]], emulator: PooledEmulator) -> None:
    """What protects the bucket stays with it."""
    assert LAKE in left["buckets"]
    s3 = emulator.client("s3")
    policy = json.loads(s3.get_bucket_policy(Bucket=LAKE)["Policy"])

    assert (s3.get_bucket_versioning(Bucket=LAKE)["Status"], policy["Statement"][0]["Effect"]) == (
        "Enabled",
        "Deny",
    )


def test_deploy_after_keep_data_imports_the_bucket(redeployed: str) -> None:
    """The bucket is taken back rather than created, and the plan says so."""
    assert f"The bucket {LAKE} was kept: it is imported." in redeployed
    assert "1 to import" in redeployed


def test_deploy_after_keep_data_finds_the_old_records(again: Deployment) -> None:
    """Every record is there as it was."""
    landed = compare(EXPECTED, again.landed(len(EXPECTED)))

    assert (landed.is_complete, landed.duplicates, landed.missing) == (True, 0, [])


def test_second_plan_after_keep_data_is_empty(again: Deployment) -> None:
    """The bucket is wholly Terraform's again, its tag as an owner's sign is gone."""
    done = again.run("terraform", "plan", "-detailed-exitcode", "-no-color", folder=again.stack)

    assert done.returncode == 0, done.stdout


def test_deployed_again_ingests(again: Deployment, sample: SampleApi) -> None:
    """New records land beside the old ones."""
    answer = again.invoke({"url": f"{sample.url}?page=1&per_page=7"})
    assert answer.get("statusCode") == 200, answer

    assert len(again.landed(len(EXPECTED) + 7)) == len(EXPECTED) + 7


def test_migration_moves_every_resource(moves: list[dict[str, Any]]) -> None:
    """Nothing is created or destroyed, but the list of sources, whose name comes from its text."""
    actions = {each["address"]: each["change"]["actions"] for each in moves}
    others = {address: done for address, done in actions.items() if done not in (["no-op"], ["update"])}

    assert [address.partition("[")[0] for address in others] in (
        [],
        ["module.ingestion.aws_s3_object.fetch_sources_object"],
    )
    assert [each["address"] for each in moves if "previous_address" not in each] == []


def test_migration_changes_nothing_but_tags_and_the_package(moves: list[dict[str, Any]]) -> None:
    """What the stack gave by default tags the module gives by tags; the zip lies elsewhere."""
    changed = {
        key
        for each in moves
        if each["change"]["actions"] == ["update"]
        for key, value in each["change"]["after"].items()
        if value != each["change"]["before"][key]
    }

    assert changed <= {"tags", "filename", "environment"}


@pytest.mark.usefixtures("migrated")
def test_migration_keeps_the_stream(former: dict[str, Any], emulator: PooledEmulator) -> None:
    """It is the same stream, with the same records on it."""
    assert described_stream(emulator) == former


@pytest.mark.usefixtures("migrated")
def test_migration_keeps_the_records(again: Deployment) -> None:
    """The bucket is the same one, with all that was in it."""
    assert len(again.landed(len(EXPECTED) + 7)) == len(EXPECTED) + 7


def test_second_plan_after_migration_is_empty(migrated: Consumer, emulator: PooledEmulator) -> None:
    """The module has taken everything over."""
    done = migrated.run(emulator, "plan", "-detailed-exitcode", "-input=false")

    assert done.returncode == 0, done.stdout


@pytest.mark.usefixtures("migrated")
def test_migrated_pipeline_ingests(again: Deployment, sample: SampleApi) -> None:
    """New records land beside the old ones."""
    answer = again.invoke({"url": f"{sample.url}?page=2&per_page=7"})
    assert answer.get("statusCode") == 200, answer

    assert len(again.landed(len(EXPECTED) + 14)) == len(EXPECTED) + 14
