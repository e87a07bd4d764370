"""Starts a local AWS on a free loopback port, and stops it at the end of a ``with`` block."""

import http.client
import json
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Self

import boto3
import botocore.session
from botocore.config import Config

from local_aws.processes.supervise import ChildProcess

HOST = "127.0.0.1"
REGION = "us-east-1"
ACCOUNT_ID = "000000000000"
PORT_ATTEMPTS = 5
START_TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.05
CHECKOUT = Path(__file__).resolve().parents[2]

# Everything else of the caller's environment (AWS_PROFILE, AWS_CA_BUNDLE, PERSIST_STATE …) stays out.
INHERITED = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    *("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"),
)
# A boto3 session that no file and no profile of the caller can change.
NO_USER_FILES = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
SESSION_LOCK = threading.Lock()


class EmulatorFailed(RuntimeError):
    """When the local AWS did not start, or died; the message ends with the last lines of its log."""


class Emulator:
    """The local AWS: running inside the ``with`` block, gone after it.

    Args:
        folder: For its data and its log; made if missing and left there. Default: a temporary
            folder that is removed at the end.
        port: A certain port, or None for any free one.
        auth: True if IAM policies are enforced for every caller but ``test``.
        firehose_time_scale: Factor on Firehose's buffering interval; 1 is AWS's own pace.
        alarm_time_scale: Factor on the periods of alarms, and on the minute after which they are looked at.
        iam_decisions: File to which each IAM decision is appended, see ``patches.iam_decisions``.
        settings: Extra variables for the emulator, by its own names.
    """

    def __init__(
        self,
        *,
        folder: Path | None = None,
        port: int | None = None,
        auth: bool = False,
        firehose_time_scale: float = 1.0,
        alarm_time_scale: float = 1.0,
        iam_decisions: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._temporary = folder is None
        self._wanted_port = port
        self.folder = folder or Path()
        self.port = port or 0
        self._settings = {
            "AUTH": "true" if auth else "false",
            "FIREHOSE_TIME_SCALE": repr(firehose_time_scale),
            "ALARM_TIME_SCALE": repr(alarm_time_scale),
            **({"IAM_DECISIONS_FILE": str(iam_decisions)} if iam_decisions else {}),
            **(settings or {}),
        }
        self._process: ChildProcess | None = None

    def __enter__(self) -> Self:
        """The emulator, answering.

        Raises:
            EmulatorFailed: If it died or did not answer in a minute; worth one retry at most.
        """
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def endpoint_url(self) -> str:
        """Its URL for clients, ``http://127.0.0.1:<port>``."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The process that serves.

        Raises:
            EmulatorFailed: If it was never started.
        """
        return self._started().pid

    @property
    def log(self) -> Path:
        """The file with its output."""
        return self.folder / "emulator.log"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that point any AWS client at this emulator and at nothing else of this machine."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": f"{HOST},localhost",
            "no_proxy": f"{HOST},localhost",
        }

    def client(self, service: str, *, attempts: int = 3, **credentials: str) -> Any:
        """A boto3 client of ``service`` for this emulator, whatever the caller's own AWS settings are.

        Args:
            service: Its name in boto3.
            attempts: Most attempts at a call, from 1.
            **credentials: ``aws_access_key_id`` and the like; default: the root user.
        """
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", **credentials}
        config = Config(retries={"total_max_attempts": attempts}, proxies={}, read_timeout=120)
        with SESSION_LOCK:  # making a client is not safe in two threads at once
            return _session().client(
                service,
                endpoint_url=self.endpoint_url,
                region_name=REGION,
                verify=False,
                config=config,
                **keys,
            )

    def start(self) -> None:
        """Starts it and waits until it answers.

        Raises:
            EmulatorFailed: See ``__enter__``.
        """
        if self._temporary:
            self.folder = Path(tempfile.mkdtemp(prefix="local-aws-"))
        for name in ("tmp", "s3", "state"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        try:
            self._start_on_some_port()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the process that was started here, and no other."""
        if self._process is not None:
            self._process.stop()
        if self._temporary and self.folder != Path():
            shutil.rmtree(self.folder, ignore_errors=True)

    def release(self) -> None:
        """Lets it run on when this process ends; ``kill <pid>`` stops it."""
        self._started().release()

    def check(self) -> None:
        """Checks that it is still running.

        Raises:
            EmulatorFailed: With the tail of its log.
        """
        process = self._started()
        if not process.is_running:
            raise EmulatorFailed(
                f"The local AWS (pid {process.pid}) died. Its last words:\n{process.log_tail()}"
            )

    def _started(self) -> ChildProcess:
        if self._process is None:
            raise EmulatorFailed("The local AWS was not started: use it in a with block")
        return self._process

    def _start_on_some_port(self) -> None:
        for _ in range(PORT_ATTEMPTS):
            self.port = self._wanted_port or _free_port()
            if _is_taken(self.port):
                if self._wanted_port:
                    raise EmulatorFailed(
                        f"Port {self.port} on {HOST} is taken by another program: "
                        "stop that one, choose another port, or leave the choice to the system"
                    )
                continue
            self._process = ChildProcess(
                [sys.executable, "-m", "local_aws.emulator.launcher", "--until-stdin-closes"],
                environment=self._launch_environment(),
                log=self.log,
            )
            if self._answers():
                return
        raise EmulatorFailed(f"No port could be had on {HOST} in {PORT_ATTEMPTS} attempts")

    def _launch_environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return {
            **inherited,
            "PYTHONPATH": str(CHECKOUT),
            "NO_PROXY": f"{HOST},localhost",
            "no_proxy": f"{HOST},localhost",
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": HOST,
            "MINISTACK_HOST": HOST,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "TMPDIR": str(self.folder / "tmp"),
            "S3_DATA_DIR": str(self.folder / "s3"),
            "STATE_DIR": str(self.folder / "state"),
            # It would otherwise remove containers of other emulators on this machine.
            "DOCKER_HOST": f"unix://{self.folder / 'no-docker'}",
            **self._settings,
        }

    def _answers(self) -> bool:
        """True once our process answers; False if another program took the port first."""
        process = self._started()
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if health_pid(self.port) == process.pid:
                return True
            if not process.is_running:
                if _is_taken(self.port) and not self._wanted_port:
                    return False
                self.check()
            time.sleep(POLL_SECONDS)
        raise EmulatorFailed(
            f"No answer in {START_TIMEOUT_SECONDS:.0f} s. Its last words:\n{process.log_tail()}"
        )


def health_pid(port: int) -> int | None:
    """The process id that the emulator on ``port`` gives as its own; None if none answers so."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/_ministack/health")
        pid = json.loads(connection.getresponse().read()).get("pid")
    except (OSError, http.client.HTTPException, ValueError, AttributeError):
        return None
    finally:
        connection.close()
    return pid if isinstance(pid, int) else None


@cache
def _session() -> Any:
    """One for all clients: it reads botocore's data once."""
    return boto3.Session(botocore_session=botocore.session.Session(session_vars=NO_USER_FILES))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0
