"""Keeps the garbage collector from the start of a process, which makes hardly any garbage.

What starting makes is classes, functions and botocore's models: 85,000 objects, 1,000 of them garbage. Each
full collection looks at all of them, which was a sixth of the start, and would again while records pass. The
handler imports this module first.
"""

import gc
import os

IN_LAMBDA = "AWS_LAMBDA_FUNCTION_NAME" in os.environ
"""True in a Lambda function; any other process keeps its garbage collector."""

if IN_LAMBDA:
    gc.disable()


def end() -> None:
    """Collect again from now on, and never look at what there is already."""
    gc.freeze()
    gc.enable()
