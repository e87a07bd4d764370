"""Fails a test, or the fixtures of a module or session, if a change to the process outlives them.

Each test is compared with the state before its own fixtures. Fixtures with a longer life may hold
something while they live; what they hold is checked when they end.
"""

import contextlib
import locale
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE, signal.SIGUSR1)
"""Not SIGALRM: pytest-timeout sets it for each test."""
_PYTESTS_OWN = b"PYTEST_CURRENT_TEST"
_RUNNING = ("thread", "child process")
_PATIENCE_SECONDS = 2.0
"""Threads and processes that were told to stop may take a moment."""
_FOR_LIFE = ("jsii", "process.stderr_sink")
"""The Node process that the bindings start when they are imported, live as long as Python."""

State: TypeAlias = Mapping[str, Any]
Difference: TypeAlias = tuple[str, str]
"""A part of the state, and what of it is different."""


def state() -> State:
    """The parts of this process that every later test sees; takes some 20 µs."""
    root = logging.getLogger()
    umask = os.umask(0o077)
    os.umask(umask)
    return {
        "environment": vars(os.environ)["_data"].copy(),  # the bytes: decoding takes longer than all the rest
        "working directory": os.getcwd(),  # noqa: PTH109 - faster, and compared only
        "thread": {thread: thread.name for thread in threading.enumerate()},
        "child process": dict.fromkeys(_children()),
        "signal handler": {each.name: signal.getsignal(each) for each in _SIGNALS},
        "umask": umask,
        "sys.path": sys.path.copy(),
        "locale": locale.setlocale(locale.LC_ALL),
        "time zone": time.tzname,
        "socket timeout": socket.getdefaulttimeout(),
        "log level": root.level,
        "log handlers": [each for each in root.handlers if type(each).__module__ != "_pytest.logging"],
    }


def differences(before: State, after: State) -> set[Difference]:
    """Everything that changed; of threads and processes only those that were not there before."""
    found: set[Difference] = set()
    for part, was in before.items():
        now = after[part]
        if was == now:
            continue
        if part in _RUNNING:
            names = {str(now[each] or _command(each)) for each in now.keys() - was.keys()}
            found |= {(part, name) for name in names if not any(each in name for each in _FOR_LIFE)}
        elif isinstance(was, dict):
            changed = {key for key in was.keys() | now.keys() if was.get(key) != now.get(key)} - {
                _PYTESTS_OWN
            }
            found |= {(part, key.decode() if isinstance(key, bytes) else key) for key in changed}
        else:
            found.add((part, f"{was!r} became {now!r}"))
    return found


def _children() -> Iterator[int]:
    """The processes that this one has started and not yet waited for."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return
    for children in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has just ended
            yield from map(int, children.read_text().split())


def _command(process: int) -> str:
    """How a process was called."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip() or "ended"
    return "ended"


class LeftBehind:
    """Compares the state, without what fixtures of a longer life hold.

    Attributes:
        held: What came with a fixture's set-up, by the fixture's scope.
    """

    def __init__(self) -> None:
        scopes = ("session", "package", "module", "class")
        self.held: dict[str, set[Difference]] = {scope: set() for scope in scopes}

    @contextlib.contextmanager
    def watching(self, owner: str, *longer: str) -> Iterator[None]:
        """Fail if something differs after the block.

        Args:
            owner: Named in the message.
            longer: Scopes of fixtures that may be set up in the block, and live on.
        """
        before = state()
        yield
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while found := differences(before, state()).difference(*(self.held[each] for each in longer)):
            if not all(part in _RUNNING for part, _ in found) or time.monotonic() > deadline:
                each = "; ".join(f"{part}: {what}" for part, what in sorted(found))
                pytest.fail(f"{owner} left behind: {each}", pytrace=False)
            time.sleep(0.01)


_KEY = pytest.StashKey[LeftBehind]()


def pytest_configure(config: pytest.Config) -> None:
    """One for the process."""
    config.stash[_KEY] = LeftBehind()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: "pytest.FixtureDef[Any]", request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Note what a fixture of a longer life than a test's holds."""
    if fixturedef.scope == "function":
        return (yield)
    before = state()
    try:
        return (yield)
    finally:
        request.config.stash[_KEY].held[fixturedef.scope] |= differences(before, state())


@pytest.fixture(scope="session", autouse=True)
def _session_leaves_nothing(pytestconfig: pytest.Config) -> Iterator[None]:
    with pytestconfig.stash[_KEY].watching("The session's fixtures"):
        yield


@pytest.fixture(scope="module", autouse=True)
def _module_leaves_nothing(pytestconfig: pytest.Config, _session_leaves_nothing: None) -> Iterator[None]:
    with pytestconfig.stash[_KEY].watching("The module's fixtures", "session", "package"):
        yield


@pytest.fixture(autouse=True)
def _test_leaves_nothing(pytestconfig: pytest.Config, _module_leaves_nothing: None) -> Iterator[None]:
    with pytestconfig.stash[_KEY].watching("The test", "session", "package", "module", "class"):
        yield
