"""The stack's outputs: a contract with every stack that reads them from the state.

An output may be added. Only a major version renames, removes or redefines one.
"""

from ingestion_pipeline.resources.capability import Output, capabilities

FIRST = ("lake", "stream", "fetch_function", "delivery", "dead_letter_queue", "work_queue", "function_url")
"""The capabilities whose outputs come first; those of others follow by name."""


def all_outputs() -> tuple[Output, ...]:
    """Every output, in the order of the documents."""
    return tuple(output for each in capabilities(FIRST).values() for output in each.outputs)
