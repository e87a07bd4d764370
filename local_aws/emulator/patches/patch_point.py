"""Replaces private functions of the emulator, and names those that its version does not have."""

from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from types import ModuleType
from typing import Any

PINNED_VERSION = "1.5.33"
WAY_OUT = (
    f"install ministack=={PINNED_VERSION}, or adapt local_aws/emulator/patches to this version and test it"
)


class EmulatorChanged(RuntimeError):
    """When the installed emulator is not the one that the patches were written for."""


def require_version() -> None:
    """Checks that the pinned version is installed.

    Raises:
        EmulatorChanged: With the version found; not worth a retry.
    """
    installed = version("ministack")
    if installed != PINNED_VERSION:
        raise EmulatorChanged(f"ministack {installed} is installed, not {PINNED_VERSION}: {WAY_OUT}")


def seam(module: ModuleType, name: str) -> Any:
    """Returns ``module.name``.

    Raises:
        EmulatorChanged: With the full name, if there is no such thing.
    """
    try:
        return getattr(module, name)
    except AttributeError:
        raise EmulatorChanged(f"{module.__name__}.{name} does not exist any more: {WAY_OUT}") from None


class Private:
    """The private names of a module of the emulator: ``Private(sqs, "queues").queues`` is ``sqs._queues``.

    Args:
        module: Of the emulator.
        *names: The names that are used, without their underscore.

    Raises:
        EmulatorChanged: With the full name of one that is not there.
    """

    def __init__(self, module: ModuleType, *names: str) -> None:
        self._module = module
        for name in names:
            seam(module, f"_{name}")

    def __getattr__(self, name: str) -> Any:
        return seam(self._module, f"_{name}")


def wrap(module: ModuleType, name: str, wrapper: Callable[..., Any], *more: object) -> None:
    """Replaces the function ``module.name`` by ``wrapper``.

    Args:
        module: Of the emulator.
        name: The function's name in it.
        wrapper: Called with the replaced function, then ``more``, then the arguments of the call.
        more: Other values that the wrapper needs.

    Raises:
        EmulatorChanged: If there is no such function.
    """
    replaced = seam(module, name)
    if not callable(replaced):
        raise EmulatorChanged(f"{module.__name__}.{name} is not a function any more: {WAY_OUT}")
    setattr(module, name, partial(wrapper, replaced, *more))
