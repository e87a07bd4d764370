"""That a demo that cannot go on says why, says what to do, and leaves nothing running."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from local_aws.demo import left_running
from local_aws.demo import run as demo
from local_aws.demo.lake import Comparison, Lake
from local_aws.demo.screen import Screen
from local_aws.emulator.instance import CHECKOUT, Emulator, health_pid
from local_aws.servers.hostile_source import Behaviour, HostileSource, answer

COMMAND = [sys.executable, "-m", "local_aws.demo"]


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A demo that ends by itself."""
    environment = {**os.environ, **variables}
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def runs() -> set[Path]:
    """The folders of all runs."""
    return set(demo.RUNS.glob("*"))


def test_missing_tools_are_named_with_where_to_get_them(tmp_path: Path) -> None:
    """All of them at once, before anything is started."""
    done = run(PATH=str(tmp_path))

    assert done.returncode == 1
    assert re.search(r"(?s)Something is missing.*Node\.js.*https://nodejs.*Terraform.*https://", done.stdout)


def test_a_busy_port_is_named() -> None:
    """The port that was asked for and what to do."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = run("--port", str(port))

    assert done.returncode == 1
    assert re.search(rf"(?s)Port {port} .*taken.*choose another.*Nothing is left running", done.stdout)


def test_a_bad_provider_mirror_is_a_message_and_no_traceback() -> None:
    """What the Terraform tools refuse is passed on in their words."""
    done = run(TF_PLUGIN_MIRROR="/nowhere")

    assert (done.returncode, done.stderr) == (1, "")
    assert "TF_PLUGIN_MIRROR = /nowhere" in done.stdout


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [(answer(b"", status=404), "answers 404"), (answer(b"<html>no</html>"), "HTML")],
)
def test_a_url_that_cannot_be_fetched_is_said_before_anything_is_deployed(
    behaviour: Behaviour, words: str
) -> None:
    """The source is asked once, and its answer is a message."""
    with HostileSource({"/": behaviour}) as source:
        done = run("--url", source.url("/"))

    assert (done.returncode, done.stderr, "Synthesize" in done.stdout) == (1, "", False)
    assert words in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_leaves_nothing_running(number: signal.Signals) -> None:
    """Ctrl-C, SIGTERM and a closed terminal stop the local AWS and remove the run's folder."""
    before = runs()
    with subprocess.Popen(COMMAND, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = 0
        while not port:
            match = re.search(r"local AWS .*http://127\.0\.0\.1:(\d+)", process.stdout.readline())
            port = int(match[1]) if match else 0
        process.send_signal(number)
        rest = process.stdout.read()

    assert process.returncode == 128 + number
    assert "nothing is left running" in rest
    assert (health_pid(port), runs() - before) == (None, set())


def test_one_missing_record_fails_the_demo() -> None:
    """The failure is loud and names the record."""
    with pytest.raises(demo.DemoFailed, match=r'(?s)RECORDS ARE MISSING.*499 of 500.*\{"id": 7\}'):
        demo.judge(Screen(), Comparison(expected=500, missing=[b'{"id": 7}']), Lake(None, "lake"))


def test_what_was_kept_can_be_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``make demo-stop`` ends the process, removes the folder, and is content to be called again."""
    monkeypatch.setattr(demo, "RUNS", tmp_path)
    folder = tmp_path / "run"
    code = f"""
from pathlib import Path
from local_aws.emulator.instance import Emulator
emulator = Emulator(folder=Path({str(folder)!r}) / "aws")
emulator.start()
emulator.release()
print(emulator.pid, emulator.port)
"""
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True
    )
    pid, port = map(int, said.stdout.split())
    left_running.LeftRunning(pid, port, 0).write(folder)
    codes = [demo.main(["--stop"]), demo.main(["--stop"])]

    assert (codes, health_pid(port), list(tmp_path.iterdir())) == ([0, 0], None, [])


def test_another_process_with_a_kept_ones_id_is_left_alone(aws: Emulator) -> None:
    """Only the process that answers as the kept one is stopped."""
    other = left_running.LeftRunning(pid=os.getpid(), port=aws.port, api_pid=0)
    other.stop()

    assert health_pid(aws.port) == aws.pid


def made_by(call: str) -> tuple[str, list[str], dict[str, str]]:
    """The module that a ``make`` command runs, its arguments by the Makefile, and its ENV."""
    _, target, *settings = shlex.split(call)
    given = dict(each.split("=", 1) for each in settings)
    recipe = (
        (CHECKOUT / "Makefile").read_text(encoding="utf-8").partition(f"\n{target}: ")[2].partition("\n\n")[0]
    )
    (module,) = re.findall(r"-m (tools\.operate\.\w+)", recipe)
    options = {name: f"--{option}" for option, name in re.findall(r"\(call option,(\w+),(\w+)\)", recipe)}
    named = {name: value for name, value in given.items() if name != "ENV"}
    return (
        module,
        [part for name, value in named.items() for part in (options[name], value)],
        {"ENV": given["ENV"]},
    )


def variables_of(text: str) -> Mapping[str, str]:
    """The variables that a text exports."""
    return dict(re.findall(r"export (\w+)=(\S+)", text))


def test_the_instructions_are_commands_that_work(aws: Emulator, tmp_path: Path) -> None:
    """The exports and what ``make`` runs reach the kept AWS, in which this test deploys no function."""
    text = left_running.instructions(
        {**aws.environment, "ENV": "local", "UNRELATED": "x"},
        {"bucket_name": "lake"},
        "http://127.0.0.1:1/it's",
        tmp_path,
        left_running.LeftRunning(1, aws.port, 2),
    )
    calls = re.findall(r"^ +(make \w+ .*)$", text, re.MULTILINE)
    environment = {"PATH": os.environ["PATH"], **variables_of(text)}
    refused = []
    for call in calls:
        module, arguments, given = made_by(call)
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=CHECKOUT,
            env=environment | given,
            capture_output=True,
            text=True,
            check=False,
            timeout=6000,
        )
        refused.append("ingestion-local-fetch" in done.stderr or "ResourceNotFound" in done.stderr)

    assert [call.split()[1] for call in calls] == ["status", "logs", "dead", "invoke"]
    assert refused == [True] * len(calls)
    assert "UNRELATED" not in text
