"""Switches in the environment's variables, such as ``AUTO_APPROVE=1``.

The Makefile asks ``python -m tools.ground.switches KEEP --keep``, which prints ``--keep`` if ``KEEP`` is on.
"""

import os
import sys
from collections.abc import Mapping

ON, OFF = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}


class SwitchError(ValueError):
    """When a variable is neither on nor off; not worth a retry."""


def is_on(name: str, variables: Mapping[str, str]) -> bool:
    """Whether a switch is on; a variable that is not set is off.

    Args:
        name: Name of the variable.
        variables: Environment variables of the process.

    Raises:
        SwitchError: When its value is neither. It is not guessed, because a switch may allow data loss.

    Example:
        >>> is_on("ALLOW_DATA_LOSS", {"ALLOW_DATA_LOSS": "false"})
        False
    """
    value = variables.get(name, "").strip().lower()
    if value not in ON | OFF:
        raise SwitchError(f"{name} = {variables[name]!r}: must be 1 or 0")
    return value in ON


def in_ci(variables: Mapping[str, str]) -> bool:
    """Whether a CI runs this. ``CI`` is set by others, some of whom put their own name into it."""
    return variables.get("CI", "").strip().lower() not in OFF


def main() -> None:
    """Print the given option if the given switch is on."""
    name, option = sys.argv[1:]
    try:
        print(option if is_on(name, os.environ) else "")
    except SwitchError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
