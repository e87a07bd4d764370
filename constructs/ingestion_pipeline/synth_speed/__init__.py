"""Why synthesis is fast: `start` makes the imports of CDKTF and of the AWS bindings load only what is used.

Each trick was measured by leaving it out, on two cores on 2026-11-24, where ``python main.py`` took 0.5 s
and 145 MB with all of them and 20 s and 1,870 MB with none, for the same JSON byte for byte. `make bench`
measures the whole again (docs/benchmarks.md).

| trick | where | without it | where it does not fit |
|---|---|---|---|
| The bindings' Python package exists without its ``__init__``, which imports 1,500 modules. | `bare_bindings` | +20 s, +1,150 MB | an app that has imported the bindings keeps the whole package |
| The bindings' index in Node loads a module when it is asked for. | node_hook.js | +1.8 s, +490 MB | a file that is laid out differently is left as it is |
| Node loads a package of only the used modules, a fiftieth of the whole. | trim.py; tools/warm.py makes it | +0.3 s, +70 MB | any other set of modules takes the whole package |
| Node starts before the settings are read, and loads packages while Python goes on. | node.py | +0.2 s, +50 MB | the first call that needs an answer waits |
| jsii's program runs without its launcher, one process less. | node_hook.js | +0.1 s, +50 MB | a program that talks otherwise keeps its launcher |
| CDKTF's zip library loads when it is called. | node_hook.js | +0.1 s, +10 MB | as above |
| No garbage is collected, because the program ends soon. | main.py | +0.1 s | |

``INGESTION_PLAIN_IMPORTS=1`` switches all of it off but the last, to compare or to look for a mistake.
Upstream knows of the cost: https://github.com/hashicorp/terraform-cdk/issues/3753.
"""
# ruff: noqa: E501 - a table

import importlib.util
import os
import sys

from ingestion_pipeline.synth_speed import node


def start() -> None:
    """Put the tricks in place and return at once; call it before anything of CDKTF is imported.

    Calling it again does nothing, nor does calling it where the bindings have been imported already.

    Raises:
        ModuleNotFoundError: When the bindings are not installed.
    """
    if node.PACKAGE in sys.modules or os.environ.get("INGESTION_PLAIN_IMPORTS"):
        return
    bare_bindings()
    node.start()


def bare_bindings() -> None:
    """Put the bindings' package into place without running its ``__init__``: submodules import as ever."""
    spec = importlib.util.find_spec(node.PACKAGE)
    if spec is None:
        raise ModuleNotFoundError(
            f"No module named {node.PACKAGE!r}; `make synth` installs it, `pipenv sync` too"
        )
    sys.modules[node.PACKAGE] = importlib.util.module_from_spec(spec)
