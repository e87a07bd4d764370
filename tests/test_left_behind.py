"""Runs pytest with the guard of `tests.left_behind` on small test modules."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT

LEAKS = {
    "environment: LEFT": "import os; os.environ['LEFT'] = '1'",
    "working directory: ": "import os; os.chdir('/')",
    "thread: left": "import threading as t; t.Thread(None, t.Event().wait, 'left', daemon=True).start()",
    "child process: sleep 60": "import subprocess; subprocess.Popen(['sleep', '60'])",
    "signal handler: SIGUSR1": "import signal; signal.signal(signal.SIGUSR1, signal.SIG_IGN)",
    "umask: ": "import os; os.umask(0o001)",
    "sys.path: ": "import sys; sys.path.append('/left')",
    "locale: ": "import locale as l; l.setlocale(0, 'C' if l.setlocale(0) != 'C' else 'C.UTF-8')",
    "time zone: ": "import os, time; os.environ['TZ'] = 'Asia/Tokyo'; time.tzset(); del os.environ['TZ']",
    "socket timeout: ": "import socket; socket.setdefaulttimeout(7)",
    "log level: ": "import logging; logging.getLogger().setLevel(7)",
    "log handlers: ": "import logging; logging.getLogger().addHandler(logging.NullHandler())",
}


def run(folder: Path, *texts: str) -> str:
    """What pytest prints of modules with the guard; the processes that they leave are ended."""
    for number, text in enumerate(texts):
        (folder / f"test_{number}.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "conftest.py").write_text(
        "import os, signal, pytest\npytest_plugins = ['tests.left_behind']\n"
        "def pytest_configure():\n"
        "    from tests import left_behind\n"
        "    left_behind._PATIENCE_SECONDS = 0.1\n"
        "def pytest_unconfigure():\n"
        "    from tests.left_behind import _children\n"
        "    for each in _children(): os.kill(each, signal.SIGKILL)\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest prints of a module with one test for each leak."""
    tests = [f"def test_{number}():\n    {leak}\n" for number, leak in enumerate(LEAKS.values())]
    return run(tmp_path_factory.mktemp("leaks"), "".join(tests))


@pytest.mark.parametrize("what", LEAKS)
def test_a_test_that_leaves_something_fails_and_is_told_what(what: str, printed: str) -> None:
    """The message names the part of the process, and what of it is different."""
    assert f"The test left behind: {what}" in printed


HOLDS = """
import os, pytest
@pytest.fixture(scope="{scope}")
def it():
    os.environ["HELD_BY_{scope}"] = "1"
    yield
    del os.environ["HELD_BY_{scope}"]
def test_before(): pass
def test_it(it): pass
def test_lazily(request): request.getfixturevalue("it")
"""

LEAVES = """
import os, pytest
@pytest.fixture(scope="{scope}")
def it(): os.environ["LEFT_BY_{scope}"] = "1"
def test_it(it): pass
"""


def test_a_fixture_may_hold_something_until_it_ends(tmp_path: Path) -> None:
    """The fixture is set up after the first test, and undoes what it did."""
    assert "6 passed in" in run(tmp_path, *(HOLDS.format(scope=scope) for scope in ("module", "session")))


def test_a_fixture_that_leaves_something_fails_at_its_end(tmp_path: Path) -> None:
    """No single test is blamed."""
    printed = run(tmp_path, *(LEAVES.format(scope=scope) for scope in ("module", "session")))

    assert "The module's fixtures left behind: environment: LEFT_BY_module" in printed
    assert re.search("The session's fixtures left behind: .*environment: LEFT_BY_session", printed)
