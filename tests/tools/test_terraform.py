import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import Checkout
from tools import terraform
from tools.terraform import (
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
    """A folder in the form of an unpacked mirror."""
    folder = tmp_path / "a mirror"
    (folder / PROVIDER).mkdir(parents=True)
    return folder


def configured(file: Path, folder: Path) -> str:
    """What Terraform itself says with a CLI configuration."""
    variables = {**environment(), "TF_CLI_CONFIG_FILE": str(file)}
    done = subprocess.run(
        ["terraform", "version"], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


class TestMirror:
    def test_is_the_one_that_is_named(self, mirror: Path, tmp_path: Path) -> None:
        """The variable wins over every usual place."""
        assert provider_mirror({"TF_PLUGIN_MIRROR": str(mirror)}, [tmp_path]) == mirror

    def test_is_an_absolute_path(self, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A relative name is one from where it was said, as Terraform runs elsewhere."""
        monkeypatch.chdir(mirror.parent)

        assert provider_mirror({"TF_PLUGIN_MIRROR": mirror.name}) == mirror

    @pytest.mark.parametrize("name", ["missing", "."])
    def test_that_is_named_and_is_none(self, tmp_path: Path, name: str) -> None:
        """A named folder without the provider is an error, not a silent download."""
        named = tmp_path / name

        with pytest.raises(TerraformError, match=r"has no registry.terraform.io/hashicorp/aws; unset it"):
            provider_mirror({"TF_PLUGIN_MIRROR": str(named)})

    def test_is_the_first_of_the_places(self, mirror: Path, tmp_path: Path) -> None:
        """Without a name the first place that has the provider is taken."""
        other = tmp_path / "other"
        (other / PROVIDER).mkdir(parents=True)

        assert provider_mirror({}, [tmp_path / "missing", tmp_path, mirror, other]) == mirror

    def test_may_lie_in_the_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The place in the user's home is found under whatever home it is."""
        monkeypatch.setenv("HOME", str(tmp_path))
        place = tmp_path / ".terraform.d" / "plugins"
        (place / PROVIDER).mkdir(parents=True)

        assert provider_mirror({}, terraform.PLACES) == place

    def test_is_none_where_there_is_none(self, tmp_path: Path) -> None:
        """Without a mirror the registry is asked."""
        assert provider_mirror({}, [tmp_path]) is None


class TestConfiguration:
    def test_is_understood(self, mirror: Path, tmp_path: Path) -> None:
        """Terraform reads the configuration without a complaint, also with a space in the path."""
        file = tmp_path / "terraform.rc"
        file.write_text(configuration(mirror), encoding="utf-8")
        said = configured(file, tmp_path)

        assert said.startswith("Terraform v")
        assert "problem" not in said

    def test_a_broken_one_would_be_told(self, tmp_path: Path) -> None:
        """The test above can fail: Terraform does tell of a configuration that is none."""
        file = tmp_path / "terraform.rc"
        file.write_text("provider_installation {", encoding="utf-8")

        assert "problem" in configured(file, tmp_path)

    def test_is_used_where_there_is_a_mirror(
        self, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With a mirror Terraform installs from it and cdktf locks by it."""
        monkeypatch.setenv("TF_PLUGIN_MIRROR", str(mirror))
        wanted = additions(tmp_path / "build")

        assert Path(wanted["TF_CLI_CONFIG_FILE"]).read_text(encoding="utf-8") == configuration(mirror)
        assert wanted["TF_CLI_ARGS_providers_lock"] == f"-fs-mirror={mirror}"

    def test_is_written_once(self, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file that is right already is left alone, and nothing unfinished lies beside it."""
        monkeypatch.setenv("TF_PLUGIN_MIRROR", str(mirror))
        build = tmp_path / "build"
        first = Path(additions(build)["TF_CLI_CONFIG_FILE"]).stat()
        again = Path(additions(build)["TF_CLI_CONFIG_FILE"]).stat()

        assert (again.st_ino, again.st_mtime_ns) == (first.st_ino, first.st_mtime_ns)
        assert [file.name for file in build.iterdir()] == ["terraform.rc"]


class TestEnvironment:
    def test_a_configuration_that_is_not_there_is_dropped(self, tmp_path: Path) -> None:
        """A variable that points nowhere would be a warning in every output."""
        variables = environment({"TF_CLI_CONFIG_FILE": str(tmp_path / "none")}, tmp_path)

        assert "TF_CLI_CONFIG_FILE" not in variables

    def test_a_configuration_that_is_there_stays(self, tmp_path: Path) -> None:
        """The caller's own configuration is passed on."""
        file = tmp_path / "own.rc"
        file.write_text("", encoding="utf-8")

        assert environment({"TF_CLI_CONFIG_FILE": str(file)}, tmp_path)["TF_CLI_CONFIG_FILE"] == str(file)

    def test_tools_of_the_checkout_come_first(self, root: Path, tmp_path: Path) -> None:
        """`python3` and `cdktf` are those that the locks pin; the machine's follow."""
        first, second, *_ = environment(build=tmp_path)["PATH"].split(":")

        assert (first, second) == (str(root / ".venv" / "bin"), str(root / "node_modules" / ".bin"))

    def test_nobody_is_called(self, tmp_path: Path) -> None:
        """Terraform and cdktf do not ask for newer versions of themselves."""
        assert environment(build=tmp_path)["CHECKPOINT_DISABLE"] == "1"

    def test_can_be_taken_over_by_a_shell(self, checkout: Checkout) -> None:
        """`eval "$(make env)"` sets the same variables, also in a folder with a space in its name."""
        script = f'eval "$("{sys.executable}" -m tools.terraform)" && printf %s "$PATH"'
        done = checkout.run("sh", "-c", script)

        assert done.stdout.startswith(f"{checkout.root}/.venv/bin:{checkout.root}/node_modules/.bin:")
        assert done.stderr == ""


class TestRun:
    def test_gives_what_was_printed(self, tmp_path: Path) -> None:
        """A quiet run hands back Terraform's own words."""
        assert run(["version"], tmp_path, quiet=True).startswith("Terraform v")

    def test_shows_what_is_printed(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """Otherwise they are shown as they come."""
        assert run(["version"], tmp_path) == ""
        assert capfd.readouterr().out.startswith("Terraform v")

    def test_a_failure_ends_with_what_was_printed(self, tmp_path: Path) -> None:
        """The error has the command, the folder and, of a quiet run, the output."""
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

    def test_a_lock_that_the_mirror_cannot_serve_is_made_again(
        self, stack: Path, version: str, tmp_path: Path
    ) -> None:
        """Whoever made a mirror chose its version; the lock follows."""
        lock = self.lock(stack, "5.1.0")
        init(stack, environment(build=tmp_path), quiet=True)

        assert f'"{version}"' in lock.read_text(encoding="utf-8")


class TestSynthesize:
    # With what else runs main.py.
    pytestmark = pytest.mark.xdist_group("synth")

    def test_gives_the_stacks_folder(self, tmp_path: Path) -> None:
        """The folder is the one that Terraform runs in."""
        folder = synthesize(environment({"ENV": "prod"}, tmp_path), output=tmp_path / "out")

        assert folder == tmp_path / "out" / "stacks" / "data-ingestion-prod"
        assert (folder / "cdk.tf.json").is_file()

    def test_bad_settings_are_an_error(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """What is wrong has been said by main.py, so the error points there."""
        variables = environment({"PIPELINE_TOML": str(tmp_path / "none.toml")}, tmp_path)

        with pytest.raises(TerraformError, match="what is wrong stands above"):
            synthesize(variables, output=tmp_path / "out")
        assert "none.toml': does not exist" in capfd.readouterr().err
