"""How a command ends when something goes wrong: one line on stderr and an exit code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130


@contextmanager
def reported(command: str, *errors: type[Exception], interrupted: str = "") -> Iterator[None]:
    """Ends the program with ``<command>: <message>`` if the block raises one of the errors, or at Ctrl-C.

    Args:
        command: The target of the Makefile.
        *errors: Their messages are for the user; of any other error the traceback is shown.
        interrupted: What became of the work; if it is given, Ctrl-C ends the program with it and code 130.
    """
    try:
        yield
    except errors as error:
        sys.exit(f"{command}: {error}")
    except KeyboardInterrupt:
        if not interrupted:
            raise
        print(f"{command}: interrupted; {interrupted}", file=sys.stderr)
        sys.exit(INTERRUPTED)
