"""Loads the bindings once and stays until jsii has indexed them, so that every later synth is quick.

jsii writes its index from a thread, some seconds after the first load, and a process that ends
earlier takes the thread with it; without the index every synth reads 130 MB.
"""

import sys
import time
from pathlib import Path

PATIENCE_SECONDS = 60


def main() -> None:
    """Return when the index is there, or after a minute, for it is only a matter of speed."""
    sys.dont_write_bytecode = False
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "constructs"))
    from cdktf_cdktf_provider_aws import _jsii  # noqa: F401

    from ingestion_pipeline import stack  # noqa: F401

    cache = Path.home() / ".cache" / "aws" / "jsii" / "package-cache" / "@cdktf" / "provider-aws"
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and not any(cache.glob("*/*/.jsii.runtime.v1.json")):
        time.sleep(0.2)


if __name__ == "__main__":
    main()
