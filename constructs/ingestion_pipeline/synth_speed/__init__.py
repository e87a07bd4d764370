"""Why synthesis is fast: `start` makes CDKTF and the AWS bindings load only what is used.

CDKTF's constructs run in JavaScript: jsii starts a Node process, to which Python talks through a pipe. As
shipped, both processes load all 1,500 modules of the AWS bindings, of which a pipeline uses about 20.

Each trick was measured by leaving it out, on two cores on 2026-11-24, where ``python main.py`` took 0.5 s
and 145 MB with all of them and 20 s and 1,870 MB with none, for the same JSON byte for byte. `make bench`
measures the whole again (docs/benchmarks.md).

| trick | where | without it | how it falls back |
|---|---|---|---|
| The bindings' Python package exists without its ``__init__``, which imports 1,500 modules. | bare_package.py | +20 s, +1,150 MB | a program that has imported the whole package keeps it |
| The bindings' index in Node loads a module when it is first used. | node_hook.js | +1.8 s, +490 MB | a file with unexpected contents stays unchanged |
| Node loads a package of only the used modules, a fiftieth of the whole. | trim.py; tools/build/warm_synthesis.py makes it | +0.3 s, +70 MB | for any other set of modules, the whole package is loaded, and beside it when one is imported later |
| Node starts before the settings are read, and a thread loads the packages. | node.py | +0.2 s, +50 MB | the first call that needs an answer waits, and raises what failed |
| jsii's program runs without its launcher, which would start a second Node. | node_hook.js | +0.1 s, +50 MB | the launcher runs if jsii is not as expected or Node is running already |
| CDKTF's zip library loads when it is called. | node_hook.js | +0.1 s, +10 MB | a file with unexpected contents stays unchanged |
| The garbage collector is off, because the program ends soon. | main.py | +0.1 s | none needed |

``INGESTION_PLAIN_IMPORTS=1`` switches off all but the last, to compare or to find the cause of a problem.
The cost is a known problem of the bindings: https://github.com/hashicorp/terraform-cdk/issues/3753.
"""
# ruff: noqa: E501 - a table

import os
import sys
import warnings

from ingestion_pipeline.synth_speed import bare_package, node


def start() -> None:
    """Start Node and return at once; from then on only the used modules of the bindings are loaded.

    Call it before anything imports ``cdktf``: later works, but saves less. It does nothing when it was
    called before, when the bindings are imported already, which it warns of, or when
    ``INGESTION_PLAIN_IMPORTS`` is set.

    Raises:
        ModuleNotFoundError: When the bindings are not installed.
    """
    if os.environ.get("INGESTION_PLAIN_IMPORTS"):
        return
    if node.PACKAGE not in sys.modules:
        bare_package.register(node.PACKAGE)
        node.start()
    elif not bare_package.is_registered(node.PACKAGE):
        warnings.warn(
            f"{node.PACKAGE} was imported before ingestion_pipeline, so that all of it is loaded, which takes seconds: "
            "put `import ingestion_pipeline.bindings` above the line that imports it. "
            "INGESTION_PLAIN_IMPORTS=1 leaves all as it is, without this warning",
            stacklevel=2,
        )
