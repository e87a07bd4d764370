import pytest

from tools.ground.ending import reported


def test_an_expected_error_is_one_line() -> None:
    """The command and the message end the program, without a traceback."""
    with pytest.raises(SystemExit, match=r"^send: the queue is gone$"), reported("send", LookupError):
        raise LookupError("the queue is gone")


def test_an_unexpected_error_keeps_its_traceback() -> None:
    """What is no error of the command is a mistake in it, and shows where."""
    with pytest.raises(ZeroDivisionError), reported("send", LookupError):
        raise ZeroDivisionError


def test_an_interruption_says_what_became_of_the_work(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C ends with the code that shells give it."""
    with pytest.raises(SystemExit, match=r"^130$"), reported("send", interrupted="nothing was sent"):
        raise KeyboardInterrupt

    assert capsys.readouterr().err == "send: interrupted; nothing was sent\n"
