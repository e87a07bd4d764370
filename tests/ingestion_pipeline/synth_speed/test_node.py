"""jsii's Node process starts early, loads packages in order from a thread, and loads only what is used."""

import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest

from ingestion_pipeline.synth_speed import node, node_hook
from tests.checkout import Checkout

LIST_MODULES = """
process.on("exit", () => require("fs").writeFileSync(
  `${process.env.MODULES_FOLDER}/${process.pid}.json`, JSON.stringify(Object.keys(require.cache))));
"""


class Provider:
    """jsii's connection to Node: remembers what it was asked to load, and waits until it may go on."""

    def __init__(self, broken: str = "") -> None:
        self.go_on = Event()
        self.broken = broken
        self.loaded: list[str] = []

    def load(self, request: SimpleNamespace) -> None:
        """Load, or fail to."""
        self.go_on.wait(10)
        self.loaded.append(request.name)
        if request.name == self.broken:
            raise RuntimeError(f"{request.name} is broken")

    def create(self, thing: str) -> str:
        """Any other call."""
        return f"created {thing} after {' '.join(self.loaded)}"


def ahead(provider: Provider) -> SimpleNamespace:
    """A kernel that was asked to load three packages, none of which is loaded yet."""
    kernel = SimpleNamespace(provider=provider)
    kernel.provider = node.BackgroundLoader(kernel, lambda own: own.load(SimpleNamespace(name="hook")))
    for name in ("constructs", node.NPM_PACKAGE, "cdktf"):
        kernel.provider.load(SimpleNamespace(name=name, tarball="/venv/package/_jsii/package.tgz"))
    assert provider.loaded == []
    provider.go_on.set()
    return kernel


def test_loads_return_at_once_and_other_calls_wait_for_them() -> None:
    """The hook is loaded first, and the bindings last, when all their modules are imported."""
    provider = Provider()
    kernel = ahead(provider)

    assert kernel.provider.create("App") == f"created App after hook constructs cdktf {node.NPM_PACKAGE}"
    assert kernel.provider is provider


def test_a_load_that_fails() -> None:
    """The next call raises what went wrong; nothing is loaded after it."""
    provider = Provider(broken="cdktf")
    kernel = ahead(provider)

    with pytest.raises(RuntimeError, match="cdktf is broken"):
        kernel.provider.create("App")
    assert provider.loaded == ["hook", "constructs", "cdktf"]


def test_a_temporary_file_is_loaded_at_once() -> None:
    """A package within a zip is unpacked for the time of the call only, so the call waits."""
    provider = Provider()
    kernel = ahead(provider)
    kernel.provider.load(SimpleNamespace(name="zipped", tarball="/a/b/zipped.tgz"))

    assert provider.loaded == ["hook", "constructs", "cdktf", node.NPM_PACKAGE, "zipped"]


def modules_of(checkout: Checkout, folder: Path, program: str) -> list[list[str]]:
    """Which JavaScript files each Node process of a Python program had loaded when it ended."""
    script, modules = folder / "list.js", folder / "modules"
    script.write_text(LIST_MODULES)
    modules.mkdir()
    done = checkout.run(
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, 'constructs'); {program}",
        MODULES_FOLDER=str(modules),
        NODE_OPTIONS=f"--require={script}",
        CDKTF_OUTDIR=str(folder / "out"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(file.read_text()) for file in modules.iterdir()]


@pytest.mark.terraform
def test_node_loads_what_is_used(checkout: Checkout, tmp_path: Path) -> None:
    """Started first, jsii has one Node process, which has loaded only what the stack needs."""
    (modules,) = modules_of(checkout, tmp_path, "import main; main.main()")

    assert 10 < sum("provider-aws/lib" in path for path in modules) < 100
    assert any("cdktf/lib/private/fs.js" in path for path in modules)
    assert not any("archiver" in path for path in modules)


@pytest.mark.terraform
def test_a_running_node_gets_the_hook_too(checkout: Checkout, tmp_path: Path) -> None:
    """If Node is running already, only its launcher and CDKTF's zip library are loaded in vain."""
    program = "import cdktf; cdktf.App(); import main; main.main()"
    few, modules = sorted(modules_of(checkout, tmp_path, program), key=len)

    assert len(few) < 10
    assert 10 < sum("provider-aws/lib" in path for path in modules) < 100


def test_output_of_javascript_is_forwarded(checkout: Checkout, tmp_path: Path) -> None:
    """What JavaScript prints appears on the same output of Python."""
    script = tmp_path / "say.js"
    script.write_text("setImmediate(() => { console.log('to stdout'); console.error('to stderr'); });")
    program = (
        "import sys; sys.path.insert(0, 'constructs');"
        "from ingestion_pipeline import synth_speed; synth_speed.start();"
        "import cdktf; cdktf.App()"
    )
    done = checkout.run(sys.executable, "-c", program, NODE_OPTIONS=f"--require={script}")

    assert (done.returncode, done.stdout, done.stderr) == (0, "to stdout\n", "to stderr\n")


@pytest.mark.parametrize(
    ("channel", "variables", "said"),
    [
        ("{readFD:3,writeFD:3}", {"NODE_PRESERVE_SYMLINKS": "1"}, "0 1"),
        ("{readFD: 3, writeFD: 3}", {"NODE_PRESERVE_SYMLINKS": "1"}, "launcher"),
        ("{readFD:3,writeFD:3}", {}, "launcher"),
    ],
    ids=["known", "another layout", "hook alone"],
)
def test_an_unknown_launcher_stays_unchanged(
    tmp_path: Path, channel: str, variables: dict[str, str], said: str
) -> None:
    """Only a program with the expected channel is run without its launcher."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib").mkdir()
    (tmp_path / "bin" / "jsii-runtime.js").write_text("console.log('launcher')")
    (tmp_path / "lib" / "program.js").write_text(
        f"const c = {channel}; require('fs').writeSync(1, `${{c.readFD}} ${{c.writeFD}}\\n`)"
    )
    done = subprocess.run(
        ["node", tmp_path / "bin" / "jsii-runtime.js"],
        env={"PATH": os.environ["PATH"], "NODE_OPTIONS": f'--require "{node_hook.FILE}"', **variables},
        capture_output=True,
        text=True,
        check=True,
    )

    assert (done.stdout, done.stderr) == (f"{said}\n", "")


LATE = """
import sys; sys.path.insert(0, 'constructs')
from pathlib import Path
from ingestion_pipeline import synth_speed
from ingestion_pipeline.synth_speed import node, trim
node.TRIMMED = Path(sys.argv[1])
synth_speed.start()
import jsii
from cdktf import TerraformStack, Testing
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
whole = jsii.kernel.provider.bindings.tarball
trim.trim(Path(whole), node.used_modules(), node.trimmed_file(whole, node.used_modules()))
stack = TerraformStack(Testing.app(), 'stack')
bucket = S3Bucket(stack, 'bucket')

from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
SnsTopic(stack, 'topic', name=bucket.arn)
SqsQueue(stack, 'queue', name=bucket.arn)
S3Bucket(stack, 'second')
print(Testing.synth(stack))
"""


@pytest.mark.terraform
def test_a_late_import_brings_the_whole_package(checkout: Checkout, tmp_path: Path) -> None:
    """Resources that Python imports after Node has the trimmed package are made like those before."""
    done = checkout.run(sys.executable, "-c", LATE, str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")

    assert json.loads(done.stdout)["resource"] == {
        "aws_s3_bucket": {"bucket": {}, "second": {}},
        "aws_sns_topic": {"topic": {"name": "${aws_s3_bucket.bucket.arn}"}},
        "aws_sqs_queue": {"queue": {"name": "${aws_s3_bucket.bucket.arn}"}},
    }


@pytest.mark.parametrize("start", ["", "synth_speed.start(); import cdktf"], ids=["in it", "before it"])
def test_a_worker_that_outlives_the_main_thread(checkout: Checkout, start: str) -> None:
    """A thread that synthesizes after the main thread has ended gets all packages too."""
    program = (
        "import sys, threading, time; sys.path.insert(0, 'constructs')\n"
        f"from ingestion_pipeline import synth_speed; {start}\n"
        "def work():\n"
        "    threading.main_thread().join(); time.sleep(0.3); synth_speed.start()\n"
        "    from cdktf import TerraformStack, Testing\n"
        "    print(Testing.synth(TerraformStack(Testing.app(), 'stack')))\n"
        "threading.Thread(target=work).start()\n"
    )
    done = checkout.run(sys.executable, "-c", program)

    assert (done.returncode, done.stdout, done.stderr) == (0, "{\n}\n", "")


def test_bad_settings_end_at_once(checkout: Checkout, tmp_path: Path) -> None:
    """A program that fails before it uses Node ends with its own message and does not hang."""
    settings = tmp_path / "pipeline.toml"
    settings.write_text("[pipeline]\nname = 7\n")

    done = checkout.run("python3", checkout.root / "main.py", PIPELINE_TOML=str(settings))

    assert done.returncode == 1
    assert done.stderr.count("\n") < 5
    assert "Traceback" not in done.stderr
