import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import Checkout
from tools.ground import terraform
from tools.ground.terraform import (
    LOCK,
    PROVIDER,
    TerraformError,
    additions,
    configuration,
    environment,
    init,
    provider_mirror,
    run,
    synthesize,
)

pytestmark = pytest.mark.terraform


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """A folder laid out as an unpacked mirror."""
    folder = tmp_path / "a mirror"
    (folder / PROVIDER).mkdir(parents=True)
    return folder


def configured(file: Path, folder: Path) -> str:
    """What Terraform prints with a CLI configuration."""
    variables = {**environment(), "TF_CLI_CONFIG_FILE": str(file)}
    done = subprocess.run(
        ["terraform", "version"], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


class TestMirror:
    def test_is_the_one_that_is_named(self, mirror: Path, tmp_path: Path) -> None:
        """The variable takes precedence over every usual folder."""
        assert provider_mirror({"TF_PLUGIN_MIRROR": str(mirror)}, [tmp_path]) == mirror

    def test_is_an_absolute_path(self, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A relative path is resolved at once, because Terraform runs in another folder."""
        monkeypatch.chdir(mirror.parent)

        assert provider_mirror({"TF_PLUGIN_MIRROR": mirror.name}) == mirror

    @pytest.mark.parametrize("name", ["missing", "."])
    def test_a_named_folder_without_the_provider(self, tmp_path: Path, name: str) -> None:
        """It is an error, not a silent download."""
        named = tmp_path / name

        with pytest.raises(TerraformError, match=r"has no registry.terraform.io/hashicorp/aws; unset it"):
            provider_mirror({"TF_PLUGIN_MIRROR": str(named)})

    def test_is_the_first_folder_with_the_provider(self, mirror: Path, tmp_path: Path) -> None:
        """Without the variable, the folders are searched in order."""
        other = tmp_path / "other"
        (other / PROVIDER).mkdir(parents=True)

        assert provider_mirror({}, [tmp_path / "missing", tmp_path, mirror, other]) == mirror

    def test_may_lie_in_the_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The folder in the home is that of the current HOME."""
        monkeypatch.setenv("HOME", str(tmp_path))
        place = tmp_path / ".terraform.d" / "plugins"
        (place / PROVIDER).mkdir(parents=True)

        assert provider_mirror({}, terraform.MIRROR_FOLDERS) == place

    def test_is_none_without_any(self, tmp_path: Path) -> None:
        """Without a mirror, the registry is used."""
        assert provider_mirror({}, [tmp_path]) is None


class TestConfiguration:
    def test_is_understood(self, mirror: Path, tmp_path: Path) -> None:
        """Terraform accepts the configuration, also with a space in the path."""
        file = tmp_path / "terraform.rc"
        file.write_text(configuration(mirror), encoding="utf-8")
        said = configured(file, tmp_path)

        assert said.startswith("Terraform v")
        assert "problem" not in said

    def test_a_broken_one_is_reported(self, tmp_path: Path) -> None:
        """The test above can fail: Terraform reports an invalid configuration."""
        file = tmp_path / "terraform.rc"
        file.write_text("provider_installation {", encoding="utf-8")

        assert "problem" in configured(file, tmp_path)

    def test_is_used_where_there_is_a_mirror(
        self, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With a mirror, Terraform installs from it and cdktf locks its checksums."""
        monkeypatch.setenv("TF_PLUGIN_MIRROR", str(mirror))
        wanted = additions(tmp_path / "build")

        assert Path(wanted["TF_CLI_CONFIG_FILE"]).read_text(encoding="utf-8") == configuration(mirror)
        assert wanted["TF_CLI_ARGS_providers_lock"] == f"-fs-mirror={mirror}"

    def test_is_written_once(self, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A current file is not written again, and no temporary file is left beside it."""
        monkeypatch.setenv("TF_PLUGIN_MIRROR", str(mirror))
        build = tmp_path / "build"
        first = Path(additions(build)["TF_CLI_CONFIG_FILE"]).stat()
        again = Path(additions(build)["TF_CLI_CONFIG_FILE"]).stat()

        assert (again.st_ino, again.st_mtime_ns) == (first.st_ino, first.st_mtime_ns)
        assert [file.name for file in build.iterdir()] == ["terraform.rc"]


class TestEnvironment:
    def test_a_missing_configuration_is_dropped(self, tmp_path: Path) -> None:
        """A variable that names a missing file would cause a warning with every command."""
        variables = environment({"TF_CLI_CONFIG_FILE": str(tmp_path / "none")}, tmp_path)

        assert "TF_CLI_CONFIG_FILE" not in variables

    def test_an_existing_configuration_stays(self, tmp_path: Path) -> None:
        """The caller's own configuration is passed on."""
        file = tmp_path / "own.rc"
        file.write_text("", encoding="utf-8")

        assert environment({"TF_CLI_CONFIG_FILE": str(file)}, tmp_path)["TF_CLI_CONFIG_FILE"] == str(file)

    def test_tools_of_the_checkout_come_first(self, root: Path, tmp_path: Path) -> None:
        """`python3` and `cdktf` are the pinned ones; those of the machine come after them."""
        first, second, *_ = environment(build=tmp_path)["PATH"].split(":")

        assert (first, second) == (str(root / ".venv" / "bin"), str(root / "node_modules" / ".bin"))

    def test_no_update_check(self, tmp_path: Path) -> None:
        """Terraform and cdktf do not look for newer versions of themselves."""
        assert environment(build=tmp_path)["CHECKPOINT_DISABLE"] == "1"

    def test_a_shell_can_evaluate_it(self, checkout: Checkout) -> None:
        """`eval "$(make env)"` sets the same variables, also in a folder with a space in its name."""
        script = f'eval "$("{sys.executable}" -m tools.ground.terraform)" && printf %s "$PATH"'
        done = checkout.run("sh", "-c", script)

        assert done.stdout.startswith(f"{checkout.root}/.venv/bin:{checkout.root}/node_modules/.bin:")
        assert done.stderr == ""


class TestRun:
    def test_gives_what_was_printed(self, tmp_path: Path) -> None:
        """A quiet run returns Terraform's output."""
        assert run(["version"], tmp_path, quiet=True).startswith("Terraform v")

    def test_shows_what_is_printed(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """Otherwise the output is shown at once."""
        assert run(["version"], tmp_path) == ""
        assert capfd.readouterr().out.startswith("Terraform v")

    def test_a_failure_ends_with_what_was_printed(self, tmp_path: Path) -> None:
        """The error has the command, the folder and, for a quiet run, the output."""
        with pytest.raises(TerraformError) as caught:
            run(["validate", "-nonsense"], tmp_path, quiet=True)

        assert str(caught.value).startswith(f"`terraform validate -nonsense` failed in {tmp_path}:\n")
        assert "flag provided but not defined" in str(caught.value)


class TestInit:
    @pytest.fixture
    def stack(self, tmp_path: Path) -> Path:
        """A folder whose configuration needs the AWS provider."""
        need = '{"terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}}}'
        (tmp_path / "stack").mkdir()
        (tmp_path / "stack" / "main.tf.json").write_text(need, encoding="utf-8")
        return tmp_path / "stack"

    @pytest.fixture
    def version(self) -> str:
        """The version of the provider that this machine's mirror has."""
        found = provider_mirror()
        if found is None:
            pytest.skip("needs a provider mirror on this machine")
        return sorted(folder.name for folder in (found / PROVIDER).iterdir())[-1]

    def lock(self, stack: Path, version: str) -> Path:
        """A lock of a version, without checksums."""
        file = stack / LOCK
        block = f'provider "registry.terraform.io/hashicorp/aws" {{\n  version = "{version}"\n}}\n'
        file.write_text(block, encoding="utf-8")
        return file

    def test_a_lock_that_the_mirror_cannot_serve_is_replaced(
        self, stack: Path, version: str, tmp_path: Path
    ) -> None:
        """The lock changes to the version that the mirror has."""
        lock = self.lock(stack, "5.1.0")
        init(stack, environment(build=tmp_path), quiet=True)

        assert f'"{version}"' in lock.read_text(encoding="utf-8")


class TestSynthesize:
    # With what else runs main.py.
    def test_gives_the_stacks_folder(self, tmp_path: Path) -> None:
        """The folder is the one that Terraform runs in."""
        folder = synthesize(environment({"ENV": "prod"}, tmp_path), output=tmp_path / "out")

        assert folder == tmp_path / "out" / "stacks" / "data-ingestion-prod"
        assert (folder / "cdk.tf.json").is_file()

    def test_bad_settings_are_an_error(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """The error refers to what main.py has printed."""
        variables = environment({"PIPELINE_TOML": str(tmp_path / "none.toml")}, tmp_path)

        with pytest.raises(TerraformError, match="its message is above"):
            synthesize(variables, output=tmp_path / "out")
        assert "none.toml': does not exist" in capfd.readouterr().err
