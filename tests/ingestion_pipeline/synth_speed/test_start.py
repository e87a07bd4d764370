"""The one function that prepares a fast synthesis: when it acts, and when it leaves everything alone."""

import sys

from tests.checkout import Checkout

HEAD = (
    "import sys; sys.path.insert(0, 'constructs');"
    "from ingestion_pipeline import synth_speed; from ingestion_pipeline.synth_speed import node;"
)
STARTED = "print('jsii' in sys.modules, hasattr(sys.modules.get(node.PACKAGE, sys), '__path__'))"


def started(checkout: Checkout, program: str, **variables: str) -> str:
    """Whether jsii is there, and whether the bindings' package is registered, after a Python program."""
    done = checkout.run(sys.executable, "-c", f"{HEAD}{program};{STARTED}", **variables)  # type: ignore[arg-type]
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_registers_the_bindings_and_starts_node(checkout: Checkout) -> None:
    """Afterwards jsii is loaded, and the bindings' package is there although its index has not run."""
    assert started(checkout, "synth_speed.start()") == "True True"


def test_plain_imports_switch_it_off(checkout: Checkout) -> None:
    """With ``INGESTION_PLAIN_IMPORTS`` nothing is registered or started."""
    assert started(checkout, "synth_speed.start()", INGESTION_PLAIN_IMPORTS="1") == "False False"


WHOLE_FIRST = "sys.modules[node.PACKAGE] = whole = type(sys)(node.PACKAGE); synth_speed.start()"


def test_bindings_that_are_imported_already_stay(checkout: Checkout) -> None:
    """A program that has imported the whole package keeps it, and Node is not touched."""
    program = f"import warnings; warnings.simplefilter('ignore'); {WHOLE_FIRST}"

    assert started(checkout, f"{program}; assert sys.modules[node.PACKAGE] is whole") == "False False"


def test_bindings_that_are_imported_already_are_told_once(checkout: Checkout) -> None:
    """One warning says which line to move; no code can undo an import that has taken its seconds."""
    done = checkout.run(sys.executable, "-c", f"{HEAD}{WHOLE_FIRST}; synth_speed.start()")

    assert done.stderr.count("UserWarning: ") == 1
    assert "put `import ingestion_pipeline.bindings` above the line that imports it" in done.stderr
    assert "UserWarning" not in started(checkout, WHOLE_FIRST, INGESTION_PLAIN_IMPORTS="1")


def test_a_second_call_does_nothing(checkout: Checkout) -> None:
    """Node gets its hook once."""
    program = "synth_speed.start(); import jsii; first = jsii.kernel.provider; synth_speed.start()"

    assert started(checkout, f"{program}; assert jsii.kernel.provider is first") == "True True"
