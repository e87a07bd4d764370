import os
import subprocess
import sys
from pathlib import Path
from shlex import quote

import pytest

from tests.checkout import ROOT
from tools.ground.switches import SwitchError, in_ci, is_on


@pytest.mark.parametrize("value", ["1", "true", "True", "YES", "on", " 1 "])
def test_a_switch_is_on(value: str) -> None:
    """The usual words for yes switch it on, in any case of their letters."""
    assert is_on("ALLOW_DATA_LOSS", {"ALLOW_DATA_LOSS": value}) is True


@pytest.mark.parametrize("value", ["", "0", "false", "False", "no", "OFF"])
def test_a_switch_is_off(value: str) -> None:
    """The usual words for no do not allow anything."""
    assert is_on("ALLOW_DATA_LOSS", {"ALLOW_DATA_LOSS": value}) is False


def test_a_switch_that_is_not_set_is_off() -> None:
    """Nothing is allowed that nobody asked for."""
    assert is_on("ALLOW_DATA_LOSS", {}) is False


def test_a_switch_of_another_value_is_refused() -> None:
    """A typing error neither allows nor forbids; the message names the variable and its values."""
    with pytest.raises(SwitchError, match="ALLOW_DATA_LOSS = 'maybe': must be 1 or 0"):
        is_on("ALLOW_DATA_LOSS", {"ALLOW_DATA_LOSS": "maybe"})


@pytest.mark.parametrize(
    ("value", "found"), [("true", True), ("1", True), ("somebodys-ci", True), ("", False), ("false", False)]
)
def test_a_ci_may_put_its_name_into_the_variable(value: str, found: bool) -> None:
    """``CI`` is set by others: any value is on but the words for no."""
    assert in_ci({"CI": value}) is found


def make(tmp_path: Path, target: str, *given: str, **switches: str) -> tuple[int, list[str], str]:
    """Exit code, programs and stderr of a target, of which only ``tools.ground.switches`` is really run.

    Args:
        tmp_path: For the program in the place of Python.
        target: Of the Makefile.
        *given: ``NAME=value``, as on make's command line.
        **switches: Variables of the environment.
    """
    recorder, programs = tmp_path / "run", tmp_path / "programs"
    recorder.write_text(
        f'#!/bin/sh\n[ "$2" = tools.ground.switches ] && exec {quote(sys.executable)} "$@"\n'
        f"printf '%s\\n' \"$*\" >> {quote(str(programs))}\n",
        encoding="utf-8",
    )
    recorder.chmod(0o755)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    # As if .venv were newer than whatever it is made of: nothing is installed.
    done = subprocess.run(
        ["make", "-o", ".venv/.ready", f"RUN={quote(str(recorder))}", target, *given],
        cwd=ROOT,
        env={**inherited, **switches},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, programs.read_text().splitlines() if programs.exists() else [], done.stderr


@pytest.mark.parametrize(
    ("value", "option"), [("1", " --keep"), ("true", " --keep"), ("", ""), ("0", ""), ("false", "")]
)
def test_the_demo_is_kept_only_if_that_is_on(tmp_path: Path, value: str, option: str) -> None:
    """KEEP=0 and =false keep nothing."""
    assert make(tmp_path, "demo", KEEP=value)[1] == [f"-m local_aws.demo{option}"]


@pytest.mark.parametrize(
    ("value", "options"),
    [("1", [" --quick", " --quick", " --cases 400", " --count 40"]), ("0", [""] * 4), ("", [""] * 4)],
)
def test_the_benchmark_is_short_only_if_that_is_on(tmp_path: Path, value: str, options: list[str]) -> None:
    """QUICK=0 measures everything."""
    programs = [f"-m benchmarks.{name}" for name in ("ingest", "synth", "fuzz_formats", "histories")]

    assert make(tmp_path, "bench", QUICK=value)[1] == [a + b for a, b in zip(programs, options, strict=True)]


@pytest.mark.parametrize(("target", "switch"), [("demo", "KEEP"), ("bench", "QUICK")])
def test_a_target_refuses_a_switch_of_another_value(tmp_path: Path, target: str, switch: str) -> None:
    """Nothing is run, and the message names the variable."""
    code, programs, said = make(tmp_path, target, **{switch: "maybe"})

    assert (code, programs) == (2, [])
    assert f"{switch} = 'maybe': must be 1 or 0" in said


@pytest.mark.parametrize("target", ["demo", "invoke", "probe", "send"])
def test_a_url_arrives_as_it_was_given(tmp_path: Path, target: str) -> None:
    """Neither make nor the shell takes anything of it for its own, such as the `$` of OData."""
    url = "https://api.example/a?$top=5&$filter=name eq 'it''s' and $(pwd)"

    code, programs, _ = make(tmp_path, target, f"URL={url}")

    assert (code, [each.partition(" --url ")[2] for each in programs]) == (0, [url])


def test_a_folder_with_a_space_is_no_hindrance(tmp_path: Path) -> None:
    """The program that a target runs may lie anywhere."""
    folder = tmp_path / "a folder"
    folder.mkdir()

    assert make(folder, "demo")[:2] == (0, ["-m local_aws.demo"])
