"""That an emulator is its starter's own, and is gone when that one is."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local_aws.emulator import instance as emulator_module
from local_aws.emulator.instance import CHECKOUT, Emulator, EmulatorFailed, health_pid

PATIENCE_SECONDS = 300
ORPHAN = """
import sys, time
from local_aws.emulator.instance import Emulator
with Emulator() as emulator:
    if "--release" in sys.argv:
        emulator.release()
    print(emulator.pid, emulator.port, flush=True)
    time.sleep(60)
"""


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true while anyone would wait for it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def is_alive(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:1]


def start_orphan(*arguments: str) -> tuple[subprocess.Popen[str], int, int]:
    """A process that runs an emulator; with the emulator's pid and port."""
    command = [sys.executable, "-c", ORPHAN, *arguments]
    starter = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    pid, port = map(int, starter.stdout.readline().split())
    return starter, pid, port


def end(starter: subprocess.Popen[str]) -> None:
    """Kills the starter as hard as can be."""
    starter.kill()
    starter.communicate()


def test_two_run_at_once_and_know_nothing_of_each_other(aws: Emulator) -> None:
    """A bucket made in one is not in the other."""
    with Emulator() as other:
        other.client("s3").create_bucket(Bucket="only-there")
        buckets = [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]]

        assert "only-there" not in buckets


def test_it_answers_with_its_own_process_id(aws: Emulator) -> None:
    """The health answer proves who serves the port."""
    assert health_pid(aws.port) == aws.pid


def test_it_listens_on_loopback_only(aws: Emulator) -> None:
    """The machine's own address refuses; nothing is open to the network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing; chooses the address
        address = probe.getsockname()[0]
    with socket.socket() as client:
        assert client.connect_ex((address, aws.port)) != 0


def test_after_the_block_process_port_and_folder_are_gone() -> None:
    """Nothing is left."""
    with Emulator() as emulator:
        pid, folder = emulator.pid, emulator.folder

    assert (is_alive(pid), health_pid(emulator.port), folder.exists()) == (False, None, False)


def test_it_dies_with_a_starter_that_is_killed() -> None:
    """SIGKILL of the starter leaves nothing running."""
    starter, pid, _ = start_orphan()
    end(starter)

    assert eventually(lambda: not is_alive(pid))


def test_once_released_it_survives_its_starter() -> None:
    """A kept emulator still answers, and SIGTERM stops it."""
    starter, pid, port = start_orphan("--release")
    end(starter)
    time.sleep(0.5)
    survived = health_pid(port) == pid
    os.kill(pid, signal.SIGTERM)

    assert survived
    assert eventually(lambda: not is_alive(pid))


def test_a_busy_port_is_named() -> None:
    """A fixed port that is taken fails with its number and the way out."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(EmulatorFailed, match=rf"Port {port} on 127\.0\.0\.1 is taken .* choose another"):
            Emulator(port=port).start()


def test_a_port_that_was_taken_in_between_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program may win the race for the free port: the next one is tried."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ports = [other.getsockname()[1], emulator_module._free_port()]
        monkeypatch.setattr(emulator_module, "_free_port", lambda: ports.pop(0))
        with Emulator() as emulator:
            assert health_pid(emulator.port) == emulator.pid


def test_a_failed_start_shows_the_end_of_the_log() -> None:
    """The reason that the process gave is in the error."""
    with pytest.raises(EmulatorFailed, match="FIREHOSE_TIME_SCALE is -1"):
        Emulator(firehose_time_scale=-1).start()


@pytest.mark.parametrize(
    "variable",
    [
        {"AWS_CA_BUNDLE": "/nowhere.pem"},
        {"AWS_PROFILE": "not-there"},
        {"AWS_CONFIG_FILE": "/nowhere", "HTTP_PROXY": "http://127.0.0.1:9"},
        {"AWS_SESSION_TOKEN": "other", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"},
    ],
    ids=lambda variable: next(iter(variable)),
)
def test_the_callers_own_aws_settings_change_nothing(
    aws: Emulator, monkeypatch: pytest.MonkeyPatch, variable: dict[str, str]
) -> None:
    """A client works whatever the user's shell has set."""
    for name, value in variable.items():
        monkeypatch.setenv(name, value)
    emulator_module._session.cache_clear()  # or it would have read the environment before
    buckets = aws.client("s3").list_buckets()

    assert "Buckets" in buckets
