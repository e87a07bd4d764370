"""The entry point, run as its users run it: by hand, from elsewhere, through the cdktf command line."""

import base64
import hashlib
import json
import shutil
import sys
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import Checkout, synthesized_file
from tools.ground.terraform import environment

pytestmark = pytest.mark.terraform

FIVE_MISTAKES = """
[stream]
shard_count = 0
[delivery]
compression = "LZ4"
[function]
memory_gib = 1
[[sources]]
url = "example.com"
[environments.dev]
[environments.prod.function]
timeout_seconds = 901
"""


@pytest.fixture(scope="module")
def local(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What it writes for ``local``, whose lake may be deleted."""
    output = tmp_path_factory.mktemp("local")
    checkout.synthesize(output, ENV="local")
    return output


def text(output: Path) -> str:
    """The Terraform JSON that was written."""
    return synthesized_file(output).read_text(encoding="utf-8")


def only(output: Path, kind: str) -> dict[str, Any]:
    """The one resource of a type."""
    (resource,) = json.loads(text(output))["resource"][kind].values()
    return dict(resource)


class TestDefaults:
    def test_is_the_dev_environment(self, by_hand: Path) -> None:
        """Without a choice the environment is dev."""
        assert synthesized_file(by_hand).parent.name == "data-ingestion-dev"

    def test_hash_is_that_of_the_zip_beside_it(self, by_hand: Path) -> None:
        """Terraform compares the SHA-256 of the very file that it uploads."""
        function = only(by_hand, "aws_lambda_function")
        stack = synthesized_file(by_hand).parent
        zip_file = Path(function["filename"].replace("${path.module}", str(stack)))
        digest = base64.b64encode(hashlib.sha256(zip_file.read_bytes()).digest()).decode()

        assert function["source_code_hash"] == digest

    def test_zip_has_the_handler(self, by_hand: Path) -> None:
        """The file that is uploaded holds the module that the handler names."""
        (zip_file,) = by_hand.glob("stacks/*/assets/*/*/*.zip")
        module = only(by_hand, "aws_lambda_function")["handler"].rsplit(".", 1)[0]
        with zipfile.ZipFile(zip_file) as archive:
            assert f"{module.replace('.', '/')}.py" in archive.namelist()

    def test_names_no_path_of_the_machine(self, by_hand: Path, checkout: Checkout) -> None:
        """Nothing of where the checkout lies gets into the JSON."""
        assert str(checkout.root) not in text(by_hand)

    def test_provider_is_locked(self, by_hand: Path, root: Path) -> None:
        """The stack's folder has the project's lock of the provider's checksums."""
        lock = synthesized_file(by_hand).with_name(".terraform.lock.hcl")

        assert lock.read_bytes() == (root / ".terraform.lock.hcl").read_bytes()


class TestAnyWay:
    """The same bytes, however main.py is started."""

    def test_with_a_bare_python_from_elsewhere(
        self, checkout: Checkout, by_hand: Path, tmp_path: Path
    ) -> None:
        """``python3 main.py`` needs no active environment and no working directory."""
        # Its own environment, for the system's Python may have cdktf too.
        venv.create(tmp_path / "bare", symlinks=True)
        python = tmp_path / "bare" / "bin" / "python3"
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        done = checkout.run(
            python, checkout.root / "main.py", folder=elsewhere, CDKTF_OUTDIR=str(tmp_path / "out")
        )

        assert (done.returncode, done.stderr) == (0, "")
        assert text(tmp_path / "out") == text(by_hand)
        assert list(elsewhere.iterdir()) == []

    def test_a_python_with_cdktf_alone(self, checkout: Checkout, by_hand: Path, tmp_path: Path) -> None:
        """A Python that has CDKTF and nothing else is no better than one that has nothing."""
        venv.create(tmp_path / "bare", symlinks=True)
        (packages,) = (tmp_path / "bare" / "lib").glob("python*/site-packages")
        (packages / "cdktf").mkdir()
        (packages / "cdktf" / "__init__.py").touch()
        python = tmp_path / "bare" / "bin" / "python3"
        done = checkout.run(python, "main.py", CDKTF_OUTDIR=str(tmp_path / "out"))

        assert (done.returncode, done.stderr) == (0, "")
        assert text(tmp_path / "out") == text(by_hand)

    def test_through_the_cdktf_command_line(self, checkout: Checkout, local: Path) -> None:
        """``cdktf synth`` runs the same program, with the context of the same file."""
        variables = environment({"ENV": "local", "CI": "1"}, build=checkout.root / "build")
        done = checkout.run("cdktf", "synth", **variables)  # type: ignore[arg-type]

        assert done.returncode == 0, done.stdout + done.stderr
        assert text(checkout.root / "cdktf.out") == text(local)

    def test_without_its_packages_it_says_what_to_do(self, root: Path, tmp_path: Path) -> None:
        """Where nothing is installed, one line names the commands that install it."""
        shutil.copy2(root / "main.py", tmp_path)
        done = Checkout(tmp_path).run(sys.executable, "-S", "main.py")

        assert done.returncode == 1
        assert done.stderr == (
            "main.py: cdktf is not installed: run `make synth` once, or `pipenv sync --dev`\n"
        )


class TestSecondKey:
    """cdktf.json's list of environments whose data may be deleted holds however main.py is started."""

    def test_opens_where_both_agree(self, local: Path) -> None:
        """``local`` is listed and asks for it."""
        assert only(local, "aws_s3_bucket")["force_destroy"] is True

    def test_stays_shut_elsewhere(self, by_hand: Path) -> None:
        """``dev`` is not."""
        assert only(by_hand, "aws_s3_bucket")["lifecycle"] == {"prevent_destroy": True}


class TestState:
    def test_the_states_bucket_is_a_stack_of_its_own(self, checkout: Checkout, tmp_path: Path) -> None:
        """``main.py state`` makes the bucket that the backend names, which cannot be destroyed."""
        made = checkout.synthesize(tmp_path, "state", ENV="local")
        (bucket,) = made["resource"]["aws_s3_bucket"].values()

        assert bucket["bucket"] == made["terraform"]["backend"]["s3"]["bucket"]
        assert bucket["lifecycle"] == {"prevent_destroy": True}


class TestTerraform:
    def test_accepts_what_is_written(self, checkout: Checkout, tmp_path: Path) -> None:
        """Real Terraform with the real provider finds it valid with everything on, and has no warning."""
        file = tmp_path / "pipeline.toml"
        settings = (checkout.root / "pipeline.toml").read_text(encoding="utf-8")
        template = (
            '[alarms]\nemails = ["a@b.example"]\ndashboard = true\n[[sources]]\nname = "template"\n'
            'schedule = "rate(1 hour)"\nurl = "https://example.com/?q=${none.x}%{if}"\n'
        )
        file.write_text(settings.replace("[[sources]]", f"{template}[[sources]]"), encoding="utf-8")
        output = tmp_path / "out"
        checkout.synthesize(output, PIPELINE_TOML=str(file), ENV="prod")
        folder = synthesized_file(output).parent
        variables = environment({"TF_IN_AUTOMATION": "1"}, build=tmp_path / "build")
        commands = (["init", "-backend=false", "-input=false", "-no-color"], ["validate", "-json"])
        init, validate = (
            checkout.run("terraform", *command, folder=folder, **variables) for command in commands
        )

        assert init.returncode == 0, init.stdout + init.stderr
        assert "Warning" not in init.stdout + init.stderr
        assert json.loads(validate.stdout)["diagnostics"] == []


class TestGuarded:
    def test_five_mistakes_make_nothing(self, checkout: Checkout, tmp_path: Path) -> None:
        """All five are told, in lines and not in a traceback, and nothing is written."""
        file = tmp_path / "pipeline.toml"
        file.write_text(FIVE_MISTAKES, encoding="utf-8")
        done = checkout.run(
            sys.executable, "main.py", PIPELINE_TOML=str(file), CDKTF_OUTDIR=str(tmp_path / "out")
        )
        head, *lines = done.stderr.splitlines()

        assert (done.returncode, done.stdout) == (1, "")
        assert head == "pipeline.toml: 5 settings cannot be used"
        assert [line.strip().split(": ")[0] for line in lines] == [
            "stream.shard_count = 0",
            "delivery.compression = 'LZ4'",
            "function.memory_gib = 1",
            "sources[0].url = 'example.com'",
            "environments.prod.function.timeout_seconds = 901",
        ]
        assert list(tmp_path.iterdir()) == [file]

    def test_an_unknown_environment(self, checkout: Checkout, tmp_path: Path) -> None:
        """A mistyped environment is answered with those that there are."""
        done = checkout.run(sys.executable, "main.py", ENV="production", CDKTF_OUTDIR=str(tmp_path / "out"))

        assert (done.returncode, list(tmp_path.iterdir())) == (1, [])
        assert (
            "ENV = 'production': is not an environment of this file; it has dev, local, prod" in done.stderr
        )

    def test_a_zip_that_cannot_be_made(self, tmp_path: Path) -> None:
        """Without its wheels the function is not deployed; what pip said is told without a traceback."""
        broken = Checkout.copy(tmp_path / "broken")
        (broken.root / "lambda" / "requirements.txt").write_text("requests\n", encoding="utf-8")
        done = broken.run(sys.executable, "main.py")

        assert done.returncode == 1
        assert done.stderr.startswith("pip could not get the wheels of ")
        assert "Traceback" not in done.stderr
