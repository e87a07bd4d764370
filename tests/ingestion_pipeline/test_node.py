"""jsii's Node process starts early, loads packages in order behind the caller's back, and loads little."""

import json
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest

from ingestion_pipeline import node
from tests.checkout import Checkout

# The same worker as tests/test_main.py: both synthesize the checkout.
pytestmark = pytest.mark.xdist_group("synth")

LIST_MODULES = """
process.on("exit", () => require("fs").writeFileSync(
  `${process.env.MODULES_FOLDER}/${process.pid}.json`, JSON.stringify(Object.keys(require.cache))));
"""


class Provider:
    """What jsii talks to Node through: says what it was asked to load, once it may go on."""

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
    """A kernel that has been asked for three packages, none of which is loaded yet."""
    kernel = SimpleNamespace(provider=provider)
    kernel.provider = node.LoadsAhead(kernel)
    for name in ("constructs", "cdktf", "aws"):
        kernel.provider.load(SimpleNamespace(name=name, tarball=f"/venv/{name}/_jsii/{name}.tgz"))
    assert provider.loaded == []
    provider.go_on.set()
    return kernel


def test_loads_return_at_once_and_all_else_waits_for_them() -> None:
    """The packages are loaded in order, the hook first; later calls go the direct way."""
    provider = Provider()
    kernel = ahead(provider)

    assert kernel.provider.create("App") == "created App after lazy-provider-index constructs cdktf aws"
    assert kernel.provider is provider


def test_a_load_that_fails() -> None:
    """The next call raises what went wrong; nothing is loaded after it."""
    provider = Provider(broken="cdktf")
    kernel = ahead(provider)

    with pytest.raises(RuntimeError, match="cdktf is broken"):
        kernel.provider.create("App")
    assert provider.loaded == ["lazy-provider-index", "constructs", "cdktf"]


def test_a_file_that_is_there_for_a_moment_is_loaded_at_once() -> None:
    """A package in a zip file is unpacked for the time of the call, which therefore waits."""
    provider = Provider()
    kernel = ahead(provider)
    kernel.provider.load(SimpleNamespace(name="zipped", tarball="/a/b/zipped.tgz"))

    assert provider.loaded == ["lazy-provider-index", "constructs", "cdktf", "aws", "zipped"]


def test_node_loads_what_is_used(checkout: Checkout, tmp_path: Path) -> None:
    """Of the bindings' modules and CDKTF's libraries Node reads those that the stack needs."""
    script, modules = tmp_path / "list.js", tmp_path / "modules"
    script.write_text(LIST_MODULES)
    modules.mkdir()
    checkout.synthesize(tmp_path / "out", MODULES_FOLDER=str(modules), NODE_OPTIONS=f"--require={script}")

    loaded = [path for file in modules.iterdir() for path in json.loads(file.read_text())]
    assert 20 < sum("provider-aws/lib" in path for path in loaded) < 100
    assert any("cdktf/lib/private/fs.js" in path for path in loaded)
    assert not any("archiver" in path for path in loaded)


def test_bad_settings_end_at_once(checkout: Checkout, tmp_path: Path) -> None:
    """A program that Node was started for in vain ends with its own message."""
    settings = tmp_path / "pipeline.toml"
    settings.write_text("[pipeline]\nname = 7\n")

    done = checkout.run("python3", checkout.root / "main.py", PIPELINE_TOML=str(settings))

    assert done.returncode == 1
    assert done.stderr.count("\n") < 5
    assert "Traceback" not in done.stderr
