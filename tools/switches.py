"""Switches in the environment's variables, such as ``AUTO_APPROVE=1``."""

from collections.abc import Mapping

ON, OFF = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}


class SwitchError(ValueError):
    """When a variable is neither on nor off; not worth a retry."""


def is_on(name: str, variables: Mapping[str, str]) -> bool:
    """Whether a switch is on; a variable that is not set is off.

    Args:
        name: Of the variable.
        variables: Of the process.

    Raises:
        SwitchError: When its value is neither. It is not guessed: a switch may allow that data is lost.

    Example:
        >>> is_on("ALLOW_DATA_LOSS", {"ALLOW_DATA_LOSS": "false"})
        False
    """
    value = variables.get(name, "").strip().lower()
    if value not in ON | OFF:
        raise SwitchError(f"{name} = {variables[name]!r}: must be 1 or 0")
    return value in ON
