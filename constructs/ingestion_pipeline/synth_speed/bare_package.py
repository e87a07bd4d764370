"""A package whose modules are imported when they are named, and not all at once by its ``__init__``."""

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from pkgutil import iter_modules
from types import ModuleType

_registered: set[str] = set()


def register(package: str) -> None:
    """Make ``package`` importable without running its ``__init__``; to others it looks as if it had run.

    ``package.module``, ``from package import *`` and ``dir(package)`` know every module of it.

    Raises:
        ModuleNotFoundError: When it is not installed; names the commands that install it.
    """
    spec = find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(
            f"No module named {package!r}; `make synth` installs it, `pipenv sync` too", name=package
        )
    bare = module_from_spec(spec)
    bare.__getattr__ = lambda name: _attribute(bare, name)  # type: ignore[method-assign]
    bare.__dir__ = lambda: sorted({*vars(bare), *_modules(bare)})  # type: ignore[method-assign]
    sys.modules[package] = bare
    _registered.add(package)


def is_registered(package: str) -> bool:
    """True if ``package`` is as `register` left it, and its own ``__init__`` has not run."""
    return package in _registered


def _attribute(bare: ModuleType, name: str) -> object:
    # Listed only when asked for: it takes 10 ms, and nearly nobody asks.
    modules = _modules(bare) if name == "__all__" or not name.startswith("_") else []
    if name == "__all__":
        return modules
    if name in modules:
        return import_module(f"{bare.__name__}.{name}")
    raise AttributeError(f"module {bare.__name__!r} has no attribute {name!r}")


def _modules(bare: ModuleType) -> list[str]:
    return [module.name for module in iter_modules(bare.__path__) if not module.name.startswith("_")]
